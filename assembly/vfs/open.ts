// open(2) by path (Linux: fs/namei.c path_openat(), do_open()): find or make, check, open, truncate.
//
// Each takes a PathWalk that was begun and whose path is in place, and leaves it to the caller to release. Errors come in
// Linux's order. All may sleep.

import { EACCES, EEXIST, EINVAL, EISDIR, ELOOP, ENOTDIR, ENXIO, EPERM, EXDEV } from "../abi/errno.ts";
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
} from "../abi/fcntl.ts";
import { REFUSED_NODEV, REFUSED_NOT_FOLLOWED } from "../abi/refusal.ts";
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK, S_ISVTX, S_IWOTH } from "../abi/stat.ts";
import { Credentials } from "../auth/credentials.ts";
import { free } from "../lib/ref-counted.ts";
import { errorOf, isError } from "../lib/result.ts";
import { refuse, refuseAtMount } from "../sched/refusal.ts";
import { ATTR_OPEN, ATTR_SIZE, Attributes } from "./attributes.ts";
import { changeAttributes } from "./change.ts";
import { createLocked, groupFor, MODE_BITS, modeFor } from "./create.ts";
import { makeUnnamedDentry } from "./dcache.ts";
import { Dentry, Inode } from "./dentry.ts";
import { openDevice } from "./device.ts";
import { FileDescription, PathDescription } from "./file-description.ts";
import { notifyChange, notifyOpen } from "./fsnotify.ts";
import { lookupLocked } from "./lookup.ts";
import { findMount, MNT_NODEV, Mount } from "./mount.ts";
import { LAST_NORM, PathWalk, WALK_DIRECTORY, WALK_FOLLOW, WALK_NO_XDEV, WALK_PARENT } from "./path-walk.ts";
import { checkPermission, isOwnerOrCapable, MAY_EXEC, MAY_READ, MAY_WRITE } from "./permission.ts";
import { openFifo } from "./pipe.ts";
import { refusedAt } from "./refused-place.ts";

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
  if (inode.isSymlink)
    return errorOf(flags & <u32>O_DIRECTORY ? -ENOTDIR : refuse(ELOOP, REFUSED_NOT_FOLLOWED));
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
  const mount = walk.resultMount;
  const writable = mount.wantWrite();
  if (writable < 0) return errorOf(writable);
  const file = makeUnnamed(walk, flags, mode);
  mount.dropWrite();
  return opened(file);
}

function makeUnnamed(walk: PathWalk, flags: u32, mode: u32): usize {
  const parent = walk.result;
  const directory = parent.file;
  const cred = walk.credentials;
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
    const writable = mount.wantWrite();
    const found = findOrCreate(walk, flags, mode, writable);
    if (writable == 0) mount.dropWrite();
    if (isError(found) || walk.made) return found;
    const child = changetype<Dentry>(found);
    if (flags & <u32>O_EXCL) {
      child.decRef();
      return errorOf(-EEXIST);
    }
    if (child.file.isSymlink) {
      if (flags & <u32>O_NOFOLLOW) {
        const allowed = mayCreateOver(parent.file, child.file, walk.credentials);
        child.decRef();
        return errorOf(allowed < 0 ? allowed : refuse(ELOOP, REFUSED_NOT_FOLLOWED));
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

/**
 * The dentry of the last name, with a reference; or, when there was none and `walk.made` is set, the FileDescription of the file that
 * was made. `writable` is what Mount.wantWrite() said. Errors: the lookup's; EROFS, mayCreate()'s, the file system's.
 */
function findOrCreate(walk: PathWalk, flags: u32, mode: u32, writable: i32): usize {
  const parent = walk.result;
  const lock = parent.file.lock;
  walk.made = false;
  const locked = lock.acquire();
  if (locked < 0) return errorOf(locked);
  const found = lookupLocked(parent, walk.lastName, walk.lastLength);
  if (isError(found) || !changetype<Dentry>(found).isNegative) {
    lock.release();
    return found;
  }
  const child = changetype<Dentry>(found);
  const bits = modeFor(walk, parent.file, mode);
  const made = writable < 0 ? writable : createLocked(parent, child, walk.credentials, bits);
  lock.release();
  // The maker may write whatever the mode says, and there is nothing to truncate.
  const mount = changetype<usize>(walk.resultMount);
  const file = made < 0 ? errorOf(made) : child.file.open(mount, child, flags & ~CREATION_FLAGS);
  child.decRef();
  walk.made = !isError(file);
  return opened(file);
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

/** Linux: do_open() for a file that exists. Errors: EROFS for what is to be truncated, then openChecked()'s. */
function openFound(mount: Mount, dentry: Dentry, cred: Credentials, flags: u32): usize {
  if (!(flags & <u32>O_TRUNC) || !dentry.file.isRegular) return openChecked(mount, dentry, cred, flags);
  const writable = mount.wantWrite();
  if (writable < 0) return errorOf(writable);
  const file = openChecked(mount, dentry, cred, flags);
  mount.dropWrite();
  return file;
}

/** Linux: may_open(), and what comes of it. */
function openChecked(mount: Mount, dentry: Dentry, cred: Credentials, flags: u32): usize {
  const inode = dentry.file;
  const access = flags & <u32>O_ACCMODE;
  let mask: u32 = 0;
  if (access == <u32>O_RDONLY || access & <u32>O_RDWR) mask |= MAY_READ;
  if (access != <u32>O_RDONLY || flags & <u32>O_TRUNC) mask |= MAY_WRITE;
  if (inode.isDirectory && mask & MAY_WRITE) return errorOf(-EISDIR);
  const type = inode.type;
  const device = type == <u32>S_IFCHR || type == <u32>S_IFBLK;
  if (device && mount.flags & MNT_NODEV) return errorOf(refuseAtMount(EACCES, REFUSED_NODEV, mount.id));
  const special = device || type == <u32>S_IFIFO || type == <u32>S_IFSOCK;
  if (mask & MAY_WRITE && !special && mount.root.fs.readonly) return errorOf(mount.refuseWriting());
  const allowed = checkPermission(inode, cred, mask);
  if (allowed < 0) return errorOf(refusedAt(mount, dentry, allowed));
  if (mask & MAY_WRITE && !special && mount.isReadonly) return errorOf(mount.refuseWriting());
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
  opened(made);
  const result = emptyFile(dentry, cred);
  if (result == 0) return made;
  file.decRef();
  return errorOf(result);
}

/** Tells those who watch, now and when the description ends. `file` may be an error. */
function opened(file: usize): usize {
  if (isError(file)) return file;
  const description = changetype<FileDescription>(file);
  description.tellsClose = true;
  notifyOpen(description.dentry);
  return file;
}

function emptyFile(dentry: Dentry, cred: Credentials): i32 {
  const a = new Attributes();
  a.valid = ATTR_SIZE | ATTR_OPEN;
  a.size = 0;
  const result = changeAttributes(dentry, a, cred);
  if (result == 0) notifyChange(dentry, a.valid);
  free(a);
  return result;
}
