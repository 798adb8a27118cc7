// New names (Linux: fs/namei.c do_mkdirat(), do_mknodat(), do_symlinkat(), do_linkat()), and what a new file gets of its directory.
//
// Each takes a PathWalk that was begun and whose path is in place, and leaves it to the caller to release. Errors come in
// Linux's order. All may sleep.

import { CAP_MKNOD } from "../abi/capability.ts";
import { EEXIST, ENOENT, EPERM, EROFS, EXDEV } from "../abi/errno.ts";
import { PATH_MAX } from "../abi/limits.ts";
import {
  REFUSED_DIRECTORY_LINK,
  REFUSED_PROTECTED_LINK,
  REFUSED_TWO_FILESYSTEMS,
  REFUSED_TWO_MOUNTS,
} from "../abi/refusal.ts";
import { S_IFBLK, S_IFCHR, S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_IXGRP } from "../abi/stat.ts";
import { Credentials } from "../auth/credentials.ts";
import { errorOf, isError } from "../lib/result.ts";
import { refuse } from "../sched/refusal.ts";
import { Dentry, Inode } from "./dentry.ts";
import { notifyCreate, notifyLinkCount } from "./fsnotify.ts";
import { lookupLocked } from "./lookup.ts";
import { Mount } from "./mount.ts";
import { LAST_NORM, PathWalk, WALK_DIRECTORY, WALK_FOLLOW, WALK_PARENT } from "./path-walk.ts";
import {
  checkPermission,
  isInGroupOrCapable,
  isOwnerOrCapable,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
} from "./permission.ts";
import { refusedAt } from "./refused-place.ts";

/** Set-user-id, set-group-id, sticky and the nine permission bits. */
export const MODE_BITS: u32 = 0o7777;

/** Makes a regular file for a negative dentry. The caller holds the directory's lock, and the mount for writing. */
export function createLocked(parent: Dentry, child: Dentry, cred: Credentials, mode: u32): i32 {
  const allowed = mayCreate(parent, cred);
  if (allowed < 0) return allowed;
  const made = parent.file.create(child, mode & MODE_BITS, cred.fsuid, groupFor(parent.file, cred));
  if (made == 0) notifyCreate(parent.file, child);
  return made;
}

/** Linux: may_create(), behind mnt_want_write(). */
export function mayCreate(parent: Dentry, cred: Credentials): i32 {
  if (parent.file.dead) return -ENOENT;
  return checkPermission(parent.file, cred, MAY_WRITE | MAY_EXEC);
}

/** What a mode loses in `directory`: a default access control list takes the umask's place. */
function umaskFor(walk: PathWalk, directory: Inode): u32 {
  return directory.defaultAcl === null ? walk.umask : 0;
}

/**
 * The mode of a new file that is no directory: set-group-id of an executable is not to be had from a directory that gives its group
 * away, and the umask is applied (Linux: vfs_prepare_mode()).
 */
export function modeFor(walk: PathWalk, directory: Inode, mode: u32): u32 {
  const runs = <u32>(S_ISGID | S_IXGRP);
  const gives = (mode & runs) == runs && (directory.mode & <u32>S_ISGID) != 0;
  const kept = gives && !isInGroupOrCapable(directory.gid, walk.credentials) ? mode & ~(<u32>S_ISGID) : mode;
  return kept & ~umaskFor(walk, directory);
}

/** The group of a new file: the directory's when that is set-group-id. */
export function groupFor(directory: Inode, cred: Credentials): u32 {
  return directory.mode & <u32>S_ISGID ? directory.gid : cred.fsgid;
}

/**
 * Finds where something is to be made (Linux: filename_create()): walks to the parent, locks it, looks the name up. Returns
 * the negative dentry with a reference, the parent's lock held, and the mount held for writing; or an error and none of these.
 */
function beginCreate(walk: PathWalk, length: u32, directory: bool, extra: u32): usize {
  const found = beginName(walk, length, directory, extra);
  if (isError(found)) return found;
  const error = mayCreate(walk.result, walk.credentials);
  if (error == 0) return found;
  endCreate(walk, changetype<Dentry>(found), error);
  return errorOf(error);
}

/** beginCreate() without the question whether the directory may be written. */
function beginName(walk: PathWalk, length: u32, directory: bool, extra: u32): usize {
  const result = walk.run(length, extra | WALK_PARENT);
  if (result < 0) return errorOf(result);
  if (walk.lastType != LAST_NORM) return errorOf(-EEXIST);
  // That the name is taken is the more important news.
  const writable = walk.resultMount.wantWrite();
  const found = lockName(walk, directory, writable);
  if (isError(found) && writable == 0) walk.resultMount.dropWrite();
  return found;
}

function lockName(walk: PathWalk, directory: bool, writable: i32): usize {
  const parent = walk.result;
  const lock = parent.file.lock;
  const locked = lock.acquire();
  if (locked < 0) return errorOf(locked);
  const found = lookupLocked(parent, walk.lastName, walk.lastLength);
  if (isError(found)) {
    lock.release();
    return found;
  }
  const child = changetype<Dentry>(found);
  let error = writable;
  if (!child.isNegative) error = -EEXIST;
  else if (walk.lastSlash && !directory) error = -ENOENT;
  if (error < 0) {
    child.decRef();
    lock.release();
    return errorOf(error);
  }
  return found;
}

/** Tells of what was made, if `result` is 0, and lets go of all. */
function endCreate(walk: PathWalk, child: Dentry, result: i32): void {
  if (result == 0) notifyCreate(walk.result.file, child);
  walk.result.file.lock.release();
  walk.resultMount.dropWrite();
  child.decRef();
}

/** mkdir(2); the walk's umask applies. */
export function mkdirAt(walk: PathWalk, length: u32, mode: u32, extra: u32): i32 {
  const found = beginCreate(walk, length, true, extra);
  if (isError(found)) return <i32>found;
  const child = changetype<Dentry>(found);
  const parent = walk.result.file;
  // A directory made in a set-group-id directory is set-group-id itself.
  const bits = (mode & 0o1777 & ~umaskFor(walk, parent)) | (parent.mode & <u32>S_ISGID);
  const result = parent.mkdir(child, bits, walk.credentials.fsuid, groupFor(parent, walk.credentials));
  endCreate(walk, child, result);
  return result;
}

/**
 * mknod(2); `mode` carries the type, the walk's umask applies. Errors: EPERM for a device without CAP_MKNOD, but for a whiteout, the
 * character device 0:0, which anybody may make.
 */
export function mknodAt(walk: PathWalk, length: u32, mode: u32, rdev: u32, extra: u32): i32 {
  const found = beginCreate(walk, length, false, extra);
  if (isError(found)) return <i32>found;
  const child = changetype<Dentry>(found);
  const parent = walk.result.file;
  const cred = walk.credentials;
  const type = mode & <u32>S_IFMT;
  const bits = modeFor(walk, parent, mode);
  const group = groupFor(parent, cred);
  const device = type == <u32>S_IFCHR || type == <u32>S_IFBLK;
  let result: i32;
  // A whiteout is no door to any driver.
  const harmless = type == <u32>S_IFCHR && rdev == 0;
  if (device && !harmless && !cred.hasCapability(CAP_MKNOD)) result = -EPERM;
  else if (type == <u32>S_IFREG) result = parent.create(child, bits & MODE_BITS, cred.fsuid, group);
  else result = parent.mknod(child, bits, rdev, cred.fsuid, group);
  endCreate(walk, child, result);
  return result;
}

/** symlink(2). The target is any text of 1 to PATH_MAX - 1 bytes. */
export function symlinkAt(walk: PathWalk, length: u32, target: usize, targetLength: u32, extra: u32): i32 {
  if (targetLength == 0) return -ENOENT;
  const found = beginCreate(walk, length, false, extra);
  if (isError(found)) return <i32>found;
  const child = changetype<Dentry>(found);
  const parent = walk.result.file;
  const cred = walk.credentials;
  const result = parent.symlink(child, target, targetLength, cred.fsuid, groupFor(parent, cred));
  endCreate(walk, child, result);
  return result;
}

/** link(2). `from` was run already and stands at the file. Errors: the new path's, EROFS, EXDEV, EPERM, EACCES, EPERM, ENOENT. */
export function linkAt(from: PathWalk, to: PathWalk, length: u32, extra: u32): i32 {
  const found = beginName(to, length, false, extra);
  if (isError(found)) return <i32>found;
  const child = changetype<Dentry>(found);
  let result = mayLink(from, to);
  if (result == 0) result = to.result.file.link(child, from.result);
  if (result == 0) from.result.file.linkable = false;
  if (result == 0) notifyLinkCount(from.result.file);
  endCreate(to, child, result);
  return result;
}

function mayLink(from: PathWalk, to: PathWalk): i32 {
  if (from.mount !== to.mount) return refuse(EXDEV, REFUSED_TWO_MOUNTS);
  const source = from.result.file;
  if (!isSafeSource(source, to.credentials)) {
    return refusedAt(from.resultMount, from.result, refuse(EPERM, REFUSED_PROTECTED_LINK));
  }
  const allowed = mayCreate(to.result, to.credentials);
  if (allowed < 0) return allowed;
  if (source.fs !== to.result.file.fs) return refuse(EXDEV, REFUSED_TWO_FILESYSTEMS);
  if (source.isDirectory) return refuse(EPERM, REFUSED_DIRECTORY_LINK);
  return source.isGone() && !source.linkable ? -ENOENT : 0;
}

/**
 * Whether a file may get another name from `cred`, as Linux decides with fs.protected_hardlinks, which every distribution sets: its
 * owner's may, and what is neither special, nor set-id, nor closed to the linker (Linux: may_linkat()).
 */
function isSafeSource(source: Inode, cred: Credentials): bool {
  if (isOwnerOrCapable(source, cred)) return true;
  if (!source.isRegular || source.mode & <u32>S_ISUID) return false;
  const setGroup = <u32>(S_ISGID | S_IXGRP);
  if ((source.mode & setGroup) == setGroup) return false;
  return checkPermission(source, cred, MAY_READ | MAY_WRITE) == 0;
}

/** Makes every missing directory of a path, like mkdir -p; follows links. `walk` is begun anew for each step by `again`. */
export function mkdirAll(walk: PathWalk, root: Mount, length: u32, mode: u32, cred: Credentials): i32 {
  const path = heap.alloc(PATH_MAX);
  memory.copy(path, walk.path, length);
  let end: u32 = 0;
  let result = 0;
  while (end < length && result == 0) {
    while (end < length && load<u8>(path + end) == 0x2f) end++;
    while (end < length && load<u8>(path + end) != 0x2f) end++;
    walk.begin(root, root.root, root, root.root, cred);
    memory.copy(walk.path, path, end);
    result = mkdirAt(walk, end, mode, 0);
    if (result == -EEXIST || result == -EROFS) {
      walk.begin(root, root.root, root, root.root, cred);
      memory.copy(walk.path, path, end);
      const there = walk.run(end, WALK_FOLLOW | WALK_DIRECTORY);
      result = there < 0 && result == -EROFS ? -EROFS : there;
    }
  }
  heap.free(path);
  return result;
}
