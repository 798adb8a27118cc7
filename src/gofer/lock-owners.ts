// Who holds locks through one connection, and on which open file description of the host: see handlers/lock.ts.

import type { Native } from "../native/interface.ts";
import type { Fid } from "./fid-table.ts";
import type { DescriptorBudget } from "./host-fs/budget.ts";
import type { HostNode } from "./host-fs/host-node.ts";

export class LockOwner {
  readonly key: string;
  readonly fd: number;
  /** The fids through which it asked for locks. */
  users = 0;

  constructor(key: string, fd: number) {
    this.key = key;
    this.fd = fd;
  }

  /** One owner on one file. */
  static key(node: HostNode, process: number, client: string): string {
    const file = `${node.deviceMajor}:${node.deviceMinor}:${node.inodeHigh}:${node.inodeLow}`;
    return `${file}:${process}:${client}`;
  }
}

export class LockOwners {
  private readonly owners = new Map<string, LockOwner>();
  private readonly native: Native;
  private readonly budget: DescriptorBudget;

  constructor(native: Native, budget: DescriptorBudget) {
    this.native = native;
    this.budget = budget;
  }

  get(key: string): LockOwner | undefined {
    return this.owners.get(key);
  }

  /** Notes that `fid` has asked for a lock of `owner`, whose descriptor is this table's from now on. */
  attach(fid: Fid, owner: LockOwner): void {
    fid.lockOwners ??= new Set();
    if (fid.lockOwners.has(owner)) return;
    fid.lockOwners.add(owner);
    if (owner.users++ > 0) return;
    this.owners.set(owner.key, owner);
    this.budget.used++;
  }

  /** The fid is clunked: owners that used no other lose their locks. */
  release(fid: Fid): void {
    for (const owner of fid.lockOwners ?? []) {
      if (--owner.users > 0) continue;
      this.owners.delete(owner.key);
      this.native.close(owner.fd);
      this.budget.used--;
    }
  }
}
