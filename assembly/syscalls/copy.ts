// From one file to another inside the kernel: sendfile(2), copy_file_range(2).

import {
  EAGAIN,
  EBADF,
  EFAULT,
  EFBIG,
  EINVAL,
  EISDIR,
  EOPNOTSUPP,
  EOVERFLOW,
  EPIPE,
  ESPIPE,
  EXDEV,
} from "../abi/errno.ts";
import { SEEK_CUR } from "../abi/fcntl.ts";
import { MAX_RW_COUNT } from "../abi/limits.ts";
import { S_IFIFO } from "../abi/stat.ts";
import { writableBytes } from "../kernel/file-size-limit.ts";
import { Task } from "../kernel/task.ts";
import { isError } from "../lib/result.ts";
import { PAUSE_BYTES, pause } from "../sched/pause.ts";
import { fileAccessed } from "../vfs/atime.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { notifyAccess, notifyModify } from "../vfs/fsnotify.ts";
import { PipeFile } from "../vfs/pipe.ts";
import { removePrivileges } from "../vfs/privileges.ts";
import { fileOf, isMemory } from "./arguments.ts";

/** What is moved at once. */
const CHUNK: u32 = 65536;
const PAGE_SIZE: u32 = 4096;

/** Points the task's cursor at `length` bytes of kernel memory. */
function pointAt(task: Task, address: usize, length: u32): void {
  store<u32>(task.vector, <u32>address);
  store<u32>(task.vector, length, 4);
  task.iov.init(task.vector, 1, length, true);
}

/** Whether there is something that can be moved (Linux: splice_read). */
function hasPages(source: FileDescription): bool {
  return source.isSeekable() && !source.inode.isDirectory;
}

/**
 * Moves up to `count` bytes from `source` at `from` to `target` at `to`, or to its end of stream; moves no offset. Returns how
 * many, or an error when it is none.
 */
function moveData(
  task: Task,
  source: FileDescription,
  from: i64,
  target: FileDescription,
  to: i64,
  count: u64,
): i64 {
  const buffer = heap.alloc(CHUNK);
  let done: u64 = 0;
  let error: i64 = 0;
  while (error == 0 && done < count) {
    pointAt(task, buffer, <u32>min<u64>(CHUNK, count - done));
    const got = hasPages(source) ? source.read(task.iov, from + done) : -EINVAL;
    if (got <= 0) {
      error = got;
      break;
    }
    if (done == 0) error = removePrivileges(target.dentry, task.cred);
    if (error < 0) break;
    pointAt(task, buffer, <u32>got);
    const put = target.write(task.iov, to + done);
    if (put < 0) {
      error = put;
      break;
    }
    done += put;
    if (put < got) break;
    if (done % PAUSE_BYTES == 0) error = pause();
  }
  if (done) tellMoved(source, target);
  heap.free(buffer);
  return done ? <i64>done : error;
}

function tellMoved(source: FileDescription, target: FileDescription): void {
  notifyAccess(source.dentry);
  notifyModify(target.dentry);
}

/**
 * Puts up to `count` bytes from `source` at `from` into a pipe: what there is room for once there is any, each page of the file in a
 * slot of its own. Returns how many. Errors: EPIPE, EAGAIN, EINTR; EINVAL for a source that has no pages (Linux:
 * splice_file_to_pipe()).
 */
function moveToPipe(task: Task, source: FileDescription, from: i64, target: PipeFile, count: u64): i64 {
  const room = target.waitForRoom();
  if (room < 0 || count == 0) return min(room, 0);
  if (!hasPages(source)) return -EINVAL;
  const pipe = target.pipe;
  const buffer = heap.alloc(PAGE_SIZE);
  let error: i64 = 0;
  let done: u64 = 0;
  while (done < count && !pipe.isFull) {
    const at = from + done;
    pointAt(task, buffer, <u32>min<u64>(PAGE_SIZE - (at & (PAGE_SIZE - 1)), count - done));
    error = source.read(task.iov, at);
    if (error <= 0) break;
    pointAt(task, buffer, <u32>error);
    // The read may have slept.
    error = pipe.readers == 0 ? -EPIPE : pipe.isFull ? -EAGAIN : pipe.putPage(task.iov);
    if (error < 0) break;
    done += error;
  }
  heap.free(buffer);
  if (done == 0) return error;
  pipe.queue.wakeAll();
  tellMoved(source, target);
  return done;
}

/**
 * Errors: EFAULT for the offset; EBADF; ESPIPE for an offset in what has none; EINVAL; EBADF for the target; EINVAL for a target
 * that appends and for a source that has no pages; those of a pipe (Linux: do_sendfile()).
 */
export function sendfile(task: Task, targetFd: i32, sourceFd: i32, offset: usize, count: u64): i64 {
  if (offset && !isMemory(offset, 8)) return -EFAULT;
  const foundSource = fileOf(task, sourceFd);
  if (isError(foundSource)) return <i32>foundSource;
  const source = changetype<FileDescription>(foundSource);
  if (!source.canRead) return -EBADF;
  if (offset && !source.isSeekable()) return -ESPIPE;
  const from = offset ? load<i64>(offset) : source.offset;
  if (from < 0 || <i64>count < 0 || from + <i64>count < 0) return -EINVAL;
  const foundTarget = fileOf(task, targetFd);
  if (isError(foundTarget)) return <i32>foundTarget;
  const target = changetype<FileDescription>(foundTarget);
  if (!target.canWrite) return -EBADF;
  if (target.isSeekable() && target.offset + <i64>count < 0) return -EINVAL;
  const toPipe = target.inode.type == <u32>S_IFIFO;
  // An eventfd has no pages, but lseek(2) knows it: only what is to be moved fails (Linux: FMODE_LSEEK).
  if (!toPipe && (target.appends || source.seek(0, SEEK_CUR) < 0)) return -EINVAL;
  const most = writableBytes(task, target, target.offset, <i64>min<u64>(count, <u64>MAX_RW_COUNT));
  if (most < 0) return task.countWrite(most);
  const moved = toPipe
    ? moveToPipe(task, source, from, changetype<PipeFile>(target), most)
    : moveData(task, source, from, target, target.offset, most);
  // Whether anything was read or not (Linux: splice_direct_to_actor()).
  if (!toPipe) fileAccessed(source);
  if (moved > 0) {
    if (target.isSeekable()) target.offset += moved;
    if (offset) store<i64>(offset, from + moved);
    else source.offset = from + moved;
  }
  task.countRead(moved);
  return task.countWrite(moved);
}

/** What generic_copy_file_checks() finds wrong with two files. */
function checkPair(source: FileDescription, target: FileDescription): i32 {
  if (source.inode.isDirectory || target.inode.isDirectory) return -EISDIR;
  if (!source.inode.isRegular || !target.inode.isRegular) return -EINVAL;
  if (!source.canRead || !target.canWrite || target.appends) return -EBADF;
  return source.inode.fs === target.inode.fs ? 0 : -EXDEV;
}

/**
 * How many bytes there are to copy. Errors: EOVERFLOW for ranges behind the largest offset; EINVAL for ranges that overlap in one
 * file, and for negative positions; EFBIG.
 */
function checkRanges(source: FileDescription, from: i64, target: FileDescription, to: i64, count: u64): i64 {
  if (<u64>from + count < <u64>from || <u64>to + count < <u64>to) return -EOVERFLOW;
  const known = source.inode.getAttributes();
  if (known < 0) return known;
  const size = source.inode.size;
  let length: i64 = from >= size ? 0 : <i64>min<u64>(count, <u64>(size - from));
  if (length > 0 && to == i64.MAX_VALUE) return -EFBIG;
  if (to > 0) length = min<i64>(length, i64.MAX_VALUE - to);
  if (source.inode === target.inode && to + length > from && to < from + length) return -EINVAL;
  if (from < 0 || to < 0 || from + length < 0 || to + length < 0) return -EINVAL;
  return min<i64>(length, MAX_RW_COUNT);
}

/** Errors: EBADF; EFAULT for the offsets; EINVAL for flags; then what is wrong with the files and with the ranges. */
export function copyFileRange(
  task: Task,
  sourceFd: i32,
  sourceOffset: usize,
  targetFd: i32,
  targetOffset: usize,
  count: u64,
  flags: u32,
): i64 {
  const foundSource = fileOf(task, sourceFd);
  if (isError(foundSource)) return <i32>foundSource;
  const foundTarget = fileOf(task, targetFd);
  if (isError(foundTarget)) return <i32>foundTarget;
  if (sourceOffset && !isMemory(sourceOffset, 8)) return -EFAULT;
  if (targetOffset && !isMemory(targetOffset, 8)) return -EFAULT;
  if (flags) return -EINVAL;
  const source = changetype<FileDescription>(foundSource);
  const target = changetype<FileDescription>(foundTarget);
  const wrong = checkPair(source, target);
  if (wrong < 0) return wrong;
  const from = sourceOffset ? load<i64>(sourceOffset) : source.offset;
  const to = targetOffset ? load<i64>(targetOffset) : target.offset;
  let length = checkRanges(source, from, target, to, count);
  if (length > 0) length = writableBytes(task, target, to, length);
  let moved = length > 0 ? source.copyRange(from, target, to, length) : length;
  // Only now is it known that there was something to copy: without, nothing is lost.
  if (moved > 0) {
    removePrivileges(target.dentry, task.cred);
    tellMoved(source, target);
  }
  if (moved == -EOPNOTSUPP || moved == -EXDEV || (moved == -EINVAL && length > 0))
    moved = moveData(task, source, from, target, to, <u64>length);
  if (moved > 0) {
    if (sourceOffset) store<i64>(sourceOffset, from + moved);
    else source.offset = from + moved;
    if (targetOffset) store<i64>(targetOffset, to + moved);
    else target.offset = to + moved;
  }
  task.countRead(moved);
  return task.countWrite(moved);
}
