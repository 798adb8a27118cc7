// An open regular file of an overlay: the description of the file in the layer that has its data.
//
// Linux: a description that was opened for reading before a copy-up goes on reading the lower file. Here it moves to the
// upper one at its next use, so that readers see what writers wrote.

import { O_ACCMODE } from "../../abi/fcntl.ts";
import { isError } from "../../lib/result.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { Mount } from "../../vfs/mount.ts";
import { nodeOf, OverlayNode } from "./node.ts";

@final
export class OverlayFile extends FileDescription {
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
      const mount = this.node.overlayFs.upperMountFor(this.mount);
      const opened = upper.file.open(changetype<usize>(mount), upper, this.flags);
      if (isError(opened)) return opened;
      this.moveTo(changetype<FileDescription>(opened));
    }
    const real = this.real;
    // fcntl(2) may have changed the status flags; the access mode is what the file was opened with.
    real.flags = (real.flags & <u32>O_ACCMODE) | (this.flags & ~(<u32>O_ACCMODE));
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
    const found = this.acquire();
    if (isError(found)) return <i32>found;
    const real = changetype<FileDescription>(found);
    const result = real.read(to, offset);
    if (offset < 0) this.offset = real.offset;
    real.decRef();
    return result;
  }

  override write(from: IovIter, offset: i64): i64 {
    const found = this.acquire();
    if (isError(found)) return <i32>found;
    const real = changetype<FileDescription>(found);
    const result = real.write(from, offset);
    if (offset < 0) this.offset = real.offset;
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

/** Opens `node`, a regular file whose copy-up is done where `flags` need it. */
export function openOverlayFile(node: OverlayNode, mount: Mount, dentry: Dentry, flags: u32): usize {
  const upper = node.upper;
  const fs = node.overlayFs;
  let opened: usize;
  if (upper !== null) {
    opened = upper.file.open(changetype<usize>(fs.upperMountFor(mount)), upper, flags);
  } else {
    const lower = node.lower(0);
    opened = lower.file.open(changetype<usize>(fs.mountOf(node.layerOfLower(0))), lower, flags);
  }
  if (isError(opened)) return opened;
  const real = changetype<FileDescription>(opened);
  return changetype<usize>(new OverlayFile(mount, dentry, flags, real, upper !== null));
}
