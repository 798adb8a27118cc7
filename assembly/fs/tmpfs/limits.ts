// What one tmpfs may take of the kernel's memory (mount options size= and nr_inodes=).

import { memoryIsShort } from "mm/page";
import { RefCounted } from "../../lib/ref-counted.ts";
import { INODE_SPACE, TmpfsOptions } from "./options.ts";

@final
export class TmpfsLimits extends RefCounted {
  pagesUsed: u64 = 0;
  private inodeSpaceUsed: u64 = 0;

  constructor(
    /** In pages of 4 KiB; 0: no limit but the kernel's memory. */
    public maxPages: u64,
    /** 0: no limit but the kernel's memory. */
    public maxInodes: u64,
  ) {
    super();
  }

  takePages(count: u64): bool {
    if (this.maxPages != 0 && this.pagesUsed + count > this.maxPages) return false;
    this.pagesUsed += count;
    return true;
  }

  givePages(count: u64): void {
    this.pagesUsed -= count;
  }

  get freePages(): u64 {
    return this.maxPages > this.pagesUsed ? this.maxPages - this.pagesUsed : 0;
  }

  /** For a new file, or another name of one (Linux counts both: each pins memory). Also false when the kernel's memory is short. */
  takeInode(): bool {
    return !memoryIsShort() && this.takeInodeSpace(INODE_SPACE);
  }

  giveInode(): void {
    this.giveInodeSpace(INODE_SPACE);
  }

  /** For what may not fail: a root. Given back as all others. */
  forceInode(): void {
    this.inodeSpaceUsed += INODE_SPACE;
  }

  /** Inodes and names; the attributes' share rounded down. */
  get inodesUsed(): u64 {
    return this.inodeSpaceUsed / INODE_SPACE;
  }

  get freeInodes(): u64 {
    const all = this.maxInodes * INODE_SPACE;
    return all > this.inodeSpaceUsed ? (all - this.inodeSpaceUsed) / INODE_SPACE : 0;
  }

  takeInodeSpace(bytes: u64): bool {
    if (this.maxInodes != 0 && this.inodeSpaceUsed + bytes > this.maxInodes * INODE_SPACE) return false;
    this.inodeSpaceUsed += bytes;
    return true;
  }

  giveInodeSpace(bytes: u64): void {
    this.inodeSpaceUsed -= bytes;
  }

  /** Takes the limits that `options` name; false when they are below what is used, or limit what was not limited. */
  change(options: TmpfsOptions): bool {
    if (options.hasPages && options.pages) {
      if (this.maxPages == 0 || this.pagesUsed > options.pages) return false;
    }
    if (options.hasInodes && options.inodes) {
      if (this.maxInodes == 0 || this.inodeSpaceUsed > options.inodes * INODE_SPACE) return false;
    }
    if (options.hasPages) this.maxPages = options.pages;
    if (options.hasInodes) this.maxInodes = options.inodes;
    return true;
  }

  destroy(): void {}
}
