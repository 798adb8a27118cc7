// The lock owners of one connection.

import type { DescriptorBudget } from "../../gofer/host-fs/budget.ts";
import type { Native } from "../../native/interface.ts";
import type { Fid } from "./fid.ts";
import type { LockOwner } from "./lock-owner.ts";

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
