// What all tmpfs inodes share: attributes, their limits, and that a dropped name is all that ends them.
//
// An inode's references: each directory entry that names it, each dentry, each open description through its dentry.

import { EPERM } from "../../abi/errno.ts";
import { S_IFDIR } from "../../abi/stat.ts";
import {
  ATTR_ATIME,
  ATTR_ATIME_SET,
  ATTR_GID,
  ATTR_MODE,
  ATTR_MTIME,
  ATTR_MTIME_SET,
  ATTR_SIZE,
  ATTR_UID,
  Attributes,
} from "../../vfs/attributes.ts";
import { realTime } from "../../vfs/clock.ts";
import { Filesystem, Inode } from "../../vfs/dentry.ts";
import { TmpfsLimits } from "./limits.ts";

export abstract class TmpfsInode extends Inode {
  constructor(
    fs: Filesystem,
    public limits: TmpfsLimits,
    ino: u64,
    mode: u32,
    uid: u32,
    gid: u32,
  ) {
    super(fs);
    limits.incRef();
    this.ino = ino;
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    const now = realTime();
    this.atime = now;
    this.mtime = now;
    this.ctime = now;
    this.btime = now;
    if ((mode & 0o170000) == <u32>S_IFDIR) this.nlink = 2;
  }

  override destroy(): void {
    this.limits.giveInode();
    this.limits.decRef();
    super.destroy();
  }

  setAttributes(a: Attributes): i32 {
    if (a.valid & ATTR_SIZE) {
      const result = this.setSize(a.size);
      if (result < 0) return result;
    }
    const now = realTime();
    if (a.valid & ATTR_MODE) this.mode = (this.mode & 0o170000) | (a.mode & 0o7777);
    if (a.valid & ATTR_UID) this.uid = a.uid;
    if (a.valid & ATTR_GID) this.gid = a.gid;
    if (a.valid & ATTR_ATIME) this.atime = a.valid & ATTR_ATIME_SET ? a.atime : now;
    if (a.valid & ATTR_MTIME) this.mtime = a.valid & ATTR_MTIME_SET ? a.mtime : now;
    this.ctime = now;
    return 0;
  }

  setSize(_size: i64): i32 {
    return -EPERM;
  }

  /** A change of contents. */
  touchModified(): void {
    const now = realTime();
    this.mtime = now;
    this.ctime = now;
  }

  touchChanged(): void {
    this.ctime = realTime();
  }
}
