// What the files of synthetic file systems share: numbers, owners, and attributes that are kept as long as the file is.

import { S_IFDIR, S_IFMT } from "../../abi/stat.ts";
import {
  ATTR_ATIME,
  ATTR_ATIME_SET,
  ATTR_GID,
  ATTR_MODE,
  ATTR_MTIME,
  ATTR_MTIME_SET,
  ATTR_UID,
  Attributes,
} from "../../vfs/attributes.ts";
import { realTime } from "../../vfs/clock.ts";
import { Filesystem, Inode } from "../../vfs/dentry.ts";

/** A synthetic file system. Its files know it by this class. */
export abstract class KernfsFilesystem extends Filesystem {
  private lastIno: u64 = 0;
  /** What a lookup of a name that is not there says: an errno, or 0 for a negative dentry. */
  missing: i32 = 0;
  /** What chmod(2), chown(2) and utimes(2) say, or 0 when they work. */
  attributeError: i32 = 0;
  /** What a write says to a file that has nothing to write. */
  writeError: i32 = 0;

  nextIno(): u64 {
    return ++this.lastIno;
  }
}

export abstract class KernfsInode extends Inode {
  /** `mode` carries the type. Owned by root until told otherwise. */
  constructor(fs: KernfsFilesystem, mode: u32) {
    super(fs);
    this.ino = fs.nextIno();
    this.mode = mode;
    if ((mode & <u32>S_IFMT) == <u32>S_IFDIR) this.nlink = 2;
    const now = realTime();
    this.atime = now;
    this.mtime = now;
    this.ctime = now;
    this.btime = now;
  }

  get kernfs(): KernfsFilesystem {
    return changetype<KernfsFilesystem>(this.fs);
  }

  /** A size is accepted and forgotten: what O_TRUNC asks for. */
  setAttributes(a: Attributes): i32 {
    const kept = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME;
    if (a.valid & kept && this.kernfs.attributeError) return this.kernfs.attributeError;
    const now = realTime();
    if (a.valid & ATTR_MODE) this.mode = (this.mode & <u32>S_IFMT) | (a.mode & 0o7777);
    if (a.valid & ATTR_UID) this.uid = a.uid;
    if (a.valid & ATTR_GID) this.gid = a.gid;
    if (a.valid & ATTR_ATIME) this.atime = a.valid & ATTR_ATIME_SET ? a.atime : now;
    if (a.valid & ATTR_MTIME) this.mtime = a.valid & ATTR_MTIME_SET ? a.mtime : now;
    this.ctime = now;
    return 0;
  }
}
