// A connection's fids: the numbers by which its client names files.
//
// States
//   known   refers to a node; can be walked from, asked and changed
//   open    also holds an open descriptor of a regular file or directory, until it is clunked
//
// A fid owns a reference on its node, and its open descriptor.

import type { Native } from "../native/interface.ts";
import type { DescriptorBudget } from "./host-fs/budget.ts";
import type { HostNode } from "./host-fs/host-node.ts";

/** Enough for every entry of a client's dentry cache; some 2 MiB of objects. Linux's own client rarely holds 1,000. */
export const FIDS_MAX = 16384;

export class Fid {
  readonly number: number;
  node: HostNode;
  /** Who attached: new files are made theirs. P9_NONUNAME when the client did not say. */
  readonly uid: number;
  /** -1 while the fid is only known. */
  openFd = -1;
  /** The access mode of openFd. */
  access = 0;
  /** The directory cookie where openFd stands, as two halves: host cookies use all 64 bits. */
  cookieLow = 0;
  cookieHigh = 0;

  constructor(number: number, node: HostNode, uid: number) {
    this.number = number;
    this.node = node;
    this.uid = uid;
  }

  get isOpen(): boolean {
    return this.openFd >= 0;
  }
}

export class FidTable {
  private readonly fids = new Map<number, Fid>();
  private readonly native: Native;
  private readonly budget: DescriptorBudget;

  constructor(native: Native, budget: DescriptorBudget) {
    this.native = native;
    this.budget = budget;
  }

  get isFull(): boolean {
    return this.fids.size >= FIDS_MAX;
  }

  get(number: number): Fid | undefined {
    return this.fids.get(number);
  }

  values(): Iterable<Fid> {
    return this.fids.values();
  }

  /** Ownership: takes the reference on `node`. Preconditions: the number is free and the table is not full. */
  insert(number: number, node: HostNode, uid: number): Fid {
    const fid = new Fid(number, node, uid);
    this.fids.set(number, fid);
    return fid;
  }

  /** Gives a fid its open descriptor, which it owns from now on. */
  opened(fid: Fid, fd: number, access: number): void {
    fid.openFd = fd;
    fid.access = access;
    fid.cookieLow = 0;
    fid.cookieHigh = 0;
    this.budget.used++;
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
    if (fid.openFd >= 0) {
      this.native.close(fid.openFd);
      this.budget.used--;
    }
    fid.node.decRef(this.native);
  }
}
