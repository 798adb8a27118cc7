// read(2), write(2) and their kin: pread64, readv, preadv, preadv2, and the same for writing. Buffers lie in kernel memory.

import { RWF_APPEND, RWF_DSYNC, RWF_HIPRI, RWF_NOAPPEND, RWF_NOWAIT, RWF_SYNC } from "../abi/data.ts";
import { EBADF, EFAULT, EINVAL, EOPNOTSUPP, ESPIPE } from "../abi/errno.ts";
import { O_APPEND, O_NONBLOCK } from "../abi/fcntl.ts";
import { writableBytes } from "../kernel/file-size-limit.ts";
import { Task } from "../kernel/task.ts";
import { errorOf, isError } from "../lib/result.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { notifyAccess, notifyModify } from "../vfs/fsnotify.ts";
import { removePrivileges } from "../vfs/privileges.ts";
import { fileOf } from "./arguments.ts";
import { ALL_BAD, takeBuffer, takeVector } from "./spans.ts";

/** Flags of preadv2(2). Every file takes them but RWF_NOWAIT; RWF_HIPRI is advice. */
const KNOWN_FLAGS: u32 =
  <u32>RWF_HIPRI | <u32>RWF_DSYNC | <u32>RWF_SYNC | <u32>RWF_NOWAIT | <u32>RWF_APPEND | <u32>RWF_NOAPPEND;

/** What flags of preadv2(2) change of a description for their time. */
const SWITCHED: u32 = <u32>(O_APPEND | O_NONBLOCK);

/** The file of `fd` to be read at a position. Errors: EBADF, ESPIPE. */
function positioned(task: Task, fd: i32): usize {
  const found = fileOf(task, fd);
  if (isError(found)) return found;
  return changetype<FileDescription>(found).isSeekable() ? found : errorOf(-ESPIPE);
}

/** Whether a range ends behind the largest offset (Linux: rw_verify_area()). `position` -1: the description's own. */
function isBeyond(file: FileDescription, position: i64, total: i64): bool {
  return file.isSeekable() && (position < 0 ? file.offset : position) + total < 0;
}

/**
 * Reads by the task's cursor, which covers `total` bytes or ALL_BAD, at `position`; at the description's offset and moving it when
 * that is -1. Errors: EINVAL for a range behind the largest offset, then the file's, EFAULT.
 */
function readCursor(task: Task, file: FileDescription, total: i64, position: i64): i64 {
  const from = position < 0 ? file.offset : position;
  let moved: i64;
  if (total == ALL_BAD) moved = readNowhere(task, file, from);
  else if (isBeyond(file, position, total)) moved = -EINVAL;
  else moved = file.read(task.iov, from);
  if (moved > 0 && position < 0 && file.isSeekable()) file.offset += moved;
  if (moved > 0) notifyAccess(file.dentry);
  return task.countRead(moved);
}

/** A read whose buffer is nowhere: EFAULT, but for a file that has nothing to give at `from`. */
function readNowhere(task: Task, file: FileDescription, from: i64): i64 {
  if (!file.isSeekable()) return -EFAULT;
  takeBuffer(task, task.page, 1);
  const moved = file.read(task.iov, from);
  return moved > 0 ? -EFAULT : moved;
}

/**
 * Writes by the task's cursor at `position`; at the description's offset and moving it when that is -1, or at the end when it
 * appends. Errors: EINVAL for a range behind the largest offset, EFAULT, then the file's.
 */
function writeCursor(task: Task, file: FileDescription, total: i64, position: i64): i64 {
  if (total == ALL_BAD) return -EFAULT;
  if (total == 0 && file.inode.isRegular) return task.countWrite(0);
  const appends = position < 0 && file.appends;
  const at = position < 0 ? file.offset : position;
  if (isBeyond(file, position, total)) return -EINVAL;
  let moved: i64 = total > 0 ? removePrivileges(file.dentry, task.cred) : 0;
  if (moved == 0 && total > 0) moved = writableBytes(task, file, appends ? -1 : at, total);
  if (moved >= 0 && total > 0) task.iov.remaining = <u32>moved;
  if (moved >= 0) moved = file.write(task.iov, appends ? -1 : at);
  // An appending write has moved the offset itself, to the new end.
  if (moved > 0 && position < 0 && !appends && file.isSeekable()) file.offset += moved;
  if (moved > 0) notifyModify(file.dentry);
  return task.countWrite(moved);
}

/** Errors: EBADF, EFAULT, then the file's. */
export function read(task: Task, fd: i32, buffer: u64, count: u64): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.canRead) return -EBADF;
  const total = takeBuffer(task, buffer, count);
  return total == -EFAULT ? total : readCursor(task, file, total, -1);
}

/** Errors: EBADF, EFAULT for a buffer that no process has, EINVAL, EFAULT, then the file's. */
export function write(task: Task, fd: i32, buffer: u64, count: u64): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.canWrite) return -EBADF;
  const total = takeBuffer(task, buffer, count);
  return total == -EFAULT ? total : writeCursor(task, file, total, -1);
}

/** Errors: EINVAL for a negative position, EBADF, ESPIPE, EBADF for the mode, EFAULT, then the file's. */
export function pread(task: Task, fd: i32, buffer: u64, count: u64, position: i64): i64 {
  if (position < 0) return -EINVAL;
  const found = positioned(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.canRead) return -EBADF;
  const total = takeBuffer(task, buffer, count);
  return total == -EFAULT ? total : readCursor(task, file, total, position);
}

/** Errors: EINVAL for a negative position, EBADF, ESPIPE, EBADF for the mode, EINVAL, EFAULT, then the file's. */
export function pwrite(task: Task, fd: i32, buffer: u64, count: u64, position: i64): i64 {
  if (position < 0) return -EINVAL;
  const found = positioned(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.canWrite) return -EBADF;
  const total = takeBuffer(task, buffer, count);
  return total == -EFAULT ? total : writeCursor(task, file, total, position);
}

/** Flags of preadv2(2) (Linux: kiocb_set_rw_flags()). */
function checkFlags(file: FileDescription, flags: u32, writes: bool): i32 {
  const isPlain = file.inode.isDirectory || !file.takesFlags(writes);
  if (flags & ~(<u32>RWF_HIPRI) && isPlain) return -EOPNOTSUPP;
  if (flags & ~KNOWN_FLAGS) return -EOPNOTSUPP;
  if (flags & <u32>RWF_NOWAIT && !file.canNotWait) return -EOPNOTSUPP;
  return flags & <u32>RWF_APPEND && flags & <u32>RWF_NOAPPEND ? -EINVAL : 0;
}

/** Errors: EBADF for the mode; EINVAL and EFAULT for the vector; nothing is asked of a file for no bytes; EINVAL for the range; EOPNOTSUPP, EINVAL for flags. */
function readVector(
  task: Task,
  file: FileDescription,
  vector: usize,
  count: u64,
  position: i64,
  flags: u32,
): i64 {
  if (!file.canRead) return -EBADF;
  const total = takeVector(task, vector, count);
  if (total < 0 && total != ALL_BAD) return total;
  if (total > 0 && isBeyond(file, position, total)) return -EINVAL;
  const wrong = total == 0 ? 0 : checkFlags(file, flags, false);
  if (wrong < 0) return wrong;
  const moved = total == 0 ? 0 : readVectorAs(task, file, total, position, flags);
  // Unlike a read into one buffer, one into several is an access also when nothing came of it (Linux: vfs_readv()).
  if (moved == 0) notifyAccess(file.dentry);
  return moved;
}

/** A read that may be asked not to wait: it does not, and so nobody sees what the description says for its time. */
function readVectorAs(task: Task, file: FileDescription, total: i64, position: i64, flags: u32): i64 {
  if (!(flags & <u32>RWF_NOWAIT)) return readCursor(task, file, total, position);
  const before = file.flags;
  file.flags = flagsFor(file, flags);
  const moved = readCursor(task, file, total, position);
  file.flags = (file.flags & ~SWITCHED) | (before & SWITCHED);
  return moved;
}

/** What the description says for the time of a call with these RWF_* flags. */
function flagsFor(file: FileDescription, flags: u32): u32 {
  let wanted = file.flags;
  if (flags & <u32>RWF_APPEND) wanted |= <u32>O_APPEND;
  if (flags & <u32>RWF_NOAPPEND) wanted &= ~(<u32>O_APPEND);
  if (flags & <u32>RWF_NOWAIT) wanted |= <u32>O_NONBLOCK;
  return wanted;
}

function writeVector(
  task: Task,
  file: FileDescription,
  vector: usize,
  count: u64,
  position: i64,
  flags: u32,
): i64 {
  if (!file.canWrite) return -EBADF;
  const total = takeVector(task, vector, count);
  if (total < 0 && total != ALL_BAD) return total;
  if (total == 0) return 0;
  if (total > 0 && isBeyond(file, position, total)) return -EINVAL;
  const wrong = checkFlags(file, flags, true);
  if (wrong < 0) return wrong;
  const moved =
    flagsFor(file, flags) == file.flags
      ? writeCursor(task, file, total, position)
      : writeOtherwise(task, file, total, position, flags);
  if (moved <= 0 || !(flags & <u32>(RWF_DSYNC | RWF_SYNC))) return moved;
  const synced = file.sync(!(flags & <u32>RWF_SYNC));
  return synced < 0 ? synced : moved;
}

/** A write that appends or waits, or does not, unlike its description: for its time the description says what the flags say. */
function writeOtherwise(task: Task, file: FileDescription, total: i64, position: i64, flags: u32): i64 {
  const before = file.flags;
  file.flags = flagsFor(file, flags);
  const moved = writeCursor(task, file, total, position);
  file.flags = (file.flags & ~SWITCHED) | (before & SWITCHED);
  return moved;
}

/** Errors: EBADF, then readVector()'s. */
export function readv(task: Task, fd: i32, vector: usize, count: u64, flags: u32): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  return readVector(task, changetype<FileDescription>(found), vector, count, -1, flags);
}

/** Errors: EBADF, then writeVector()'s. */
export function writev(task: Task, fd: i32, vector: usize, count: u64, flags: u32): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  return writeVector(task, changetype<FileDescription>(found), vector, count, -1, flags);
}

/** Errors: EINVAL for a negative position, EBADF, ESPIPE, then readVector()'s. */
export function preadv(task: Task, fd: i32, vector: usize, count: u64, position: i64, flags: u32): i64 {
  if (position < 0) return -EINVAL;
  const found = positioned(task, fd);
  if (isError(found)) return <i32>found;
  return readVector(task, changetype<FileDescription>(found), vector, count, position, flags);
}

/** Errors: EINVAL for a negative position, EBADF, ESPIPE, then writeVector()'s. */
export function pwritev(task: Task, fd: i32, vector: usize, count: u64, position: i64, flags: u32): i64 {
  if (position < 0) return -EINVAL;
  const found = positioned(task, fd);
  if (isError(found)) return <i32>found;
  return writeVector(task, changetype<FileDescription>(found), vector, count, position, flags);
}

/**
 * A position of -1 is the description's offset. Errors: preadv()'s.
 * @flags RWF_HIPRI RWF_DSYNC RWF_SYNC RWF_NOWAIT RWF_APPEND RWF_NOAPPEND
 */
export function preadv2(task: Task, fd: i32, vector: usize, count: u64, position: i64, flags: u32): i64 {
  return position == -1
    ? readv(task, fd, vector, count, flags)
    : preadv(task, fd, vector, count, position, flags);
}

/**
 * A position of -1 is the description's offset. Errors: pwritev()'s.
 * @flags RWF_HIPRI RWF_DSYNC RWF_SYNC RWF_NOWAIT RWF_APPEND RWF_NOAPPEND
 */
export function pwritev2(task: Task, fd: i32, vector: usize, count: u64, position: i64, flags: u32): i64 {
  return position == -1
    ? writev(task, fd, vector, count, flags)
    : pwritev(task, fd, vector, count, position, flags);
}
