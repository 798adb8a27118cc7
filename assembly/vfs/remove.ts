// Removing names (Linux: fs/namei.c do_unlinkat(), do_rmdir(), may_delete()).
//
// Each takes a PathWalk that was begun and whose path is in place, and leaves it to the caller to release. Errors come in
// Linux's order. All may sleep.

import { EBUSY, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } from "../abi/errno.ts";
import { REFUSED_MOUNT_POINT } from "../abi/refusal.ts";
import { Credentials } from "../auth/credentials.ts";
import { isError } from "../lib/result.ts";
import { refuse } from "../sched/refusal.ts";
import { killDentry } from "./dcache.ts";
import { Dentry } from "./dentry.ts";
import { notifyDelete, notifyLinkCount } from "./fsnotify.ts";
import { hasForeign } from "./iterate-directory.ts";
import { isForeign, lookupLocked } from "./lookup.ts";
import { isMountPointIn } from "./mount.ts";
import { detachMounts } from "./mount-tree.ts";
import { LAST_DOT, LAST_DOTDOT, LAST_NORM, PathWalk, WALK_PARENT } from "./path-walk.ts";
import { checkPermission, checkSticky, MAY_EXEC, MAY_WRITE } from "./permission.ts";

/** Linux: may_delete(). */
export function mayDelete(parent: Dentry, victim: Dentry, cred: Credentials, directory: bool): i32 {
  const allowed = checkPermission(parent.file, cred, MAY_WRITE | MAY_EXEC);
  if (allowed < 0) return allowed;
  const sticky = checkSticky(parent.file, victim.file, cred);
  if (sticky < 0) return sticky;
  if (directory) {
    if (!victim.file.isDirectory) return -ENOTDIR;
  } else if (victim.file.isDirectory) {
    return -EISDIR;
  }
  return parent.file.dead ? -ENOENT : 0;
}

/**
 * Whether a name stays because something is mounted on it in the caller's namespace, or can be. Mounts of other namespaces do not
 * keep it: they are detached.
 */
export function isPinned(walk: PathWalk, child: Dentry): bool {
  return (child.mounts && isMountPointIn(walk.namespace, child)) || isForeign(walk.result.file, child);
}

/** unlink(2). */
export function unlinkAt(walk: PathWalk, length: u32, extra: u32): i32 {
  const result = walk.run(length, extra | WALK_PARENT);
  if (result < 0) return result;
  if (walk.lastType != LAST_NORM) return -EISDIR;
  return removeLast(walk, false);
}

/** rmdir(2). */
export function rmdirAt(walk: PathWalk, length: u32, extra: u32): i32 {
  const result = walk.run(length, extra | WALK_PARENT);
  if (result < 0) return result;
  if (walk.lastType == LAST_DOT) return -EINVAL;
  if (walk.lastType == LAST_DOTDOT) return -ENOTEMPTY;
  if (walk.lastType != LAST_NORM) return refuse(EBUSY, REFUSED_MOUNT_POINT);
  return removeLast(walk, true);
}

function removeLast(walk: PathWalk, directory: bool): i32 {
  const mount = walk.resultMount;
  const writable = mount.wantWrite();
  if (writable < 0) return writable;
  const result = removeName(walk, directory);
  mount.dropWrite();
  return result;
}

function removeName(walk: PathWalk, directory: bool): i32 {
  const parent = walk.result;
  const lock = parent.file.lock;
  const locked = lock.acquire();
  if (locked < 0) return locked;
  const found = lookupLocked(parent, walk.lastName, walk.lastLength);
  if (isError(found)) {
    lock.release();
    return <i32>found;
  }
  const child = changetype<Dentry>(found);
  let result = 0;
  if (child.isNegative) result = -ENOENT;
  else if (!directory && walk.lastSlash) result = child.file.isDirectory ? -EISDIR : -ENOTDIR;
  else result = mayDelete(parent, child, walk.credentials, directory);
  if (result == 0 && isPinned(walk, child)) result = refuse(EBUSY, REFUSED_MOUNT_POINT);
  if (result == 0 && directory && hasForeign(child)) result = -ENOTEMPTY;
  if (result == 0) result = directory ? parent.file.rmdir(child) : parent.file.unlink(child);
  if (result == 0) {
    if (directory) child.file.dead = true;
    else notifyLinkCount(child.file);
    killDentry(child);
    if (child.mounts) detachMounts(child);
  }
  lock.release();
  const wasDirectory = !child.isNegative && child.file.isDirectory;
  // A file that nobody has open ends here: its own watches hear of it before the directory's.
  child.decRef();
  if (result == 0) notifyDelete(parent.file, wasDirectory, walk.lastName, walk.lastLength);
  return result;
}
