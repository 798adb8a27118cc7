// mount(2), umount2(2), mount_setattr(2), pivot_root(2), unshare(2).

import { CAP_SYS_ADMIN } from "../abi/capability.ts";
import { E2BIG, EAGAIN, EBADF, EFAULT, EINVAL, ENODEV, EPERM } from "../abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW } from "../abi/fcntl.ts";
import { PATH_MAX } from "../abi/limits.ts";
import * as ms from "../abi/mount.ts";
import { nextTask } from "../kernel/pid-namespace.ts";
import { Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { isError } from "../lib/result.ts";
import { Dentry } from "../vfs/dentry.ts";
import { findFilesystemType, MountOptions, TYPE_USER_MOUNT } from "../vfs/filesystem-type.ts";
import * as flag from "../vfs/mount.ts";
import { Mount } from "../vfs/mount.ts";
import { copyNamespace, MountNamespace } from "../vfs/mount-namespace.ts";
import {
  doBind,
  doChangeType,
  doMove,
  doNewMount,
  doPivotRoot,
  doReconfigure,
  doRemount,
  doSetAttributes,
  doUmount,
} from "../vfs/mount-operations.ts";
import { WALK_DIRECTORY, WALK_FOLLOW } from "../vfs/path-walk.ts";
import { beginAt, isMemory, walkTo } from "./arguments.ts";

const PAGE_SIZE: u32 = 4096;

/** Whether the task may change its mount namespace (Linux: may_mount()). */
function mayMount(task: Task): bool {
  return task.cred.hasCapability(CAP_SYS_ADMIN);
}

/** Length of the text at `text`; 0 for a null pointer. Errors: EFAULT; EINVAL from PATH_MAX bytes on. Linux: copy_mount_string(). */
function mountString(text: usize): i32 {
  if (!text) return 0;
  for (let length: u32 = 0; length < <u32>PATH_MAX; length++) {
    if (!isMemory(text + length, 1)) return -EFAULT;
    if (load<u8>(text + length) == 0) return <i32>length;
  }
  return -EINVAL;
}

/** Length of the options, of which a page counts. Errors: EFAULT. Linux: copy_mount_options(). */
function optionsLength(data: usize): i32 {
  if (!data) return 0;
  if (!isMemory(data, 1)) return -EFAULT;
  let length: u32 = 0;
  while (length < PAGE_SIZE - 1 && isMemory(data + length, 1) && load<u8>(data + length)) length++;
  return <i32>length;
}

/**
 * Errors: EFAULT; EINVAL for texts that are too long; the target's; EINVAL for MS_NOUSER; EPERM; then those of what the flags ask
 * for, looked at in this order: MS_REMOUNT | MS_BIND, MS_REMOUNT, MS_BIND, a propagation type, MS_MOVE, a new mount. Linux: do_mount().
 * @flags MS_RDONLY MS_NOSUID MS_NODEV MS_NOEXEC MS_NOSYMFOLLOW MS_NOATIME MS_NODIRATIME MS_RELATIME MS_STRICTATIME
 *   MS_REMOUNT MS_BIND MS_MOVE MS_REC MS_SHARED MS_PRIVATE MS_SLAVE MS_UNBINDABLE
 */
export function mount(task: Task, source: usize, path: usize, type: usize, given: u32, data: usize): i64 {
  const typeLength = mountString(type);
  if (typeLength < 0) return typeLength;
  const sourceLength = mountString(source);
  if (sourceLength < 0) return sourceLength;
  const dataLength = optionsLength(data);
  if (dataLength < 0) return dataLength;
  const result = walkTo(task, AT_FDCWD, path, 0, WALK_FOLLOW);
  if (result < 0) return result;
  const options = new MountOptions();
  options.source = source;
  options.sourceLength = <u32>sourceLength;
  options.data = data;
  options.dataLength = <u32>dataLength;
  options.cred = task.cred;
  options.task = changetype<usize>(task);
  const done = mountAtWalk(task, options, type, <u32>typeLength, given);
  task.walk.release();
  free(options);
  return done;
}

function mountAtWalk(task: Task, options: MountOptions, type: usize, typeLength: u32, given: u32): i32 {
  let flags = given;
  if ((flags & <u32>ms.MS_MGC_MSK) == <u32>ms.MS_MGC_VAL) flags &= ~(<u32>ms.MS_MGC_MSK);
  if (flags & <u32>ms.MS_NOUSER) return -EINVAL;
  if (!mayMount(task)) return -EPERM;
  const target = task.walk;
  const namespace = task.namespace;
  const readonly = (flags & <u32>ms.MS_RDONLY) != 0;
  if (flags & <u32>ms.MS_REMOUNT) {
    const kept = mountFlags(flags, target.resultMount);
    if (flags & <u32>ms.MS_BIND) return doReconfigure(target, namespace, kept);
    return doRemount(target, namespace, kept, readonly, options.data, options.dataLength);
  }
  if (flags & <u32>ms.MS_BIND) return fromOther(task, options, flags);
  const types = <u32>(ms.MS_SHARED | ms.MS_PRIVATE | ms.MS_SLAVE | ms.MS_UNBINDABLE);
  if (flags & types) return doChangeType(target, namespace, flags);
  if (flags & <u32>ms.MS_MOVE) return fromOther(task, options, flags);
  if (!type) return -EINVAL;
  const found = findFilesystemType(type, typeLength);
  if (found === null || !(found.flags & TYPE_USER_MOUNT)) return -ENODEV;
  return doNewMount(target, namespace, found, options, mountFlags(flags, null), readonly);
}

/** MNT_* for the flags of mount(2). A remount of `before` that says nothing of atime leaves it as it is. Linux: path_mount(). */
function mountFlags(flags: u32, before: Mount | null): u32 {
  let out: u32 = 0;
  if (!(flags & <u32>ms.MS_NOATIME)) out |= flag.MNT_RELATIME;
  if (flags & <u32>ms.MS_NOSUID) out |= flag.MNT_NOSUID;
  if (flags & <u32>ms.MS_NODEV) out |= flag.MNT_NODEV;
  if (flags & <u32>ms.MS_NOEXEC) out |= flag.MNT_NOEXEC;
  if (flags & <u32>ms.MS_NOATIME) out |= flag.MNT_NOATIME;
  if (flags & <u32>ms.MS_NODIRATIME) out |= flag.MNT_NODIRATIME;
  if (flags & <u32>ms.MS_STRICTATIME) out &= ~(flag.MNT_RELATIME | flag.MNT_NOATIME);
  if (flags & <u32>ms.MS_RDONLY) out |= flag.MNT_READONLY;
  if (flags & <u32>ms.MS_NOSYMFOLLOW) out |= flag.MNT_NOSYMFOLLOW;
  const atime = <u32>(ms.MS_NOATIME | ms.MS_NODIRATIME | ms.MS_RELATIME | ms.MS_STRICTATIME);
  if (before !== null && !(flags & atime)) {
    out = (out & ~flag.MNT_ATIME_MASK) | (before.flags & flag.MNT_ATIME_MASK);
  }
  return out;
}

/** MS_BIND and MS_MOVE: from the path that the source is. Errors: EINVAL when there is none, then its own. */
function fromOther(task: Task, options: MountOptions, flags: u32): i32 {
  if (options.sourceLength == 0) return -EINVAL;
  const from = task.otherWalk;
  const length = beginAt(task, from, AT_FDCWD, options.source, 0);
  if (length < 0) return length;
  let result = from.run(<u32>length, WALK_FOLLOW);
  if (result == 0) {
    const recursive = (flags & <u32>ms.MS_REC) != 0;
    if (flags & <u32>ms.MS_BIND) result = doBind(task.walk, task.namespace, from, recursive);
    else result = doMove(task.walk, task.namespace, from);
  }
  from.release();
  return result;
}

/**
 * Errors: EINVAL for unknown flags; the path's; EPERM; EINVAL when it is no mount of this namespace; EAGAIN; EBUSY.
 * @flags MNT_DETACH MNT_EXPIRE MNT_FORCE UMOUNT_NOFOLLOW
 */
export function umount2(task: Task, path: usize, flags: u32): i64 {
  const known = <u32>(ms.MNT_FORCE | ms.MNT_DETACH | ms.MNT_EXPIRE | ms.UMOUNT_NOFOLLOW);
  if (flags & ~known) return -EINVAL;
  const follow = flags & <u32>ms.UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW;
  const found = walkTo(task, AT_FDCWD, path, 0, follow);
  if (found < 0) return found;
  const walk = task.walk;
  walk.lookDown();
  const target = walk.resultMount;
  let result: i32 = -EPERM;
  if (mayMount(task)) result = doUmount(walk, task.namespace, task.rootMount, flags);
  walk.release();
  // Only now: letting go of the walk is a use like any other, which ends the waiting.
  if (result == -EAGAIN) target.isExpiring = true;
  return result;
}

/** Errors: EPERM; the paths'; then what doPivotRoot() says. */
export function pivot_root(task: Task, newRoot: usize, putOld: usize): i64 {
  if (!mayMount(task)) return -EPERM;
  const top = task.walk;
  let result = walkTo(task, AT_FDCWD, newRoot, 0, WALK_FOLLOW | WALK_DIRECTORY);
  if (result < 0) return result;
  const put = task.otherWalk;
  const length = beginAt(task, put, AT_FDCWD, putOld, 0);
  result = length < 0 ? length : put.run(<u32>length, WALK_FOLLOW | WALK_DIRECTORY);
  const oldMount = task.rootMount;
  const oldDentry = task.rootDentry;
  if (result == 0) result = doPivotRoot(task.namespace, oldMount, oldDentry, top, put);
  if (result == 0) {
    oldMount.incRef();
    oldDentry.incRef();
    moveTasks(oldMount, oldDentry, top.resultMount, top.result);
    oldDentry.decRef();
    oldMount.decRef();
  }
  put.release();
  top.release();
  return result;
}

/** Whoever has the old place as root or working directory gets the new one (Linux: chroot_fs_refs()). */
function moveTasks(oldMount: Mount, oldDentry: Dentry, mount: Mount, dentry: Dentry): void {
  let thread = nextTask(0);
  while (thread !== null) {
    const task = changetype<Task>(thread);
    task.walk.pin();
    task.otherWalk.pin();
    if (task.rootMount === oldMount && task.rootDentry === oldDentry) task.setRoot(mount, dentry);
    if (task.cwdMount === oldMount && task.cwdDentry === oldDentry) task.setCwd(mount, dentry);
    thread = nextTask(thread.id + 1);
  }
}

/**
 * Gives the task a mount namespace of its own (CLONE_NEWNS). What tasks never share here may be unshared without effect. Errors: EINVAL
 * for other flags, EPERM, ENOSPC, ENOMEM.
 * @flags CLONE_NEWNS CLONE_FS CLONE_FILES
 */
export function unshare(task: Task, flags: u32): i64 {
  const known = <u32>(ms.CLONE_NEWNS | ms.CLONE_FS | ms.CLONE_FILES | ms.CLONE_SYSVSEM);
  if (flags & ~known) return -EINVAL;
  if (!(flags & <u32>ms.CLONE_NEWNS)) return 0;
  if (!mayMount(task)) return -EPERM;
  const old = task.namespace;
  const made = copyNamespace(old);
  if (isError(made)) return <i32>made;
  const rootCopy = copyOf(task.rootMount, old);
  if (rootCopy !== null) task.setRoot(rootCopy, task.rootDentry);
  const cwdCopy = copyOf(task.cwdMount, old);
  if (cwdCopy !== null) task.setCwd(cwdCopy, task.cwdDentry);
  task.namespace = changetype<MountNamespace>(made);
  old.decRef();
  return 0;
}

/** The copy of a mount that copyNamespace() made; null for a mount that is not in that namespace. */
function copyOf(mount: Mount, namespace: MountNamespace): Mount | null {
  return mount.namespace === namespace ? mount.copy : null;
}

/**
 * Errors: EINVAL for unknown flags, E2BIG and EINVAL for the size, EPERM, EFAULT, E2BIG for what a larger structure asks for, EINVAL for
 * attributes; the path's; EINVAL when it is no mount of this namespace, EBUSY. A user namespace cannot be given: EBADF.
 * @flags AT_EMPTY_PATH AT_RECURSIVE AT_SYMLINK_NOFOLLOW MOUNT_ATTR_RDONLY MOUNT_ATTR_NOSUID MOUNT_ATTR_NODEV
 *   MOUNT_ATTR_NOEXEC MOUNT_ATTR_NOATIME MOUNT_ATTR_STRICTATIME MOUNT_ATTR_RELATIME MOUNT_ATTR_NODIRATIME
 *   MOUNT_ATTR_NOSYMFOLLOW MS_SHARED MS_PRIVATE MS_SLAVE MS_UNBINDABLE
 */
export function mount_setattr(task: Task, dirFd: i32, path: usize, flags: u32, attr: usize, size: u64): i64 {
  const known = <u32>(AT_EMPTY_PATH | ms.AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);
  if (flags & ~known) return -EINVAL;
  if (size > PAGE_SIZE) return -E2BIG;
  if (size < <u64>ms.MOUNT_ATTR_SIZE_VER0) return -EINVAL;
  if (!mayMount(task)) return -EPERM;
  if (!isMemory(attr, size)) return -EFAULT;
  for (let at = <u32>ms.MOUNT_ATTR_SIZE_VER0; at < <u32>size; at++) {
    if (load<u8>(attr + at)) return -E2BIG;
  }
  const set = load<u64>(attr);
  const clear = load<u64>(attr, 8);
  const propagation = load<u64>(attr, 16);
  if (set == 0 && clear == 0 && propagation == 0) return 0;
  const problem = checkAttributes(set, clear, propagation);
  if (problem < 0) return problem;
  const found = walkTo(task, dirFd, path, flags, flags & <u32>AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW);
  if (found < 0) return found;
  let cleared = flagsOfAttributes(<u32>clear);
  let added = flagsOfAttributes(<u32>set);
  if (clear & <u64>ms.MOUNT_ATTR__ATIME) {
    cleared |= flag.MNT_RELATIME | flag.MNT_NOATIME;
    const atime = <u32>set & <u32>ms.MOUNT_ATTR__ATIME;
    if (atime == <u32>ms.MOUNT_ATTR_RELATIME) added |= flag.MNT_RELATIME;
    else if (atime == <u32>ms.MOUNT_ATTR_NOATIME) added |= flag.MNT_NOATIME;
  }
  const recursive = (flags & <u32>ms.AT_RECURSIVE) != 0;
  const result = doSetAttributes(task.walk, task.namespace, cleared, added, <u32>propagation, recursive);
  task.walk.release();
  return result;
}

/** Linux: build_mount_kattr(). */
function checkAttributes(set: u64, clear: u64, propagation: u64): i32 {
  const types = <u64>(ms.MS_SHARED | ms.MS_PRIVATE | ms.MS_SLAVE | ms.MS_UNBINDABLE);
  if (propagation & ~types || popcnt(propagation) > 1) return -EINVAL;
  const bits = <u64>(
    (ms.MOUNT_ATTR_RDONLY |
      ms.MOUNT_ATTR_NOSUID |
      ms.MOUNT_ATTR_NODEV |
      ms.MOUNT_ATTR_NOEXEC |
      ms.MOUNT_ATTR__ATIME |
      ms.MOUNT_ATTR_NODIRATIME |
      ms.MOUNT_ATTR_NOSYMFOLLOW |
      ms.MOUNT_ATTR_IDMAP)
  );
  if ((set | clear) & ~bits) return -EINVAL;
  const mask = <u64>ms.MOUNT_ATTR__ATIME;
  const atime = set & mask;
  if (clear & mask) {
    if ((clear & mask) != mask) return -EINVAL;
    const one = atime == 0 || atime == <u64>ms.MOUNT_ATTR_NOATIME || atime == <u64>ms.MOUNT_ATTR_STRICTATIME;
    if (!one) return -EINVAL;
  } else if (atime) {
    return -EINVAL;
  }
  if (clear & <u64>ms.MOUNT_ATTR_IDMAP) return -EINVAL;
  return set & <u64>ms.MOUNT_ATTR_IDMAP ? -EBADF : 0;
}

/** All but atime, which is a number among the bits. */
function flagsOfAttributes(attributes: u32): u32 {
  let out: u32 = 0;
  if (attributes & <u32>ms.MOUNT_ATTR_RDONLY) out |= flag.MNT_READONLY;
  if (attributes & <u32>ms.MOUNT_ATTR_NOSUID) out |= flag.MNT_NOSUID;
  if (attributes & <u32>ms.MOUNT_ATTR_NODEV) out |= flag.MNT_NODEV;
  if (attributes & <u32>ms.MOUNT_ATTR_NOEXEC) out |= flag.MNT_NOEXEC;
  if (attributes & <u32>ms.MOUNT_ATTR_NODIRATIME) out |= flag.MNT_NODIRATIME;
  if (attributes & <u32>ms.MOUNT_ATTR_NOSYMFOLLOW) out |= flag.MNT_NOSYMFOLLOW;
  return out;
}
