// read(2), write(2) and their kin. Buffers lie in kernel memory.

import { EBADF, EFAULT, EINVAL, ESPIPE } from "../abi/errno.ts";
import { MAX_RW_COUNT } from "../abi/limits.ts";
import { Task } from "../kernel/task.ts";
import { isError } from "../lib/result.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { removePrivileges } from "../vfs/privileges.ts";
import { fileOf, isMemory } from "./arguments.ts";

/** Points the task's cursor at one span. Returns 0 or -EFAULT; a span is cut to MAX_RW_COUNT. */
function oneSpan(task: Task, buffer: usize, count: u64): i32 {
  if (!isMemory(buffer, count)) return -EFAULT;
  const length = <u32>min<u64>(count, <u64>MAX_RW_COUNT);
  store<u32>(task.vector, <u32>buffer);
  store<u32>(task.vector, length, 4);
  task.iov.init(task.vector, 1, length, true);
  return 0;
}

/** Reads by the task's cursor at `position`, or at the description's offset and moving it when that is -1. */
function readCursor(task: Task, file: FileDescription, position: i64): i64 {
  file.incRef();
  const moved = file.read(task.iov, position < 0 ? file.offset : position);
  if (moved > 0 && position < 0 && file.isSeekable()) file.offset += moved;
  file.decRef();
  return moved;
}

function writeCursor(task: Task, file: FileDescription, position: i64): i64 {
  file.incRef();
  const appends = position < 0 && file.appends;
  const kept = task.iov.remaining ? removePrivileges(file.inode, task.cred) : 0;
  const moved = kept < 0 ? kept : file.write(task.iov, appends ? -1 : position < 0 ? file.offset : position);
  // An appending write has moved the offset itself, to the new end.
  if (moved > 0 && position < 0 && !appends && file.isSeekable()) file.offset += moved;
  file.decRef();
  return moved;
}

/** Errors: EBADF, EFAULT, then the file's. */
export function read(task: Task, fd: i32, buffer: usize, count: u64): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.canRead) return -EBADF;
  const wrong = oneSpan(task, buffer, count);
  return wrong < 0 ? wrong : readCursor(task, file, -1);
}

export function write(task: Task, fd: i32, buffer: usize, count: u64): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.canWrite) return -EBADF;
  const wrong = oneSpan(task, buffer, count);
  return wrong < 0 ? wrong : writeCursor(task, file, -1);
}

/** Errors: EINVAL for a negative position, EBADF, ESPIPE, EBADF for the mode, EFAULT, then the file's. */
export function pread(task: Task, fd: i32, buffer: usize, count: u64, position: i64): i64 {
  if (position < 0) return -EINVAL;
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.isSeekable()) return -ESPIPE;
  if (!file.canRead) return -EBADF;
  const wrong = oneSpan(task, buffer, count);
  return wrong < 0 ? wrong : readCursor(task, file, position);
}

export function pwrite(task: Task, fd: i32, buffer: usize, count: u64, position: i64): i64 {
  if (position < 0) return -EINVAL;
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.isSeekable()) return -ESPIPE;
  if (!file.canWrite) return -EBADF;
  const wrong = oneSpan(task, buffer, count);
  return wrong < 0 ? wrong : writeCursor(task, file, position);
}
