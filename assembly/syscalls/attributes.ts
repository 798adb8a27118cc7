// Calls that change attributes: chmod(2), chown(2) and their kin, umask(2).

import { EINVAL } from "../abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../abi/fcntl.ts";
import { Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { isError } from "../lib/result.ts";
import { ATTR_CHOWN, ATTR_GID, ATTR_MODE, ATTR_UID, Attributes } from "../vfs/attributes.ts";
import { changeThrough } from "../vfs/change.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { WALK_FOLLOW } from "../vfs/path-walk.ts";
import { fileOf, walkTo } from "./arguments.ts";

const NONE: u32 = u32.MAX_VALUE;
const PATH_FLAGS: u32 = <u32>(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);

/**
 * Makes the change at a path, and ends `a`. `wrong` is 0, or what is wrong with the change itself. Errors: EINVAL for unknown flags,
 * the path's, `wrong`, EROFS, what the change gives.
 */
export function changeAt(task: Task, dirFd: i32, path: usize, a: Attributes, flags: u32, wrong: i32): i64 {
  let result: i32 = -EINVAL;
  if (!(flags & ~PATH_FLAGS)) {
    const follow = flags & <u32>AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
    result = walkTo(task, dirFd, path, flags, follow);
    if (result == 0) {
      const walk = task.walk;
      result = wrong < 0 ? wrong : changeThrough(walk.resultMount, walk.result, a, task.cred);
      walk.release();
    }
  }
  free(a);
  return result;
}

/** As changeAt() for an open file. Errors: EBADF, also for O_PATH; `wrong`; EROFS; what the change gives. */
export function changeOpen(task: Task, fd: i32, a: Attributes, wrong: i32): i64 {
  const result = changeDescription(task, fileOf(task, fd), a, wrong);
  free(a);
  return result;
}

function changeDescription(task: Task, found: usize, a: Attributes, wrong: i32): i64 {
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  return wrong < 0 ? wrong : changeThrough(file.mount, file.dentry, a, task.cred);
}

function modeChange(mode: u32): Attributes {
  const a = new Attributes();
  a.valid = ATTR_MODE;
  a.mode = mode & 0o7777;
  return a;
}

/** An id of -1 stays as it is; even then set-id bits go, and ctime is now. */
function ownerChange(uid: u32, gid: u32): Attributes {
  const a = new Attributes();
  a.valid = ATTR_CHOWN;
  if (uid != NONE) a.valid |= ATTR_UID;
  if (gid != NONE) a.valid |= ATTR_GID;
  a.uid = uid;
  a.gid = gid;
  return a;
}

/**
 * Errors: EINVAL for unknown flags, the path's, EROFS, EOPNOTSUPP for a symbolic link, EPERM.
 * @flags AT_EMPTY_PATH AT_SYMLINK_NOFOLLOW
 */
export function fchmodat2(task: Task, dirFd: i32, path: usize, mode: u32, flags: u32): i64 {
  return changeAt(task, dirFd, path, modeChange(mode), flags, 0);
}

export function chmod(task: Task, path: usize, mode: u32): i64 {
  return fchmodat2(task, AT_FDCWD, path, mode, 0);
}

/** Errors: EBADF, also for O_PATH; EROFS, EPERM. */
export function fchmod(task: Task, fd: i32, mode: u32): i64 {
  return changeOpen(task, fd, modeChange(mode), 0);
}

/**
 * Errors: EINVAL for unknown flags, the path's, EROFS, EPERM.
 * @flags AT_EMPTY_PATH AT_SYMLINK_NOFOLLOW
 */
export function fchownat(task: Task, dirFd: i32, path: usize, uid: u32, gid: u32, flags: u32): i64 {
  return changeAt(task, dirFd, path, ownerChange(uid, gid), flags, 0);
}

export function chown(task: Task, path: usize, uid: u32, gid: u32): i64 {
  return fchownat(task, AT_FDCWD, path, uid, gid, 0);
}

export function lchown(task: Task, path: usize, uid: u32, gid: u32): i64 {
  return fchownat(task, AT_FDCWD, path, uid, gid, <u32>AT_SYMLINK_NOFOLLOW);
}

/** Errors: EBADF, also for O_PATH; EROFS, EPERM. */
export function fchown(task: Task, fd: i32, uid: u32, gid: u32): i64 {
  return changeOpen(task, fd, ownerChange(uid, gid), 0);
}

/** Returns the old mask. */
export function umask(task: Task, mask: u32): i64 {
  const before = task.umask;
  task.umask = mask & 0o777;
  return before;
}
