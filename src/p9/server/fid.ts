// A fid: a number by which a connection's client names a file.
//
// States
//   known   refers to a node; can be walked from, asked and changed
//   open    also holds a handle of an open regular file or directory, until it is clunked
//   attribute   stands for an extended attribute of its file: can be read or written, and nothing else
//
// A fid owns a reference on its node, and its handle.

import type { LockOwner } from "./lock-owner.ts";
import type { TreeNode } from "./tree-node.ts";

/** A fid's attribute: the value that it reads, or the one that is being written. */
export interface FidAttribute {
  readonly value: Uint8Array;
  /** Where it is set when the fid is clunked; undefined for one that is read. */
  readonly target: { readonly name: Uint8Array; readonly flags: number } | undefined;
  /** How much of it was written. */
  written: number;
}

export class Fid {
  readonly number: number;
  node: TreeNode;
  /** Who attached: new files are made theirs. P9_NONUNAME when the client did not say. */
  readonly uid: number;
  /** -1 while the fid is only known. */
  handle = -1;
  /** The access mode of the handle. */
  access = 0;
  /** Where a directory's handle stands. */
  cookieLow = 0;
  cookieHigh = 0;
  /** What an attribute's fid reads or writes. */
  attribute: FidAttribute | null = null;
  /** Who has asked for locks through this fid. */
  lockOwners: Set<LockOwner> | null = null;

  constructor(number: number, node: TreeNode, uid: number) {
    this.number = number;
    this.node = node;
    this.uid = uid;
  }

  get isOpen(): boolean {
    return this.handle >= 0;
  }
}
