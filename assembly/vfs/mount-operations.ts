// What mount(2), umount2(2), mount_setattr(2) and pivot_root(2) do with places that were looked up (Linux: fs/namespace.c).
//
// A target is a PathWalk that arrived; `namespace` is the caller's. Capabilities were checked. Only doNewMount() and doRemount()
// may sleep.

import { EAGAIN, EBUSY, EINVAL, ELOOP, ENOENT } from "../abi/errno.ts";
import {
  MNT_DETACH,
  MNT_EXPIRE,
  MNT_FORCE,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SILENT,
  MS_SLAVE,
  MS_UNBINDABLE,
} from "../abi/mount.ts";
import { isError } from "../lib/result.ts";
import { Dentry } from "./dentry.ts";
import { FilesystemType, MountOptions, makeFilesystem } from "./filesystem-type.ts";
import { MNT_READONLY, Mount } from "./mount.ts";
import { MountNamespace } from "./mount-namespace.ts";
import {
  attachTree,
  COPY_PEER,
  cloneMount,
  copyTree,
  dropTree,
  isBusy,
  nextInTree,
  placeOn,
  takeOff,
  umountTree,
} from "./mount-tree.ts";
import { PathWalk } from "./path-walk.ts";
import { isReachable } from "./pathname.ts";
import { changePropagation } from "./propagation.ts";

/** Goes to the top of what is mounted at the target. Errors: ENOENT for a removed file. Linux: lock_mount(). */
function lockMount(target: PathWalk): i32 {
  target.lookDown();
  return target.result.isDead || target.result.file.dead ? -ENOENT : 0;
}

/**
 * Mounts a new file system of `type` at the target. `readonly`: the file system itself. Errors: ENODEV for a type that programs may
 * not mount, the file system's own, ENOENT, EINVAL for a target elsewhere, EBUSY when it is there already, ENOTDIR, ENOSPC.
 */
export function doNewMount(
  target: PathWalk,
  namespace: MountNamespace,
  type: FilesystemType,
  options: MountOptions,
  flags: u32,
  readonly: bool,
): i32 {
  const made = makeFilesystem(type, options);
  if (isError(made)) return <i32>made;
  const root = changetype<Dentry>(made);
  if (readonly) root.fs.readonly = true;
  let result = lockMount(target);
  const parent = target.resultMount;
  if (result == 0 && parent.namespace !== namespace) result = -EINVAL;
  if (result == 0 && parent.root === target.result && parent.root === root) result = -EBUSY;
  if (result == 0 && root.file.isSymlink) result = -EINVAL;
  if (result < 0) {
    root.decRef();
    return result;
  }
  const mount = new Mount(root, flags);
  mount.setSource(options.source, options.sourceLength);
  result = attachTree(mount, parent, target.result);
  if (result < 0) dropTree(mount);
  return result;
}

/** Errors: ENOENT, EINVAL, ENOTDIR, ENOSPC, ENOMEM. Linux: do_loopback(). */
export function doBind(target: PathWalk, namespace: MountNamespace, from: PathWalk, recursive: bool): i32 {
  let result = lockMount(target);
  if (result < 0) return result;
  const parent = target.resultMount;
  const old = from.resultMount;
  if (parent.namespace !== namespace || old.isUnbindable || old.namespace !== namespace) return -EINVAL;
  const made = recursive
    ? copyTree(old, from.result, COPY_PEER)
    : changetype<usize>(cloneMount(old, from.result, COPY_PEER));
  if (isError(made)) return <i32>made;
  const mount = changetype<Mount>(made);
  result = attachTree(mount, parent, target.result);
  if (result < 0) dropTree(mount);
  return result;
}

/** Errors: EINVAL, ENOENT, ELOOP when the target is in what moves; ENOSPC, ENOMEM. Linux: do_move_mount(). */
export function doMove(target: PathWalk, namespace: MountNamespace, from: PathWalk): i32 {
  if (!from.isAtMount) return -EINVAL;
  if (target.result.file.isDirectory != from.result.file.isDirectory) return -EINVAL;
  const locked = lockMount(target);
  if (locked < 0) return locked;
  const old = from.resultMount;
  const parent = target.resultMount;
  if (old.namespace !== namespace || parent.namespace !== namespace) return -EINVAL;
  const oldParent = old.parent;
  if (oldParent !== null && oldParent.group !== null) return -EINVAL;
  if (parent.group !== null && hasUnbindable(old)) return -EINVAL;
  let at: Mount | null = parent;
  while (at !== null) {
    if (at === old) return -ELOOP;
    at = at.parent;
  }
  return attachTree(old, parent, target.result);
}

function hasUnbindable(top: Mount): bool {
  let at: Mount | null = top;
  while (at !== null) {
    if (at.isUnbindable) return true;
    at = nextInTree(at, top);
  }
  return false;
}

/** `flags` as mount(2) got them. Errors: EINVAL. Linux: do_change_type(). */
export function doChangeType(target: PathWalk, namespace: MountNamespace, flags: u32): i32 {
  const type = flags & ~(<u32>(MS_REC | MS_SILENT));
  if (type & ~(<u32>(MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)) || popcnt(type) != 1) return -EINVAL;
  const mount = target.resultMount;
  if (!target.isAtMount || mount.namespace !== namespace) return -EINVAL;
  changeTree(mount, type, (flags & <u32>MS_REC) != 0);
  return 0;
}

function changeTree(top: Mount, type: u32, recursive: bool): void {
  let at: Mount | null = top;
  while (at !== null) {
    changePropagation(at, type);
    at = recursive ? nextInTree(at, top) : null;
  }
}

/** Gives one mount other flags (MS_REMOUNT | MS_BIND). Errors: EINVAL; EBUSY when something is open for writing. */
export function doReconfigure(target: PathWalk, namespace: MountNamespace, flags: u32): i32 {
  const mount = target.resultMount;
  if (mount.namespace !== namespace || !target.isAtMount) return -EINVAL;
  if (becomesReadonly(mount, flags) && mount.writers) return -EBUSY;
  mount.flags = flags;
  return 0;
}

function becomesReadonly(mount: Mount, flags: u32): bool {
  return (flags & MNT_READONLY) != 0 && !(mount.flags & MNT_READONLY);
}

/**
 * Gives the file system other options, and the mount other flags (MS_REMOUNT). Errors: EINVAL, also for the options; EBUSY when it
 * becomes read-only with something open for writing.
 */
export function doRemount(
  target: PathWalk,
  namespace: MountNamespace,
  flags: u32,
  readonly: bool,
  data: usize,
  length: u32,
): i32 {
  const mount = target.resultMount;
  if (mount.namespace !== namespace || !target.isAtMount) return -EINVAL;
  const fs = mount.root.fs;
  if (readonly && !fs.readonly && fs.writers) return -EBUSY;
  const result = fs.reconfigure(data, length);
  if (result < 0) return result;
  fs.readonly = readonly;
  mount.flags = flags;
  return 0;
}

/**
 * What mount_setattr(2) changes: flags of MNT_* that are cleared, then set, and a propagation type or 0. All or nothing.
 * Errors: EINVAL, EBUSY.
 */
export function doSetAttributes(
  target: PathWalk,
  namespace: MountNamespace,
  clear: u32,
  set: u32,
  propagation: u32,
  recursive: bool,
): i32 {
  const top = target.resultMount;
  if (!target.isAtMount || top.namespace !== namespace) return -EINVAL;
  let at: Mount | null = top;
  while (at !== null) {
    if (becomesReadonly(at, (at.flags & ~clear) | set) && at.writers) return -EBUSY;
    at = recursive ? nextInTree(at, top) : null;
  }
  at = top;
  while (at !== null) {
    at.flags = (at.flags & ~clear) | set;
    at = recursive ? nextInTree(at, top) : null;
  }
  if (propagation) changeTree(top, propagation, recursive);
  return 0;
}

/**
 * Unmounts where the target arrived. `root` is the mount of the caller's root directory. Errors: EINVAL when that is no mount, EAGAIN
 * when MNT_EXPIRE came the first time, EBUSY. Linux: can_umount(), do_umount().
 */
export function doUmount(target: PathWalk, namespace: MountNamespace, root: Mount, flags: u32): i32 {
  const mount = target.resultMount;
  if (!target.isAtMount || mount.namespace !== namespace) return -EINVAL;
  if (flags & <u32>MNT_EXPIRE) {
    if (mount === root || flags & <u32>(MNT_FORCE | MNT_DETACH)) return -EINVAL;
    if (mount.firstChild !== null || mount.refs > 2) return -EBUSY;
    if (!mount.isExpiring) return -EAGAIN;
  }
  const detach = (flags & <u32>MNT_DETACH) != 0;
  if (mount === root && !detach) {
    // Nobody can do without a root: its file system becomes read-only instead.
    const fs = mount.root.fs;
    if (!fs.readonly && fs.writers) return -EBUSY;
    fs.readonly = true;
    return 0;
  }
  if (!detach && (mount === namespace.root || isBusy(mount))) return -EBUSY;
  if (mount === namespace.root) namespace.leaveRoot();
  umountTree(mount, true, false);
  return 0;
}

/**
 * Makes `top` the root mount and puts the old one, `rootMount`, to `put`. Who had the old root as root or working directory is the
 * caller's to move. Errors: ENOENT, EINVAL, EBUSY. Linux: pivot_root(2).
 */
export function doPivotRoot(
  namespace: MountNamespace,
  rootMount: Mount,
  rootDentry: Dentry,
  top: PathWalk,
  put: PathWalk,
): i32 {
  const locked = lockMount(put);
  if (locked < 0) return locked;
  const next = top.resultMount;
  const place = put.resultMount;
  const nextParent = next.parent;
  const rootParent = rootMount.parent;
  if (place.group !== null || isShared(nextParent) || isShared(rootParent)) return -EINVAL;
  if (rootMount.namespace !== namespace || next.namespace !== namespace) return -EINVAL;
  if (top.result.isDead) return -ENOENT;
  if (next === rootMount || place === rootMount) return -EBUSY;
  if (rootDentry !== rootMount.root || !top.isAtMount || nextParent === null) return -EINVAL;
  if (!isReachable(place, put.result, next, top.result)) return -EINVAL;
  if (!isReachable(next, top.result, rootMount, rootDentry)) return -EINVAL;
  const rootPoint = rootMount.mountPoint;
  if (rootPoint !== null) rootPoint.incRef();
  takeOff(next);
  takeOff(rootMount);
  if (rootParent !== null && rootPoint !== null) placeOn(next, rootParent, rootPoint);
  else namespace.root = next;
  if (rootPoint !== null) rootPoint.decRef();
  placeOn(rootMount, place, put.result);
  return 0;
}

function isShared(mount: Mount | null): bool {
  return mount !== null && mount.group !== null;
}
