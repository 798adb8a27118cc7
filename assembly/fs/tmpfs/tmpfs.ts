// tmpfs: files in the kernel's memory (Linux: mm/shmem.c).

import { pagesMax } from "mm/page";
import { EINVAL } from "../../abi/errno.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../abi/stat.ts";
import { free } from "../../lib/ref-counted.ts";
import { StatFs } from "../../vfs/attributes.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { FS_TMPFS } from "../../vfs/filesystem-type.ts";
import { InodeNumbers, TmpfsDirectory } from "./directory.ts";
import { TmpfsLimits } from "./limits.ts";
import { TmpfsOptions } from "./options.ts";
import { TmpfsRegularFile } from "./regular-file.ts";
import { TmpfsSymlink } from "./symlink.ts";

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

  /**
   * Other limits; the root stays whose it is. Errors: EINVAL also for limits below what is used, and where there was none (Linux:
   * shmem_reconfigure()).
   */
  override reconfigure(data: usize, length: u32): i32 {
    const options = new TmpfsOptions();
    let result = options.parse(data, length);
    if (result == 0) result = this.limits.change(options) ? 0 : -EINVAL;
    free(options);
    return result;
  }
}

/** Half of the kernel's memory, as Linux takes half of the machine's. */
function defaultPages(): u64 {
  return <u64>(pagesMax() >> 1);
}

/** A new file system; returns its root dentry with one reference. `sizeBytes` 0: half of the kernel's memory. */
export function mountTmpfs(sizeBytes: u64, mode: u32, uid: u32, gid: u32): Dentry {
  const pages = sizeBytes ? (sizeBytes + 4095) >> 12 : defaultPages();
  return mountRoot(new TmpfsLimits(pages, INODES_MAX), <u32>S_IFDIR | mode, uid, gid, 0, 0);
}

/** As mount(2) with these options makes it. */
export function mountTmpfsWith(options: TmpfsOptions): Dentry {
  const pages = options.hasPages ? options.pages : defaultPages();
  const inodes = options.hasInodes ? options.inodes : INODES_MAX;
  const limits = new TmpfsLimits(pages, inodes);
  const root = mountRoot(limits, <u32>S_IFDIR | options.mode, options.uid, options.gid, 0, 0);
  root.fs.readonly = options.readonly;
  return root;
}

/**
 * A file system of one file: `mode` has its type, S_IFREG or S_IFLNK with the text at `target`. For what is mounted on a file, and
 * for the upper layer over one.
 */
export function mountTmpfsFile(mode: u32, uid: u32, gid: u32, target: usize, length: u32): Dentry {
  return mountRoot(new TmpfsLimits(defaultPages(), INODES_MAX), mode, uid, gid, target, length);
}

/** Takes over the reference on `limits`. */
function mountRoot(limits: TmpfsLimits, mode: u32, uid: u32, gid: u32, target: usize, length: u32): Dentry {
  const fs = new TmpfsFilesystem(limits);
  // Not takeInode(), which may refuse: the root gives its share back when it ends.
  limits.forceInode();
  const ino = fs.nextIno();
  const type = mode & <u32>S_IFMT;
  let inode: Inode;
  if (type == <u32>S_IFREG) inode = new TmpfsRegularFile(fs, limits, ino, mode, uid, gid);
  else if (type == <u32>S_IFLNK) inode = new TmpfsSymlink(fs, limits, ino, uid, gid, target, length);
  else inode = new TmpfsDirectory(fs, limits, ino, mode, uid, gid);
  const root = makeRootDentry(fs, inode);
  fs.decRef();
  return root;
}
