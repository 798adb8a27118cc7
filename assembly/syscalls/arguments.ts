// What system calls have in common: descriptors, and paths that begin at one.
//
// Arguments lie in kernel memory: whoever calls for a guest has copied them in, and copies results out. A pointer is checked
// all the same, so that a mistake of the caller's is EFAULT, and no trap.

import { EBADF, EFAULT, ENAMETOOLONG, ENOENT, ENOTDIR } from "../abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, O_PATH } from "../abi/fcntl.ts";
import { PATH_MAX } from "../abi/limits.ts";
import { Credentials } from "../auth/credentials.ts";
import { Task } from "../kernel/task.ts";
import { errorOf, isError } from "../lib/result.ts";
import { isKernelMemory } from "../mm/kernel-memory.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { PathWalk } from "../vfs/path-walk.ts";

/** Whether [address, address + length) is memory at all. */
export function isMemory(address: usize, length: u64): bool {
  return isKernelMemory(address, length);
}

/** The description of an open descriptor, held until the call ends, or -EBADF as an error (Linux: fdget_raw()). */
export function descriptionOf(task: Task, fd: i32): usize {
  const entry = task.fdget(<u32>fd);
  return entry === null ? errorOf(-EBADF) : entry.file;
}

/** descriptionOf() an open file: a mere place, which is what O_PATH opens, is EBADF too (Linux: fdget()). */
export function fileOf(task: Task, fd: i32): usize {
  const found = descriptionOf(task, fd);
  if (isError(found)) return found;
  return changetype<FileDescription>(found).flags & <u32>O_PATH ? errorOf(-EBADF) : found;
}

/**
 * Copies the NUL-terminated path at `path` into the walk. Returns its length. Errors: EFAULT; ENAMETOOLONG from PATH_MAX bytes
 * on, NUL included (Linux: getname()).
 */
export function takePath(walk: PathWalk, path: usize): i32 {
  if (!isMemory(path, 1)) return -EFAULT;
  const end = (<u64>memory.size()) << 16;
  const most = <u32>min<u64>(end - path, <u64>PATH_MAX);
  const to = walk.path;
  let length: u32 = 0;
  // Eight bytes at a time, as long as none of them is zero.
  for (; length + 8 <= most; length += 8) {
    const word = load<u64>(path + length);
    if ((word - 0x0101010101010101) & ~word & 0x8080808080808080) break;
    store<u64>(to + length, word);
  }
  for (; length < most; length++) {
    const byte = load<u8>(path + length);
    if (byte == 0) return <i32>length;
    store<u8>(to + length, byte);
  }
  return most == <u32>PATH_MAX ? -ENAMETOOLONG : -EFAULT;
}

/**
 * Begins `walk` at `dirFd` (AT_FDCWD: the working directory) with the path at `path`. Returns the path's length, to be given to
 * run() or to an operation of vfs/. Errors: EFAULT, ENAMETOOLONG; ENOENT for an empty path unless `flags` have AT_EMPTY_PATH;
 * EBADF and ENOTDIR for the descriptor, which an absolute path does not look at.
 */
export function beginAt(task: Task, walk: PathWalk, dirFd: i32, path: usize, flags: u32): i32 {
  return beginAs(task, task.cred, walk, dirFd, path, flags, false);
}

/** beginAt() for a walk whose start is its root: an absolute path begins there, too. */
export function beginInRoot(task: Task, walk: PathWalk, dirFd: i32, path: usize): i32 {
  return beginAs(task, task.cred, walk, dirFd, path, 0, true);
}

function beginAs(
  task: Task,
  cred: Credentials,
  walk: PathWalk,
  dirFd: i32,
  path: usize,
  flags: u32,
  inRoot: bool,
): i32 {
  const length = takePath(walk, path);
  if (length < 0) return length;
  if (length == 0 && !(flags & <u32>AT_EMPTY_PATH)) return -ENOENT;
  const absolute = !inRoot && length > 0 && load<u8>(walk.path) == 0x2f;
  if (dirFd == AT_FDCWD || absolute) {
    walk.begin(task.rootMount, task.rootDentry, task.cwdMount, task.cwdDentry, cred);
    walk.umask = task.umask;
    return length;
  }
  const entry = task.fds.peek(<u32>dirFd);
  if (entry === null) return -EBADF;
  const file = entry.description;
  if (length > 0 && !file.inode.isDirectory) return -ENOTDIR;
  walk.begin(task.rootMount, task.rootDentry, file.mount, file.dentry, cred);
  walk.umask = task.umask;
  return length;
}

/** Whether stat(2) takes the path for none: "", or a null pointer (Linux: getname_maybe_null()). */
export function isEmptyPath(path: usize): bool {
  return path == 0 || (isMemory(path, 1) && load<u8>(path) == 0);
}

/** Begins and runs a walk to the file itself; with AT_EMPTY_PATH and "" it stays where it began. */
export function walkTo(task: Task, dirFd: i32, path: usize, flags: u32, walkFlags: u32): i32 {
  return walkAs(task, task.cred, dirFd, path, flags, walkFlags);
}

/** As walkTo(), with the rights of `cred`. */
export function walkAs(
  task: Task,
  cred: Credentials,
  dirFd: i32,
  path: usize,
  flags: u32,
  walkFlags: u32,
): i32 {
  const walk = task.walk;
  const length = beginAs(task, cred, walk, dirFd, path, flags, false);
  if (length <= 0) return length;
  const result = walk.run(<u32>length, walkFlags);
  if (result < 0) walk.release();
  return result;
}

/**
 * Installs a description that the task has just made as the lowest free descriptor. Takes the caller's reference. Errors: EMFILE,
 * ENFILE when the kernel's memory is nearly gone.
 */
export function installNew(task: Task, file: FileDescription, closeOnExec: bool): i32 {
  const room = task.fds.checkRoom();
  if (room < 0) {
    file.decRef();
    return room;
  }
  file.openedBy = task.cred.number;
  return task.fds.install(file, 0, closeOnExec);
}
