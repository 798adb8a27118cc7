// Streams of the host: a guest's standard input, output and error.
//
// A HostStream reads and writes a host descriptor, named by its handle, straight between it and guest memory. The kernel
// lock is released meanwhile: these calls block.

import { EPERM } from "../abi/errno.ts";
import { S_IFIFO, S_IFMT, S_IFSOCK } from "../abi/stat.ts";
import { readGuest, readKernel, writeGuest, writeKernel } from "../host.ts";
import { writeDecimal } from "../lib/decimal.ts";
import { IovIter } from "../mm/iov-iter.ts";
import { lockKernel, unlockKernel } from "../sched/kernel-lock.ts";
import { currentThread } from "../sched/thread.ts";
import { Attributes } from "../vfs/attributes.ts";
import { realTime } from "../vfs/clock.ts";
import { Dentry, Inode } from "../vfs/dentry.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { Mount } from "../vfs/mount.ts";
import { AnonymousFilesystem, PIPEFS_MAGIC } from "./anonymous.ts";

@final
class StreamInode extends Inode {
  handle: i32 = -1;

  setAttributes(_a: Attributes): i32 {
    return -EPERM;
  }
  /** Through /proc/self/fd: another description of the same stream. */
  open(mount: usize, dentry: Dentry, flags: u32): usize {
    return changetype<usize>(new HostStream(changetype<Mount>(mount), dentry, flags, this.handle));
  }
}

@final
export class HostStream extends FileDescription {
  constructor(
    mount: Mount,
    dentry: Dentry,
    flags: u32,
    private readonly handle: i32,
  ) {
    super(mount, dentry, flags);
  }

  override isSeekable(): bool {
    return false;
  }

  override pollHandle(): i32 {
    return this.handle;
  }

  override read(to: IovIter, _offset: i64): i64 {
    const thread = changetype<usize>(currentThread());
    unlockKernel();
    const result = to.kernel
      ? readKernel(thread, this.handle, to.vector, to.count, -1)
      : readGuest(thread, this.handle, to.vector, to.count, -1);
    lockKernel();
    return result;
  }

  override write(from: IovIter, _offset: i64): i64 {
    const thread = changetype<usize>(currentThread());
    unlockKernel();
    const result = from.kernel
      ? writeKernel(thread, this.handle, from.vector, from.count, -1)
      : writeGuest(thread, this.handle, from.vector, from.count, -1);
    lockKernel();
    return result;
  }
}

/** A dentry that /proc/PID/fd can name: "pipe:[4]", as Linux does, or "host:[4]" for what has its name on the host alone. */
function makeNamedDentry(fs: AnonymousFilesystem, inode: Inode, type: u32): Dentry {
  const kind = type == <u32>S_IFIFO ? "pipe:[" : type == <u32>S_IFSOCK ? "socket:[" : "host:[";
  const name = heap.alloc(24);
  String.UTF8.encodeUnsafe(changetype<usize>(kind), kind.length, name);
  let length = <u32>kind.length;
  length += writeDecimal(name + length, <u32>inode.ino);
  store<u8>(name + length++, 0x5d);
  const dentry = new Dentry(fs, null, name, length, 0);
  heap.free(name);
  dentry.instantiate(inode);
  return dentry;
}

/**
 * A description of the host descriptor `handle`. `mode` is its file type on the host and permission bits; `flags` its access
 * mode.
 */
export function makeHostStream(handle: i32, mode: u32, flags: u32): FileDescription {
  const fs = new AnonymousFilesystem(PIPEFS_MAGIC);
  const inode = new StreamInode(fs);
  const type = mode & <u32>S_IFMT;
  // A pipe and a socket look alike from here; both are streams without a place.
  inode.mode = type == <u32>S_IFSOCK ? (mode & 0o777) | <u32>S_IFIFO : mode;
  inode.ino = <u64>handle + 1;
  inode.handle = handle;
  inode.opensItself = true;
  const now = realTime();
  inode.atime = now;
  inode.mtime = now;
  inode.ctime = now;
  const mount = new Mount(makeNamedDentry(fs, inode, type), 0);
  const stream = new HostStream(mount, mount.root, flags, handle);
  mount.decRef();
  fs.decRef();
  return stream;
}
