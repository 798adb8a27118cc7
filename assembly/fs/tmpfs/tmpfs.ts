// tmpfs: files in the kernel's memory (Linux: mm/shmem.c).

import { pagesMax } from "mm/page";
import { EINVAL } from "../../abi/errno.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../abi/stat.ts";
import { free } from "../../lib/ref-counted.ts";
import { StatFs } from "../../vfs/attributes.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { FS_DEVTMPFS, FS_TMPFS } from "../../vfs/filesystem-type.ts";
import { Text } from "../../vfs/text.ts";
import { InodeNumbers, TmpfsDirectory } from "./directory.ts";
import { TmpfsLimits } from "./limits.ts";
import { HUGE_ADVISE, HUGE_ALWAYS, HUGE_NEVER, HUGE_WITHIN_SIZE, TmpfsOptions } from "./options.ts";
import { TmpfsRegularFile } from "./regular-file.ts";
import { TmpfsSymlink } from "./symlink.ts";

/** An inode with its name takes about 600 bytes of kernel memory; this many leave most of the rest to data. */
const INODES_MAX: u64 = 400000;
const TMPFS_MAGIC: u64 = 0x01021994;
const DEFAULT_MODE: u32 = 0o1777;

@final
export class TmpfsFilesystem extends InodeNumbers {
  private lastIno: u64 = 0;
  // Mount options of the root, which a remount leaves as they are.
  mode: u32 = DEFAULT_MODE;
  uid: u32 = 0;
  gid: u32 = 0;
  huge: u32 = HUGE_NEVER;
  noswap: bool = false;
  /** It is mounted as a devtmpfs. */
  hasDevices: bool = false;

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
    return this.hasDevices ? FS_DEVTMPFS : FS_TMPFS;
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

  /** Linux: shmem_show_options(). */
  override showOptions(out: Text): void {
    const limits = this.limits;
    if (limits.maxPages != defaultPages())
      out
        .text(",size=")
        .decimal(limits.maxPages << 2)
        .byte(0x6b);
    if (limits.maxInodes != INODES_MAX) out.text(",nr_inodes=").decimal(limits.maxInodes);
    if (this.mode != DEFAULT_MODE) out.text(",mode=").octal(this.mode, 3);
    if (this.uid) out.text(",uid=").decimal(this.uid);
    if (this.gid) out.text(",gid=").decimal(this.gid);
    if (this.huge == HUGE_ALWAYS) out.text(",huge=always");
    if (this.huge == HUGE_WITHIN_SIZE) out.text(",huge=within_size");
    if (this.huge == HUGE_ADVISE) out.text(",huge=advise");
    if (this.noswap) out.text(",noswap");
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

/** `sizeBytes` 0: the default. */
function pagesFor(sizeBytes: u64): u64 {
  return sizeBytes ? (sizeBytes + 4095) >> 12 : defaultPages();
}

/** A new file system; returns its root dentry with one reference. `sizeBytes` 0: half of the kernel's memory. */
export function mountTmpfs(sizeBytes: u64, mode: u32, uid: u32, gid: u32): Dentry {
  const limits = new TmpfsLimits(pagesFor(sizeBytes), INODES_MAX);
  const root = mountRoot(limits, <u32>S_IFDIR | mode, uid, gid, 0, 0);
  remember(root, mode, uid, gid);
  return root;
}

/** As mount(2) with these options makes it. */
export function mountTmpfsWith(options: TmpfsOptions): Dentry {
  const pages = options.hasPages ? options.pages : defaultPages();
  const inodes = options.hasInodes ? options.inodes : INODES_MAX;
  const limits = new TmpfsLimits(pages, inodes);
  const root = mountRoot(limits, <u32>S_IFDIR | options.mode, options.uid, options.gid, 0, 0);
  const fs = remember(root, options.mode, options.uid, options.gid);
  fs.readonly = options.readonly;
  fs.huge = options.huge;
  fs.noswap = options.noswap;
  return root;
}

/** The options that are shown. */
function remember(root: Dentry, mode: u32, uid: u32, gid: u32): TmpfsFilesystem {
  const fs = changetype<TmpfsFilesystem>(root.fs);
  fs.mode = mode;
  fs.uid = uid;
  fs.gid = gid;
  return fs;
}

/** As mountTmpfs(), of one file alone: `mode` has its type, S_IFREG or S_IFLNK with the text at `target`. For what is mounted on a file. */
export function mountTmpfsFile(
  sizeBytes: u64,
  mode: u32,
  uid: u32,
  gid: u32,
  target: usize,
  length: u32,
): Dentry {
  return mountRoot(new TmpfsLimits(pagesFor(sizeBytes), INODES_MAX), mode, uid, gid, target, length);
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
