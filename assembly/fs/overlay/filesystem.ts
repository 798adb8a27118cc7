// One mounted overlay: its layers.
//
// Layers are numbered from the top: 0 is the upper one, which takes all changes and may be missing; 1 and up are the lower
// ones, which are only read. Each layer is reached through a Mount of its own (Linux: clone_private_mount()), so that the
// tree stays while the overlay is mounted and no read leaves a trace in a lower layer.

import { StatFs } from "../../vfs/attributes.ts";
import { Dentry, Filesystem } from "../../vfs/dentry.ts";
import { FS_OVERLAY } from "../../vfs/filesystem-type.ts";
import { MNT_NOATIME, MNT_READONLY, Mount } from "../../vfs/mount.ts";

const OVERLAYFS_MAGIC: u64 = 0x794c7630;
/** OCI images stay below this; it also leaves an inode number's top bit free. */
export const LOWERS_MAX: u32 = 127;

@final
export class OverlayFilesystem extends Filesystem {
  /** (u32 Mount, u32 number of its file system) for each layer. */
  private readonly layers: usize;
  private readonly layerCount: u32;
  /** The upper layer again, as a mount with noatime shows it; null without an upper layer. */
  private quietUpper: Mount | null = null;

  /** Takes references on `upper` and on the `count` dentries whose addresses (u32) lie at `lowers`. */
  constructor(upper: Dentry | null, lowers: usize, count: u32) {
    super();
    this.layerCount = count + 1;
    this.layers = heap.alloc((<usize>this.layerCount) << 3);
    this.readonly = true;
    if (upper !== null) {
      this.readonly = upper.fs.readonly;
      this.setLayer(0, upper, 0);
      upper.incRef();
      this.quietUpper = new Mount(upper, MNT_NOATIME);
    }
    for (let i: u32 = 0; i < count; i++) {
      const lower = changetype<Dentry>(<usize>load<u32>(lowers + ((<usize>i) << 2)));
      this.setLayer(i + 1, lower, MNT_READONLY | MNT_NOATIME);
    }
  }

  private setLayer(layer: u32, root: Dentry, flags: u32): void {
    const number = this.numberOf(root.fs, layer);
    root.incRef();
    const at = this.layers + ((<usize>layer) << 3);
    store<u32>(at, <u32>changetype<usize>(new Mount(root, flags)));
    store<u32>(at, number, 4);
  }

  /** Distinct file systems among the layers before `end` are numbered from 0, in order. */
  private numberOf(fs: Filesystem, end: u32): u32 {
    let next: u32 = 0;
    for (let i: u32 = 0; i < end; i++) {
      const at = this.layers + ((<usize>i) << 3);
      if (!load<u32>(at)) continue;
      if (changetype<Mount>(<usize>load<u32>(at)).root.fs === fs) return load<u32>(at, 4);
      next = max(next, load<u32>(at, 4) + 1);
    }
    return next;
  }

  /** The file system of a layer, the upper one first, or null behind the last. */
  layerFilesystem(index: u32): Filesystem | null {
    const layer = index + (this.hasUpper ? 0 : 1);
    return layer < this.layerCount ? this.mountOf(layer).root.fs : null;
  }

  mountOf(layer: u32): Mount {
    return changetype<Mount>(<usize>load<u32>(this.layers + ((<usize>layer) << 3)));
  }

  /** The mount through which a file of the upper layer is opened for a description on `mount`. */
  upperMountFor(mount: Mount): Mount {
    const quiet = this.quietUpper;
    return quiet !== null && mount.flags & MNT_NOATIME ? quiet : this.mountOf(0);
  }

  get hasUpper(): bool {
    return this.quietUpper !== null;
  }

  /** The root of the upper layer, which is there. */
  get upperRoot(): Dentry {
    return this.mountOf(0).root;
  }

  /** A layer's inode number as the overlay shows it (Linux: xino): the number of its file system in the top bits. */
  inoOf(layer: u32, ino: u64): u64 {
    return ((<u64>load<u32>(this.layers + ((<usize>layer) << 3), 4)) << 56) ^ ino;
  }

  private get topFilesystem(): Filesystem {
    return this.mountOf(this.hasUpper ? 0 : 1).root.fs;
  }

  typeId(): u32 {
    return FS_OVERLAY;
  }

  statfs(out: StatFs): i32 {
    const result = this.topFilesystem.statfs(out);
    out.type = OVERLAYFS_MAGIC;
    return result;
  }

  override sync(): i32 {
    return this.hasUpper ? this.topFilesystem.sync() : 0;
  }

  override destroy(): void {
    const quiet = this.quietUpper;
    if (quiet !== null) quiet.decRef();
    for (let i: u32 = 0; i < this.layerCount; i++) {
      const mount = changetype<Mount | null>(<usize>load<u32>(this.layers + ((<usize>i) << 3)));
      if (mount !== null) mount.decRef();
    }
    heap.free(this.layers);
    super.destroy();
  }
}
