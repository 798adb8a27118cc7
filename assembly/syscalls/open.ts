// open(2), openat(2), creat(2), close(2).

import {
  AT_FDCWD,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_LARGEFILE,
  O_NOFOLLOW,
  O_PATH,
  O_TRUNC,
  O_WRONLY,
} from "../abi/fcntl.ts";
import { Task } from "../kernel/task.ts";
import { isError } from "../lib/result.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { openAt } from "../vfs/vfs.ts";
import { beginAt } from "./arguments.ts";

/** What O_PATH looks at besides itself. */
const PATH_FLAGS: u32 = <u32>(O_PATH | O_DIRECTORY | O_NOFOLLOW);

/** Errors: EFAULT, ENAMETOOLONG, ENOENT; EBADF, ENOTDIR; then what the walk and the file say; EMFILE last. */
export function openat(task: Task, dirFd: i32, path: usize, flags: u32, mode: u32): i64 {
  const walk = task.walk;
  const length = beginAt(task, walk, dirFd, path, 0);
  if (length < 0) return length;
  // A 64-bit process always has O_LARGEFILE, which O_PATH leaves out as it does most flags.
  const all = flags & <u32>O_PATH ? flags & (PATH_FLAGS | <u32>O_CLOEXEC) : flags | <u32>O_LARGEFILE;
  const file = openAt(walk, <u32>length, all, mode & 0o7777, 0);
  walk.release();
  if (isError(file)) return <i32>file;
  return task.fds.install(changetype<FileDescription>(file), 0, (flags & <u32>O_CLOEXEC) != 0);
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
