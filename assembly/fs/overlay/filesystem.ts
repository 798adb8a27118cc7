// One mounted overlay: its layers and its options.
//
// Layers are numbered from the top: 0 is the upper one, which takes all changes and may be missing; 1 and up are the lower
// ones, which are only read. Each layer is reached through a Mount of its own (Linux: clone_private_mount()), so that the
// tree stays while the overlay is mounted and no read leaves a trace in a lower layer.

import { EOPNOTSUPP } from "../../abi/errno.ts";
import { free } from "../../lib/ref-counted.ts";
import { StatFs } from "../../vfs/attributes.ts";
import { Dentry, Filesystem, Inode } from "../../vfs/dentry.ts";
import { FS_OVERLAY } from "../../vfs/filesystem-type.ts";
import { MNT_NOATIME, MNT_READONLY, Mount } from "../../vfs/mount.ts";
import { Text } from "../../vfs/text.ts";
import { NodeTable } from "./node-table.ts";

const OVERLAYFS_MAGIC: u64 = 0x794c7630;
/** OCI images stay below this; it also leaves an inode number's top bit free. */
export const LOWERS_MAX: u32 = 127;

/** Renamed directories of lower layers get a redirect (redirect_dir=on); otherwise their rename is EXDEV. */
export const OVL_REDIRECT: u32 = 1;
/** Redirects found are not followed (redirect_dir=nofollow). */
export const OVL_NO_FOLLOW: u32 = 2;
/** Hard links of lower layers stay together across copy-up (index=on). Needs a work directory. */
export const OVL_INDEX: u32 = 4;
// What is only shown.
export const OVL_DEFAULT_PERMISSIONS: u32 = 8;
export const OVL_VOLATILE: u32 = 16;
/** uuid=off and uuid=null. */
export const OVL_UUID_OFF: u32 = 32;
export const OVL_UUID_NULL: u32 = 64;
export const OVL_XINO_ON: u32 = 128;
export const OVL_XINO_AUTO: u32 = 256;
/** userxattr: the layers keep the attributes as a user's. */
export const OVL_USERXATTR: u32 = 512;

@final
export class OverlayFilesystem extends Filesystem {
  /** (u32 Mount, u32 number of its file system) for each layer. */
  private readonly layers: usize;
  private readonly layerCount: u32;
  /** Where work files are made; null: beside their places. */
  work: Dentry | null = null;
  /** The copies of files with several names in a lower layer; null without an index. */
  index: Dentry | null = null;
  /** Such files, by the lower inode. */
  readonly indexed: NodeTable = new NodeTable();
  /** The layers' options as they are shown, or 0 for the sandbox's own doing: trees without a path inside of it. Owned. */
  shownLayers: usize = 0;
  shownLength: u32 = 0;

  /** Takes references on `upper` and on the `count` dentries whose addresses (u32) lie at `lowers`. `flags` are OVL_*. */
  constructor(
    upper: Dentry | null,
    lowers: usize,
    count: u32,
    readonly flags: u32,
  ) {
    super();
    this.layerCount = count + 1;
    this.layers = heap.alloc((<usize>this.layerCount) << 3);
    this.readonly = true;
    if (upper !== null) {
      this.readonly = upper.fs.readonly;
      this.hasAcls = upper.fs.hasAcls;
      // The overlay's own mounts say which access moves a time.
      this.setLayer(0, upper, 0);
    }
    for (let i: u32 = 0; i < count; i++) {
      const lower = changetype<Dentry>(<usize>load<u32>(lowers + ((<usize>i) << 2)));
      this.setLayer(i + 1, lower, MNT_READONLY | MNT_NOATIME);
    }
  }

  private setLayer(layer: u32, root: Dentry, flags: u32): void {
    this.stackDepth = max(this.stackDepth, root.fs.stackDepth + 1);
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

  get hasUpper(): bool {
    return load<u32>(this.layers) != 0;
  }

  get lowerCount(): u32 {
    return this.layerCount - 1;
  }

  /** The root of the upper layer, which is there. */
  get upperRoot(): Dentry {
    return this.mountOf(0).root;
  }

  /** Where work files for the upper directory `dir` are made. */
  workFor(dir: Dentry): Dentry {
    const work = this.work;
    return work !== null ? work : dir;
  }

  /** Whether lower layers may be changed while the overlay is not mounted (Linux: ovl_allow_offline_changes()). */
  get allowsOfflineChanges(): bool {
    return (this.flags & (OVL_REDIRECT | OVL_INDEX)) == 0;
  }

  /** The number of a layer's file system. */
  filesystemNumber(layer: u32): u32 {
    return layer < this.layerCount ? load<u32>(this.layers + ((<usize>layer) << 3), 4) : 0;
  }

  /** An inode number as the overlay shows it (Linux: xino): the number of its file system in the top bits. */
  inoInFilesystem(number: u32, ino: u64): u64 {
    return ((<u64>number) << 56) ^ ino;
  }

  inoOf(layer: u32, ino: u64): u64 {
    return this.inoInFilesystem(this.filesystemNumber(layer), ino);
  }

  /** Sets an attribute that the overlay can do without: 0 too when the upper layer has none. */
  setXattr(inode: Inode, name: usize, nameLength: u32, value: usize, length: u32): i32 {
    const result = inode.setXattr(name, nameLength, value, length, 0);
    return result == -EOPNOTSUPP ? 0 : result;
  }

  /** Linux: ovl_show_options(). */
  override showOptions(out: Text): void {
    const flags = this.flags;
    out.bytes(this.shownLayers, this.shownLength);
    if (flags & OVL_DEFAULT_PERMISSIONS) out.text(",default_permissions");
    // Redirects that nobody can make are as good as made.
    if (flags & OVL_NO_FOLLOW) out.text(",redirect_dir=nofollow");
    else if (flags & OVL_REDIRECT || !this.hasUpper) out.text(",redirect_dir=on");
    if (this.index !== null) out.text(",index=on");
    if (flags & OVL_UUID_OFF) out.text(",uuid=off");
    if (flags & OVL_UUID_NULL) out.text(",uuid=null");
    if (this.lastFilesystem > 0) this.showXino(out);
    if (flags & OVL_VOLATILE && this.hasUpper) out.text(",fsync=volatile");
    if (flags & OVL_USERXATTR) out.text(",userxattr");
  }

  private showXino(out: Text): void {
    if (this.flags & OVL_XINO_ON) out.text(",xino=on");
    if (this.flags & OVL_XINO_AUTO) out.text(",xino=auto");
  }

  /** The highest number of a layer's file system: 0 when all are on one. */
  private get lastFilesystem(): u32 {
    let last: u32 = 0;
    for (let i: u32 = this.hasUpper ? 0 : 1; i < this.layerCount; i++)
      last = max(last, this.filesystemNumber(i));
    return last;
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
    const work = this.work;
    if (work !== null) work.decRef();
    const index = this.index;
    if (index !== null) index.decRef();
    for (let i: u32 = 0; i < this.layerCount; i++) {
      const mount = changetype<Mount | null>(<usize>load<u32>(this.layers + ((<usize>i) << 3)));
      if (mount !== null) mount.decRef();
    }
    heap.free(this.layers);
    if (this.shownLayers) heap.free(this.shownLayers);
    this.indexed.destroy();
    free(this.indexed);
    super.destroy();
  }
}
