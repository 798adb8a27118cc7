// Symbolic links of tmpfs.

import { ELOOP } from "../../abi/errno.ts";
import { S_IFLNK } from "../../abi/stat.ts";
import { duplicate } from "../../lib/bytes.ts";
import { errorOf } from "../../lib/result.ts";
import { Dentry, Filesystem } from "../../vfs/dentry.ts";
import { TmpfsInode } from "./inode.ts";
import { TmpfsLimits } from "./limits.ts";

@final
export class TmpfsSymlink extends TmpfsInode {
  private readonly target: usize;

  /** Copies the target's text. */
  constructor(fs: Filesystem, limits: TmpfsLimits, ino: u64, uid: u32, gid: u32, target: usize, length: u32) {
    super(fs, limits, ino, <u32>S_IFLNK | 0o777, uid, gid);
    this.target = duplicate(target, length);
    this.size = length;
  }

  override destroy(): void {
    heap.free(this.target);
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
