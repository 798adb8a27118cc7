// Who a task is: user, groups, capabilities. Immutable once a task runs with it (Linux: struct cred).

import { RefCounted } from "../lib/ref-counted.ts";

/** NGROUPS_MAX is 65,536 on Linux; an OCI bundle never needs more than this. */
export const GROUPS_MAX: u32 = 1024;

@final
export class Credentials extends RefCounted {
  /** Heap array of u32 group ids, or 0. */
  private groups: usize = 0;
  private groupCount: u32 = 0;

  constructor(
    public uid: u32,
    public gid: u32,
    /** Effective capabilities, bit n for capability n. */
    public capabilities: u64,
  ) {
    super();
  }

  addGroup(gid: u32): bool {
    if (this.groupCount == GROUPS_MAX) return false;
    if (!this.groups) this.groups = heap.alloc((<usize>GROUPS_MAX) << 2);
    store<u32>(this.groups + ((<usize>this.groupCount) << 2), gid);
    this.groupCount++;
    return true;
  }

  inGroup(gid: u32): bool {
    if (gid == this.gid) return true;
    for (let i: u32 = 0; i < this.groupCount; i++) {
      if (load<u32>(this.groups + ((<usize>i) << 2)) == gid) return true;
    }
    return false;
  }

  hasCapability(capability: i32): bool {
    return ((this.capabilities >> <u64>capability) & 1) != 0;
  }

  destroy(): void {
    if (this.groups) heap.free(this.groups);
  }
}
