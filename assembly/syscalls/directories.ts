// Calls on directories: getdents64(2), getdents(2), getcwd(2), chdir(2), fchdir(2), chroot(2).

import { CAP_SYS_CHROOT } from "../abi/capability.ts";
import { EFAULT, EINVAL, ENOENT, ENOTDIR, EPERM, ERANGE } from "../abi/errno.ts";
import { AT_FDCWD } from "../abi/fcntl.ts";
import { PATH_MAX } from "../abi/limits.ts";
import { Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { isError } from "../lib/result.ts";
import { fileAccessed } from "../vfs/atime.ts";
import { DirectorySink } from "../vfs/directory-sink.ts";
import { FileDescription, LISTING_END, OFFSET_END } from "../vfs/file-description.ts";
import { notifyAccess } from "../vfs/fsnotify.ts";
import { iterateDirectory } from "../vfs/iterate-directory.ts";
import { WALK_DIRECTORY, WALK_FOLLOW } from "../vfs/path-walk.ts";
import { isReachable, pathOf } from "../vfs/pathname.ts";
import { checkPermission, MAY_EXEC } from "../vfs/permission.ts";
import { descriptionOf, fileOf, isMemory, walkTo } from "./arguments.ts";

/**
 * Writes directory entries to a program's buffer.
 *
 *   struct linux_dirent64  u64 ino, i64 off, u16 reclen, u8 type, the name and its NUL; length a multiple of 8
 *   struct linux_dirent    u64 ino, i64 off, u16 reclen, the name and its NUL, padding, u8 type in the last byte
 *
 * `off` is where the next entry begins.
 */
@final
class DirentWriter extends DirectorySink {
  used: u32 = 0;
  /** The cookie behind the last entry that was taken. */
  next: u64 = 0;
  /** An entry did not fit. */
  full: bool = false;
  faulted: bool = false;
  /** The last entry. */
  private last: usize = 0;

  constructor(
    private readonly buffer: usize,
    private readonly capacity: u32,
    private readonly wide: bool,
  ) {
    super();
  }

  emit(name: usize, length: u32, ino: u64, type: u32, next: u64): bool {
    const head: u32 = this.wide ? 19 : 18;
    const tail: u32 = this.wide ? 1 : 2;
    const size = (head + length + tail + 7) & ~(<u32>7);
    this.full = this.capacity - this.used < size;
    if (this.full) return false;
    const at = this.buffer + this.used;
    this.faulted = !isMemory(at, size);
    if (this.faulted) return false;
    memory.fill(at, 0, size);
    store<u64>(at, ino);
    store<u64>(at, next, 8);
    store<u16>(at, <u16>size, 16);
    if (this.wide) store<u8>(at, <u8>type, 18);
    else store<u8>(at + size - 1, <u8>type);
    memory.copy(at + head, name, length);
    this.used += size;
    this.next = next;
    this.last = at;
    return true;
  }

  /** Nothing comes behind the last entry, ever. */
  end(): void {
    this.next = <u64>OFFSET_END;
    if (this.last) store<u64>(this.last, this.next, 8);
  }
}

/**
 * Returns the bytes written, 0 at the end. Errors: EBADF, also for O_PATH; ENOTDIR; ENOENT for a removed directory; EINVAL when the
 * first entry does not fit; EFAULT (fs/readdir.c iterate_dir(), filldir64()).
 */
export function getdents64(task: Task, fd: i32, buffer: usize, size: u32): i64 {
  return list(task, fd, buffer, size, true);
}

/** As getdents64(), with the structure of old. */
export function getdents(task: Task, fd: i32, buffer: usize, size: u32): i64 {
  return list(task, fd, buffer, size, false);
}

function list(task: Task, fd: i32, buffer: usize, size: u32, wide: bool): i64 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.inode.isDirectory) return -ENOTDIR;
  if (file.inode.dead) return -ENOENT;
  const writer = new DirentWriter(buffer, min(size, <u32>i32.MAX_VALUE), wide);
  const result = iterateDirectory(file, writer, <u64>file.offset);
  if (result >= 0) notifyAccess(file.dentry);
  if (result == LISTING_END) writer.end();
  if (writer.used || result == LISTING_END) file.offset = <i64>writer.next;
  fileAccessed(file);
  const answer = resultOf(writer, result);
  free(writer);
  return answer;
}

/** What was written counts, whatever came after it. */
function resultOf(writer: DirentWriter, result: i32): i64 {
  if (writer.used) return writer.used;
  if (result < 0) return result;
  if (writer.faulted) return -EFAULT;
  return writer.full ? -EINVAL : 0;
}

/** The bytes "(unreachable)". */
const UNREACHABLE: usize = memory.data<u8>([
  0x28, 0x75, 0x6e, 0x72, 0x65, 0x61, 0x63, 0x68, 0x61, 0x62, 0x6c, 0x65, 0x29,
]);
const UNREACHABLE_LENGTH: u32 = 13;

/**
 * Returns the length of the working directory's path, NUL included. One that the root does not lead to begins with
 * "(unreachable)". Errors: ENOENT when it was removed, ENAMETOOLONG, ERANGE, EFAULT.
 */
export function getcwd(task: Task, buffer: usize, size: u64): i64 {
  const mount = task.cwdMount;
  const dentry = task.cwdDentry;
  if (dentry.isDead) return -ENOENT;
  const reachable = isReachable(mount, dentry, task.rootMount, task.rootDentry);
  const prefix = reachable ? 0 : UNREACHABLE_LENGTH;
  const text = heap.alloc(PATH_MAX);
  memory.copy(text, UNREACHABLE, prefix);
  const found = pathOf(
    mount,
    dentry,
    task.rootMount,
    task.rootDentry,
    text + prefix,
    <u32>PATH_MAX - prefix - 1,
  );
  let result: i64 = found;
  if (found >= 0) {
    result = <i64>found + prefix + 1;
    store<u8>(text + prefix + found, 0);
    if (<u64>result > size) result = -ERANGE;
    else if (!isMemory(buffer, result)) result = -EFAULT;
    else memory.copy(buffer, text, <usize>result);
  }
  heap.free(text);
  return result;
}

/** Errors: the path's, ENOTDIR, EACCES. */
export function chdir(task: Task, path: usize): i64 {
  const walk = task.walk;
  let result = walkTo(task, AT_FDCWD, path, 0, WALK_FOLLOW | WALK_DIRECTORY);
  if (result < 0) return result;
  result = checkPermission(walk.result.file, task.cred, MAY_EXEC);
  if (result == 0) task.setCwd(walk.resultMount, walk.result);
  walk.release();
  return result;
}

/** Errors: EBADF, ENOTDIR, EACCES. A descriptor of O_PATH will do. */
export function fchdir(task: Task, fd: i32): i64 {
  const found = descriptionOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.inode.isDirectory) return -ENOTDIR;
  const allowed = checkPermission(file.inode, task.cred, MAY_EXEC);
  if (allowed < 0) return allowed;
  task.setCwd(file.mount, file.dentry);
  return 0;
}

/** The working directory stays where it is. Errors: the path's, ENOTDIR, EACCES, EPERM without CAP_SYS_CHROOT. */
export function chroot(task: Task, path: usize): i64 {
  const walk = task.walk;
  let result = walkTo(task, AT_FDCWD, path, 0, WALK_FOLLOW | WALK_DIRECTORY);
  if (result < 0) return result;
  result = checkPermission(walk.result.file, task.cred, MAY_EXEC);
  if (result == 0 && !task.cred.hasCapability(CAP_SYS_CHROOT)) result = -EPERM;
  if (result == 0) task.setRoot(walk.resultMount, walk.result);
  walk.release();
  return result;
}
