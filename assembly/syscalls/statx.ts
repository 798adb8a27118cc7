// statx(2), statfs(2), fstatfs(2).

import { EBADF, EFAULT, EINVAL } from "../abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_STATX_SYNC_TYPE, AT_SYMLINK_NOFOLLOW } from "../abi/fcntl.ts";
import {
  STATX__RESERVED,
  STATX_ATTR_APPEND,
  STATX_ATTR_AUTOMOUNT,
  STATX_ATTR_DAX,
  STATX_ATTR_IMMUTABLE,
  STATX_ATTR_MOUNT_ROOT,
  STATX_ATTR_NODUMP,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_CTIME,
  STATX_MNT_ID,
  STATX_MTIME,
} from "../abi/stat.ts";
import { Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { isError } from "../lib/result.ts";
import { StatFs } from "../vfs/attributes.ts";
import { Dentry } from "../vfs/dentry.ts";
import { majorOf, makeDevice, minorOf } from "../vfs/device.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { Mount } from "../vfs/mount.ts";
import { WALK_FOLLOW } from "../vfs/path-walk.ts";
import { descriptionOf, isEmptyPath, isMemory, walkTo } from "./arguments.ts";
import { BLOCK_SIZE, clear, putTimespec, STAT_FLAGS } from "./stat.ts";

/** sizeof(struct statx). */
const STATX_SIZE: u64 = 256;
/** sizeof(struct statfs). */
const STATFS_SIZE: u64 = 120;

/** The attributes that every file system can tell, set or not. */
const ATTRIBUTES: u64 =
  STATX_ATTR_APPEND |
  STATX_ATTR_IMMUTABLE |
  STATX_ATTR_NODUMP |
  STATX_ATTR_AUTOMOUNT |
  STATX_ATTR_MOUNT_ROOT |
  STATX_ATTR_DAX;

/** Ask for a mount number that is never used again (newer than many systems' headers). */
const STATX_MNT_ID_UNIQUE: u32 = 0x4000;

/**
 * As newfstatat(), but EINVAL first for a reserved bit of `mask` and for both ways of synchronising at once.
 * @flags AT_EMPTY_PATH AT_NO_AUTOMOUNT AT_STATX_SYNC_TYPE AT_SYMLINK_NOFOLLOW STATX_BASIC_STATS STATX_BTIME STATX_MNT_ID
 */
export function statx(task: Task, dirFd: i32, path: usize, flags: u32, mask: u32, out: usize): i64 {
  if (mask & <u32>STATX__RESERVED) return -EINVAL;
  if ((flags & <u32>AT_STATX_SYNC_TYPE) == <u32>AT_STATX_SYNC_TYPE) return -EINVAL;
  if (flags & <u32>AT_EMPTY_PATH && dirFd >= 0 && isEmptyPath(path)) {
    const found = descriptionOf(task, dirFd);
    if (isError(found)) return -EBADF;
    const file = changetype<FileDescription>(found);
    return putStatx(file.mount, file.dentry, mask, out);
  }
  if (flags & ~STAT_FLAGS) return -EINVAL;
  const result = walkTo(task, dirFd, path, flags, flags & <u32>AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW);
  if (result < 0) return result;
  const done = putStatx(task.walk.resultMount, task.walk.result, mask, out);
  task.walk.release();
  return done;
}

/**
 * Writes a struct statx; its times are a struct timespec whose upper half is padding. Basic fields are there
 * whether asked for or not, but the times of changes not when neither is asked for; the time of birth only when asked.
 */
function putStatx(mount: Mount, dentry: Dentry, asked: u32, out: usize): i64 {
  const inode = dentry.file;
  const result = inode.getAttributes();
  if (result < 0) return result;
  if (!isMemory(out, STATX_SIZE)) return -EFAULT;
  clear(out, <usize>STATX_SIZE);
  // Mount numbers are never used twice, so that one number is both.
  let mask = <u32>STATX_BASIC_STATS;
  mask |= asked & STATX_MNT_ID_UNIQUE ? STATX_MNT_ID_UNIQUE : <u32>STATX_MNT_ID;
  if (asked & <u32>STATX_BTIME && inode.btime != 0) {
    mask |= <u32>STATX_BTIME;
    putTimespec(out + 80, inode.btime);
  }
  // Linux's multigrain times: to look at one of these is to make the next change of the file distinguishable.
  if (asked & <u32>(STATX_MTIME | STATX_CTIME)) {
    putTimespec(out + 96, inode.ctime);
    putTimespec(out + 112, inode.mtime);
  } else {
    mask &= ~(<u32>(STATX_MTIME | STATX_CTIME));
  }
  store<u32>(out, mask);
  store<u32>(out, <u32>BLOCK_SIZE, 4);
  store<u64>(out, dentry === mount.root ? <u64>STATX_ATTR_MOUNT_ROOT : 0, 8);
  store<u32>(out, inode.nlink, 16);
  store<u32>(out, inode.uid, 20);
  store<u32>(out, inode.gid, 24);
  store<u16>(out, <u16>inode.mode, 28);
  store<u64>(out, inode.ino, 32);
  store<i64>(out, inode.size, 40);
  store<u64>(out, inode.blocks, 48);
  store<u64>(out, ATTRIBUTES, 56);
  putTimespec(out + 64, inode.atime);
  store<u32>(out, majorOf(inode.rdev), 128);
  store<u32>(out, minorOf(inode.rdev), 132);
  store<u32>(out, 0, 136);
  store<u32>(out, inode.fs.device, 140);
  store<u64>(out, mount.id, 144);
  return 0;
}

/** Errors: the path's, the file system's, EFAULT. */
export function statfs(task: Task, path: usize, out: usize): i64 {
  const result = walkTo(task, AT_FDCWD, path, 0, WALK_FOLLOW);
  if (result < 0) return result;
  const done = putStatfs(task.walk.resultMount, task.walk.result, out);
  task.walk.release();
  return done;
}

/** Errors: EBADF, the file system's, EFAULT. */
export function fstatfs(task: Task, fd: i32, out: usize): i64 {
  const found = descriptionOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  return putStatfs(file.mount, file.dentry, out);
}

function putStatfs(mount: Mount, dentry: Dentry, out: usize): i64 {
  const answer = new StatFs();
  const result = dentry.file.fs.statfs(answer);
  if (result == 0 && isMemory(out, STATFS_SIZE)) {
    clear(out, <usize>STATFS_SIZE);
    store<u64>(out, answer.type);
    store<u64>(out, answer.blockSize, 8);
    store<u64>(out, answer.blocks, 16);
    store<u64>(out, answer.free, 24);
    store<u64>(out, answer.available, 32);
    store<u64>(out, answer.files, 40);
    store<u64>(out, answer.filesFree, 48);
    store<u32>(out, makeDevice(0, dentry.fs.device), 56);
    store<u64>(out, answer.nameMax, 64);
    store<u64>(out, answer.blockSize, 72);
    store<u64>(out, mount.statfsFlags, 80);
  }
  free(answer);
  if (result < 0) return result;
  return isMemory(out, STATFS_SIZE) ? 0 : -EFAULT;
}
