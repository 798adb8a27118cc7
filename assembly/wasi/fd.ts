// preview1 calls on descriptors: fd_*.
//
// A call returns a WASI errno. The order of checks: the descriptor, its rights, then arguments and pointers.

import { EBADF, EINVAL } from "../abi/errno.ts";
import { O_APPEND, O_DSYNC, O_NONBLOCK, O_SYNC } from "../abi/fcntl.ts";
import { REFUSED_NOT_READABLE, REFUSED_NOT_WRITABLE, REFUSED_RIGHTS } from "../abi/refusal.ts";
import * as abi from "../abi/wasi.ts";
import { FdEntry, PREOPENED_STREAM } from "../kernel/fd-table.ts";
import { checkNewSize, writableBytes } from "../kernel/file-size-limit.ts";
import { Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { accessOk, copyOut, importIovecs, putU32, putU64 } from "../mm/usercopy.ts";
import { refuse } from "../sched/refusal.ts";
import { Attributes } from "../vfs/attributes.ts";
import { changeThrough, truncateOpen } from "../vfs/change.ts";
import { Inode } from "../vfs/dentry.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { notifyAccess, notifyModify } from "../vfs/fsnotify.ts";
import { removePrivileges } from "../vfs/privileges.ts";
import { refusedThrough } from "../vfs/refused-place.ts";
import { wasiErrno } from "./errno-map.ts";
import { checkRights, fileTypeOf } from "./rights.ts";
import { fillTimes } from "./times.ts";

const FLAG_BITS: u32 = <u32>O_APPEND | <u32>O_NONBLOCK | <u32>O_SYNC | <u32>O_DSYNC;

/** WASI fdflags as O_* flags. */
export function openFlagsOf(fdflags: u32): u32 {
  let flags: u32 = 0;
  if (fdflags & abi.FDFLAGS_APPEND) flags |= <u32>O_APPEND;
  if (fdflags & abi.FDFLAGS_NONBLOCK) flags |= <u32>O_NONBLOCK;
  if (fdflags & abi.FDFLAGS_DSYNC) flags |= <u32>O_DSYNC;
  if (fdflags & (abi.FDFLAGS_SYNC | abi.FDFLAGS_RSYNC)) flags |= <u32>O_SYNC;
  return flags;
}

function fdflagsOf(flags: u32): u32 {
  let fdflags: u32 = 0;
  if (flags & <u32>O_APPEND) fdflags |= abi.FDFLAGS_APPEND;
  if (flags & <u32>O_NONBLOCK) fdflags |= abi.FDFLAGS_NONBLOCK;
  if ((flags & <u32>O_SYNC) == <u32>O_SYNC) fdflags |= abi.FDFLAGS_SYNC;
  else if (flags & <u32>O_DSYNC) fdflags |= abi.FDFLAGS_DSYNC;
  return fdflags;
}

export function fdClose(task: Task, fd: u32): u32 {
  return wasiErrno(task.fds.close(fd));
}

export function fdRenumber(task: Task, from: u32, to: u32): u32 {
  if (task.fds.peek(from) === null || task.fds.peek(to) === null) return abi.WASI_EBADF;
  task.fds.renumber(from, to);
  return 0;
}

/** fd_read and fd_pread; `position` -1 reads at the description's offset. */
export function fdRead(task: Task, fd: u32, iovs: u32, count: u32, position: i64, out: u32): u32 {
  const entry = task.fdget(fd);
  if (position >= 0 && entry !== null && !entry.description.isSeekable()) return abi.WASI_ESPIPE;
  const wrong = checkRights(entry, position < 0 ? abi.RIGHT_FD_READ : abi.RIGHT_FD_READ | abi.RIGHT_FD_SEEK);
  if (wrong) return withoutRight(entry, wrong);
  const file = entry!.description;
  if (!file.canRead) return wasiErrno(refuse(EBADF, REFUSED_NOT_READABLE));
  const total = importIovecs(task.vector, iovs, count);
  if (total < 0) return wasiErrno(<i32>total);
  if (!accessOk(out, 4)) return abi.WASI_EFAULT;
  task.iov.init(task.vector, count, <u32>total, false);
  const moved = file.read(task.iov, position < 0 ? file.offset : position);
  if (moved > 0 && position < 0 && file.isSeekable()) file.offset += moved;
  if (moved > 0) notifyAccess(file.dentry);
  task.countRead(moved);
  if (moved < 0) return fileErrno(file, moved);
  return wasiErrno(putU32(out, <u32>moved));
}

/** What a call on an open file failed with, or 0. */
function fileErrno(file: FileDescription, result: i64): u32 {
  return result < 0 ? wasiErrno(<i32>refusedThrough(file.mount, result)) : 0;
}

/** fd_write and fd_pwrite; `position` -1 writes at the description's offset, or at the end when it appends. */
export function fdWrite(task: Task, fd: u32, iovs: u32, count: u32, position: i64, out: u32): u32 {
  const entry = task.fdget(fd);
  if (position >= 0 && entry !== null && !entry.description.isSeekable()) return abi.WASI_ESPIPE;
  const wrong = checkRights(
    entry,
    position < 0 ? abi.RIGHT_FD_WRITE : abi.RIGHT_FD_WRITE | abi.RIGHT_FD_SEEK,
  );
  if (wrong) return withoutRight(entry, wrong);
  const file = entry!.description;
  if (!file.canWrite) return wasiErrno(refuse(EBADF, REFUSED_NOT_WRITABLE));
  const total = importIovecs(task.vector, iovs, count);
  if (total < 0) return wasiErrno(<i32>total);
  if (!accessOk(out, 4)) return abi.WASI_EFAULT;
  task.iov.init(task.vector, count, <u32>total, false);
  const appends = position < 0 && file.appends;
  const at: i64 = appends ? -1 : position < 0 ? file.offset : position;
  let moved: i64 = total ? removePrivileges(file.dentry, task.cred) : 0;
  if (moved == 0) moved = writableBytes(task, file, at, total);
  if (moved >= 0) {
    task.iov.remaining = <u32>moved;
    moved = file.write(task.iov, at);
  }
  // An appending write has moved the offset itself, to the new end.
  if (moved > 0 && position < 0 && !appends && file.isSeekable()) file.offset += moved;
  if (moved > 0) notifyModify(file.dentry);
  task.countWrite(moved);
  if (moved < 0) return fileErrno(file, moved);
  return wasiErrno(putU32(out, <u32>moved));
}

/** Reading what is open for writing only, or a directory, is EBADF and not a matter of rights. */
function withoutRight(entry: FdEntry | null, wrong: u32): u32 {
  return entry === null || wrong != abi.WASI_ENOTCAPABLE ? wrong : <u32>abi.WASI_EBADF;
}

export function fdSeek(task: Task, fd: u32, offset: i64, whence: u32, out: u32): u32 {
  const entry = task.fdget(fd);
  if (entry === null) return abi.WASI_EBADF;
  const file = entry.description;
  if (!file.isSeekable()) return abi.WASI_ESPIPE;
  const asks = offset == 0 && whence == abi.WHENCE_CUR;
  const wrong = checkRights(entry, asks ? abi.RIGHT_FD_TELL : abi.RIGHT_FD_SEEK);
  if (wrong) return withoutRight(entry, wrong);
  if (whence > 2) return abi.WASI_EINVAL;
  if (!accessOk(out, 8)) return abi.WASI_EFAULT;
  const target = file.seek(offset, whence);
  if (target < 0) return wasiErrno(<i32>target);
  return wasiErrno(putU64(out, target));
}

export function fdSync(task: Task, fd: u32, dataOnly: bool): u32 {
  const entry = task.fdget(fd);
  if (entry === null) return abi.WASI_EBADF;
  const file = entry.description;
  const result = file.sync(dataOnly);
  return wasiErrno(result);
}

export function fdAdvise(task: Task, fd: u32, offset: i64, length: i64, advice: u32): u32 {
  const entry = task.fdget(fd);
  if (entry === null) return abi.WASI_EBADF;
  if (entry.description.inode.isDirectory) return abi.WASI_EBADF;
  if (!entry.description.isSeekable()) return abi.WASI_ESPIPE;
  if (advice > 5 || offset < 0 || length < 0) return abi.WASI_EINVAL;
  return 0;
}

export function fdAllocate(task: Task, fd: u32, offset: i64, length: i64): u32 {
  const entry = task.fdget(fd);
  const wrong = checkRights(entry, abi.RIGHT_FD_ALLOCATE);
  if (wrong) return withoutRight(entry, wrong);
  const file = entry!.description;
  if (!file.canWrite) return wasiErrno(refuse(EBADF, REFUSED_NOT_WRITABLE));
  if (offset < 0 || length <= 0) return abi.WASI_EINVAL;
  if (offset + length < 0) return abi.WASI_EFBIG;
  let result = checkNewSize(task, file.inode, offset + length);
  if (result == 0) result = removePrivileges(file.dentry, task.cred);
  if (result == 0) result = file.allocate(0, offset, length);
  if (result == 0) notifyModify(file.dentry);
  return fileErrno(file, result);
}

export function fdFdstatGet(task: Task, fd: u32, out: u32): u32 {
  const entry = task.fdget(fd);
  if (entry === null) return abi.WASI_EBADF;
  const file = entry.description;
  const page = task.page;
  store<u64>(page, fileTypeOf(file.inode.mode) | ((<u64>fdflagsOf(file.flags)) << 16));
  store<u64>(page, entry.rights & abi.RIGHTS_ALL, 8);
  store<u64>(page, entry.inheriting & abi.RIGHTS_ALL, 16);
  return wasiErrno(copyOut(out, page, abi.SIZEOF_FDSTAT));
}

export function fdFdstatSetFlags(task: Task, fd: u32, fdflags: u32): u32 {
  const entry = task.fdget(fd);
  const wrong = checkRights(entry, abi.RIGHT_FD_FDSTAT_SET_FLAGS);
  if (wrong) return wrong;
  if (fdflags & ~(<u32>abi.FDFLAGS_ALL)) return abi.WASI_EINVAL;
  const file = entry!.description;
  file.flags = (file.flags & ~FLAG_BITS) | openFlagsOf(fdflags);
  return 0;
}

/** Rights only shrink. */
export function fdFdstatSetRights(task: Task, fd: u32, rights: u64, inheriting: u64): u32 {
  const entry = task.fdget(fd);
  if (entry === null) return abi.WASI_EBADF;
  if ((rights & ~entry.rights) != 0 || (inheriting & ~entry.inheriting) != 0) {
    refuse(0, REFUSED_RIGHTS, (rights & ~entry.rights) | (inheriting & ~entry.inheriting));
    return abi.WASI_ENOTCAPABLE;
  }
  entry.rights = rights;
  entry.inheriting = inheriting;
  return 0;
}

/** Writes a filestat of `inode`, whose attributes are up to date. */
export function putFilestat(task: Task, inode: Inode, out: u32): u32 {
  const page = task.page;
  store<u64>(page, inode.fs.device);
  store<u64>(page, inode.ino, 8);
  store<u64>(page, fileTypeOf(inode.mode), 16);
  store<u64>(page, inode.nlink, 24);
  store<u64>(page, inode.size, 32);
  store<u64>(page, inode.atime, 40);
  store<u64>(page, inode.mtime, 48);
  store<u64>(page, inode.ctime, 56);
  return wasiErrno(copyOut(out, page, abi.SIZEOF_FILESTAT));
}

export function fdFilestatGet(task: Task, fd: u32, out: u32): u32 {
  const entry = task.fdget(fd);
  const wrong = checkRights(entry, abi.RIGHT_FD_FILESTAT_GET);
  if (wrong) return wrong;
  const file = entry!.description;
  const result = file.inode.getAttributes();
  const errno = result < 0 ? wasiErrno(result) : putFilestat(task, file.inode, out);
  return errno;
}

export function fdFilestatSetSize(task: Task, fd: u32, size: i64): u32 {
  const entry = task.fdget(fd);
  const wrong = checkRights(entry, abi.RIGHT_FD_FILESTAT_SET_SIZE);
  if (wrong) return withoutRight(entry, wrong);
  const file = entry!.description;
  if (!file.inode.isRegular) return abi.WASI_EINVAL;
  if (!file.canWrite) return wasiErrno(refuse(EINVAL, REFUSED_NOT_WRITABLE));
  if (size < 0) return abi.WASI_EINVAL;
  let result = checkNewSize(task, file.inode, size);
  if (result == 0) result = truncateOpen(file, size, task.cred);
  return fileErrno(file, result);
}

export function fdFilestatSetTimes(task: Task, fd: u32, atime: i64, mtime: i64, flags: u32): u32 {
  const entry = task.fdget(fd);
  const wrong = checkRights(entry, abi.RIGHT_FD_FILESTAT_SET_TIMES);
  if (wrong) return wrong;
  const a = new Attributes();
  let result = fillTimes(a, atime, mtime, flags);
  const file = entry!.description;
  if (result == 0) result = setTimesOf(task, file, a);
  free(a);
  return fileErrno(file, result);
}

function setTimesOf(task: Task, file: FileDescription, a: Attributes): i32 {
  if (a.valid == 0) return 0;
  return changeThrough(file.mount, file.dentry, a, task.cred);
}

export function fdPrestatGet(task: Task, fd: u32, out: u32): u32 {
  const entry = task.fdget(fd);
  if (entry === null || !entry.preopened) return abi.WASI_EBADF;
  const type = entry.preopened == PREOPENED_STREAM ? abi.PREOPENTYPE_STREAM : abi.PREOPENTYPE_DIR;
  return wasiErrno(putU64(out, <u64>type | ((<u64>entry.preopenLength) << 32)));
}

export function fdPrestatDirName(task: Task, fd: u32, path: u32, length: u32): u32 {
  const entry = task.fdget(fd);
  if (entry === null || !entry.preopened) return abi.WASI_EBADF;
  if (length < entry.preopenLength) return abi.WASI_ENAMETOOLONG;
  return wasiErrno(copyOut(path, entry.preopenName, entry.preopenLength));
}

/** sock_*: there are no sockets yet. */
export function notASocket(task: Task, fd: u32): u32 {
  return task.fdget(fd) === null ? <u32>abi.WASI_EBADF : <u32>abi.WASI_ENOTSOCK;
}
