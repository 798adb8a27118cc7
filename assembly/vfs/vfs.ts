// Operations by path (Linux: fs/namei.c do_*at()): open, make, remove, link, rename, and the checks that come first.
//
// Each takes a PathWalk that was begun and whose path is in place, and leaves it to the caller to release. Errors come in
// Linux's order. All may sleep.

import { CAP_MKNOD } from "../abi/capability.ts";
import {
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  ENXIO,
  EPERM,
  EROFS,
  EXDEV,
} from "../abi/errno.ts";
import {
  O_ACCMODE,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
} from "../abi/fcntl.ts";
import { PATH_MAX } from "../abi/limits.ts";
import {
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISGID,
  S_ISUID,
  S_ISVTX,
  S_IWOTH,
  S_IXGRP,
} from "../abi/stat.ts";
import { Credentials } from "../auth/credentials.ts";
import { free } from "../lib/ref-counted.ts";
import { errorOf, isError } from "../lib/result.ts";
import { touchAtime } from "./atime.ts";
import {
  ATTR_GID,
  ATTR_KILL_PRIV,
  ATTR_MODE,
  ATTR_OPEN,
  ATTR_SIZE,
  ATTR_UID,
  Attributes,
} from "./attributes.ts";
import { exchangeDentries, killDentry, makeUnnamedDentry, moveDentry } from "./dcache.ts";
import { Dentry, Inode } from "./dentry.ts";
import { openDevice } from "./device.ts";
import { FileDescription, PathDescription } from "./file-description.ts";
import {
  notifyCreate,
  notifyDelete,
  notifyLinkCount,
  notifyModify,
  notifyMove,
  notifyOpen,
} from "./fsnotify.ts";
import { isForeign, lookupLocked } from "./lookup.ts";
import { findMount, isMountPointIn, MNT_NODEV, Mount } from "./mount.ts";
import { detachMounts } from "./mount-tree.ts";
import {
  LAST_DOT,
  LAST_DOTDOT,
  LAST_NORM,
  PathWalk,
  WALK_DIRECTORY,
  WALK_FOLLOW,
  WALK_NO_XDEV,
  WALK_PARENT,
} from "./path-walk.ts";
import {
  checkPermission,
  checkSticky,
  isInGroupOrCapable,
  isOwnerOrCapable,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
  prepareAttributes,
} from "./permission.ts";
import { openFifo } from "./pipe.ts";
import { moveTreeGeneration } from "./tree-generation.ts";
import { dropFileCapability } from "./xattr.ts";

/** Set-user-id, set-group-id, sticky and the nine permission bits. */
const MODE_BITS: u32 = 0o7777;
/** What a description does not keep of the flags of open(2). */
const CREATION_FLAGS: u32 = <u32>(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);

/**
 * open(2). `extra` are WALK_* bits that bound the walk. Returns a FileDescription with one
 * reference, or an error.
 */
export function openAt(walk: PathWalk, length: u32, flags: u32, mode: u32, extra: u32): usize {
  const file = openBy(walk, length, flags, mode, extra);
  if (!isError(file)) changetype<FileDescription>(file).openedBy = walk.credentials.number;
  return file;
}

function openBy(walk: PathWalk, length: u32, flags: u32, mode: u32, extra: u32): usize {
  if (flags & <u32>O_PATH) return openPath(walk, length, flags, extra);
  if ((flags & <u32>O_TMPFILE) == <u32>O_TMPFILE) return openUnnamed(walk, length, flags, mode, extra);
  if (flags & <u32>O_CREAT && flags & <u32>O_DIRECTORY) return errorOf(-EINVAL);
  if (flags & <u32>O_CREAT) return openCreating(walk, length, flags, mode, extra);
  let bits = extra;
  if (!(flags & <u32>O_NOFOLLOW)) bits |= WALK_FOLLOW;
  if (flags & <u32>O_DIRECTORY) bits |= WALK_DIRECTORY;
  // A final symbolic link that may not be followed is ELOOP, also when a directory was asked for.
  const result = walk.run(length, bits & ~WALK_DIRECTORY);
  if (result < 0) return errorOf(result);
  const inode = walk.result.file;
  if (inode.isSymlink) return errorOf(flags & <u32>O_DIRECTORY ? -ENOTDIR : -ELOOP);
  if (flags & <u32>O_DIRECTORY && !inode.isDirectory) return errorOf(-ENOTDIR);
  return openFound(walk.resultMount, walk.result, walk.credentials, flags);
}

function openPath(walk: PathWalk, length: u32, flags: u32, extra: u32): usize {
  let bits = extra;
  if (!(flags & <u32>O_NOFOLLOW)) bits |= WALK_FOLLOW;
  if (flags & <u32>O_DIRECTORY) bits |= WALK_DIRECTORY;
  const result = walk.run(length, bits);
  if (result < 0) return errorOf(result);
  return changetype<usize>(new PathDescription(walk.resultMount, walk.result, flags));
}

/**
 * open(2) with O_TMPFILE: a file without a name in the file system of a directory (Linux: do_tmpfile()). Errors: the walk's, ENOTDIR,
 * EROFS, EACCES, EOPNOTSUPP.
 */
function openUnnamed(walk: PathWalk, length: u32, flags: u32, mode: u32, extra: u32): usize {
  const follow = flags & <u32>O_NOFOLLOW ? 0 : WALK_FOLLOW;
  const result = walk.run(length, extra | follow | WALK_DIRECTORY);
  if (result < 0) return errorOf(result);
  const parent = walk.result;
  const directory = parent.file;
  const cred = walk.credentials;
  if (walk.resultMount.isReadonly) return errorOf(-EROFS);
  const allowed = checkPermission(directory, cred, MAY_WRITE | MAY_EXEC);
  if (allowed < 0) return errorOf(allowed);
  const bits = modeFor(walk, directory, mode) & MODE_BITS;
  const made = directory.createUnnamed(bits, cred.fsuid, groupFor(directory, cred));
  if (isError(made)) return made;
  const inode = changetype<Inode>(made);
  inode.linkable = !(flags & <u32>O_EXCL);
  const dentry = makeUnnamedDentry(parent, inode);
  const file = inode.open(changetype<usize>(walk.mount), dentry, flags & ~CREATION_FLAGS);
  dentry.decRef();
  return file;
}

/** open(2) with O_CREAT (Linux: open_last_lookups(), lookup_open()). */
function openCreating(walk: PathWalk, length: u32, flags: u32, mode: u32, extra: u32): usize {
  let result = walk.run(length, extra | WALK_PARENT);
  while (result == 0) {
    // The root and dots are there, and directories; a magic link may have jumped to any file.
    if (walk.lastType != LAST_NORM) {
      const stepped = walk.stepDots(extra);
      if (stepped < 0) return errorOf(stepped);
      if (flags & <u32>O_EXCL) return errorOf(-EEXIST);
      if (walk.result.file.isDirectory) return errorOf(-EISDIR);
      return openFound(walk.resultMount, walk.result, walk.credentials, flags);
    }
    if (walk.lastSlash) return errorOf(-EISDIR);
    const parent = walk.result;
    const mount = walk.resultMount;
    const lock = parent.file.lock;
    result = lock.acquire();
    if (result < 0) break;
    const found = lookupLocked(parent, walk.lastName, walk.lastLength);
    if (isError(found)) {
      lock.release();
      return found;
    }
    const child = changetype<Dentry>(found);
    if (child.isNegative) {
      const made = createLocked(mount, parent, child, walk.credentials, modeFor(walk, parent.file, mode));
      lock.release();
      if (made < 0) {
        child.decRef();
        return errorOf(made);
      }
      // The maker may write whatever the mode says, and there is nothing to truncate.
      const file = child.file.open(changetype<usize>(mount), child, flags & ~CREATION_FLAGS);
      child.decRef();
      return opened(file);
    }
    lock.release();
    if (flags & <u32>O_EXCL) {
      child.decRef();
      return errorOf(-EEXIST);
    }
    if (child.file.isSymlink) {
      if (flags & <u32>O_NOFOLLOW) {
        const allowed = mayCreateOver(parent.file, child.file, walk.credentials);
        child.decRef();
        return errorOf(allowed < 0 ? allowed : -ELOOP);
      }
      result = walk.followLast(child, extra | WALK_PARENT);
      child.decRef();
      continue;
    }
    const file = openCrossing(mount, child, walk, flags, extra);
    child.decRef();
    return file;
  }
  return errorOf(result);
}

/** Opens an existing file that O_CREAT arrived at, or what is mounted on it. */
function openCrossing(mount: Mount, child: Dentry, walk: PathWalk, flags: u32, extra: u32): usize {
  let over = mount;
  let dentry = child;
  while (dentry.mounts) {
    const next = findMount(over, dentry);
    if (next === null) break;
    if (extra & WALK_NO_XDEV) return errorOf(-EXDEV);
    over = next;
    dentry = next.root;
  }
  if (dentry.file.isDirectory) return errorOf(-EISDIR);
  const allowed = mayCreateOver(walk.result.file, dentry.file, walk.credentials);
  if (allowed < 0) return errorOf(allowed);
  return openFound(over, dentry, walk.credentials, flags);
}

/**
 * Whether O_CREAT may open what is there already, in a sticky directory that everybody may write, and is somebody else's: not unless it
 * is a regular file or FIFO (Linux: may_create_in_sticky(), with fs.protected_regular and fs.protected_fifos off).
 */
function mayCreateOver(directory: Inode, inode: Inode, cred: Credentials): i32 {
  const open = <u32>(S_ISVTX | S_IWOTH);
  if ((directory.mode & open) != open || inode.isRegular || inode.type == <u32>S_IFIFO) return 0;
  return inode.uid == directory.uid || inode.uid == cred.fsuid ? 0 : -EACCES;
}

/** Linux: may_open() and do_open() for a file that exists. */
function openFound(mount: Mount, dentry: Dentry, cred: Credentials, flags: u32): usize {
  const inode = dentry.file;
  const access = flags & <u32>O_ACCMODE;
  let mask: u32 = 0;
  if (access == <u32>O_RDONLY || access & <u32>O_RDWR) mask |= MAY_READ;
  if (access != <u32>O_RDONLY || flags & <u32>O_TRUNC) mask |= MAY_WRITE;
  if (inode.isDirectory && mask & MAY_WRITE) return errorOf(-EISDIR);
  const type = inode.type;
  const device = type == <u32>S_IFCHR || type == <u32>S_IFBLK;
  if (device && mount.flags & MNT_NODEV) return errorOf(-EACCES);
  const special = device || type == <u32>S_IFIFO || type == <u32>S_IFSOCK;
  if (mask & MAY_WRITE && !special && mount.root.fs.readonly) return errorOf(-EROFS);
  const allowed = checkPermission(inode, cred, mask);
  if (allowed < 0) return errorOf(allowed);
  if (mask & MAY_WRITE && !special && mount.isReadonly) return errorOf(-EROFS);
  if (flags & <u32>O_NOATIME && !isOwnerOrCapable(inode, cred)) return errorOf(-EPERM);
  const truncates = (flags & <u32>O_TRUNC) != 0 && inode.isRegular;
  const kept = flags & ~CREATION_FLAGS;
  // A stream of the host may be a regular file there: it goes on where it is, as it does for the one who was given it.
  if (inode.opensItself) return inode.open(changetype<usize>(mount), dentry, kept);
  if (type == <u32>S_IFSOCK) return errorOf(-ENXIO);
  if (type == <u32>S_IFIFO) return opened(openFifo(mount, dentry, kept));
  if (type == <u32>S_IFCHR) return opened(openDevice(inode.rdev, mount, dentry, kept));
  return truncates
    ? openEmptied(mount, dentry, kept, cred)
    : opened(inode.open(changetype<usize>(mount), dentry, kept));
}

/** Truncates what could be opened, and tells in that order (Linux: handle_truncate()). */
function openEmptied(mount: Mount, dentry: Dentry, kept: u32, cred: Credentials): usize {
  const inode = dentry.file;
  const made = inode.open(changetype<usize>(mount), dentry, kept | <u32>O_TRUNC);
  if (isError(made)) return made;
  const file = changetype<FileDescription>(made);
  file.flags &= ~(<u32>O_TRUNC);
  const result = truncateInode(dentry, 0, cred);
  if (result < 0) {
    file.decRef();
    return errorOf(result);
  }
  opened(made);
  notifyModify(dentry);
  return made;
}

/** Tells those who watch, now and when the description ends. `file` may be an error. */
function opened(file: usize): usize {
  if (isError(file)) return file;
  const description = changetype<FileDescription>(file);
  description.tellsClose = true;
  notifyOpen(description.dentry);
  return file;
}

function truncateInode(dentry: Dentry, size: i64, cred: Credentials): i32 {
  const a = new Attributes();
  a.valid = ATTR_SIZE | ATTR_OPEN;
  a.size = size;
  const result = changeAttributes(dentry, a, cred);
  free(a);
  return result;
}

/** setAttributes() behind its permission checks, with the file's lock held. `dentry` is the name by which the change is made. */
export function changeAttributes(dentry: Dentry, a: Attributes, cred: Credentials): i32 {
  const inode = dentry.file;
  const locked = inode.lock.acquire();
  if (locked < 0) return locked;
  let result = prepareAttributes(inode, a, cred);
  if (result == 0) result = inode.prepareChange(dentry);
  if (result == 0 && a.valid & ATTR_KILL_PRIV) result = dropFileCapability(inode);
  if (result == 0) result = inode.setAttributes(a);
  // Also after an error: a server may have done a part of it.
  if (inode.isDirectory && a.valid & (ATTR_MODE | ATTR_UID | ATTR_GID)) moveTreeGeneration();
  inode.lock.release();
  return result;
}

/** Makes a regular file for a negative dentry. The caller holds the directory's lock. */
function createLocked(mount: Mount, parent: Dentry, child: Dentry, cred: Credentials, mode: u32): i32 {
  const allowed = mayCreate(mount, parent, cred);
  if (allowed < 0) return allowed;
  const made = parent.file.create(child, mode & MODE_BITS, cred.fsuid, groupFor(parent.file, cred));
  if (made == 0) notifyCreate(parent.file, child);
  return made;
}

/** Linux: may_create() behind mnt_want_write(). */
function mayCreate(mount: Mount, parent: Dentry, cred: Credentials): i32 {
  if (mount.isReadonly) return -EROFS;
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
function modeFor(walk: PathWalk, directory: Inode, mode: u32): u32 {
  const runs = <u32>(S_ISGID | S_IXGRP);
  const gives = (mode & runs) == runs && (directory.mode & <u32>S_ISGID) != 0;
  const kept = gives && !isInGroupOrCapable(directory.gid, walk.credentials) ? mode & ~(<u32>S_ISGID) : mode;
  return kept & ~umaskFor(walk, directory);
}

/** The group of a new file: the directory's when that is set-group-id. */
function groupFor(directory: Inode, cred: Credentials): u32 {
  return directory.mode & <u32>S_ISGID ? directory.gid : cred.fsgid;
}

/**
 * Finds where something is to be made (Linux: filename_create()): walks to the parent, locks it, looks the name up. Returns
 * the negative dentry with a reference and the parent's lock held; or an error and no lock.
 */
function beginCreate(walk: PathWalk, length: u32, directory: bool, extra: u32): usize {
  const found = beginName(walk, length, directory, extra);
  if (isError(found)) return found;
  const error = mayCreate(walk.resultMount, walk.result, walk.credentials);
  if (error == 0) return found;
  endCreate(walk, changetype<Dentry>(found), error);
  return errorOf(error);
}

/** beginCreate() without the question whether the directory may be written. */
function beginName(walk: PathWalk, length: u32, directory: bool, extra: u32): usize {
  const result = walk.run(length, extra | WALK_PARENT);
  if (result < 0) return errorOf(result);
  if (walk.lastType != LAST_NORM) return errorOf(-EEXIST);
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
  let error = 0;
  if (!child.isNegative) error = -EEXIST;
  else if (walk.lastSlash && !directory) error = -ENOENT;
  else if (walk.resultMount.isReadonly) error = -EROFS;
  if (error < 0) {
    child.decRef();
    lock.release();
    return errorOf(error);
  }
  return found;
}

/** Tells of what was made, if `result` is 0, and lets go of both. */
function endCreate(walk: PathWalk, child: Dentry, result: i32): void {
  if (result == 0) notifyCreate(walk.result.file, child);
  walk.result.file.lock.release();
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
  if (from.mount !== to.mount) return -EXDEV;
  const source = from.result.file;
  if (!isSafeSource(source, to.credentials)) return -EPERM;
  const allowed = mayCreate(to.resultMount, to.result, to.credentials);
  if (allowed < 0) return allowed;
  if (source.fs !== to.result.file.fs) return -EXDEV;
  if (source.isDirectory) return -EPERM;
  return source.nlink == 0 && !source.linkable ? -ENOENT : 0;
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

/** Linux: may_delete(). */
function mayDelete(parent: Dentry, victim: Dentry, cred: Credentials, directory: bool): i32 {
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
function isPinned(walk: PathWalk, child: Dentry): bool {
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
  if (walk.lastType != LAST_NORM) return -EBUSY;
  return removeLast(walk, true);
}

function removeLast(walk: PathWalk, directory: bool): i32 {
  if (walk.resultMount.isReadonly) return -EROFS;
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
  if (result == 0 && isPinned(walk, child)) result = -EBUSY;
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
  if (from.mount !== to.mount || from.result.file.fs !== to.result.file.fs) return -EXDEV;
  if (from.lastType != LAST_NORM) return -EBUSY;
  if (to.lastType != LAST_NORM) return flags & <u32>RENAME_NOREPLACE ? -EEXIST : -EBUSY;
  if (from.resultMount.isReadonly) return -EROFS;
  let result = lockPair(from.result, to.result);
  if (result < 0) return result;
  result = renameLocked(from, to, flags);
  unlockPair(from.result, to.result);
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
  if (allowed < 0) return allowed;
  if (target.isNegative) allowed = mayCreate(to.resultMount, to.result, cred);
  else allowed = mayDelete(to.result, target, cred, exchange ? target.file.isDirectory : isDirectory);
  if (allowed < 0) return allowed;
  if (from.result !== to.result) {
    // A directory that moves gets another "..".
    if (isDirectory) allowed = checkPermission(old.file, cred, MAY_WRITE);
    if (allowed == 0 && exchange && target.file.isDirectory)
      allowed = checkPermission(target.file, cred, MAY_WRITE);
    if (allowed < 0) return allowed;
  }
  if (isPinned(from, old) || (!target.isNegative && isPinned(to, target))) return -EBUSY;
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
  // Each dentry has the other's name now.
  notifyMove(from.result.file, target.name, target.nameLength, to.result.file, old, replaced);
  if (exchange) notifyMove(to.result.file, old.name, old.nameLength, from.result.file, target, null);
  return 0;
}

/** readlink(2): copies up to PATH_MAX bytes to `out`. Errors: EINVAL when it is no symbolic link. */
export function readlinkAt(walk: PathWalk, length: u32, out: usize, extra: u32): i32 {
  const result = walk.run(length, extra);
  if (result < 0) return result;
  const inode = walk.result.file;
  if (!inode.isSymlink) return -EINVAL;
  touchAtime(walk.resultMount, inode);
  return inode.readlink(out);
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
