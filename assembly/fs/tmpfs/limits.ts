// What one tmpfs may take of the kernel's memory (mount options size= and nr_inodes=), and what all of them may take together:
// a sandbox's limit on disk space, which is no file system's own.

import { memoryIsShort } from "mm/page";
import { ENOSPC } from "../../abi/errno.ts";
import {
  ROOT_TMPFS_INODE_SPACE,
  ROOT_TMPFS_INODE_SPACE_MAX,
  ROOT_TMPFS_PAGES,
  ROOT_TMPFS_PAGES_MAX,
} from "../../abi/kernel-layout.ts";
import {
  REFUSED_DISK_SPACE,
  REFUSED_KERNEL_MEMORY,
  REFUSED_TMPFS_INODES,
  REFUSED_TMPFS_SIZE,
} from "../../abi/refusal.ts";
import { RefCounted } from "../../lib/ref-counted.ts";
import { refuse } from "../../sched/refusal.ts";
import { INODE_SPACE, TmpfsOptions } from "./options.ts";

/** Takes from what all have together: false when that is more than there may be. */
function takeShared(used: usize, most: usize, amount: u64): bool {
  const now = load<u64>(used) + amount;
  const limit = load<u64>(most);
  if (limit != 0 && now > limit) return false;
  store<u64>(used, now);
  return true;
}

function giveShared(used: usize, amount: u64): void {
  store<u64>(used, load<u64>(used) - amount);
}

function leftShared(used: usize, most: usize): u64 {
  const limit = load<u64>(most);
  if (limit == 0) return u64.MAX_VALUE;
  return limit > load<u64>(used) ? limit - load<u64>(used) : 0;
}

/** What all tmpfs may take from now on, together and besides what they have; 0: no limit. */
export function limitTmpfs(pages: u64, inodes: u64): void {
  store<u64>(ROOT_TMPFS_PAGES_MAX, pages ? load<u64>(ROOT_TMPFS_PAGES) + pages : 0);
  const space = inodes * INODE_SPACE;
  store<u64>(ROOT_TMPFS_INODE_SPACE_MAX, inodes ? load<u64>(ROOT_TMPFS_INODE_SPACE) + space : 0);
}

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
    if (!takeShared(ROOT_TMPFS_PAGES, ROOT_TMPFS_PAGES_MAX, count)) return false;
    this.pagesUsed += count;
    return true;
  }

  /** -ENOSPC: there was no page to be had. */
  refusePage(): i32 {
    if (this.maxPages == 0 || this.pagesUsed < this.maxPages) {
      const full = leftShared(ROOT_TMPFS_PAGES, ROOT_TMPFS_PAGES_MAX) == 0;
      return refuse(ENOSPC, full ? REFUSED_DISK_SPACE : REFUSED_KERNEL_MEMORY);
    }
    return this.refuseSize();
  }

  /** -ENOSPC: more was asked for than there can be. */
  refuseSize(): i32 {
    return refuse(ENOSPC, REFUSED_TMPFS_SIZE, this.maxPages << 12);
  }

  /** -ENOSPC: there was no inode to be had. */
  refuseInode(): i32 {
    if (memoryIsShort()) return refuse(ENOSPC, REFUSED_KERNEL_MEMORY);
    if (leftShared(ROOT_TMPFS_INODE_SPACE, ROOT_TMPFS_INODE_SPACE_MAX) < INODE_SPACE) {
      return refuse(ENOSPC, REFUSED_DISK_SPACE);
    }
    return refuse(ENOSPC, REFUSED_TMPFS_INODES, this.maxInodes);
  }

  givePages(count: u64): void {
    this.pagesUsed -= count;
    giveShared(ROOT_TMPFS_PAGES, count);
  }

  get freePages(): u64 {
    const own = this.maxPages > this.pagesUsed ? this.maxPages - this.pagesUsed : 0;
    return min(own, leftShared(ROOT_TMPFS_PAGES, ROOT_TMPFS_PAGES_MAX));
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
    store<u64>(ROOT_TMPFS_INODE_SPACE, load<u64>(ROOT_TMPFS_INODE_SPACE) + INODE_SPACE);
  }

  /** Inodes and names; the attributes' share rounded down. */
  get inodesUsed(): u64 {
    return this.inodeSpaceUsed / INODE_SPACE;
  }

  get freeInodes(): u64 {
    const all = this.maxInodes * INODE_SPACE;
    const own = all > this.inodeSpaceUsed ? all - this.inodeSpaceUsed : 0;
    return min(own, leftShared(ROOT_TMPFS_INODE_SPACE, ROOT_TMPFS_INODE_SPACE_MAX)) / INODE_SPACE;
  }

  takeInodeSpace(bytes: u64): bool {
    if (this.maxInodes != 0 && this.inodeSpaceUsed + bytes > this.maxInodes * INODE_SPACE) return false;
    if (!takeShared(ROOT_TMPFS_INODE_SPACE, ROOT_TMPFS_INODE_SPACE_MAX, bytes)) return false;
    this.inodeSpaceUsed += bytes;
    return true;
  }

  giveInodeSpace(bytes: u64): void {
    this.inodeSpaceUsed -= bytes;
    giveShared(ROOT_TMPFS_INODE_SPACE, bytes);
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
