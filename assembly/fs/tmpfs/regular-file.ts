// Regular files of tmpfs. Nothing here sleeps: the kernel lock alone keeps reads and writes whole.

import { pagesMax } from "mm/page";
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from "../../abi/data.ts";
import { EFBIG, EINVAL, ENOSPC, ENXIO, EOPNOTSUPP, EPERM } from "../../abi/errno.ts";
import {
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
} from "../../abi/fcntl.ts";
import { REFUSED_KERNEL_MEMORY } from "../../abi/refusal.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { refuse } from "../../sched/refusal.ts";
import { fileAccessed } from "../../vfs/atime.ts";
import { Dentry, Filesystem } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { MNT_NOATIME, MNT_RELATIME, Mount } from "../../vfs/mount.ts";
import { FileData } from "./file-data.ts";
import { TmpfsInode } from "./inode.ts";
import { TmpfsLimits } from "./limits.ts";

/** Linux: MAX_LFS_FILESIZE. Every size is possible. */
const SIZE_MAX: i64 = i64.MAX_VALUE;

const PAGE_MASK: i64 = 4095;
/** The largest offset of a page. */
const LAST_PAGE: i64 = i64.MAX_VALUE & ~PAGE_MASK;

@final
export class TmpfsRegularFile extends TmpfsInode {
  data: FileData;

  constructor(fs: Filesystem, limits: TmpfsLimits, ino: u64, mode: u32, uid: u32, gid: u32) {
    super(fs, limits, ino, mode, uid, gid);
    // What memfd_create(2) does not make cannot be sealed.
    this.seals = <u32>F_SEAL_SEAL;
    this.data = new FileData(limits);
  }

  override destroy(): void {
    this.data.destroy();
    super.destroy();
  }

  /** Errors: EINVAL, EPERM for seals. Also pages behind the end go, which fallocate(2) may have made. */
  override setSize(size: i64): i32 {
    if (size < 0) return -EINVAL;
    if (size < this.size && this.seals & <u32>F_SEAL_SHRINK) return -EPERM;
    if (size > this.size && this.seals & <u32>F_SEAL_GROW) return -EPERM;
    if (size <= this.size) this.data.truncate(size);
    this.size = size;
    this.updateBlocks();
    return 0;
  }

  updateBlocks(): void {
    this.blocks = this.data.pages << 3;
  }

  open(mount: usize, dentry: Dentry, flags: u32): usize {
    return changetype<usize>(new TmpfsFile(changetype<Mount>(mount), dentry, flags));
  }
}

@final
class TmpfsFile extends FileDescription {
  private wasRead: bool = false;

  private get regular(): TmpfsRegularFile {
    return changetype<TmpfsRegularFile>(this.inode);
  }

  override read(to: IovIter, offset: i64): i64 {
    if (offset < 0) return -EINVAL;
    const inode = this.regular;
    this.accessed(inode);
    if (offset >= inode.size) return 0;
    const length = <u32>min<i64>(to.remaining, inode.size - offset);
    inode.data.read(to, offset, length);
    return length;
  }

  /**
   * fileAccessed(), but with relatime a description asks once whether atime is a day old, because the clock costs as much as the
   * read. Linux asks the second at each read.
   */
  private accessed(inode: TmpfsRegularFile): void {
    const flags = this.mount.flags;
    if (flags & MNT_NOATIME || (flags & MNT_RELATIME && this.wasRead && !inode.isBehind)) return;
    this.wasRead = true;
    fileAccessed(this);
  }

  override write(from: IovIter, offset: i64): i64 {
    const inode = this.regular;
    const appends = offset < 0 || this.appends;
    const start = appends ? inode.size : offset;
    if (from.remaining == 0) return 0;
    if (start == SIZE_MAX) return -EFBIG;
    // As in Linux, before it is known whether the seals and the space let anything be written (shmem_file_write_iter()).
    inode.touchModified();
    const length = this.unsealed(start, <u32>min<i64>(from.remaining, SIZE_MAX - start));
    if (length == 0) return -EPERM;
    const done = inode.data.write(from, start, length);
    if (done < 0) return done;
    if (start + done > inode.size) inode.size = start + done;
    inode.updateBlocks();
    if (offset < 0) this.offset = start + done;
    return done;
  }

  /** How much of a write the file's seals allow: Linux looks at them page by page (shmem_write_begin()). */
  private unsealed(start: i64, length: u32): u32 {
    const inode = this.regular;
    const seals = inode.seals;
    if (seals & <u32>(F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) return 0;
    if (!(seals & <u32>F_SEAL_GROW) || start + <i64>length <= inode.size) return length;
    const whole = inode.size & ~PAGE_MASK;
    return whole > start ? <u32>(whole - start) : 0;
  }

  override truncate(size: i64): i32 {
    const inode = this.regular;
    const result = inode.setSize(size);
    if (result == 0) inode.touchModified();
    return result;
  }

  override seekData(offset: i64, hole: bool, end: i64): i64 {
    const data = this.regular.data;
    const found = hole ? data.nextHole(offset, end) : data.nextData(offset, end);
    // What is in the last page Linux does not find: where that ends is no offset (mapping_seek_hole_data()).
    if (found < 0 || (!hole && (found == end || found >= LAST_PAGE))) return -ENXIO;
    return found;
  }

  /** Errors: EOPNOTSUPP for all but to allocate and to punch; EPERM for seals; ENOSPC (Linux: shmem_fallocate()). */
  override allocate(mode: u32, offset: i64, length: i64): i32 {
    if (mode & ~(<u32>(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))) return -EOPNOTSUPP;
    const end = offset + length;
    if (end < offset) return -EFBIG;
    const result =
      mode & <u32>FALLOC_FL_PUNCH_HOLE ? this.punch(offset, end) : this.reserve(mode, offset, end);
    if (result == 0) this.regular.touchModified();
    this.regular.updateBlocks();
    return result;
  }

  private punch(offset: i64, end: i64): i32 {
    const inode = this.regular;
    if (inode.seals & <u32>(F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) return -EPERM;
    inode.data.punch(<u64>offset, <u64>end);
    return 0;
  }

  private reserve(mode: u32, offset: i64, end: i64): i32 {
    const inode = this.regular;
    if (end > inode.size && inode.seals & <u32>F_SEAL_GROW) return -EPERM;
    const pages = (<u64>end + <u64>PAGE_MASK - (<u64>offset & ~(<u64>PAGE_MASK))) >> 12;
    // What could never fit is not begun.
    const most = inode.limits.maxPages;
    if (most && pages > most) return inode.limits.refuseSize();
    if (pages > <u64>pagesMax()) return refuse(ENOSPC, REFUSED_KERNEL_MEMORY);
    const result = inode.data.allocate(offset, end);
    if (result < 0) return result;
    if (!(mode & <u32>FALLOC_FL_KEEP_SIZE) && end > inode.size) inode.size = end;
    return 0;
  }
}
