// Mounts: which file system tree is seen at which dentry (Linux: struct mount, struct mnt_namespace).
//
// A tree of mounts hangs together by `parent` and `mountPoint`. A walk crosses from a dentry to the Mount on it whose parent is
// the mount that the walk is in; there is one at the most, since what is mounted at a covered place goes on top of the cover.
//
// States
//   made        by a file system's mount or as a copy; in no namespace, nobody can walk into it
//   mounted     in a namespace, which owns one reference; `parent` is null for the namespace's root only
//   unmounted   in no namespace any more; lives as long as somebody uses it. One whose mount point was removed elsewhere stays
//               connected to an unmounted parent, which then owns that reference (mount-tree.ts)
//
// References on a mount: its namespace (or unmounted parent), each mounted child, each FileDescription, working and root
// directory, walk in progress. A mount holds references on its root dentry, its mount point and, while it is mounted, its parent.

import { EROFS } from "../abi/errno.ts";
import { IN_UNMOUNT } from "../abi/inotify.ts";
import { ROOT_LAST_MOUNT_ID, ROOT_MOUNTS } from "../abi/kernel-layout.ts";
import * as st from "../abi/mount.ts";
import { REFUSED_READONLY_FILESYSTEM, REFUSED_READONLY_MOUNT } from "../abi/refusal.ts";
import { duplicate } from "../lib/bytes.ts";
import { free, RefCounted } from "../lib/ref-counted.ts";
import { refuseAtMount } from "../sched/refusal.ts";
import { dropDentries, MOUNT_BUCKETS } from "./dcache.ts";
import { Dentry } from "./dentry.ts";
import { moveTreeGeneration } from "./tree-generation.ts";
import { loseFilesystem } from "./watch.ts";

export const MNT_READONLY: u32 = 1;
export const MNT_NOSUID: u32 = 2;
export const MNT_NODEV: u32 = 4;
export const MNT_NOEXEC: u32 = 8;
export const MNT_NOATIME: u32 = 16;
export const MNT_NODIRATIME: u32 = 32;
/** Without this and MNT_NOATIME, every access moves atime. */
export const MNT_RELATIME: u32 = 64;
export const MNT_NOSYMFOLLOW: u32 = 128;
export const MNT_ATIME_MASK: u32 = MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME;

/** Most mounts of one namespace. Linux: sysctl fs.mount-max, 100,000. */
export const MOUNTS_MAX: u32 = 8192;

/**
 * Mounts that propagate to each other, and those that receive from them (Linux: mnt_share, mnt_slave_list). Ends when its last
 * member leaves. All members have the same master.
 */
@final
export class PeerGroup {
  /** Linked by Mount.nextMember. */
  members: Mount | null = null;
  /** Mounts whose master this group is, linked by Mount.nextSlave. */
  slaves: Mount | null = null;
  // While a mount propagates (propagation.ts).
  visited: bool = false;
  nextVisited: PeerGroup | null = null;
  /** The copy that one of the members got, borrowed. */
  copy: Mount | null = null;

  constructor(public id: u32) {}
}

@final
export class Mount extends RefCounted {
  /** Unique in the kernel; not used again. */
  id: u32;
  /** Where it is mounted; both null for a root, and when not mounted. */
  parent: Mount | null = null;
  mountPoint: Dentry | null = null;
  namespace: MountList | null = null;
  /** Descriptions open for writing, and calls that are about to change something. */
  writers: u32 = 0;
  /** MNT_EXPIRE came by, and nobody used the mount since. */
  isExpiring: bool = false;
  /** What mount(2) was told as its source: heap copy, or 0. */
  source: usize = 0;
  sourceLength: u32 = 0;

  // Propagation.
  group: PeerGroup | null = null;
  nextMember: Mount | null = null;
  master: PeerGroup | null = null;
  nextSlave: Mount | null = null;
  isUnbindable: bool = false;

  // Lists.
  firstChild: Mount | null = null;
  lastChild: Mount | null = null;
  nextSibling: Mount | null = null;
  previousSibling: Mount | null = null;
  nextInNamespace: Mount | null = null;
  previousInNamespace: Mount | null = null;
  nextOnDentry: Mount | null = null;
  previousOnDentry: Mount | null = null;
  nextInBucket: Mount | null = null;

  /** Scratch of a listing: the reader reaches it. */
  isShown: bool = false;
  // Scratch of the operations in mount-tree.ts and propagation.ts, meaningless outside of them.
  isLeaving: bool = false;
  nextInWork: Mount | null = null;
  nextTarget: Mount | null = null;
  copy: Mount | null = null;

  /** Takes over the caller's reference on `root`. */
  constructor(
    public root: Dentry,
    public flags: u32,
  ) {
    super();
    root.fs.mounts++;
    const id = load<u32>(ROOT_LAST_MOUNT_ID) + 1;
    store<u32>(ROOT_LAST_MOUNT_ID, id);
    this.id = id;
  }

  /**
   * Begins a change: until dropWrite() neither the mount nor its file system can be made read-only, also while the change sleeps (Linux:
   * mnt_want_write()). Errors: EROFS.
   */
  wantWrite(): i32 {
    if (this.isReadonly) return this.refuseWriting();
    this.writers++;
    this.root.fs.writers++;
    return 0;
  }

  /** -EROFS. */
  refuseWriting(): i32 {
    const own = (this.flags & MNT_READONLY) != 0;
    return refuseAtMount(EROFS, own ? REFUSED_READONLY_MOUNT : REFUSED_READONLY_FILESYSTEM, this.id);
  }

  dropWrite(): void {
    this.writers--;
    this.root.fs.writers--;
  }

  get isReadonly(): bool {
    return (this.flags & MNT_READONLY) != 0 || this.root.fs.readonly;
  }

  /** Copies the name of what is mounted, for listings. */
  setSource(text: usize, length: u32): void {
    this.source = length ? duplicate(text, length) : 0;
    this.sourceLength = length;
  }

  /** Any use ends MNT_EXPIRE's waiting (Linux: mntput()). */
  override decRef(): void {
    this.isExpiring = false;
    assert(this.refs > 0, "a reference is held");
    if (--this.refs == 0) {
      this.destroy();
      free(this);
    }
  }

  /**
   * What is still connected below is let go, one after the other rather than each by its parent: a guest decides how many mounts
   * lie on each other.
   */
  destroy(): void {
    moveTreeGeneration();
    let doomed = this.takeChildren(null);
    while (doomed !== null) {
      const child = doomed;
      doomed = child.nextInWork;
      child.nextInWork = null;
      if (child.refs == 1) doomed = child.takeChildren(doomed);
      child.decRef();
    }
    assert(this.parent === null && this.group === null && this.master === null, "it hangs from nothing");
    if (this.source) heap.free(this.source);
    const fs = this.root.fs;
    fs.incRef();
    fs.mounts--;
    this.root.decRef();
    if (fs.mounts == 0) loseFilesystem(changetype<usize>(fs), IN_UNMOUNT);
    if (fs.refs > 1 && fs.mounts == 0) dropDentries(fs);
    fs.decRef();
  }

  /** Disconnects all children and puts them in front of `list`, linked by nextInWork, with the reference that was this mount's. */
  private takeChildren(list: Mount | null): Mount | null {
    let head = list;
    let child = this.firstChild;
    while (child !== null) {
      const next = child.nextSibling;
      unlinkFromPoint(child);
      child.parent = null;
      child.nextInWork = head;
      head = child;
      child = next;
    }
    return head;
  }

  /** ST_* of statfs(2) (Linux: calculate_f_flags()). */
  get statfsFlags(): u32 {
    const flags = this.flags;
    let out: u32 = st.ST_VALID;
    if (this.isReadonly) out |= st.ST_RDONLY;
    if (flags & MNT_NOSUID) out |= st.ST_NOSUID;
    if (flags & MNT_NODEV) out |= st.ST_NODEV;
    if (flags & MNT_NOEXEC) out |= st.ST_NOEXEC;
    if (flags & MNT_NOATIME) out |= st.ST_NOATIME;
    if (flags & MNT_NODIRATIME) out |= st.ST_NODIRATIME;
    if (flags & MNT_RELATIME) out |= st.ST_RELATIME;
    if (flags & MNT_NOSYMFOLLOW) out |= st.ST_NOSYMFOLLOW;
    return out;
  }
}

/** The mounts of a namespace, in the order in which they came. What a namespace does is in mount-namespace.ts. */
export abstract class MountList extends RefCounted {
  private first: Mount | null = null;
  private last: Mount | null = null;
  count: u32 = 0;
  /** Copies that a propagation is about to add. */
  pending: u32 = 0;

  add(mount: Mount): void {
    const last = this.last;
    mount.namespace = this;
    mount.previousInNamespace = last;
    mount.nextInNamespace = null;
    if (last === null) this.first = mount;
    else last.nextInNamespace = mount;
    this.last = mount;
    this.count++;
  }

  remove(mount: Mount): void {
    const next = mount.nextInNamespace;
    const previous = mount.previousInNamespace;
    if (previous === null) this.first = next;
    else previous.nextInNamespace = next;
    if (next === null) this.last = previous;
    else next.previousInNamespace = previous;
    mount.nextInNamespace = null;
    mount.previousInNamespace = null;
    mount.namespace = null;
    this.count--;
  }

  /** The mount after `at` (the first for null), in the order of mounting; borrowed. */
  next(at: Mount | null): Mount | null {
    return at === null ? this.first : at.nextInNamespace;
  }
}

/**
 * The address of the bucket of mounts on `dentry` in `parent` (Linux: m_hash()). A guest can make thousands of mounts on one dentry, and
 * walk through all of them for each name.
 */
function bucketOf(parent: Mount, dentry: Dentry): usize {
  const hash = (<u32>changetype<usize>(parent) >> 4) * 0x9e3779b1 + (<u32>changetype<usize>(dentry) >> 4);
  return <usize>load<u32>(ROOT_MOUNTS) + ((<usize>((hash ^ (hash >> 16)) & (MOUNT_BUCKETS - 1))) << 2);
}

/** The mount on `dentry` as seen in `parent`, borrowed. */
export function findMount(parent: Mount, dentry: Dentry): Mount | null {
  if (!dentry.mounts) return null;
  let at = changetype<Mount | null>(<usize>load<u32>(bucketOf(parent, dentry)));
  while (at !== null && (at.parent !== parent || at.mountPoint !== dentry)) at = at.nextInBucket;
  return at;
}

/** Whether something is mounted on `dentry` in `namespace` (Linux: is_local_mountpoint()). */
export function isMountPointIn(namespace: MountList | null, dentry: Dentry): bool {
  let at = changetype<Mount | null>(dentry.mounts);
  while (at !== null) {
    if (at.namespace === namespace) return true;
    at = at.nextOnDentry;
  }
  return false;
}

/** Puts `mount` on `dentry` below `parent`, on which it takes no reference; takes one on `dentry`. */
export function linkToPoint(mount: Mount, parent: Mount, dentry: Dentry): void {
  moveTreeGeneration();
  dentry.incRef();
  mount.parent = parent;
  mount.mountPoint = dentry;
  const before = changetype<Mount | null>(dentry.mounts);
  mount.nextOnDentry = before;
  if (before !== null) before.previousOnDentry = mount;
  dentry.mounts = changetype<usize>(mount);
  const bucket = bucketOf(parent, dentry);
  mount.nextInBucket = changetype<Mount | null>(<usize>load<u32>(bucket));
  store<u32>(bucket, <u32>changetype<usize>(mount));
  const last = parent.lastChild;
  mount.previousSibling = last;
  mount.nextSibling = null;
  if (last === null) parent.firstChild = mount;
  else last.nextSibling = mount;
  parent.lastChild = mount;
}

/** Takes `mount` off its mount point; `parent` still says where it was. */
export function unlinkFromPoint(mount: Mount): void {
  const parent = changetype<Mount>(changetype<usize>(mount.parent));
  const next = mount.nextSibling;
  const previous = mount.previousSibling;
  if (previous === null) parent.firstChild = next;
  else previous.nextSibling = next;
  if (next === null) parent.lastChild = previous;
  else next.previousSibling = previous;
  mount.nextSibling = null;
  mount.previousSibling = null;
  const dentry = changetype<Dentry>(changetype<usize>(mount.mountPoint));
  moveTreeGeneration();
  unlinkFromBucket(mount, bucketOf(parent, dentry));
  unlinkFromDentry(mount, dentry);
  mount.mountPoint = null;
  dentry.decRef();
}

function unlinkFromBucket(mount: Mount, bucket: usize): void {
  let previous: Mount | null = null;
  let at = changetype<Mount>(<usize>load<u32>(bucket));
  while (at !== mount) {
    previous = at;
    at = changetype<Mount>(changetype<usize>(at.nextInBucket));
  }
  if (previous === null) store<u32>(bucket, <u32>changetype<usize>(mount.nextInBucket));
  else previous.nextInBucket = mount.nextInBucket;
  mount.nextInBucket = null;
}

function unlinkFromDentry(mount: Mount, dentry: Dentry): void {
  const next = mount.nextOnDentry;
  const previous = mount.previousOnDentry;
  if (previous === null) dentry.mounts = changetype<usize>(next);
  else previous.nextOnDentry = next;
  if (next !== null) next.previousOnDentry = previous;
  mount.nextOnDentry = null;
  mount.previousOnDentry = null;
}
