// The lock owners of one connection.

import type { Fid } from "./fid.ts";
import type { LockOwner } from "./lock-owner.ts";
import type { Tree } from "./tree.ts";

export class LockOwners {
  private readonly owners = new Map<string, LockOwner>();
  private readonly tree: Tree;

  constructor(tree: Tree) {
    this.tree = tree;
  }

  get(key: string): LockOwner | undefined {
    return this.owners.get(key);
  }

  /** Notes that `fid` has asked for a lock of `owner`, whose handle is this table's from now on. */
  attach(fid: Fid, owner: LockOwner): void {
    fid.lockOwners ??= new Set();
    if (fid.lockOwners.has(owner)) return;
    fid.lockOwners.add(owner);
    if (owner.users++ === 0) this.owners.set(owner.key, owner);
  }

  /** The fid is clunked: owners that used no other lose their locks. */
  release(fid: Fid): void {
    for (const owner of fid.lockOwners ?? []) {
      if (--owner.users > 0) continue;
      this.owners.delete(owner.key);
      this.tree.close(owner.handle);
    }
  }
}
