// setxattr(2), getxattr(2), listxattr(2), removexattr(2) and their forms for links and descriptors.

import { E2BIG, EFAULT, EINVAL, ERANGE } from "../abi/errno.ts";
import { AT_FDCWD } from "../abi/fcntl.ts";
import { XATTR_CREATE, XATTR_LIST_MAX, XATTR_NAME_MAX, XATTR_REPLACE, XATTR_SIZE_MAX } from "../abi/xattr.ts";
import { Task } from "../kernel/task.ts";
import { isError } from "../lib/result.ts";
import { Dentry } from "../vfs/dentry.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { notifyAttributes } from "../vfs/fsnotify.ts";
import { Mount } from "../vfs/mount.ts";
import { WALK_FOLLOW } from "../vfs/path-walk.ts";
import * as vfs from "../vfs/xattr.ts";
import { fileOf, isMemory, walkTo } from "./arguments.ts";

/** The length of a name. Errors: ERANGE for an empty or too long one, EFAULT (Linux: import_xattr_name()). */
function nameLengthOf(name: usize): i32 {
  for (let length: u32 = 0; length <= <u32>XATTR_NAME_MAX; length++) {
    if (!isMemory(name + length, 1)) return -EFAULT;
    if (load<u8>(name + length) == 0) return length ? <i32>length : -ERANGE;
  }
  return -ERANGE;
}

/** Errors of a setxattr(2) that come before the file is looked up (Linux: setxattr_copy()). Returns the name's length. */
function checkNew(name: usize, value: usize, length: u64, flags: u32): i32 {
  if (flags & ~(<u32>(XATTR_CREATE | XATTR_REPLACE))) return -EINVAL;
  const nameLength = nameLengthOf(name);
  if (nameLength < 0) return nameLength;
  if (length > <u64>XATTR_SIZE_MAX) return -E2BIG;
  if (length && !isMemory(value, length)) return -EFAULT;
  return nameLength;
}

function setOn(
  task: Task,
  mount: Mount,
  dentry: Dentry,
  name: usize,
  nameLength: i32,
  value: usize,
  length: u32,
  flags: u32,
): i32 {
  let result = mount.wantWrite();
  if (result < 0) return result;
  result = vfs.setXattr(dentry, task.cred, name, <u32>nameLength, value, length, flags);
  if (result == 0) notifyAttributes(dentry);
  mount.dropWrite();
  return result;
}

function setByPath(
  task: Task,
  path: usize,
  name: usize,
  value: usize,
  length: u64,
  flags: u32,
  walkFlags: u32,
): i64 {
  const nameLength = checkNew(name, value, length, flags);
  if (nameLength < 0) return nameLength;
  let result = walkTo(task, AT_FDCWD, path, 0, walkFlags);
  if (result < 0) return result;
  const walk = task.walk;
  result = setOn(task, walk.resultMount, walk.result, name, nameLength, value, <u32>length, flags);
  walk.release();
  return result;
}

/**
 * Errors: EINVAL for the flags, ERANGE and EFAULT for the name, E2BIG, EFAULT; the path's; EROFS, then vfs/xattr.ts's.
 * @flags XATTR_CREATE XATTR_REPLACE
 */
export function setxattr(task: Task, path: usize, name: usize, value: usize, length: u64, flags: u32): i64 {
  return setByPath(task, path, name, value, length, flags, WALK_FOLLOW);
}

/**
 * Errors: as setxattr().
 * @flags XATTR_CREATE XATTR_REPLACE
 */
export function lsetxattr(task: Task, path: usize, name: usize, value: usize, length: u64, flags: u32): i64 {
  return setByPath(task, path, name, value, length, flags, 0);
}

/**
 * Errors: as setxattr(), with EBADF for the path's.
 * @flags XATTR_CREATE XATTR_REPLACE
 */
export function fsetxattr(task: Task, fd: i32, name: usize, value: usize, length: u64, flags: u32): i64 {
  const nameLength = checkNew(name, value, length, flags);
  if (nameLength < 0) return nameLength;
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  const result = setOn(task, file.mount, file.dentry, name, nameLength, value, <u32>length, flags);
  return result;
}

/** Errors: vfs/xattr.ts's; E2BIG for a value that no buffer may be large enough for; EFAULT last. */
function getOn(task: Task, dentry: Dentry, name: usize, nameLength: i32, out: usize, size: u64): i32 {
  const capacity = <u32>min<u64>(size, <u64>XATTR_SIZE_MAX);
  if (capacity == 0) return vfs.getXattr(dentry.file, task.cred, name, <u32>nameLength, 0, 0);
  const value = heap.alloc(capacity);
  const result = vfs.getXattr(dentry.file, task.cred, name, <u32>nameLength, value, capacity);
  const given = give(value, result, out);
  heap.free(value);
  return given == -ERANGE && size >= <u64>XATTR_SIZE_MAX ? -E2BIG : given;
}

/** Copies what `result` counts to the caller's buffer. */
function give(from: usize, result: i32, out: usize): i32 {
  if (result <= 0) return result;
  if (!isMemory(out, <u64>result)) return -EFAULT;
  memory.copy(out, from, <usize>result);
  return result;
}

function getByPath(task: Task, path: usize, name: usize, out: usize, size: u64, walkFlags: u32): i64 {
  const nameLength = nameLengthOf(name);
  if (nameLength < 0) return nameLength;
  const found = walkTo(task, AT_FDCWD, path, 0, walkFlags);
  if (found < 0) return found;
  const result = getOn(task, task.walk.result, name, nameLength, out, size);
  task.walk.release();
  return result;
}

/** Errors: ERANGE and EFAULT for the name; the path's; vfs/xattr.ts's. */
export function getxattr(task: Task, path: usize, name: usize, out: usize, size: u64): i64 {
  return getByPath(task, path, name, out, size, WALK_FOLLOW);
}

/** Errors: as getxattr(). */
export function lgetxattr(task: Task, path: usize, name: usize, out: usize, size: u64): i64 {
  return getByPath(task, path, name, out, size, 0);
}

/** Errors: as getxattr(), with EBADF for the path's. */
export function fgetxattr(task: Task, fd: i32, name: usize, out: usize, size: u64): i64 {
  const nameLength = nameLengthOf(name);
  if (nameLength < 0) return nameLength;
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  const result = getOn(task, file.dentry, name, nameLength, out, size);
  return result;
}

/** Errors: ERANGE, or E2BIG when no buffer may be large enough; EFAULT. */
function listOn(task: Task, dentry: Dentry, out: usize, size: u64): i32 {
  const capacity = <u32>min<u64>(size, <u64>XATTR_LIST_MAX);
  if (capacity == 0) return vfs.listXattrs(dentry.file, task.cred, 0, 0);
  const names = heap.alloc(capacity);
  const given = give(names, vfs.listXattrs(dentry.file, task.cred, names, capacity), out);
  heap.free(names);
  return given == -ERANGE && size >= <u64>XATTR_LIST_MAX ? -E2BIG : given;
}

function listByPath(task: Task, path: usize, out: usize, size: u64, walkFlags: u32): i64 {
  const found = walkTo(task, AT_FDCWD, path, 0, walkFlags);
  if (found < 0) return found;
  const result = listOn(task, task.walk.result, out, size);
  task.walk.release();
  return result;
}

/** Errors: the path's; ERANGE, E2BIG, EFAULT. */
export function listxattr(task: Task, path: usize, out: usize, size: u64): i64 {
  return listByPath(task, path, out, size, WALK_FOLLOW);
}

/** Errors: as listxattr(). */
export function llistxattr(task: Task, path: usize, out: usize, size: u64): i64 {
  return listByPath(task, path, out, size, 0);
}

/** Errors: EBADF, also for O_PATH; then as listxattr(). */
export function flistxattr(task: Task, fd: i32, out: usize, size: u64): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  const result = listOn(task, file.dentry, out, size);
  return result;
}

function removeOn(task: Task, mount: Mount, dentry: Dentry, name: usize, nameLength: i32): i32 {
  let result = mount.wantWrite();
  if (result < 0) return result;
  result = vfs.removeXattr(dentry, task.cred, name, <u32>nameLength);
  if (result == 0) notifyAttributes(dentry);
  mount.dropWrite();
  return result;
}

function removeByPath(task: Task, path: usize, name: usize, walkFlags: u32): i64 {
  const nameLength = nameLengthOf(name);
  if (nameLength < 0) return nameLength;
  let result = walkTo(task, AT_FDCWD, path, 0, walkFlags);
  if (result < 0) return result;
  const walk = task.walk;
  result = removeOn(task, walk.resultMount, walk.result, name, nameLength);
  walk.release();
  return result;
}

/** Errors: ERANGE and EFAULT for the name; the path's; EROFS, then vfs/xattr.ts's. */
export function removexattr(task: Task, path: usize, name: usize): i64 {
  return removeByPath(task, path, name, WALK_FOLLOW);
}

/** Errors: as removexattr(). */
export function lremovexattr(task: Task, path: usize, name: usize): i64 {
  return removeByPath(task, path, name, 0);
}

/** Errors: as removexattr(), with EBADF for the path's. */
export function fremovexattr(task: Task, fd: i32, name: usize): i64 {
  const nameLength = nameLengthOf(name);
  if (nameLength < 0) return nameLength;
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  const result = removeOn(task, file.mount, file.dentry, name, nameLength);
  return result;
}
