// Trees of mounts: copying, attaching with propagation, taking apart (Linux: fs/namespace.c copy_tree(), attach_recursive_mnt(),
// umount_tree(); fs/pnode.c propagate_mnt(), propagate_umount()).
//
// Nothing here sleeps: a caller looks everything up first and then changes the tree in one go.

import { memoryIsCritical } from "mm/page";
import { EINVAL, ENOENT, ENOMEM, ENOSPC, ENOTDIR } from "../abi/errno.ts";
import { MS_PRIVATE } from "../abi/mount.ts";
import { free } from "../lib/ref-counted.ts";
import { errorOf, isError } from "../lib/result.ts";
import { Dentry } from "./dentry.ts";
import { findMount, linkToPoint, MOUNTS_MAX, Mount, MountList, PeerGroup, unlinkFromPoint } from "./mount.ts";
import {
  becomeSlave,
  changePropagation,
  collectTargets,
  joinGroup,
  makeShared,
  masterWithCopy,
} from "./propagation.ts";

// How a copy relates to what it is a copy of.
/** A peer of a shared mount, a slave of a slave's master. */
export const COPY_PEER: u32 = 0;
/** A slave of the mount's group. */
const COPY_SLAVE: u32 = 1;
/** And shared with further copies. */
const COPY_SHARED: u32 = 2;
/** Unbindable mounts are copied too: for a new namespace. */
export const COPY_UNBINDABLE: u32 = 4;

/** The mount after `at` in the tree of `top`, parents first. */
export function nextInTree(at: Mount, top: Mount): Mount | null {
  return at.firstChild !== null ? at.firstChild : nextBeside(at, top);
}

/** nextInTree() without what lies below `at`. */
function nextBeside(at: Mount, top: Mount): Mount | null {
  let from = at;
  while (from !== top) {
    if (from.nextSibling !== null) return from.nextSibling;
    from = changetype<Mount>(changetype<usize>(from.parent));
  }
  return null;
}

function sizeOf(top: Mount): u32 {
  let size: u32 = 0;
  let at: Mount | null = top;
  while (at !== null) {
    size++;
    at = nextInTree(at, top);
  }
  return size;
}

/** A copy that shows `root`, borrowed; not mounted. Linux: clone_mnt(). */
export function cloneMount(old: Mount, root: Dentry, how: u32): Mount {
  root.incRef();
  const mount = new Mount(root, old.flags);
  mount.setSource(old.source, old.sourceLength);
  mount.isUnbindable = old.isUnbindable;
  const group = old.group;
  if (how & COPY_SLAVE) {
    if (group !== null) becomeSlave(mount, group);
  } else {
    const master = old.master;
    if (group !== null) joinGroup(mount, group);
    if (master !== null) becomeSlave(mount, master);
  }
  if (how & COPY_SHARED) makeShared(mount);
  return mount;
}

/**
 * A copy of what is mounted at and below `root`, a dentry of `source`; its top is not mounted. Unbindable mounts are left out with
 * all below them. Errors: ENOMEM.
 */
export function copyTree(source: Mount, root: Dentry, how: u32): usize {
  if (memoryIsCritical()) return errorOf(-ENOMEM);
  const top = cloneMount(source, root, how);
  source.copy = top;
  let at: Mount | null = source.firstChild;
  while (at !== null) {
    const parent = changetype<Mount>(changetype<usize>(at.parent));
    const point = changetype<Dentry>(changetype<usize>(at.mountPoint));
    const hidden = at.isUnbindable && !(how & COPY_UNBINDABLE);
    if (hidden || (parent === source && !point.isBelow(root))) {
      at = nextBeside(at, source);
      continue;
    }
    const copy = cloneMount(at, at.root, how);
    at.copy = copy;
    mountOn(copy, changetype<Mount>(changetype<usize>(parent.copy)), point);
    at = nextInTree(at, source);
  }
  return changetype<usize>(top);
}

/** Lets go of a copy that was not attached. */
export function dropTree(top: Mount): void {
  umountTree(top, false, false);
}

/** Links a mount into a tree: from now on it holds its parent. */
function mountOn(mount: Mount, parent: Mount, point: Dentry): void {
  parent.incRef();
  linkToPoint(mount, parent, point);
}

/** Takes a mount out of its tree. */
export function takeOff(mount: Mount): void {
  const parent = mount.parent;
  if (parent === null) return;
  unlinkFromPoint(mount);
  mount.parent = null;
  parent.decRef();
}

/** Mounts at a place that is free, without propagation (Linux: attach_mnt()); for pivot_root(2). */
export function placeOn(mount: Mount, parent: Mount, point: Dentry): void {
  mountOn(mount, parent, point);
}

/**
 * Mounts the tree of `top`, borrowed, on `point` in `parent` and wherever that propagates to. `top` is a fresh tree, whose reference
 * goes to the namespace on success, or one that is moved. Errors: EINVAL, ENOENT and ENOTDIR for the mount point; ENOSPC; ENOMEM.
 */
export function attachTree(top: Mount, parent: Mount, point: Dentry): i32 {
  const namespace = parent.namespace;
  if (namespace === null) return -EINVAL;
  if (point.isNegative || point.isDead) return -ENOENT;
  if (point.file.isDirectory != top.root.file.isDirectory) return -ENOTDIR;
  const moving = top.namespace !== null;
  const size = sizeOf(top);
  if (!moving && namespace.count + size > MOUNTS_MAX) return -ENOSPC;
  if (!moving && memoryIsCritical()) return -ENOMEM;
  const group = parent.group;
  let copies: Mount | null = null;
  if (group !== null) {
    const room = checkRoom(collectTargets(parent), point, size, moving ? 0 : size, namespace);
    if (room < 0) return room;
    let at: Mount | null = top;
    while (at !== null) {
      makeShared(at);
      at = nextInTree(at, top);
    }
    copies = propagate(top, parent, point, group);
  }
  if (moving) takeOff(top);
  commit(top, parent, point);
  while (copies !== null) {
    const copy = copies;
    copies = copy.nextInWork;
    copy.nextInWork = null;
    const copyParent = changetype<Mount>(changetype<usize>(copy.parent));
    copy.parent = null;
    commit(copy, copyParent, point);
  }
  return 0;
}

/** Whether a mount gets a copy: it was there before, and the mount point is part of it (Linux: need_secondary()). */
function isTarget(mount: Mount, point: Dentry): bool {
  return mount.namespace !== null && point.isBelow(mount.root);
}

/** ENOSPC when a namespace would have too many mounts. `own` were not counted in `namespace` yet. */
function checkRoom(targets: Mount | null, point: Dentry, size: u32, own: u32, namespace: MountList): i32 {
  let result = memoryIsCritical() ? -ENOMEM : 0;
  namespace.pending = own;
  let at: Mount | null = targets;
  while (at !== null && result == 0) {
    if (isTarget(at, point)) {
      const its = changetype<MountList>(changetype<usize>(at.namespace));
      its.pending += size;
      if (its.count + its.pending > MOUNTS_MAX) result = -ENOSPC;
    }
    at = at.nextTarget;
  }
  namespace.pending = 0;
  at = targets;
  while (at !== null) {
    const its = at.namespace;
    if (its !== null) its.pending = 0;
    at = at.nextTarget;
  }
  return result;
}

/** Copies of `top` for all that `parent` propagates to: linked by nextInWork, each with its parent noted. */
function propagate(top: Mount, parent: Mount, point: Dentry, origin: PeerGroup): Mount | null {
  let copies: Mount | null = null;
  const targets = collectTargets(parent);
  let at: Mount | null = targets;
  while (at !== null) {
    if (isTarget(at, point)) {
      const made = copyFor(at, top, origin);
      if (isError(made)) break;
      const copy = changetype<Mount>(made);
      copy.parent = at;
      copy.nextInWork = copies;
      copies = copy;
    }
    at = at.nextTarget;
  }
  at = targets;
  while (at !== null) {
    const group = at.group;
    if (group !== null) group.copy = null;
    at = at.nextTarget;
  }
  return copies;
}

/**
 * The copy of `top` that `mount` receives from the group `origin`: within that group a peer of `top`; else the first in its own
 * group is a slave of what the group's master got, and the others are its peers.
 */
function copyFor(mount: Mount, top: Mount, origin: PeerGroup): usize {
  const group = mount.group;
  if (group === origin) return copyTree(top, top.root, COPY_PEER);
  if (group !== null) {
    const peer = group.copy;
    if (peer !== null) return copyTree(peer, peer.root, COPY_PEER);
  }
  const above = masterWithCopy(mount, origin).copy;
  const model = above === null ? top : above;
  const made = copyTree(model, model.root, group === null ? COPY_SLAVE : COPY_SLAVE | COPY_SHARED);
  if (group !== null && !isError(made)) group.copy = changetype<Mount>(made);
  return made;
}

/** Makes a tree part of its parent's namespace. What was at the place is then on top of it (Linux: mnt_change_mountpoint()). */
function commit(top: Mount, parent: Mount, point: Dentry): void {
  const namespace = changetype<MountList>(changetype<usize>(parent.namespace));
  const covered = findMount(parent, point);
  mountOn(top, parent, point);
  let at: Mount | null = top;
  while (at !== null) {
    const before = at.namespace;
    if (before !== namespace) {
      if (before !== null) before.remove(at);
      namespace.add(at);
    }
    at = nextInTree(at, top);
  }
  if (covered === null) return;
  const over = topOf(top);
  takeOff(covered);
  mountOn(covered, over, over.root);
}

/** What is on top of the stack that begins with `mount`. */
function topOf(mount: Mount): Mount {
  let top = mount;
  while (true) {
    const over = findMount(top, top.root);
    if (over === null) return top;
    top = over;
  }
}

/**
 * Unmounts the tree of `top`, and with `propagates` what its mounts propagated. Mounts that somebody uses live on until they are
 * left. With `staysConnected` those below an unmounted mount can still be reached from it. Linux: umount_tree().
 */
export function umountTree(top: Mount, propagates: bool, staysConnected: bool): void {
  const list = new LeavingList();
  let at: Mount | null = top;
  while (at !== null) {
    list.add(at);
    at = nextInTree(at, top);
  }
  if (propagates) list.addPropagated();
  list.finish(staysConnected);
  free(list);
}

/** Mounts that are about to go, parents before children within each tree. */
@final
class LeavingList {
  private first: Mount | null = null;
  private last: Mount | null = null;

  add(mount: Mount): void {
    mount.isLeaving = true;
    mount.nextInWork = null;
    const last = this.last;
    if (last === null) this.first = mount;
    else last.nextInWork = mount;
    this.last = mount;
  }

  /** Adds what was mounted at the same places wherever the parents propagate to; what is in use below stays (Linux: propagate_umount()). */
  addPropagated(): void {
    const own = this.last;
    let at = this.first;
    while (at !== null) {
      this.addCopiesOf(at);
      if (at === own) break;
      at = at.nextInWork;
    }
    if (own === null || own === this.last) return;
    let candidate = own.nextInWork;
    while (candidate !== null) {
      if (holdsOther(candidate)) keepWithParents(candidate);
      candidate = candidate.nextInWork;
    }
    let before: Mount = own;
    candidate = own.nextInWork;
    while (candidate !== null) {
      const next = candidate.nextInWork;
      if (candidate.isLeaving) {
        before = candidate;
      } else {
        before.nextInWork = next;
        candidate.nextInWork = null;
      }
      candidate = next;
    }
    this.last = before;
    this.moveCovers();
  }

  private addCopiesOf(mount: Mount): void {
    const parent = mount.parent;
    const point = mount.mountPoint;
    if (parent === null || point === null) return;
    let at: Mount | null = collectTargets(parent);
    while (at !== null) {
      const child = findMount(at, point);
      if (child !== null && !child.isLeaving) this.add(child);
      at = at.nextTarget;
    }
  }

  /** What covers a mount that goes, and stays itself, takes its place (Linux: reparent()). */
  private moveCovers(): void {
    let at: Mount | null = this.first;
    while (at !== null) {
      const cover = findMount(at, at.root);
      if (cover !== null && !cover.isLeaving) moveToPlaceOf(cover, at);
      at = at.nextInWork;
    }
  }

  /** Takes the mounts out of their namespaces and, unless they stay connected, apart. */
  finish(staysConnected: bool): void {
    let at: Mount | null = this.first;
    while (at !== null) {
      const namespace = at.namespace;
      if (namespace !== null) namespace.remove(at);
      changePropagation(at, MS_PRIVATE);
      at = at.nextInWork;
    }
    // Only what is on its own now is let go here; the rest goes with what it is connected to.
    let alone: Mount | null = null;
    at = this.first;
    while (at !== null) {
      const next = at.nextInWork;
      at.nextInWork = null;
      const parent = at.parent;
      if (staysConnected && parent !== null && parent.isLeaving) {
        parent.decRef();
      } else {
        takeOff(at);
        at.nextTarget = alone;
        alone = at;
      }
      at = next;
    }
    at = alone;
    while (at !== null) {
      clearLeaving(at);
      at = at.nextTarget;
    }
    while (alone !== null) {
      const mount = alone;
      alone = mount.nextTarget;
      mount.nextTarget = null;
      mount.decRef();
    }
  }
}

/** Mounts `cover` where `leaving` is, or where what that is mounted in is, up to a mount that stays. */
function moveToPlaceOf(cover: Mount, leaving: Mount): void {
  let place = leaving;
  let parent = changetype<Mount>(changetype<usize>(leaving.parent));
  while (parent.isLeaving) {
    place = parent;
    parent = changetype<Mount>(changetype<usize>(parent.parent));
  }
  const point = changetype<Dentry>(changetype<usize>(place.mountPoint));
  takeOff(cover);
  mountOn(cover, parent, point);
}

/** Clears the mark of an unmounted mount and of all that stayed connected to it. */
function clearLeaving(top: Mount): void {
  let at: Mount | null = top;
  while (at !== null) {
    at.isLeaving = false;
    at = nextInTree(at, top);
  }
}

/** Whether something is mounted in `mount` that stays and does not cover it whole. */
function holdsOther(mount: Mount): bool {
  let child: Mount | null = mount.firstChild;
  while (child !== null) {
    if (!child.isLeaving && child.mountPoint !== mount.root) return true;
    child = child.nextSibling;
  }
  return false;
}

/** A candidate stays after all, and so do those that it is mounted in, up to one that it merely covers. */
function keepWithParents(mount: Mount): void {
  let at = mount;
  while (at.isLeaving) {
    at.isLeaving = false;
    const parent = at.parent;
    if (parent === null || at.mountPoint === parent.root) return;
    at = parent;
  }
}

/**
 * Whether unmounting `mount`, of which the caller holds one reference, would take it from somebody (Linux: propagate_mount_busy()).
 */
export function isBusy(mount: Mount): bool {
  if (mount.firstChild !== null || mount.refs > 2) return true;
  const parent = mount.parent;
  const point = mount.mountPoint;
  if (parent === null || point === null) return false;
  let at: Mount | null = collectTargets(parent);
  while (at !== null) {
    const child = findMount(at, point);
    if (child !== null && child !== mount && isInUse(child)) return true;
    at = at.nextTarget;
  }
  return false;
}

/** Whether a mount would go and somebody uses it. One that is mounted in stays anyway, unless what is in it covers it whole. */
function isInUse(mount: Mount): bool {
  const below = mount.firstChild;
  if (below === null) return mount.refs > 1;
  const covered = below.nextSibling === null && below.mountPoint === mount.root;
  return covered && mount.refs > 2;
}

/** Ends the mounts on a dentry that was removed or replaced: those of other namespaces (Linux: detach_mounts()). */
export function detachMounts(dentry: Dentry): void {
  while (dentry.mounts) {
    const mount = changetype<Mount>(dentry.mounts);
    if (mount.namespace !== null) {
      umountTree(mount, false, true);
    } else {
      // Connected to an unmounted parent, which owns it.
      unlinkFromPoint(mount);
      mount.parent = null;
      mount.decRef();
    }
  }
}
