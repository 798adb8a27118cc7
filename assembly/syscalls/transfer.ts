// read(2), write(2) and their kin: pread64, readv, preadv, preadv2, and the same for writing. Buffers lie in kernel memory.

import { RWF_APPEND, RWF_DSYNC, RWF_HIPRI, RWF_NOAPPEND, RWF_NOWAIT, RWF_SYNC } from "../abi/data.ts";
import { EBADF, EFAULT, EINVAL, EOPNOTSUPP, ESPIPE } from "../abi/errno.ts";
import { O_APPEND, O_NONBLOCK } from "../abi/fcntl.ts";
import { Task } from "../kernel/task.ts";
import { errorOf, isError } from "../lib/result.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { notifyAccess, notifyModify } from "../vfs/fsnotify.ts";
import { removePrivileges } from "../vfs/privileges.ts";
import { fileOf } from "./arguments.ts";
import { ALL_BAD, takeBuffer, takeVector } from "./spans.ts";

/** Flags of preadv2(2). Every file takes them but RWF_NOWAIT; RWF_HIPRI is advice. */
const RWF_KNOWN: u32 = <u32>(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND);

/** The file of `fd` to be read at a position. Errors: EBADF, ESPIPE. */
function positioned(task: Task, fd: i32): usize {
  const found = fileOf(task, fd);
  if (isError(found)) return found;
  return changetype<FileDescription>(found).isSeekable() ? found : errorOf(-ESPIPE);
}

/**
 * Reads by the task's cursor, which covers `total` bytes or ALL_BAD, at `position`; at the description's offset and moving it when
 * that is -1. Errors: EINVAL for a range behind the largest offset, then the file's, EFAULT.
 */
function readCursor(task: Task, file: FileDescription, total: i64, position: i64): i64 {
  // No bytes of a regular file are not even a look at it.
  if (total == 0 && file.inode.isRegular) return task.countRead(0);
  const from = position < 0 ? file.offset : position;
  file.incRef();
  let moved: i64;
  if (total == ALL_BAD) moved = readNowhere(task, file, from);
  else if (file.isSeekable() && from + total < 0) moved = -EINVAL;
  else moved = file.read(task.iov, from);
  if (moved > 0 && position < 0 && file.isSeekable()) file.offset += moved;
  if (moved > 0) notifyAccess(file.dentry);
  file.decRef();
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
  if (file.isSeekable() && at + total < 0) return -EINVAL;
  file.incRef();
  let moved: i64 = total > 0 ? removePrivileges(file.inode, task.cred) : 0;
  if (moved == 0) moved = file.write(task.iov, appends ? -1 : at);
  // An appending write has moved the offset itself, to the new end.
  if (moved > 0 && position < 0 && !appends && file.isSeekable()) file.offset += moved;
  if (moved > 0) notifyModify(file.dentry);
  file.decRef();
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
function checkFlags(file: FileDescription, flags: u32): i32 {
  if (flags & ~(<u32>RWF_HIPRI) && file.inode.isDirectory) return -EOPNOTSUPP;
  if (flags & ~RWF_KNOWN || (flags & <u32>RWF_NOWAIT && !file.canNotWait)) return -EOPNOTSUPP;
  return flags & <u32>RWF_APPEND && flags & <u32>RWF_NOAPPEND ? -EINVAL : 0;
}

/** Errors: EBADF for the mode; EINVAL and EFAULT for the vector; nothing is asked of a file for no bytes; EOPNOTSUPP, EINVAL for flags. */
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
  if (total == 0) return 0;
  const wrong = checkFlags(file, flags);
  if (wrong < 0) return wrong;
  if (!(flags & <u32>RWF_NOWAIT)) return readCursor(task, file, total, position);
  file.incRef();
  const before = setFlag(file, <u32>O_NONBLOCK, true);
  const moved = readCursor(task, file, total, position);
  setFlag(file, <u32>O_NONBLOCK, before);
  file.decRef();
  return moved;
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
  const wrong = checkFlags(file, flags);
  if (wrong < 0) return wrong;
  const special = flags & <u32>(RWF_APPEND | RWF_NOAPPEND | RWF_NOWAIT);
  const moved = special
    ? writeOtherwise(task, file, total, position, special)
    : writeCursor(task, file, total, position);
  if (moved <= 0 || !(flags & <u32>(RWF_DSYNC | RWF_SYNC))) return moved;
  file.incRef();
  const synced = file.sync(!(flags & <u32>RWF_SYNC));
  file.decRef();
  return synced < 0 ? synced : moved;
}

/** Sets or clears a status flag of a description; whether it was set before. */
function setFlag(file: FileDescription, flag: u32, set: bool): bool {
  const before = (file.flags & flag) != 0;
  file.flags = set ? file.flags | flag : file.flags & ~flag;
  return before;
}

/** A write that appends, or does not, or does not wait, unlike its description: for its time the description says what `flags` say. */
function writeOtherwise(task: Task, file: FileDescription, total: i64, position: i64, flags: u32): i64 {
  file.incRef();
  const appends = flags & <u32>RWF_APPEND ? true : flags & <u32>RWF_NOAPPEND ? false : file.appends;
  const appended = setFlag(file, <u32>O_APPEND, appends);
  const waitless = setFlag(
    file,
    <u32>O_NONBLOCK,
    flags & <u32>RWF_NOWAIT ? true : (file.flags & <u32>O_NONBLOCK) != 0,
  );
  const moved = writeCursor(task, file, total, position);
  setFlag(file, <u32>O_APPEND, appended);
  setFlag(file, <u32>O_NONBLOCK, waitless);
  file.decRef();
  return moved;
}

/** Errors: EBADF, then readVector()'s. */
export function readv(task: Task, fd: i32, vector: usize, count: u64, flags: u32): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  return readVector(task, changetype<FileDescription>(found), vector, count, -1, flags);
}

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

export function pwritev(task: Task, fd: i32, vector: usize, count: u64, position: i64, flags: u32): i64 {
  if (position < 0) return -EINVAL;
  const found = positioned(task, fd);
  if (isError(found)) return <i32>found;
  return writeVector(task, changetype<FileDescription>(found), vector, count, position, flags);
}

/** A position of -1 is the description's offset. */
export function preadv2(task: Task, fd: i32, vector: usize, count: u64, position: i64, flags: u32): i64 {
  return position == -1
    ? readv(task, fd, vector, count, flags)
    : preadv(task, fd, vector, count, position, flags);
}

export function pwritev2(task: Task, fd: i32, vector: usize, count: u64, position: i64, flags: u32): i64 {
  return position == -1
    ? writev(task, fd, vector, count, flags)
    : pwritev(task, fd, vector, count, position, flags);
}
