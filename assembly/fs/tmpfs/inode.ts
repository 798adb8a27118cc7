// What all tmpfs inodes share: attributes, their limits, and that a dropped name is all that ends them.
//
// An inode's references: each directory entry that names it, each dentry, each open description through its dentry.

import { ENODATA, ENOSPC, EPERM } from "../../abi/errno.ts";
import { F_SEAL_EXEC } from "../../abi/fcntl.ts";
import { S_IFDIR, S_IXUGO } from "../../abi/stat.ts";
import { Acl } from "../../vfs/acl.ts";
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
import { fitAclToMode, isFileCapability } from "../../vfs/xattr.ts";
import { XattrStore } from "../../vfs/xattr-store.ts";
import { TmpfsLimits } from "./limits.ts";

/** What an attribute takes of the space for inodes beside its name and value (Linux: simple_xattr_space()). */
const XATTR_SPACE: u64 = 40;

export abstract class TmpfsInode extends Inode {
  private xattrs: XattrStore | null = null;

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
    const xattrs = this.xattrs;
    if (xattrs !== null) {
      this.limits.giveInodeSpace(xattrs.totalCost(XATTR_SPACE));
      xattrs.destroy();
    }
    this.limits.giveInode();
    this.limits.decRef();
    super.destroy();
  }

  setAttributes(a: Attributes): i32 {
    const sealed = (this.seals & <u32>F_SEAL_EXEC) != 0 && this.seals != u32.MAX_VALUE;
    if (sealed && a.valid & ATTR_MODE && (this.mode ^ a.mode) & <u32>S_IXUGO) return -EPERM;
    const before = this.size;
    if (a.valid & ATTR_SIZE) {
      const result = this.setSize(a.size);
      if (result < 0) return result;
    }
    // truncate(2) to the size that a file has moves no time, unless there are pages to look at (Linux: shmem_setattr()).
    const isStill = (a.valid & ~ATTR_MODE) == ATTR_SIZE && a.size == before && this.blocks == 0;
    const now = realTime();
    if (a.valid & ATTR_SIZE && !isStill) this.mtime = now;
    if (a.valid & ATTR_MODE) this.mode = (this.mode & 0o170000) | (a.mode & 0o7777);
    if (a.valid & ATTR_MODE) fitAclToMode(this);
    if (a.valid & ATTR_UID) this.uid = a.uid;
    if (a.valid & ATTR_GID) this.gid = a.gid;
    if (a.valid & ATTR_ATIME) this.atime = a.valid & ATTR_ATIME_SET ? a.atime : now;
    if (a.valid & ATTR_MTIME) this.mtime = a.valid & ATTR_MTIME_SET ? a.mtime : now;
    if (!isStill) this.ctime = now;
    return 0;
  }

  setSize(_size: i64): i32 {
    return -EPERM;
  }

  override setAcl(isDefault: bool, acl: Acl | null, mode: u32): i32 {
    this.mode = mode;
    this.holdAcl(isDefault, acl);
    this.touchChanged();
    return 0;
  }

  override getXattr(name: usize, nameLength: u32, out: usize, capacity: u32): i32 {
    const xattrs = this.xattrs;
    return xattrs === null ? -ENODATA : xattrs.get(name, nameLength, out, capacity);
  }

  /** Errors: ENOSPC before all others, as the space is taken first (Linux: shmem_xattr_handler_set()). */
  override setXattr(name: usize, nameLength: u32, value: usize, length: u32, flags: u32): i32 {
    const space = XATTR_SPACE + nameLength + length;
    if (!this.limits.takeInodeSpace(space)) return -ENOSPC;
    let xattrs = this.xattrs;
    if (xattrs === null) {
      xattrs = new XattrStore();
      this.xattrs = xattrs;
    }
    const before = xattrs.lengthOf(name, nameLength);
    const result = xattrs.set(name, nameLength, value, length, flags);
    if (result < 0) this.limits.giveInodeSpace(space);
    else if (before >= 0) this.limits.giveInodeSpace(XATTR_SPACE + nameLength + before);
    if (result < 0) return result;
    if (isFileCapability(name, nameLength)) this.hasFileCapability = length > 0;
    this.touchChanged();
    return 0;
  }

  override removeXattr(name: usize, nameLength: u32): i32 {
    const xattrs = this.xattrs;
    if (xattrs === null) return -ENODATA;
    const before = xattrs.lengthOf(name, nameLength);
    if (before < 0) return -ENODATA;
    this.limits.giveInodeSpace(XATTR_SPACE + nameLength + before);
    xattrs.remove(name, nameLength);
    if (isFileCapability(name, nameLength)) this.hasFileCapability = false;
    this.touchChanged();
    return 0;
  }

  override listXattrs(out: usize, capacity: u32): i32 {
    const xattrs = this.xattrs;
    return xattrs === null ? 0 : xattrs.list(out, capacity);
  }

  /** A change of contents. */
  touchModified(): void {
    const now = realTime();
    this.mtime = now;
    this.ctime = now;
  }

  override touchAccessed(now: i64): void {
    this.atime = now;
  }

  touchChanged(): void {
    this.ctime = realTime();
  }
}
