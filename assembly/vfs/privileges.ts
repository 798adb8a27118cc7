// What a regular file loses when its contents change: privileges that were given to the old contents (Linux: fs/inode.c
// file_remove_privs()).

import { S_ISGID, S_ISUID } from "../abi/stat.ts";
import { Credentials } from "../auth/credentials.ts";
import { free } from "../lib/ref-counted.ts";
import { Attributes } from "./attributes.ts";
import { Inode } from "./dentry.ts";
import { dropSetIds } from "./permission.ts";
import { dropFileCapability } from "./xattr.ts";

const SET_IDS: u32 = <u32>S_ISUID | <u32>S_ISGID;

/** To be called before contents change, by whoever changes them: `cred` is the task's, not the opener's. 0 or -errno. May sleep. */
export function removePrivileges(inode: Inode, cred: Credentials): i32 {
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
  free(a);
  inode.lock.release();
  return result;
}
