// Permission checks on inodes (Linux: fs/namei.c inode_permission(), fs/attr.c setattr_prepare(), __check_sticky()).

import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
} from "../abi/capability.ts";
import { EACCES, EOPNOTSUPP, EPERM } from "../abi/errno.ts";
import { REFUSED_BY_ACL, REFUSED_BY_MODE, REFUSED_NOT_OWNER, REFUSED_STICKY } from "../abi/refusal.ts";
import { S_IRWXG, S_ISGID, S_ISUID, S_ISVTX, S_IXGRP, S_IXUGO } from "../abi/stat.ts";
import { Credentials } from "../auth/credentials.ts";
import { refuseByOwner } from "../sched/refusal.ts";
import {
  ATTR_ATIME,
  ATTR_ATIME_SET,
  ATTR_CHOWN,
  ATTR_GID,
  ATTR_KILL_PRIV,
  ATTR_MODE,
  ATTR_MTIME,
  ATTR_MTIME_SET,
  ATTR_SIZE,
  ATTR_UID,
  Attributes,
} from "./attributes.ts";
import { Inode } from "./dentry.ts";

export const MAY_EXEC: u32 = 1;
export const MAY_WRITE: u32 = 2;
export const MAY_READ: u32 = 4;

/** Whether `cred` may do what `mask` (MAY_*) says with `inode`: 0 or -EACCES. */
export function checkPermission(inode: Inode, cred: Credentials, mask: u32): i32 {
  const mode = inode.mode;
  if (isGranted(inode, cred, mask)) return 0;
  if (inode.isDirectory) {
    if (cred.hasCapability(CAP_DAC_OVERRIDE)) return 0;
    if (!(mask & MAY_WRITE) && cred.hasCapability(CAP_DAC_READ_SEARCH)) return 0;
    return deny(inode, cred, mask);
  }
  if (mask == MAY_READ && cred.hasCapability(CAP_DAC_READ_SEARCH)) return 0;
  // Even the capability does not make a file executable that is so for nobody.
  if ((!(mask & MAY_EXEC) || (mode & <u32>S_IXUGO) != 0) && cred.hasCapability(CAP_DAC_OVERRIDE)) return 0;
  return deny(inode, cred, mask);
}

function deny(inode: Inode, cred: Credentials, mask: u32): i32 {
  const byList = inode.accessAcl !== null && inode.uid != cred.fsuid && (inode.mode & <u32>S_IRWXG) != 0;
  return refuseOwned(EACCES, byList ? REFUSED_BY_ACL : REFUSED_BY_MODE, mask & 7, inode, cred);
}

function refuseOwned(errno: i32, reason: u32, value: u64, inode: Inode, cred: Credentials): i32 {
  return refuseByOwner(errno, reason, value, inode.mode, inode.uid, inode.gid, cred.fsuid, cred.fsgid);
}

/** -EPERM: the file is its owner's, and whoever has the capability may too. */
export function refuseStranger(inode: Inode, cred: Credentials, capability: u32): i32 {
  return refuseOwned(EPERM, REFUSED_NOT_OWNER, capability, inode, cred);
}

/** checkPermission() for MAY_EXEC on a directory, which nearly every walk of nearly every one may (Linux: lookup_inode_permission_may_exec()). */
export function isSearchable(directory: Inode, cred: Credentials): bool {
  const all = (directory.mode & <u32>S_IXUGO) == <u32>S_IXUGO && directory.accessAcl === null;
  return all || checkPermission(directory, cred, MAY_EXEC) == 0;
}

/** What the mode and the access control list say, without capabilities (Linux: acl_permission_check()). */
function isGranted(inode: Inode, cred: Credentials, mask: u32): bool {
  const mode = inode.mode;
  const want = mask & 7;
  if (cred.fsuid == inode.uid) return (want & ~(mode >> 6)) == 0;
  const acl = inode.accessAcl;
  // Group bits of nothing stand for a mask of nothing: the list gives no more than the mode does.
  if (acl !== null && mode & <u32>S_IRWXG) return acl.check(cred, inode.uid, inode.gid, want) == 0;
  return (want & ~(cred.inGroup(inode.gid) ? mode >> 3 : mode)) == 0;
}

export function isOwnerOrCapable(inode: Inode, cred: Credentials): bool {
  return cred.fsuid == inode.uid || cred.hasCapability(CAP_FOWNER);
}

/** Whether the sticky bit of `directory` keeps `cred` from removing or moving `victim`. */
export function checkSticky(directory: Inode, victim: Inode, cred: Credentials): i32 {
  if (!(directory.mode & <u32>S_ISVTX)) return 0;
  if (cred.fsuid == victim.uid || cred.fsuid == directory.uid || cred.hasCapability(CAP_FOWNER)) return 0;
  return refuseOwned(EPERM, REFUSED_STICKY, victim.uid, directory, cred);
}

/**
 * Whether `cred` may change what `a` names, and what else changes with it: set-id bits that a chown, a truncation or a
 * stranger's chmod takes away are added to `a`. Errors in Linux's order (fs/attr.c notify_change(), setattr_prepare()):
 *   EACCES      both times are to be now, the caller is not the owner and may not write
 *   EOPNOTSUPP  the mode of a symbolic link; a file without a type, which all share whose files have no place
 *   EPERM       the owner, the group, the mode, the times
 */
export function prepareAttributes(inode: Inode, a: Attributes, cred: Credentials): i32 {
  const owns = isOwnerOrCapable(inode, cred);
  const setsTimes = (a.valid & (ATTR_ATIME | ATTR_MTIME)) != 0;
  const touches = isTouch(a.valid);
  if (touches && !owns) {
    const allowed = checkPermission(inode, cred, MAY_WRITE);
    if (allowed < 0) return allowed;
  }
  if (a.valid & ATTR_MODE && inode.isSymlink) return -EOPNOTSUPP;
  if (inode.type == 0) return -EOPNOTSUPP;
  const isChown = (a.valid & (ATTR_UID | ATTR_GID | ATTR_CHOWN)) != 0;
  if (isChown && !inode.isDirectory && !(a.valid & ATTR_MODE)) dropSetIds(inode, a, cred);
  if (a.valid & ATTR_UID) {
    const same = cred.fsuid == inode.uid && a.uid == inode.uid;
    if (!same && !cred.hasCapability(CAP_CHOWN)) return refuseStranger(inode, cred, CAP_CHOWN);
  }
  if (a.valid & ATTR_GID) {
    const own = cred.fsuid == inode.uid && (cred.inGroup(a.gid) || a.gid == inode.gid);
    if (!own && !cred.hasCapability(CAP_CHOWN)) return refuseStranger(inode, cred, CAP_CHOWN);
  }
  if (a.valid & ATTR_MODE) {
    if (!owns) return refuseStranger(inode, cred, CAP_FOWNER);
    if (!isInGroupOrCapable(a.valid & ATTR_GID ? a.gid : inode.gid, cred)) a.mode &= ~(<u32>S_ISGID);
  }
  if (setsTimes && !touches && !owns) return refuseStranger(inode, cred, CAP_FOWNER);
  // Truncation is not asked whose the file is: the bits go, although the mode is not the caller's to change.
  if (a.valid & ATTR_SIZE && !(a.valid & ATTR_MODE)) dropSetIds(inode, a, cred);
  const loses = isChown || (a.valid & ATTR_SIZE) != 0;
  if (loses && !inode.isDirectory && inode.hasFileCapability) a.valid |= ATTR_KILL_PRIV;
  return 0;
}

/** Whether the change is touch(1)'s: both times become now. */
function isTouch(valid: u32): bool {
  const both = (valid & ATTR_ATIME) != 0 && (valid & ATTR_MTIME) != 0;
  return both && !(valid & (ATTR_ATIME_SET | ATTR_MTIME_SET));
}

/** Linux: in_group_or_capable(): who may have set-group-id on a file of that group. */
export function isInGroupOrCapable(gid: u32, cred: Credentials): bool {
  return cred.inGroup(gid) || cred.hasCapability(CAP_FSETID);
}

/** Adds to `a` the loss of set-user-id and set-group-id (Linux: setattr_should_drop_suidgid()). */
export function dropSetIds(inode: Inode, a: Attributes, cred: Credentials): void {
  const isChown = (a.valid & (ATTR_UID | ATTR_GID | ATTR_CHOWN)) != 0;
  if (!isChown && cred.hasCapability(CAP_FSETID)) return;
  let kept = inode.mode & 0o7777;
  if (kept & <u32>S_ISUID) kept &= ~(<u32>S_ISUID);
  // Without group execution the bit does not mean execution: only a stranger to the group loses it.
  const stays = !(kept & <u32>S_IXGRP) && isInGroupOrCapable(inode.gid, cred);
  if (kept & <u32>S_ISGID && !stays) kept &= ~(<u32>S_ISGID);
  if (kept == (inode.mode & 0o7777)) return;
  a.valid |= ATTR_MODE;
  a.mode = kept;
}
