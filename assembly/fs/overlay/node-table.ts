// The overlay's inodes of files that have several names in a lower layer, by the lower layer's inode: all names give one. The
// table holds no references: an inode leaves it when it ends.

import { Filesystem, Inode } from "../../vfs/dentry.ts";

const BUCKETS: u32 = 256;

/** What the table links: an overlay's inode and the lower inode that it is found by. */
export abstract class TableNode extends Inode {
  nextInTable: TableNode | null = null;
  /** The address of the lower inode, which the node keeps; 0: not in the table. */
  tableKey: usize = 0;

  constructor(fs: Filesystem) {
    super(fs);
  }
}

@final
export class NodeTable {
  /** Made with the first entry: most overlays never have one. */
  private buckets: usize = 0;

  destroy(): void {
    if (this.buckets) heap.free(this.buckets);
  }

  find(lower: Inode): TableNode | null {
    if (!this.buckets) return null;
    const key = changetype<usize>(lower);
    let at = changetype<TableNode | null>(<usize>load<u32>(this.bucketOf(key)));
    while (at !== null && at.tableKey != key) at = at.nextInTable;
    return at;
  }

  /** Preconditions: no node with this key is in the table. */
  insert(lower: Inode, node: TableNode): void {
    if (!this.buckets) {
      this.buckets = heap.alloc((<usize>BUCKETS) << 2);
      memory.fill(this.buckets, 0, (<usize>BUCKETS) << 2);
    }
    node.tableKey = changetype<usize>(lower);
    const bucket = this.bucketOf(node.tableKey);
    node.nextInTable = changetype<TableNode | null>(<usize>load<u32>(bucket));
    store<u32>(bucket, <u32>changetype<usize>(node));
  }

  /** Takes a node out, if it is in. */
  remove(node: TableNode): void {
    if (!node.tableKey) return;
    const bucket = this.bucketOf(node.tableKey);
    let previous: TableNode | null = null;
    let at = changetype<TableNode | null>(<usize>load<u32>(bucket));
    while (at !== null && at !== node) {
      previous = at;
      at = at.nextInTable;
    }
    const next = node.nextInTable;
    if (previous === null) store<u32>(bucket, <u32>changetype<usize>(next));
    else previous.nextInTable = next;
    node.nextInTable = null;
    node.tableKey = 0;
  }

  private bucketOf(key: usize): usize {
    const hash = <u32>(key >> 4) * 0x9e3779b1;
    return this.buckets + ((<usize>(hash >> 24)) << 2);
  }
}
