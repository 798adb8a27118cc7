// An overlay's inode: which files of the layers it stands for.
//
// States of a file that is no directory
//   lower      no `upper`; the one lower dentry is the file
//   copied up  `upper` is the file; lower dentries are kept, unused, because a thread may be reading them
//   upper      never had a lower one
// A directory is merged from `upper`, when there, and all lower directories above the first opaque one.
//
// `upper` is set once, under `copyUpLock`, and stays. Of a file with several names in the upper layer it is any of them, also
// one that was removed since: it serves to reach the inode, never the name.
//
// A file in a lower layer has one dentry here, `self`, which its copy's name comes from. The exception is a lower file with
// several names when there is an index: all of them share one inode (`isIndexed`), which keeps the place of the first name that
// was met (`alias`), and whose copy is an entry of the index that each name becomes a link to.
//
// Sleep order: an overlay's directory locks, its file's lock, `copyUpLock`, the layers' locks.

import { free } from "../../lib/ref-counted.ts";
import { SleepLock } from "../../sched/sleep-lock.ts";
import { Dentry, Filesystem, Inode } from "../../vfs/dentry.ts";
import { Watch } from "../../vfs/watch.ts";
import { OverlayFilesystem } from "./filesystem.ts";
import { TableNode } from "./node-table.ts";
import { originIno } from "./origin.ts";
import { hasOwn, XATTR_ORIGIN, XATTR_ORIGIN_LENGTH } from "./own-xattrs.ts";

export abstract class OverlayNode extends TableNode {
  upper: Dentry | null = null;
  readonly copyUpLock: SleepLock = new SleepLock();
  /** Its name was removed while it was in a lower layer: it gets no copy any more. Changed under `copyUpLock`. */
  unlinked: bool = false;
  /** The dentry of this inode, for as long as it is in a lower layer, and of a directory always. Not counted as a reference. */
  self: usize = 0;
  /** Its copy is, or will be, in the index. */
  isIndexed: bool = false;
  /** Of an indexed file: the link count here without that of the copy (trusted.overlay.nlink). */
  nlinkDelta: i32 = 0;
  /** How many names there are of a file that is no directory, as the kernel's i_nlink counts: from the first look on. */
  nameCount: i32 = 0;
  /** A dentry of the same place as the first name of an indexed file in a lower layer: never hashed, it keeps parent and name. */
  alias: Dentry | null = null;

  /**
   * Takes over the references on `upper` and on the `lowerCount` dentries at `lowers`, and the memory there: pairs of u32, a
   * dentry and its layer. `lowers` 0: none.
   */
  constructor(
    fs: Filesystem,
    upper: Dentry | null,
    private readonly lowers: usize,
    public lowerCount: u32,
    /** The upper file may have an origin. */
    mayHaveOrigin: bool,
  ) {
    super(fs);
    // Linux: ovl_fallocate().
    this.dropsPrivilegesFirst = true;
    if (upper !== null) this.setUpper(upper);
    this.ino = this.composeIno(mayHaveOrigin);
    this.copyAttributes(this.real);
    this.nameCount = <i32>this.nlink;
  }

  override isGone(): bool {
    return this.isDirectory ? this.dead : this.nameCount == 0;
  }

  /** Those that the layers' files give again are left alone; the others are found by the file that shows (Linux: ovl_get_inode()). */
  override watched(): void {
    if (this.tableKey || (this.upper !== null && !this.isDirectory)) return;
    // Names of one lower file that are no names of one file here.
    if (!this.isDirectory && this.lower(0).file.nlink > 1) return;
    const table = this.overlayFs.indexed;
    if (table.find(this.key) === null) table.insert(this.key, this);
  }

  /** What the table has a node of one place by. */
  private get key(): Inode {
    const upper = this.upper;
    return this.lowerCount || upper === null ? this.lower(0).file : upper.file;
  }

  /** Whether only watches hold it, and it stands for these files of the layers. */
  isLeftFor(upper: Dentry | null, lowerCount: u32): bool {
    const own = this.upper;
    if (lowerCount != this.lowerCount || (own === null) != (upper === null)) return false;
    return (own === null || upper === null || own.inode === upper.inode) && this.refs == watchesOf(this);
  }

  override destroy(): void {
    this.overlayFs.indexed.remove(this);
    const upper = this.upper;
    if (upper !== null) {
      if (upper.file.overlay == changetype<usize>(this)) upper.file.overlay = 0;
      upper.decRef();
    }
    const alias = this.alias;
    if (alias !== null) alias.decRef();
    for (let i: u32 = 0; i < this.lowerCount; i++) this.lower(i).decRef();
    if (this.lowers) heap.free(this.lowers);
    free(this.copyUpLock);
    super.destroy();
  }

  get overlayFs(): OverlayFilesystem {
    return changetype<OverlayFilesystem>(this.fs);
  }

  lower(index: u32): Dentry {
    return changetype<Dentry>(<usize>load<u32>(this.lowers + ((<usize>index) << 3)));
  }

  layerOfLower(index: u32): u32 {
    return load<u32>(this.lowers + ((<usize>index) << 3), 4);
  }

  /** The dentry of a file in a lower layer, or of a directory: of its place, for an indexed file. */
  get name(): Dentry {
    const alias = this.alias;
    return alias !== null ? alias : changetype<Dentry>(this.self);
  }

  /** The inode whose attributes and contents this one shows. */
  get real(): Inode {
    const upper = this.upper;
    return upper !== null ? upper.file : this.lower(0).file;
  }

  /** A directory that shows more than one layer. */
  get isMerged(): bool {
    return this.lowerCount + (this.upper !== null ? 1 : 0) > 1;
  }

  /** A directory of one layer has whiteouts only if there was more to it once; others are shown as they are (OVL_WHITEOUTS). */
  get mayHaveWhiteouts(): bool {
    return (
      this.isMerged || this.name.parent === null || hasOwn(this.real, XATTR_ORIGIN, XATTR_ORIGIN_LENGTH) > 0
    );
  }

  /** Takes over the reference on `upper`. */
  setUpper(upper: Dentry): void {
    upper.file.overlay = changetype<usize>(this);
    this.upper = upper;
  }

  /** st_ino, the same before and after a copy-up: that of the topmost lower directory, or of the file's origin. */
  private composeIno(mayHaveOrigin: bool): u64 {
    const upper = this.upper;
    const fs = this.overlayFs;
    if (this.lowerCount) return fs.inoOf(this.layerOfLower(0), this.lower(0).file.ino);
    if (upper === null) return 0;
    const origin = mayHaveOrigin ? originIno(fs, upper.file) : 0;
    return origin ? origin : fs.inoOf(0, upper.file.ino);
  }

  override getAttributes(): i32 {
    while (true) {
      const real = this.real;
      const result = real.getAttributes();
      if (result < 0) return result;
      // A copy-up may have come in between.
      if (real !== this.real) continue;
      this.copyAttributes(real);
      return 0;
    }
  }

  copyAttributes(real: Inode): void {
    this.mode = real.mode;
    this.uid = real.uid;
    this.gid = real.gid;
    this.rdev = real.rdev;
    this.size = real.size;
    this.blocks = real.blocks;
    this.atime = real.atime;
    this.mtime = real.mtime;
    this.ctime = real.ctime;
    this.btime = real.btime;
    this.hasFileCapability = real.hasFileCapability;
    if (this.accessAcl !== real.accessAcl) this.holdAcl(false, real.accessAcl);
    if (this.defaultAcl !== real.defaultAcl) this.holdAcl(true, real.defaultAcl);
    // Linux: a merged directory shows 1, since nobody counted its subdirectories; what is in a lower layer shows the count there,
    // also when it was removed here.
    if (this.isDirectory && this.isMerged) this.nlink = 1;
    else if (this.isIndexed && this.upper !== null)
      this.nlink = <u32>max<i32>(<i32>real.nlink + this.nlinkDelta, 0);
    else this.nlink = real.nlink;
  }
}

/** How many watches there are on an inode, each of which holds a reference. */
function watchesOf(inode: Inode): i32 {
  let count = 0;
  let at = changetype<Watch | null>(inode.watches);
  while (at !== null) {
    count++;
    at = at.nextOnInode;
  }
  return count;
}

/** The overlay's inode of a positive dentry. */
export function nodeOf(dentry: Dentry): OverlayNode {
  return changetype<OverlayNode>(dentry.file);
}
