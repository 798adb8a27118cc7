// What one tmpfs may take of the kernel's memory (mount options size= and nr_inodes=).

import { memoryIsShort } from "mm/page";
import { RefCounted } from "../../lib/ref-counted.ts";

@final
export class TmpfsLimits extends RefCounted {
  pagesUsed: u64 = 0;
  inodesUsed: u64 = 0;

  constructor(
    /** In pages of 4 KiB. */
    readonly maxPages: u64,
    readonly maxInodes: u64,
  ) {
    super();
  }

  takePages(count: u64): bool {
    if (this.pagesUsed + count > this.maxPages) return false;
    this.pagesUsed += count;
    return true;
  }

  givePages(count: u64): void {
    this.pagesUsed -= count;
  }

  /** For a new file, or another name of one (Linux counts both: each pins memory). Also false when the kernel's memory is short. */
  takeInode(): bool {
    if (this.inodesUsed >= this.maxInodes || memoryIsShort()) return false;
    this.inodesUsed++;
    return true;
  }

  giveInode(): void {
    this.inodesUsed--;
  }

  destroy(): void {}
}
