// What a regular file loses when its contents change: privileges that were given to the old contents (Linux: fs/inode.c
// file_remove_privs()).

import { S_ISGID, S_ISUID } from "../abi/stat.ts";
import { Credentials } from "../auth/credentials.ts";
import { free } from "../lib/ref-counted.ts";
import { ATTR_MODE, Attributes } from "./attributes.ts";
import { Dentry, Inode } from "./dentry.ts";
import { notifyChange } from "./fsnotify.ts";
import { dropSetIds } from "./permission.ts";
import { dropFileCapability } from "./xattr.ts";

const SET_IDS: u32 = <u32>S_ISUID | <u32>S_ISGID;

/**
 * To be called before contents change, by whoever changes them: `cred` is the task's, not the opener's. `dentry` is the name by which
 * the file was opened. 0 or -errno. May sleep.
 */
export function removePrivileges(dentry: Dentry, cred: Credentials): i32 {
  const removed = takePrivileges(dentry.file, cred);
  if (removed <= 0) return removed;
  notifyChange(dentry, <u32>removed);
  return 0;
}

/** removePrivileges() that tells nobody who watches: the ATTR_* that it changed, or -errno. */
export function takePrivileges(inode: Inode, cred: Credentials): i32 {
  if (!(inode.mode & SET_IDS) && !inode.hasFileCapability) return 0;
  return inode.isRegular ? removeLocked(inode, cred) : 0;
}

function removeLocked(inode: Inode, cred: Credentials): i32 {
  let result = inode.lock.acquire();
  if (result < 0) return result;
  if (inode.hasFileCapability) result = dropFileCapability(inode);
  const a = new Attributes();
  dropSetIds(inode, a, cred);
  if (result == 0 && a.valid) result = inode.setAttributes(a);
  if (result == 0) result = <i32>(a.valid & ATTR_MODE);
  free(a);
  inode.lock.release();
  return result;
}
