// tmpfs: files in the kernel's memory (Linux: mm/shmem.c).

import { pagesMax } from "mm/page";
import { S_IFDIR } from "../../abi/stat.ts";
import { StatFs } from "../../vfs/attributes.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FS_TMPFS } from "../../vfs/filesystem-type.ts";
import { InodeNumbers, TmpfsDirectory } from "./directory.ts";
import { TmpfsLimits } from "./limits.ts";

/** An inode with its name takes about 600 bytes of kernel memory; this many leave most of the rest to data. */
const INODES_MAX: u64 = 400000;
const TMPFS_MAGIC: u64 = 0x01021994;

@final
export class TmpfsFilesystem extends InodeNumbers {
  private lastIno: u64 = 0;

  constructor(readonly limits: TmpfsLimits) {
    super();
    this.hasAcls = true;
  }

  override destroy(): void {
    this.limits.decRef();
    super.destroy();
  }

  nextIno(): u64 {
    return ++this.lastIno;
  }

  typeId(): u32 {
    return FS_TMPFS;
  }

  statfs(out: StatFs): i32 {
    const limits = this.limits;
    out.type = TMPFS_MAGIC;
    out.blocks = limits.maxPages;
    out.free = limits.freePages;
    out.available = out.free;
    out.files = limits.maxInodes;
    out.filesFree = limits.freeInodes;
    return 0;
  }
}

/**
 * A new file system; returns its root dentry with one reference. `sizeBytes` 0: half of the kernel's memory, as Linux takes
 * half of the machine's.
 */
export function mountTmpfs(sizeBytes: u64, mode: u32, uid: u32, gid: u32): Dentry {
  const pages = sizeBytes ? (sizeBytes + 4095) >> 12 : <u64>(pagesMax() >> 1);
  const limits = new TmpfsLimits(pages, INODES_MAX);
  const fs = new TmpfsFilesystem(limits);
  // Not takeInode(), which may refuse: the root gives its share back when it ends.
  limits.forceInode();
  const inode = new TmpfsDirectory(fs, limits, fs.nextIno(), <u32>S_IFDIR | mode, uid, gid);
  const root = makeRootDentry(fs, inode);
  fs.decRef();
  return root;
}
