// Mounts and mount namespaces: which file system tree is seen at which dentry.
//
// A Mount holds references on its root dentry, its mount point and its parent mount. A namespace owns its mounts. A walk
// crosses from a dentry to the Mount on it whose parent is the mount that the walk is in.

import { EBUSY, EINVAL, ENOTDIR } from "../abi/errno.ts";
import { RefCounted } from "../lib/ref-counted.ts";
import { dropDentries } from "./dcache.ts";
import { Dentry } from "./dentry.ts";
import { moveTreeGeneration } from "./tree-generation.ts";

export const MNT_READONLY: u32 = 1;
export const MNT_NODEV: u32 = 4;
export const MNT_NOEXEC: u32 = 8;
export const MNT_NOATIME: u32 = 16;

@final
export class Mount extends RefCounted {
  /** Null for a namespace's root. Fixed while mounted. */
  parent: Mount | null = null;
  mountPoint: Dentry | null = null;
  nextOnDentry: Mount | null = null;
  nextInNamespace: Mount | null = null;
  id: u32 = 0;

  /** Takes over the caller's reference on `root`. */
  constructor(
    public root: Dentry,
    public flags: u32,
  ) {
    super();
  }

  get isReadonly(): bool {
    return (this.flags & MNT_READONLY) != 0 || this.root.fs.readonly;
  }

  destroy(): void {
    moveTreeGeneration();
    const fs = this.root.fs;
    fs.incRef();
    this.root.decRef();
    if (fs.refs > 1) dropDentries(fs);
    fs.decRef();
    const mountPoint = this.mountPoint;
    if (mountPoint !== null) mountPoint.decRef();
    const parent = this.parent;
    if (parent !== null) parent.decRef();
  }
}

/** The mount on `dentry` as seen in `parent`, borrowed. */
export function findMount(parent: Mount, dentry: Dentry): Mount | null {
  let at = changetype<Mount | null>(dentry.mounts);
  while (at !== null) {
    if (at.parent === parent) return at;
    at = at.nextOnDentry;
  }
  return null;
}

export class MountNamespace extends RefCounted {
  private mounts: Mount | null = null;
  private nextId: u32 = 1;

  /** Takes over the caller's reference on `root`. */
  constructor(public root: Mount) {
    super();
    this.add(root);
  }

  /**
   * Mounts `mount` on `dentry` in `parent`, both borrowed; takes over the caller's reference on `mount`, also on failure.
   * Errors: ENOTDIR when one is a directory and the other not.
   */
  attach(mount: Mount, parent: Mount, dentry: Dentry): i32 {
    if (dentry.isNegative || dentry.isDead) {
      mount.decRef();
      return -EINVAL;
    }
    if (dentry.file.isDirectory != mount.root.file.isDirectory) {
      mount.decRef();
      return -ENOTDIR;
    }
    parent.incRef();
    dentry.incRef();
    mount.parent = parent;
    mount.mountPoint = dentry;
    mount.nextOnDentry = changetype<Mount | null>(dentry.mounts);
    dentry.mounts = changetype<usize>(mount);
    moveTreeGeneration();
    this.add(mount);
    return 0;
  }

  /** Unmounts. Errors: EBUSY when something is mounted below or the mount is in use; EINVAL for the root. */
  detach(mount: Mount): i32 {
    const mountPoint = mount.mountPoint;
    if (mountPoint === null) return -EINVAL;
    if (mount.refs > 1) return -EBUSY;
    this.remove(mount);
    unlinkFromDentry(mount, mountPoint);
    mount.decRef();
    return 0;
  }

  /** The mount after `at` (the first for null), in the order of mounting; for /proc/self/mounts. */
  next(at: Mount | null): Mount | null {
    return at === null ? this.mounts : at.nextInNamespace;
  }

  /** Takes everything apart, last mounted first. */
  destroy(): void {
    while (this.mounts !== null) {
      let last = changetype<Mount>(changetype<usize>(this.mounts));
      while (last.nextInNamespace !== null) last = changetype<Mount>(changetype<usize>(last.nextInNamespace));
      this.remove(last);
      const mountPoint = last.mountPoint;
      if (mountPoint !== null) unlinkFromDentry(last, mountPoint);
      last.decRef();
    }
  }

  private add(mount: Mount): void {
    mount.id = this.nextId++;
    let at = this.mounts;
    if (at === null) {
      this.mounts = mount;
      return;
    }
    while (at.nextInNamespace !== null) at = changetype<Mount>(changetype<usize>(at.nextInNamespace));
    at.nextInNamespace = mount;
  }

  private remove(mount: Mount): void {
    let previous: Mount | null = null;
    let at = this.mounts;
    while (at !== null && at !== mount) {
      previous = at;
      at = at.nextInNamespace;
    }
    if (at === null) return;
    if (previous === null) this.mounts = mount.nextInNamespace;
    else previous.nextInNamespace = mount.nextInNamespace;
    mount.nextInNamespace = null;
  }
}

function unlinkFromDentry(mount: Mount, dentry: Dentry): void {
  moveTreeGeneration();
  let previous: Mount | null = null;
  let at = changetype<Mount | null>(dentry.mounts);
  while (at !== null && at !== mount) {
    previous = at;
    at = at.nextOnDentry;
  }
  if (at === null) return;
  if (previous === null) dentry.mounts = changetype<usize>(mount.nextOnDentry);
  else previous.nextOnDentry = mount.nextOnDentry;
  mount.nextOnDentry = null;
}
