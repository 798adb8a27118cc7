// What asks for data to be written, or says how it will be used: fsync(2), sync(2), sync_file_range(2), posix_fadvise(2),
// readahead(2).

import {
  POSIX_FADV_NOREUSE,
  POSIX_FADV_WILLNEED,
  SYNC_FILE_RANGE_WAIT_AFTER,
  SYNC_FILE_RANGE_WAIT_BEFORE,
  SYNC_FILE_RANGE_WRITE,
} from "../abi/data.ts";
import { EBADF, EINVAL, ESPIPE } from "../abi/errno.ts";
import { S_IFBLK, S_IFIFO } from "../abi/stat.ts";
import { Task } from "../kernel/task.ts";
import { isError } from "../lib/result.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { Mount } from "../vfs/mount.ts";
import { fileOf } from "./arguments.ts";

/** fsync(2) and fdatasync(2). Errors: EBADF; EINVAL for what keeps nothing; then the file's. */
export function fsync(task: Task, fd: i32, dataOnly: bool): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!hasPages(file) && !file.inode.isDirectory) return -EINVAL;
  return file.sync(dataOnly);
}

function hasPages(file: FileDescription): bool {
  return file.inode.isRegular || file.inode.type == <u32>S_IFBLK;
}

/** Every file system that the task's namespace shows. It never fails. */
export function sync(task: Task): i64 {
  let mount: Mount | null = task.namespace.next(null);
  while (mount !== null) {
    const fs = mount.root.fs;
    mount.incRef();
    if (!fs.readonly) fs.sync();
    const next: Mount | null = task.namespace.next(mount);
    mount.decRef();
    mount = next;
  }
  return 0;
}

/** Errors: EBADF, then the file system's. */
export function syncfs(task: Task, fd: i32): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const fs = changetype<FileDescription>(found).inode.fs;
  return fs.readonly ? 0 : fs.sync();
}

/**
 * Errors: EBADF; EINVAL for the flags and the range; ESPIPE for what keeps nothing; then the file's.
 * @flags SYNC_FILE_RANGE_WAIT_BEFORE SYNC_FILE_RANGE_WRITE SYNC_FILE_RANGE_WAIT_AFTER
 */
export function syncFileRange(task: Task, fd: i32, offset: i64, length: i64, flags: u32): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  const known = <u32>(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
  if (flags & ~known) return -EINVAL;
  if (offset < 0 || offset + length < offset) return -EINVAL;
  if (!hasPages(file) && !file.inode.isDirectory) return -ESPIPE;
  if (!(flags & <u32>SYNC_FILE_RANGE_WAIT_AFTER)) return 0;
  return file.sync(true);
}

/** Advice that nothing is made of. Errors: EBADF; ESPIPE; EINVAL for the length or the advice. */
export function fadvise(task: Task, fd: i32, _offset: i64, length: i64, advice: u32): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  if (changetype<FileDescription>(found).inode.type == <u32>S_IFIFO) return -ESPIPE;
  return length < 0 || advice > <u32>POSIX_FADV_NOREUSE ? -EINVAL : 0;
}

/** Errors: EBADF, also when it is not open for reading; EINVAL for what keeps nothing. */
export function readahead(task: Task, fd: i32, offset: i64, count: i64): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.canRead) return -EBADF;
  return hasPages(file) ? fadvise(task, fd, offset, count, POSIX_FADV_WILLNEED) : -EINVAL;
}
