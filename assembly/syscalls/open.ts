// open(2), openat(2), creat(2), close(2).

import { AT_FDCWD, O_CREAT, O_TRUNC, O_WRONLY } from "../abi/fcntl.ts";
import { Task } from "../kernel/task.ts";
import { isError } from "../lib/result.ts";
import { openAt } from "../vfs/vfs.ts";
import { beginAt, install } from "./arguments.ts";

/** Errors: EFAULT, ENAMETOOLONG, ENOENT; EBADF, ENOTDIR; then what the walk and the file say; EMFILE last. */
export function openat(task: Task, dirFd: i32, path: usize, flags: u32, mode: u32): i64 {
  const walk = task.walk;
  const length = beginAt(task, walk, dirFd, path, 0);
  if (length < 0) return length;
  const file = openAt(walk, <u32>length, flags, mode & 0o7777, 0);
  walk.release();
  return isError(file) ? <i32>file : install(task, file, 0);
}

export function open(task: Task, path: usize, flags: u32, mode: u32): i64 {
  return openat(task, AT_FDCWD, path, flags, mode);
}

export function creat(task: Task, path: usize, mode: u32): i64 {
  return openat(task, AT_FDCWD, path, <u32>(O_CREAT | O_WRONLY | O_TRUNC), mode);
}

/** Errors: EBADF. */
export function close(task: Task, fd: i32): i64 {
  return task.fds.close(<u32>fd);
}
