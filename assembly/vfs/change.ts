// Changes of attributes and links' texts by those who found the file.
//
// Each takes a PathWalk that was begun and whose path is in place, and leaves it to the caller to release. Errors come in
// Linux's order. All may sleep.

import { EINVAL } from "../abi/errno.ts";
import { Credentials } from "../auth/credentials.ts";
import { touchAtime } from "./atime.ts";
import { ATTR_GID, ATTR_KILL_PRIV, ATTR_MODE, ATTR_SIZE, ATTR_UID, Attributes } from "./attributes.ts";
import { Dentry } from "./dentry.ts";
import { FileDescription } from "./file-description.ts";
import { notifyChange } from "./fsnotify.ts";
import { Mount } from "./mount.ts";
import { PathWalk } from "./path-walk.ts";
import { prepareAttributes } from "./permission.ts";
import { takePrivileges } from "./privileges.ts";
import { moveTreeGeneration } from "./tree-generation.ts";
import { dropFileCapability } from "./xattr.ts";

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

/**
 * changeAttributes() of a file that was reached through `mount`, and those who watch are told. Errors: EROFS, then what the change
 * gives.
 */
export function changeThrough(mount: Mount, dentry: Dentry, a: Attributes, cred: Credentials): i32 {
  let result = mount.wantWrite();
  if (result < 0) return result;
  result = changeAttributes(dentry, a, cred);
  if (result == 0) notifyChange(dentry, a.valid);
  mount.dropWrite();
  return result;
}

/** ftruncate(2) of a description that may write: privileges go, and one event tells of both. */
export function truncateOpen(file: FileDescription, size: i64, cred: Credentials): i32 {
  const removed = takePrivileges(file.inode, cred);
  if (removed < 0) return removed;
  const result = file.truncate(size);
  const changed = result == 0 ? ATTR_SIZE | <u32>removed : <u32>removed;
  notifyChange(file.dentry, changed);
  return result;
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
