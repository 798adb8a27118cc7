// Symbolic links of tmpfs.

import { ELOOP } from "../../abi/errno.ts";
import { S_IFLNK } from "../../abi/stat.ts";
import { duplicate } from "../../lib/bytes.ts";
import { errorOf } from "../../lib/result.ts";
import { Dentry, Filesystem } from "../../vfs/dentry.ts";
import { TmpfsInode } from "./inode.ts";
import { TmpfsLimits } from "./limits.ts";

/** Bytes that Linux keeps in the inode, NUL included (SHORT_SYMLINK_LEN). */
const INLINE: u32 = 128;

/** Whether a link's text takes a page of the file system's space, which its maker takes from the limits. */
export function takesPage(length: u32): bool {
  return length >= INLINE;
}

@final
export class TmpfsSymlink extends TmpfsInode {
  private readonly target: usize;

  /** Copies the target's text. */
  constructor(fs: Filesystem, limits: TmpfsLimits, ino: u64, uid: u32, gid: u32, target: usize, length: u32) {
    super(fs, limits, ino, <u32>S_IFLNK | 0o777, uid, gid);
    this.target = duplicate(target, length);
    this.size = length;
    if (takesPage(length)) this.blocks = 8;
  }

  override destroy(): void {
    heap.free(this.target);
    if (this.blocks) this.limits.givePages(1);
    super.destroy();
  }

  override readlink(out: usize): i32 {
    memory.copy(out, this.target, <usize>this.size);
    return <i32>this.size;
  }

  open(_mount: usize, _dentry: Dentry, _flags: u32): usize {
    return errorOf(-ELOOP);
  }
}
