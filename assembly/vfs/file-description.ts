// Open file descriptions (Linux: struct file; POSIX: "open file description"): what a descriptor refers to.
//
// Each file system has subclasses for what it can open. A description holds references on its mount and dentry, so that an
// unlinked file lives until its last close. Descriptors made by dup share one description and its offset.

import { SEEK_DATA, SEEK_HOLE } from "../abi/data.ts";
import { EBADF, EINVAL, EISDIR, ENOTDIR, ENOTTY, ENXIO, EOPNOTSUPP, ESPIPE } from "../abi/errno.ts";
import {
  F_UNLCK,
  O_ACCMODE,
  O_APPEND,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from "../abi/fcntl.ts";
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../abi/poll.ts";
import { RefCounted } from "../lib/ref-counted.ts";
import { IovIter } from "../mm/iov-iter.ts";
import { WaitQueue } from "../sched/wait-queue.ts";
import { Dentry, Inode } from "./dentry.ts";
import { DirectorySink } from "./directory-sink.ts";
import { releaseDescriptionLocks } from "./file-locks.ts";
import { notifyClose } from "./fsnotify.ts";
import { Mount } from "./mount.ts";
import { Text } from "./text.ts";

/** What iterate() returns where a directory once read to its end shows nothing new before it is read anew (Linux: DIR_OFFSET_EOD). */
export const LISTING_END: i32 = 1;
export const OFFSET_END: i64 = i32.MAX_VALUE;

export abstract class FileDescription extends RefCounted {
  /** Position of read(2) and write(2), or the next directory cookie. */
  offset: i64 = 0;
  /** The number of the credentials that it was opened with (Linux: f_cred); 0 when the kernel made it. */
  openedBy: u32 = 0;
  /** Whoever watches the file was told of the open, and is told of the close. */
  tellsClose: bool = false;
  /** Keeps its mount and file system from being made read-only (Linux: mnt_get_write_access()). */
  private countsAsWriter: bool = false;

  /** Takes references on both. `flags` are the O_* flags of open(2). */
  constructor(
    public mount: Mount,
    public dentry: Dentry,
    public flags: u32,
  ) {
    super();
    mount.incRef();
    dentry.incRef();
    if (this.canWrite && dentry.file.isRegular) {
      this.countsAsWriter = true;
      mount.writers++;
      mount.root.fs.writers++;
    }
  }

  /** Subclasses that override this end by calling super.destroy(). */
  destroy(): void {
    if (this.tellsClose) notifyClose(this.dentry, this.canWrite);
    releaseDescriptionLocks(this.inode, changetype<usize>(this));
    if (this.countsAsWriter) {
      this.mount.writers--;
      this.mount.root.fs.writers--;
    }
    this.dentry.decRef();
    this.mount.decRef();
  }

  get inode(): Inode {
    return this.dentry.file;
  }
  // Access mode 3 gives neither, after a check for both (Linux: OPEN_FMODE()).
  get canRead(): bool {
    const access = this.flags & <u32>O_ACCMODE;
    return (access == <u32>O_RDONLY || access == <u32>O_RDWR) && !(this.flags & <u32>O_PATH);
  }
  get canWrite(): bool {
    const access = this.flags & <u32>O_ACCMODE;
    return (access == <u32>O_WRONLY || access == <u32>O_RDWR) && !(this.flags & <u32>O_PATH);
  }
  get appends(): bool {
    return (this.flags & <u32>O_APPEND) != 0;
  }
  /** Whether the file has positions at all: not a pipe, terminal or socket. */
  isSeekable(): bool {
    return true;
  }

  /** Whether a read, or a write, of several buffers takes the flags of preadv2(2) (Linux: read_iter, write_iter). */
  takesFlags(_writes: bool): bool {
    return true;
  }

  /** Whether a read or a write can be told not to wait, by O_NONBLOCK for its time (Linux: FMODE_NOWAIT, for RWF_NOWAIT). */
  get canNotWait(): bool {
    return false;
  }

  /** Writes what /proc/PID/fdinfo has of this kind of file, in lines (Linux: show_fdinfo()). */
  showInfo(_out: Text): void {}

  /** Reads at `offset` (-1: a stream's next bytes); bytes moved, or -errno. May sleep. */
  read(_to: IovIter, _offset: i64): i64 {
    return -EINVAL;
  }
  /** Writes at `offset`, or at the end when the description appends and `offset` is that of write(2). */
  write(_from: IovIter, _offset: i64): i64 {
    return -EINVAL;
  }
  /**
   * Gives entries from `cookie` on to `sink` until it is full; 0 is the start. LISTING_END when a program's position is behind all
   * entries then, those included that are made later; 0; or -errno.
   */
  iterate(_sink: DirectorySink, _cookie: u64): i32 {
    return -ENOTDIR;
  }
  /** lseek(2): the new offset, or -errno. Errors: ESPIPE; EINVAL; ENXIO for data or holes from the end on. */
  seek(offset: i64, whence: i32): i64 {
    if (!this.isSeekable()) return -ESPIPE;
    let target = offset;
    if (whence == SEEK_CUR) {
      target += this.offset;
    } else if (whence == SEEK_END || whence == SEEK_DATA || whence == SEEK_HOLE) {
      const end = this.endOffset();
      if (end < 0) return end;
      if (whence == SEEK_END) target += end;
      else target = <u64>offset >= <u64>end ? -ENXIO : this.seekData(offset, whence == SEEK_HOLE, end);
      if (target < 0 && whence != SEEK_END) return target;
    } else if (whence != SEEK_SET) {
      return -EINVAL;
    }
    // Also where the sum went over the largest offset.
    if (target < 0) return -EINVAL;
    this.offset = target;
    return target;
  }
  /** The first data, or hole, from `offset` on, which is in front of the end. What knows no holes is all data. Errors: ENXIO. */
  seekData(offset: i64, hole: bool, end: i64): i64 {
    return hole ? end : offset;
  }
  /** Where the file ends now, or -errno. */
  endOffset(): i64 {
    const inode = this.inode;
    const result = inode.getAttributes();
    return result < 0 ? result : inode.size;
  }
  /** Sets the size; the description may write. */
  truncate(_size: i64): i32 {
    return -EINVAL;
  }
  /**
   * copy_file_range(2) to `target`, an open file of the same file system, without the data coming here: bytes copied, or -errno.
   * EOPNOTSUPP, EXDEV and EINVAL: the caller moves the data itself.
   */
  copyRange(_from: i64, _target: FileDescription, _to: i64, _length: i64): i64 {
    return -EOPNOTSUPP;
  }
  /** fallocate(2). Only mode 0, which extends, is required. */
  allocate(_mode: u32, _offset: i64, _length: i64): i32 {
    return -EOPNOTSUPP;
  }
  /** Somebody outside this kernel uses the file too: its record locks are also held there (vfs/shared-locks.ts). */
  get locksElsewhere(): bool {
    return false;
  }
  /** Sets or frees a record lock there, without waiting for it. Errors: EAGAIN when somebody's is in the way. */
  lockElsewhere(_owner: usize, _type: i32, _start: i64, _end: i64): i32 {
    return 0;
  }
  /**
   * The first record lock there that is in the way of one, as its type; F_UNLCK when there is none; or -errno. Puts its first and
   * last byte to `range`.
   */
  testElsewhere(_owner: usize, _type: i32, _start: i64, _end: i64, _range: usize): i32 {
    return F_UNLCK;
  }
  sync(_dataOnly: bool): i32 {
    return 0;
  }
  /** Which POLL* events hold now. Regular files and directories always are ready. */
  poll(): u32 {
    return <u32>(POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
  }
  /** The queue that is woken when poll() may tell something else; null when it never does. */
  pollQueue(): WaitQueue | null {
    return null;
  }
  /** ioctl(2) but for what every description can (syscalls/ioctl.ts). `argument` is a number or an address. */
  ioctl(_request: u32, _argument: usize): i64 {
    return -ENOTTY;
  }
  /** The handle of a host descriptor that the host can poll, or -1 when poll() tells all. */
  pollHandle(): i32 {
    return -1;
  }
}

/** What O_PATH opens: a place, not a file. */
@final
export class PathDescription extends FileDescription {
  override read(_to: IovIter, _offset: i64): i64 {
    return -EBADF;
  }
  override write(_from: IovIter, _offset: i64): i64 {
    return -EBADF;
  }
  override iterate(_sink: DirectorySink, _cookie: u64): i32 {
    return -EBADF;
  }
}

/** The parts that all open directories share. */
export abstract class DirectoryDescription extends FileDescription {
  /** A directory has no end and no data (Linux: offset_dir_llseek()). */
  override seek(offset: i64, whence: i32): i64 {
    return whence <= 1 ? super.seek(offset, whence) : -EINVAL;
  }
  override read(_to: IovIter, _offset: i64): i64 {
    return -EISDIR;
  }
  override write(_from: IovIter, _offset: i64): i64 {
    return -EBADF;
  }
}
