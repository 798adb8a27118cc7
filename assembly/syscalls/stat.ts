// stat(2), fstat(2), lstat(2), newfstatat(2).

import { EFAULT, EINVAL } from "../abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_STATX_SYNC_TYPE,
  AT_SYMLINK_NOFOLLOW,
} from "../abi/fcntl.ts";
import { Task } from "../kernel/task.ts";
import { isError } from "../lib/result.ts";
import { Inode } from "../vfs/dentry.ts";
import { makeDevice } from "../vfs/device.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { WALK_FOLLOW } from "../vfs/path-walk.ts";
import { descriptionOf, isEmptyPath, isMemory, walkTo } from "./arguments.ts";

/** sizeof(struct stat) on x86-64. */
const STAT_SIZE: u64 = 144;
export const BLOCK_SIZE: u64 = 4096;
const SECOND: i64 = 1_000_000_000;

/** What stat(2) and statx(2) take. */
export const STAT_FLAGS: u32 = <u32>(
  (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)
);

/**
 * Writes a struct timespec; times before the epoch have a negative second and a positive rest. The quotient of floating point numbers
 * is off by one at most, and takes a tenth of what a division of i64 does: a stat(2) has three of these.
 */
export function putTimespec(out: usize, nanoseconds: i64): void {
  let seconds = <i64>floor(<f64>nanoseconds / <f64>SECOND);
  let rest = nanoseconds - seconds * SECOND;
  if (rest < 0) {
    rest += SECOND;
    seconds--;
  } else if (rest >= SECOND) {
    rest -= SECOND;
    seconds++;
  }
  store<i64>(out, seconds);
  store<i64>(out, rest, 8);
}

/** Fills a structure with zeros. Engines make a call of memory.fill(), which takes longer. `size`: a multiple of eight. */
export function clear(at: usize, size: usize): void {
  for (let end = at + size; at < end; at += 8) store<u64>(at, 0);
}

/** Brings the inode's attributes up to date and writes a struct stat to `out`. */
function putStat(inode: Inode, out: usize): i64 {
  const result = inode.getAttributes();
  if (result < 0) return result;
  if (!isMemory(out, STAT_SIZE)) return -EFAULT;
  clear(out, <usize>STAT_SIZE);
  store<u64>(out, makeDevice(0, inode.fs.device));
  store<u64>(out, inode.ino, 8);
  store<u64>(out, inode.nlink, 16);
  store<u32>(out, inode.mode, 24);
  store<u32>(out, inode.uid, 28);
  store<u32>(out, inode.gid, 32);
  store<u64>(out, inode.rdev, 40);
  store<i64>(out, inode.size, 48);
  store<u64>(out, BLOCK_SIZE, 56);
  store<u64>(out, inode.blocks, 64);
  putTimespec(out + 72, inode.atime);
  putTimespec(out + 88, inode.mtime);
  putTimespec(out + 104, inode.ctime);
  return 0;
}

/**
 * With AT_EMPTY_PATH an empty path or a null pointer is the descriptor itself, and the other flags are not looked at. Errors:
 * EINVAL for unknown flags, then the path's, EFAULT last (fs/stat.c vfs_fstatat()).
 * @flags AT_EMPTY_PATH AT_NO_AUTOMOUNT AT_SYMLINK_NOFOLLOW
 */
export function newfstatat(task: Task, dirFd: i32, path: usize, out: usize, flags: u32): i64 {
  const isEmpty = flags & <u32>AT_EMPTY_PATH && isEmptyPath(path);
  if (isEmpty && dirFd >= 0) return fstat(task, dirFd, out);
  if (flags & ~STAT_FLAGS) return -EINVAL;
  const result = walkTo(task, dirFd, path, flags, flags & <u32>AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW);
  if (result < 0) return result;
  const done = putStat(task.walk.result.file, out);
  task.walk.release();
  return done;
}

export function stat(task: Task, path: usize, out: usize): i64 {
  return newfstatat(task, AT_FDCWD, path, out, 0);
}

export function lstat(task: Task, path: usize, out: usize): i64 {
  return newfstatat(task, AT_FDCWD, path, out, <u32>AT_SYMLINK_NOFOLLOW);
}

/** Errors: EBADF, EFAULT. */
export function fstat(task: Task, fd: i32, out: usize): i64 {
  const found = descriptionOf(task, fd);
  return isError(found) ? <i64>(<i32>found) : putStat(changetype<FileDescription>(found).inode, out);
}
