// rename(2) and renameat2(2) (Linux: fs/namei.c do_renameat2(), vfs_rename(), lock_rename()).
//
// Each takes a PathWalk that was begun and whose path is in place, and leaves it to the caller to release. Errors come in
// Linux's order. All may sleep.

import { EBUSY, EEXIST, EINVAL, ENOENT, ENOTDIR, ENOTEMPTY, EXDEV } from "../abi/errno.ts";
import { RENAME_EXCHANGE, RENAME_NOREPLACE } from "../abi/fcntl.ts";
import { REFUSED_MOUNT_POINT, REFUSED_TWO_FILESYSTEMS, REFUSED_TWO_MOUNTS } from "../abi/refusal.ts";
import { isError } from "../lib/result.ts";
import { refuse } from "../sched/refusal.ts";
import { groupFor, mayCreate } from "./create.ts";
import { exchangeDentries, moveDentry } from "./dcache.ts";
import { Dentry, Inode } from "./dentry.ts";
import { notifyMove } from "./fsnotify.ts";
import { hasForeign } from "./iterate-directory.ts";
import { lookupLocked } from "./lookup.ts";
import { detachMounts } from "./mount-tree.ts";
import { LAST_NORM, PathWalk, WALK_PARENT } from "./path-walk.ts";
import { checkPermission, MAY_WRITE } from "./permission.ts";
import { refusedAt } from "./refused-place.ts";
import { isPinned, mayDelete } from "./remove.ts";

/** rename(2) and renameat2(2). */
export function renameAt(
  from: PathWalk,
  fromLength: u32,
  to: PathWalk,
  toLength: u32,
  flags: u32,
  fromExtra: u32,
  toExtra: u32,
): i32 {
  let result = from.run(fromLength, fromExtra | WALK_PARENT);
  if (result < 0) return result;
  result = to.run(toLength, toExtra | WALK_PARENT);
  return result < 0 ? result : renameBetween(from, to, flags);
}

/** renameAt() for walks that stand at the parents already. Errors: EXDEV, EBUSY, EEXIST, EROFS, then what the names say. */
export function renameBetween(from: PathWalk, to: PathWalk, flags: u32): i32 {
  if (from.mount !== to.mount) return refuse(EXDEV, REFUSED_TWO_MOUNTS);
  if (from.result.file.fs !== to.result.file.fs) return refuse(EXDEV, REFUSED_TWO_FILESYSTEMS);
  if (from.lastType != LAST_NORM) return -EBUSY;
  if (to.lastType != LAST_NORM) return flags & <u32>RENAME_NOREPLACE ? -EEXIST : -EBUSY;
  const mount = from.resultMount;
  let result = mount.wantWrite();
  if (result < 0) return result;
  result = lockPair(from.result, to.result);
  if (result == 0) {
    result = renameLocked(from, to, flags);
    unlockPair(from.result, to.result);
  }
  mount.dropWrite();
  return result;
}

/** Locks both directories of a rename (Linux: lock_rename()): the file system's rename lock when they differ, ancestors first. */
export function lockPair(a: Dentry, b: Dentry): i32 {
  const first = a.file.lock;
  if (a.file === b.file) return first.acquire();
  let result = a.fs.renameLock.acquire();
  if (result < 0) return result;
  const aFirst = b.isBelow(a) || (!a.isBelow(b) && changetype<usize>(a) < changetype<usize>(b));
  const outer = aFirst ? a.file.lock : b.file.lock;
  const inner = aFirst ? b.file.lock : a.file.lock;
  result = outer.acquire();
  if (result == 0) {
    result = inner.acquire();
    if (result < 0) outer.release();
  }
  if (result < 0) a.fs.renameLock.release();
  return result;
}

export function unlockPair(a: Dentry, b: Dentry): void {
  a.file.lock.release();
  if (a.file === b.file) return;
  b.file.lock.release();
  a.fs.renameLock.release();
}

function renameLocked(from: PathWalk, to: PathWalk, flags: u32): i32 {
  const foundOld = lookupLocked(from.result, from.lastName, from.lastLength);
  if (isError(foundOld)) return <i32>foundOld;
  const old = changetype<Dentry>(foundOld);
  let result = old.isNegative ? -ENOENT : 0;
  if (result == 0) {
    const foundNew = lookupLocked(to.result, to.lastName, to.lastLength);
    if (isError(foundNew)) {
      result = <i32>foundNew;
    } else {
      const target = changetype<Dentry>(foundNew);
      result = renameFound(from, old, to, target, flags);
      target.decRef();
    }
  }
  old.decRef();
  return result;
}

function renameFound(from: PathWalk, old: Dentry, to: PathWalk, target: Dentry, flags: u32): i32 {
  const exchange = (flags & <u32>RENAME_EXCHANGE) != 0;
  if (flags & <u32>RENAME_NOREPLACE && !target.isNegative) return -EEXIST;
  if (exchange && target.isNegative) return -ENOENT;
  if (exchange && !target.file.isDirectory && to.lastSlash) return -ENOTDIR;
  const isDirectory = old.file.isDirectory;
  if (!isDirectory && (from.lastSlash || (!exchange && to.lastSlash))) return -ENOTDIR;
  if (to.result.isBelow(old)) return -EINVAL;
  if (from.result.isBelow(target)) return exchange ? -EINVAL : -ENOTEMPTY;
  const cred = from.credentials;
  // Two names of one file: nothing to do.
  if (!target.isNegative && target.inode === old.inode) return 0;
  let allowed = mayDelete(from.result, old, cred, isDirectory);
  if (allowed < 0) return refusedAt(from.resultMount, from.result, allowed);
  if (target.isNegative) allowed = mayCreate(to.result, cred);
  else allowed = mayDelete(to.result, target, cred, exchange ? target.file.isDirectory : isDirectory);
  if (allowed < 0) return allowed;
  if (from.result !== to.result) {
    // A directory that moves gets another "..".
    if (isDirectory) allowed = checkPermission(old.file, cred, MAY_WRITE);
    if (allowed < 0) return refusedAt(from.resultMount, old, allowed);
    if (exchange && target.file.isDirectory) allowed = checkPermission(target.file, cred, MAY_WRITE);
    if (allowed < 0) return allowed;
  }
  if (isPinned(from, old) || (!target.isNegative && isPinned(to, target))) {
    return refuse(EBUSY, REFUSED_MOUNT_POINT);
  }
  if (!exchange && !target.isNegative && hasForeign(target)) return -ENOTEMPTY;
  const directory = from.result.file;
  const group = groupFor(directory, cred);
  const result = directory.rename(old, to.result.file, target, flags, cred.fsuid, group);
  if (result < 0) return result;
  let replaced: Inode | null = null;
  if (!exchange) replaced = target.inode;
  if (exchange) {
    exchangeDentries(old, target);
  } else {
    if (!target.isNegative && target.file.isDirectory) target.file.dead = true;
    moveDentry(old, target);
    if (target.mounts) detachMounts(target);
  }
  notifyMove(from.result.file, from.lastName, from.lastLength, to.result.file, old, replaced);
  if (exchange) notifyMove(to.result.file, to.lastName, to.lastLength, from.result.file, target, null);
  return 0;
}
