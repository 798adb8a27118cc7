// The inodes of one gofer file system by the server's number for the file, so that two names of one file, or a name that is
// looked up again while the file is open, give one inode.
//
// The table holds no references: an inode leaves it when it ends.

import { Filesystem, Inode } from "../../vfs/dentry.ts";

const BUCKETS: u32 = 1024;

/** An inode whose `ino` is the server's qid path. */
export abstract class NumberedInode extends Inode {
  nextInTable: NumberedInode | null = null;
  isListed: bool = false;

  constructor(fs: Filesystem) {
    super(fs);
  }
}

@final
export class InodeTable {
  private readonly buckets: usize = heap.alloc((<usize>BUCKETS) << 2);

  destroy(): void {
    heap.free(this.buckets);
  }

  find(ino: u64): NumberedInode | null {
    let at = changetype<NumberedInode | null>(<usize>load<u32>(this.bucketOf(ino)));
    while (at !== null && at.ino != ino) at = at.nextInTable;
    return at;
  }

  /** Preconditions: no other inode with this number is listed. */
  insert(inode: NumberedInode): void {
    const bucket = this.bucketOf(inode.ino);
    inode.nextInTable = changetype<NumberedInode | null>(<usize>load<u32>(bucket));
    inode.isListed = true;
    store<u32>(bucket, <u32>changetype<usize>(inode));
  }

  /** Takes an inode out, if it is in. */
  remove(inode: NumberedInode): void {
    if (!inode.isListed) return;
    const bucket = this.bucketOf(inode.ino);
    let previous: NumberedInode | null = null;
    let at = changetype<NumberedInode | null>(<usize>load<u32>(bucket));
    while (at !== null && at !== inode) {
      previous = at;
      at = at.nextInTable;
    }
    const next = inode.nextInTable;
    if (previous === null) store<u32>(bucket, <u32>changetype<usize>(next));
    else previous.nextInTable = next;
    inode.nextInTable = null;
    inode.isListed = false;
  }

  private bucketOf(ino: u64): usize {
    const hash = <u32>((ino * 0x9e3779b97f4a7c15) >> 40);
    return this.buckets + ((<usize>(hash & (BUCKETS - 1))) << 2);
  }
}
