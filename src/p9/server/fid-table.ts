// A connection's fids.

import { Fid, type FidAttribute } from "./fid.ts";
import { LockOwners } from "./lock-owners.ts";
import type { Tree } from "./tree.ts";
import type { TreeNode } from "./tree-node.ts";

/** Enough for every entry of a client's dentry cache; some 2 MiB of objects. Linux's own client rarely holds 1,000. */
export const FIDS_MAX = 16384;

export class FidTable {
  readonly lockOwners: LockOwners;
  /** What the values of all attribute fids take. */
  attributeBytes = 0;
  private readonly fids = new Map<number, Fid>();
  private readonly tree: Tree;

  constructor(tree: Tree) {
    this.tree = tree;
    this.lockOwners = new LockOwners(tree);
  }

  /** Whether `count` more fids fit. */
  allows(count: number): boolean {
    return this.fids.size + count <= FIDS_MAX;
  }

  get(number: number): Fid | undefined {
    return this.fids.get(number);
  }

  values(): Iterable<Fid> {
    return this.fids.values();
  }

  /** Ownership: takes the reference on `node`. Preconditions: the number is free and the table is not full. */
  insert(number: number, node: TreeNode, uid: number): Fid {
    const fid = new Fid(number, node, uid);
    this.fids.set(number, fid);
    return fid;
  }

  /** Gives a fid its handle, which it owns from now on. */
  opened(fid: Fid, handle: number, access: number): void {
    fid.handle = handle;
    fid.access = access;
    fid.cookieLow = 0;
    fid.cookieHigh = 0;
  }

  /** Makes a fid that is not open an attribute's. */
  setAttribute(fid: Fid, attribute: FidAttribute): void {
    fid.attribute = attribute;
    this.attributeBytes += attribute.value.length;
  }

  clunk(fid: Fid): void {
    this.fids.delete(fid.number);
    this.release(fid);
  }

  clear(): void {
    for (const fid of this.fids.values()) this.release(fid);
    this.fids.clear();
  }

  private release(fid: Fid): void {
    if (fid.handle >= 0) this.tree.close(fid.handle);
    this.lockOwners.release(fid);
    this.attributeBytes -= fid.attribute?.value.length ?? 0;
    fid.node.decRef();
  }
}
