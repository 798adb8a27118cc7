// Calls that make, remove and move names: mkdir(2), rmdir(2), unlink(2), symlink(2), link(2), rename(2), readlink(2).

import { CAP_DAC_READ_SEARCH } from "../abi/capability.ts";
import { EFAULT, EINVAL, ENOENT, ENOTDIR, EPERM } from "../abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from "../abi/fcntl.ts";
import { PATH_MAX } from "../abi/limits.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from "../abi/stat.ts";
import { Task } from "../kernel/task.ts";
import { readlinkAt } from "../vfs/change.ts";
import { linkAt, mkdirAt, mknodAt, symlinkAt } from "../vfs/create.ts";
import { PathWalk, WALK_FOLLOW, WALK_PARENT } from "../vfs/path-walk.ts";
import { rmdirAt, unlinkAt } from "../vfs/remove.ts";
import { renameBetween } from "../vfs/rename.ts";
import { beginAt, isMemory, takePath } from "./arguments.ts";

/** Errors: the path's; ENOENT for a removed directory, EEXIST, EROFS, EACCES; EMLINK, ENOSPC. */
export function mkdirat(task: Task, dirFd: i32, path: usize, mode: u32): i64 {
  const walk = task.walk;
  const length = beginAt(task, walk, dirFd, path, 0);
  if (length < 0) return length;
  const result = mkdirAt(walk, <u32>length, mode & 0o7777, 0);
  walk.release();
  return result;
}

/**
 * mknod(2). Errors: EPERM for a directory and EINVAL for another type that is none (Linux: may_mknod()); the path's; EPERM for a
 * device without CAP_MKNOD.
 */
export function mknodat(task: Task, dirFd: i32, path: usize, mode: u32, rdev: u32): i64 {
  const type = mode & <u32>S_IFMT;
  if (type == <u32>S_IFDIR) return -EPERM;
  const device = type == <u32>S_IFCHR || type == <u32>S_IFBLK;
  const known = type == 0 || type == <u32>S_IFREG || type == <u32>S_IFIFO || type == <u32>S_IFSOCK;
  if (!device && !known) return -EINVAL;
  const walk = task.walk;
  const length = beginAt(task, walk, dirFd, path, 0);
  if (length < 0) return length;
  const whole = (mode & 0o7777) | (type ? type : <u32>S_IFREG);
  const result = mknodAt(walk, <u32>length, whole, device ? rdev : 0, 0);
  walk.release();
  return result;
}

/**
 * unlink(2), or rmdir(2) with AT_REMOVEDIR. Errors: EINVAL for other flags, then the path's.
 * @flags AT_REMOVEDIR
 */
export function unlinkat(task: Task, dirFd: i32, path: usize, flags: u32): i64 {
  if (flags & ~(<u32>AT_REMOVEDIR)) return -EINVAL;
  const walk = task.walk;
  const length = beginAt(task, walk, dirFd, path, 0);
  if (length < 0) return length;
  const result = flags & <u32>AT_REMOVEDIR ? rmdirAt(walk, <u32>length, 0) : unlinkAt(walk, <u32>length, 0);
  walk.release();
  return result;
}

/**
 * Errors: EFAULT, ENAMETOOLONG and ENOENT for the text; the path's; ENOENT for a removed directory, EEXIST, ENOENT for a trailing
 * slash, EROFS, EACCES; ENOSPC.
 */
export function symlinkat(task: Task, target: usize, dirFd: i32, path: usize): i64 {
  const other = task.otherWalk;
  const targetLength = takePath(other, target);
  if (targetLength < 0) return targetLength;
  if (targetLength == 0) return -ENOENT;
  const walk = task.walk;
  const length = beginAt(task, walk, dirFd, path, 0);
  if (length < 0) return length;
  const result = symlinkAt(walk, <u32>length, other.path, <u32>targetLength, 0);
  walk.release();
  return result;
}

/**
 * Whether AT_EMPTY_PATH is for the caller: with CAP_DAC_READ_SEARCH, when its credentials are those that the descriptor was opened
 * with, or when the path does not begin at a descriptor at all (Linux: path_init(), LOOKUP_LINKAT_EMPTY).
 */
function mayLinkEmpty(task: Task, fd: i32, isAbsolute: bool): bool {
  if (fd == AT_FDCWD || isAbsolute) return true;
  const entry = task.fds.peek(<u32>fd);
  if (entry === null || entry.description.openedBy == task.cred.number) return true;
  return task.cred.hasCapability(CAP_DAC_READ_SEARCH);
}

/**
 * Errors: EINVAL for unknown flags; the old path's, ENOENT for AT_EMPTY_PATH; the new path's; linkAt()'s.
 * @flags AT_EMPTY_PATH AT_SYMLINK_FOLLOW
 */
export function linkat(task: Task, oldFd: i32, oldPath: usize, newFd: i32, newPath: usize, flags: u32): i64 {
  if (flags & ~(<u32>(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))) return -EINVAL;
  const from = task.walk;
  const to = task.otherWalk;
  const oldLength = beginAt(task, from, oldFd, oldPath, flags);
  const isAbsolute = oldLength > 0 && load<u8>(from.path) == 0x2f;
  const asks = (flags & <u32>AT_EMPTY_PATH) != 0 && (oldLength >= 0 || oldLength == -ENOTDIR);
  const forbidden = asks && !mayLinkEmpty(task, oldFd, isAbsolute);
  if (oldLength < 0) return forbidden ? -ENOENT : oldLength;
  let result: i32 = 0;
  if (forbidden) result = -ENOENT;
  else if (oldLength > 0) result = from.run(<u32>oldLength, flags & <u32>AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0);
  if (result == 0) {
    const newLength = beginAt(task, to, newFd, newPath, 0);
    result = newLength < 0 ? newLength : linkAt(from, to, <u32>newLength, 0);
    to.release();
  }
  from.release();
  return result;
}

/**
 * Errors: EINVAL for unknown flags and contradictions, the old path's, the new path's, then EXDEV and what the names say.
 * @flags RENAME_EXCHANGE RENAME_NOREPLACE RENAME_WHITEOUT
 */
export function renameat2(
  task: Task,
  oldFd: i32,
  oldPath: usize,
  newFd: i32,
  newPath: usize,
  flags: u32,
): i64 {
  const known = <u32>(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT);
  if (flags & ~known) return -EINVAL;
  if (flags & <u32>RENAME_EXCHANGE && flags & <u32>(RENAME_NOREPLACE | RENAME_WHITEOUT)) return -EINVAL;
  const from = task.walk;
  const to = task.otherWalk;
  const oldLength = beginAt(task, from, oldFd, oldPath, 0);
  if (oldLength < 0) return oldLength;
  let result = from.run(<u32>oldLength, WALK_PARENT);
  if (result == 0) {
    const newLength = beginAt(task, to, newFd, newPath, 0);
    result = newLength < 0 ? newLength : to.run(<u32>newLength, WALK_PARENT);
  }
  if (result == 0) result = renameBetween(from, to, flags);
  to.release();
  from.release();
  return result;
}

/** readlinkat(2) with an empty path: the descriptor is the link. Errors: ENOENT when it is none. */
function readlinkOpen(walk: PathWalk, text: usize): i32 {
  const inode = walk.result.file;
  return inode.isSymlink ? inode.readlink(text) : -ENOENT;
}

/** Returns the bytes put to `out`, without a NUL, cut to `size`. Errors: EINVAL for a size of 0, the path's, EINVAL, EFAULT. */
export function readlinkat(task: Task, dirFd: i32, path: usize, out: usize, size: i32): i64 {
  if (size <= 0) return -EINVAL;
  const walk = task.walk;
  const length = beginAt(task, walk, dirFd, path, <u32>AT_EMPTY_PATH);
  if (length < 0) return length;
  const text = heap.alloc(PATH_MAX);
  let result = length > 0 ? readlinkAt(walk, <u32>length, text, 0) : readlinkOpen(walk, text);
  walk.release();
  if (result > size) result = size;
  if (result > 0) {
    if (isMemory(out, <u64>result)) memory.copy(out, text, <usize>result);
    else result = -EFAULT;
  }
  heap.free(text);
  return result;
}

export function mkdir(task: Task, path: usize, mode: u32): i64 {
  return mkdirat(task, AT_FDCWD, path, mode);
}
export function rmdir(task: Task, path: usize): i64 {
  return unlinkat(task, AT_FDCWD, path, <u32>AT_REMOVEDIR);
}
export function unlink(task: Task, path: usize): i64 {
  return unlinkat(task, AT_FDCWD, path, 0);
}
export function symlink(task: Task, target: usize, path: usize): i64 {
  return symlinkat(task, target, AT_FDCWD, path);
}
export function link(task: Task, oldPath: usize, newPath: usize): i64 {
  return linkat(task, AT_FDCWD, oldPath, AT_FDCWD, newPath, 0);
}
export function rename(task: Task, oldPath: usize, newPath: usize): i64 {
  return renameat2(task, AT_FDCWD, oldPath, AT_FDCWD, newPath, 0);
}
export function readlink(task: Task, path: usize, out: usize, size: i32): i64 {
  return readlinkat(task, AT_FDCWD, path, out, size);
}
