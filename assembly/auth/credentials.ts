// Who a task is: ids, groups, capabilities (Linux: struct cred). Immutable once a task runs with it: a call that changes an id
// makes a copy, changes that, and puts it in place (kernel/task.ts setCredentials()). Ids of -1 are no ids.

import { ROOT_LAST_CREDENTIALS } from "../abi/kernel-layout.ts";
import { RefCounted } from "../lib/ref-counted.ts";
import { GroupInfo } from "./group-info.ts";

/** Every capability that there is: bits 0 to CAP_LAST_CAP. */
export const CAP_FULL_SET: u64 = 0x1ffffffffff;

@final
export class Credentials extends RefCounted {
  // Effective and saved ids, and what file checks look at (fs ids), begin as the real ones.
  euid: u32;
  egid: u32;
  suid: u32;
  sgid: u32;
  fsuid: u32;
  fsgid: u32;
  /** What the effective set may be raised to. Bit n is capability n. */
  permitted: u64;
  /** What checks look at. */
  effective: u64;
  inheritable: u64 = 0;
  /** What the inheritable set may gain. */
  bounding: u64;
  groups: GroupInfo = new GroupInfo();
  /** No two have the same, so that who keeps the number can tell them apart without a reference. */
  readonly number: u32;

  /** The real ids; `capabilities` become permitted, effective and bounding. */
  constructor(
    public uid: u32,
    public gid: u32,
    capabilities: u64,
  ) {
    super();
    this.number = load<u32>(ROOT_LAST_CREDENTIALS) + 1;
    store<u32>(ROOT_LAST_CREDENTIALS, this.number);
    this.euid = uid;
    this.suid = uid;
    this.fsuid = uid;
    this.egid = gid;
    this.sgid = gid;
    this.fsgid = gid;
    const known = capabilities & CAP_FULL_SET;
    this.permitted = known;
    this.effective = known;
    this.bounding = known;
  }

  /** A copy to be changed (Linux: prepare_creds()). */
  copy(): Credentials {
    const made = new Credentials(this.uid, this.gid, 0);
    made.euid = this.euid;
    made.egid = this.egid;
    made.suid = this.suid;
    made.sgid = this.sgid;
    made.fsuid = this.fsuid;
    made.fsgid = this.fsgid;
    made.permitted = this.permitted;
    made.effective = this.effective;
    made.inheritable = this.inheritable;
    made.bounding = this.bounding;
    made.setGroups(this.groups);
    return made;
  }

  /** Takes a reference on `groups`. */
  setGroups(groups: GroupInfo): void {
    groups.incRef();
    this.groups.decRef();
    this.groups = groups;
  }

  /** One more supplementary group; false when there are too many. For the maker of credentials. */
  addGroup(gid: u32): bool {
    return this.groups.add(gid);
  }

  /** Whether files of that group are the group's to it. */
  inGroup(gid: u32): bool {
    return gid == this.fsgid || this.groups.has(gid);
  }

  hasCapability(capability: i32): bool {
    return ((this.effective >> <u64>capability) & 1) != 0;
  }

  destroy(): void {
    this.groups.decRef();
  }
}
