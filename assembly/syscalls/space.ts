// How much of a file there is: truncate(2), ftruncate(2), fallocate(2).

import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_WRITE_ZEROES,
  FALLOC_FL_ZERO_RANGE,
} from "../abi/data.ts";
import { EBADF, EFBIG, EINVAL, EISDIR, ENODEV, EOPNOTSUPP, EROFS, ESPIPE } from "../abi/errno.ts";
import { AT_FDCWD } from "../abi/fcntl.ts";
import { S_IFBLK, S_IFIFO } from "../abi/stat.ts";
import { checkNewSize } from "../kernel/file-size-limit.ts";
import { Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { isError } from "../lib/result.ts";
import { ATTR_SIZE, Attributes } from "../vfs/attributes.ts";
import { changeThrough, truncateOpen } from "../vfs/change.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { notifyModify } from "../vfs/fsnotify.ts";

import { WALK_FOLLOW } from "../vfs/path-walk.ts";
import { checkPermission, MAY_WRITE } from "../vfs/permission.ts";
import { removePrivileges } from "../vfs/privileges.ts";
import { fileOf, walkTo } from "./arguments.ts";

/** Errors: EINVAL for a negative size; the path's; EISDIR, EINVAL for what has no size to set; EACCES, EROFS; then EFBIG. */
export function truncate(task: Task, path: usize, size: i64): i64 {
  if (size < 0) return -EINVAL;
  let result = walkTo(task, AT_FDCWD, path, 0, WALK_FOLLOW);
  if (result < 0) return result;
  const walk = task.walk;
  const inode = walk.result.file;
  if (inode.isDirectory) result = -EISDIR;
  else if (!inode.isRegular) result = -EINVAL;
  else if (inode.fs.readonly) result = -EROFS;
  else result = checkPermission(inode, task.cred, MAY_WRITE);
  if (result == 0) result = checkNewSize(task, inode, size);
  if (result == 0) {
    const a = new Attributes();
    a.valid = ATTR_SIZE;
    a.size = size;
    result = changeThrough(walk.resultMount, walk.result, a, task.cred);
    free(a);
  }
  walk.release();
  return result;
}

/** Errors: EINVAL for a negative size, EBADF, EINVAL for what has no size to set or is not open for writing, then EFBIG. */
export function ftruncate(task: Task, fd: i32, size: i64): i64 {
  if (size < 0) return -EINVAL;
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.inode.isRegular || !file.canWrite) return -EINVAL;
  const tooLarge = checkNewSize(task, file.inode, size);
  return tooLarge < 0 ? tooLarge : truncateOpen(file, size, task.cred);
}

/** Whether fallocate(2) has such a mode at all: one operation, and KEEP_SIZE where it says something. */
function isMode(mode: u32): bool {
  const keeps = (mode & <u32>FALLOC_FL_KEEP_SIZE) != 0;
  switch (mode & ~(<u32>FALLOC_FL_KEEP_SIZE)) {
    case 0:
    case FALLOC_FL_UNSHARE_RANGE:
    case FALLOC_FL_ZERO_RANGE:
      return true;
    case FALLOC_FL_PUNCH_HOLE:
      return keeps;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
    case FALLOC_FL_WRITE_ZEROES:
      return !keeps;
    default:
      return false;
  }
}

/**
 * Errors: EBADF; EINVAL for the range; EOPNOTSUPP for the mode; EBADF when it is not open for writing; ESPIPE, EISDIR, ENODEV;
 * EFBIG; then the file's: EOPNOTSUPP, ENOSPC (Linux: vfs_fallocate()).
 * @flags FALLOC_FL_KEEP_SIZE FALLOC_FL_PUNCH_HOLE FALLOC_FL_ZERO_RANGE
 */
export function fallocate(task: Task, fd: i32, mode: u32, offset: i64, length: i64): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (offset < 0 || length <= 0) return -EINVAL;
  if (!isMode(mode)) return -EOPNOTSUPP;
  if (!file.canWrite) return -EBADF;
  const inode = file.inode;
  if (inode.type == <u32>S_IFIFO) return -ESPIPE;
  if (inode.isDirectory) return -EISDIR;
  if (!inode.isRegular && inode.type != <u32>S_IFBLK) return -ENODEV;
  if (offset + length < 0) return -EFBIG;
  let result = mode & <u32>FALLOC_FL_KEEP_SIZE ? 0 : checkNewSize(task, inode, offset + length);
  if (result == 0 && inode.dropsPrivilegesFirst) result = removePrivileges(file.dentry, task.cred);
  if (result == 0) result = file.allocate(mode, offset, length);
  if (result == 0) result = removePrivileges(file.dentry, task.cred);
  if (result == 0) notifyModify(file.dentry);
  return result;
}
