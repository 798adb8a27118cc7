// Who holds locks, by which handle of the tree: see handlers/lock.ts.

import type { TreeNode } from "./tree-node.ts";

export class LockOwner {
  readonly key: string;
  readonly handle: number;
  /** The fids through which it asked for locks. */
  users = 0;

  constructor(key: string, handle: number) {
    this.key = key;
    this.handle = handle;
  }

  /** One owner on one file. */
  static key(node: TreeNode, process: number, client: string): string {
    return `${node.identity}:${process}:${client}`;
  }
}
