// An open regular file of an overlay: the description of the file in the layer that has its data.
//
// A description that was opened for reading before a copy-up moves to the upper file at its next use, so that readers see what
// writers wrote. Whether a read moves the access time is the overlay's to say, and not that of the layer (Linux: OVL_OPEN_FLAGS,
// ovl_file_accessed()).

import { EINVAL, EOPNOTSUPP, EXDEV } from "../../abi/errno.ts";
import { O_ACCMODE, O_NOATIME } from "../../abi/fcntl.ts";
import { isError } from "../../lib/result.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { fileAccessed } from "../../vfs/atime.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { MNT_NOATIME, MNT_RELATIME, Mount } from "../../vfs/mount.ts";
import { copyBytes } from "./copy-data.ts";
import { nodeOf, OverlayNode } from "./node.ts";

@final
export class OverlayFile extends FileDescription {
  private wasRead: bool = false;

  /** Takes over the reference on `real`, a description in the upper layer if `isUpper`. */
  constructor(
    mount: Mount,
    dentry: Dentry,
    flags: u32,
    private real: FileDescription,
    private isUpper: bool,
  ) {
    super(mount, dentry, flags);
  }

  override destroy(): void {
    this.real.decRef();
    super.destroy();
  }

  private get node(): OverlayNode {
    return nodeOf(this.dentry);
  }

  /** The description to use now, with a reference; or an error. */
  private acquire(): usize {
    const upper = this.node.upper;
    if (!this.isUpper && upper !== null) {
      const mount = this.node.overlayFs.mountOf(0);
      const opened = upper.file.open(changetype<usize>(mount), upper, this.flags | <u32>O_NOATIME);
      if (isError(opened)) return opened;
      this.moveTo(changetype<FileDescription>(opened));
    }
    const real = this.real;
    // fcntl(2) may have changed the status flags; the access mode is what the file was opened with.
    real.flags = (real.flags & <u32>O_ACCMODE) | (this.flags & ~(<u32>O_ACCMODE)) | <u32>O_NOATIME;
    real.incRef();
    return changetype<usize>(real);
  }

  private moveTo(opened: FileDescription): void {
    // Another thread that shares the description may have been faster.
    if (this.isUpper) {
      opened.decRef();
      return;
    }
    const before = this.real;
    this.real = opened;
    this.isUpper = true;
    before.decRef();
  }

  override isSeekable(): bool {
    return this.real.isSeekable();
  }

  override seekData(offset: i64, hole: bool, end: i64): i64 {
    const found = this.acquire();
    if (isError(found)) return <i32>found;
    const real = changetype<FileDescription>(found);
    const result = real.seekData(offset, hole, end);
    real.decRef();
    return result;
  }

  override read(to: IovIter, offset: i64): i64 {
    // Not even a look at the real file (Linux: backing_file_read_iter()).
    if (to.remaining == 0) return 0;
    const found = this.acquire();
    if (isError(found)) return <i32>found;
    const real = changetype<FileDescription>(found);
    const result = real.read(to, offset);
    real.decRef();
    this.accessed();
    return result;
  }

  /**
   * fileAccessed() of what is in the upper layer, but with relatime a description asks once whether atime is a day old, because the
   * clock costs as much as the read. Linux asks the second at each read.
   */
  private accessed(): void {
    const node = this.node;
    const upper = node.upper;
    if (upper === null || this.flags & <u32>O_NOATIME) return;
    const flags = this.mount.flags;
    if (flags & MNT_NOATIME || (flags & MNT_RELATIME && this.wasRead && !upper.file.isBehind)) return;
    this.wasRead = true;
    node.copyAttributes(upper.file);
    fileAccessed(this);
  }

  /** Between the layers' files: EXDEV when they are of two file systems. Reading for it is no access (Linux: ovl_copyfile()). */
  override copyRange(from: i64, target: FileDescription, to: i64, length: i64): i64 {
    const foundTarget = changetype<OverlayFile>(target).acquire();
    if (isError(foundTarget)) return <i32>foundTarget;
    const realTarget = changetype<FileDescription>(foundTarget);
    const found = this.acquire();
    let moved: i64 = <i32>found;
    if (!isError(found)) {
      const real = changetype<FileDescription>(found);
      moved = real.inode.fs === realTarget.inode.fs ? copyReal(real, from, realTarget, to, length) : -EXDEV;
      real.decRef();
      const node = nodeOf(target.dentry);
      node.copyAttributes(node.real);
    }
    realTarget.decRef();
    return moved;
  }

  override write(from: IovIter, offset: i64): i64 {
    const found = this.acquire();
    if (isError(found)) return <i32>found;
    const real = changetype<FileDescription>(found);
    const result = real.write(from, offset);
    if (offset < 0 && result > 0) this.offset = real.offset;
    real.decRef();
    this.node.copyAttributes(this.node.real);
    return result;
  }

  override truncate(size: i64): i32 {
    const found = this.acquire();
    if (isError(found)) return <i32>found;
    const real = changetype<FileDescription>(found);
    const result = real.truncate(size);
    real.decRef();
    this.node.copyAttributes(this.node.real);
    return result;
  }

  override allocate(mode: u32, offset: i64, length: i64): i32 {
    const found = this.acquire();
    if (isError(found)) return <i32>found;
    const real = changetype<FileDescription>(found);
    const result = real.allocate(mode, offset, length);
    real.decRef();
    this.node.copyAttributes(this.node.real);
    return result;
  }

  override sync(dataOnly: bool): i32 {
    // What is in a lower layer was never written.
    if (!this.isUpper) return 0;
    const real = this.real;
    real.incRef();
    const result = real.sync(dataOnly);
    real.decRef();
    return result;
  }
}

/** By the layer itself, where it can. */
function copyReal(real: FileDescription, from: i64, target: FileDescription, to: i64, length: i64): i64 {
  const moved = real.copyRange(from, target, to, length);
  if (moved != -EOPNOTSUPP && moved != -EXDEV && moved != -EINVAL) return moved;
  return copyBytes(real, from, target, to, length);
}

/** Opens `node`, a regular file whose copy-up is done where `flags` need it. */
export function openOverlayFile(node: OverlayNode, mount: Mount, dentry: Dentry, flags: u32): usize {
  const upper = node.upper;
  const fs = node.overlayFs;
  let opened: usize;
  if (upper !== null) {
    opened = upper.file.open(changetype<usize>(fs.mountOf(0)), upper, flags | <u32>O_NOATIME);
  } else {
    const lower = node.lower(0);
    opened = lower.file.open(changetype<usize>(fs.mountOf(node.layerOfLower(0))), lower, flags);
  }
  if (isError(opened)) return opened;
  const real = changetype<FileDescription>(opened);
  return changetype<usize>(new OverlayFile(mount, dentry, flags, real, upper !== null));
}
