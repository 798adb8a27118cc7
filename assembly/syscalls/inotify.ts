// inotify_init1(2), inotify_add_watch(2), inotify_rm_watch(2).

import { EINVAL } from "../abi/errno.ts";
import { AT_FDCWD, O_NONBLOCK } from "../abi/fcntl.ts";
import {
  IN_ALL_EVENTS,
  IN_CLOEXEC,
  IN_DONT_FOLLOW,
  IN_EXCL_UNLINK,
  IN_IGNORED,
  IN_ISDIR,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_NONBLOCK,
  IN_ONESHOT,
  IN_ONLYDIR,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
} from "../abi/inotify.ts";
import { InotifyFile, makeInotify } from "../kernel/inotify.ts";
import { Task } from "../kernel/task.ts";
import { errorOf, isError } from "../lib/result.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { WALK_DIRECTORY, WALK_FOLLOW } from "../vfs/path-walk.ts";
import { checkPermission, MAY_READ } from "../vfs/permission.ts";
import { fileOf, installNew, walkTo } from "./arguments.ts";

/** What a mask may be made of (Linux: ALL_INOTIFY_BITS). */
const KNOWN: u32 =
  <u32>IN_ALL_EVENTS |
  <u32>IN_UNMOUNT |
  <u32>IN_Q_OVERFLOW |
  <u32>IN_IGNORED |
  <u32>IN_ONLYDIR |
  <u32>IN_DONT_FOLLOW |
  <u32>IN_EXCL_UNLINK |
  <u32>IN_MASK_ADD |
  <u32>IN_MASK_CREATE |
  <u32>IN_ISDIR |
  <u32>IN_ONESHOT;

/**
 * Errors: EINVAL for flags, EMFILE.
 * @flags IN_CLOEXEC IN_NONBLOCK
 */
export function inotifyInit1(task: Task, flags: u32): i64 {
  if (flags & ~(<u32>(IN_CLOEXEC | IN_NONBLOCK))) return -EINVAL;
  const file = makeInotify(flags & <u32>O_NONBLOCK);
  if (isError(file)) return <i32>file;
  return installNew(task, changetype<FileDescription>(file), (flags & <u32>IN_CLOEXEC) != 0);
}

/** The instance that `found` of fileOf() is. Errors: its own; EINVAL. */
function instanceOf(found: usize): usize {
  if (isError(found)) return found;
  return changetype<FileDescription>(found) instanceof InotifyFile ? found : errorOf(-EINVAL);
}

/**
 * Errors: EINVAL for the mask; EBADF; EINVAL for contradictions and for what is no instance; the path's; EACCES; EEXIST, ENOSPC.
 * @flags IN_ACCESS IN_MODIFY IN_ATTRIB IN_CLOSE_WRITE IN_CLOSE_NOWRITE IN_OPEN IN_MOVED_FROM IN_MOVED_TO IN_CREATE
 *   IN_DELETE IN_DELETE_SELF IN_MOVE_SELF IN_UNMOUNT IN_Q_OVERFLOW IN_IGNORED IN_ISDIR IN_ONLYDIR IN_DONT_FOLLOW
 *   IN_EXCL_UNLINK IN_MASK_CREATE IN_MASK_ADD IN_ONESHOT
 */
export function inotifyAddWatch(task: Task, fd: i32, path: usize, mask: u32): i64 {
  if (mask & ~KNOWN || mask == 0) return -EINVAL;
  const known = fileOf(task, fd);
  if (isError(known)) return <i32>known;
  if (mask & <u32>IN_MASK_ADD && mask & <u32>IN_MASK_CREATE) return -EINVAL;
  const found = instanceOf(known);
  if (isError(found)) return <i32>found;
  const instance = changetype<InotifyFile>(found);
  let bits: u32 = mask & <u32>IN_DONT_FOLLOW ? 0 : WALK_FOLLOW;
  if (mask & <u32>IN_ONLYDIR) bits |= WALK_DIRECTORY;
  let result = walkTo(task, AT_FDCWD, path, 0, bits);
  if (result == 0) {
    const inode = task.walk.result.file;
    result = checkPermission(inode, task.cred, MAY_READ);
    if (result == 0) result = instance.watch(inode, mask);
    task.walk.release();
  }
  return result;
}

/** Errors: EBADF, EINVAL. */
export function inotifyRmWatch(task: Task, fd: i32, wd: i32): i64 {
  const found = instanceOf(fileOf(task, fd));
  return isError(found) ? <i64>(<i32>found) : changetype<InotifyFile>(found).unwatch(wd);
}
