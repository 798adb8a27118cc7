// Locks: flock(2), and the lock commands of fcntl(2).

import { EBADF, EFAULT, EINVAL, EOVERFLOW } from "../abi/errno.ts";
import {
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_RDLCK,
  F_SETLKW,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_MAND,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from "../abi/fcntl.ts";
import { lockPid } from "../kernel/lock-pid.ts";
import { Task } from "../kernel/task.ts";
import { isError } from "../lib/result.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { OFFSET_MAX, releaseRecordLocks, setWholeLock, testRecordLock } from "../vfs/file-locks.ts";
import { releaseElsewhere, setFileLock } from "../vfs/shared-locks.ts";
import { fileOf, isMemory } from "./arguments.ts";

// struct flock: +0 l_type (i16)  +2 l_whence (i16)  +8 l_start (i64)  +16 l_len (i64)  +24 l_pid (i32)
const FLOCK_SIZE: u64 = 32;

/**
 * flock(2). Errors: EINVAL, EBADF, then setWholeLock()'s.
 * @flags LOCK_SH LOCK_EX LOCK_UN LOCK_NB
 */
export function flock(task: Task, fd: i32, operation: i32): i64 {
  // Linux: mandatory share modes were never of use, and are nothing now.
  if (operation & LOCK_MAND) return 0;
  const type = typeOf(operation & ~LOCK_NB);
  if (type < 0) return type;
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  return setWholeLock(file.inode, found, task.id, type, !(operation & LOCK_NB));
}

function typeOf(operation: i32): i32 {
  if (operation == LOCK_SH) return F_RDLCK;
  if (operation == LOCK_EX) return F_WRLCK;
  return operation == LOCK_UN ? F_UNLCK : -EINVAL;
}

/**
 * Makes the range of the struct flock at `lock` absolute: its first and last byte take the places of l_start and l_len. Errors: EINVAL
 * for l_whence, for a range that begins before the file or ends there, and for l_type; EOVERFLOW. Linux: flock64_to_posix_lock().
 */
function resolveRange(file: FileDescription, lock: usize): i32 {
  const whence = <i32>load<i16>(lock, 2);
  let start: i64 = 0;
  if (whence == SEEK_CUR) start = file.offset;
  else if (whence == SEEK_END) start = file.endOffset();
  else if (whence != SEEK_SET) return -EINVAL;
  const offset = load<i64>(lock, 8);
  const length = load<i64>(lock, 16);
  if (offset > OFFSET_MAX - start) return -EOVERFLOW;
  start += offset;
  if (start < 0) return -EINVAL;
  let end = OFFSET_MAX;
  if (length > 0) {
    if (length - 1 > OFFSET_MAX - start) return -EOVERFLOW;
    end = start + (length - 1);
  } else if (length < 0) {
    if (start + length < 0) return -EINVAL;
    end = start - 1;
    start += length;
  }
  store<i64>(lock, start, 8);
  store<i64>(lock, end, 16);
  const type = <i32>load<i16>(lock);
  return type == F_RDLCK || type == F_WRLCK || type == F_UNLCK ? 0 : -EINVAL;
}

/** Whose the lock is: the process's, or the description's. */
function ownerOf(task: Task, file: FileDescription, ofd: bool): usize {
  return ofd ? changetype<usize>(file) : changetype<usize>(task.fds);
}

/** F_GETLK, F_OFD_GETLK. Errors: EFAULT; EINVAL for a type or, of an OFD lock, an l_pid; the range's. */
export function getLock(task: Task, file: FileDescription, command: i32, at: usize): i64 {
  if (!isMemory(at, FLOCK_SIZE)) return -EFAULT;
  const ofd = command == F_OFD_GETLK;
  const type = <i32>load<i16>(at);
  // An OFD lock may ask by F_UNLCK for any lock (Linux 6.7).
  if (!ofd && type != F_RDLCK && type != F_WRLCK) return -EINVAL;
  const lock = heap.alloc(<usize>FLOCK_SIZE);
  memory.copy(lock, at, <usize>FLOCK_SIZE);
  let result = resolveRange(file, lock);
  if (result == 0 && ofd && load<i32>(at, 24) != 0) result = -EINVAL;
  if (result == 0) {
    const owner = ownerOf(task, file, ofd);
    const asked = type == F_UNLCK ? F_WRLCK : type;
    const found = testRecordLock(file.inode, owner, asked, load<i64>(lock, 8), load<i64>(lock, 16));
    if (found === null) {
      const other = file.testElsewhere(owner, asked, load<i64>(lock, 8), load<i64>(lock, 16), lock + 8);
      if (other < 0) result = other;
      else store<i16>(at, <i16>other);
      // Nobody here knows which process has it.
      if (other >= 0 && other != F_UNLCK) putRange(at, load<i64>(lock, 8), load<i64>(lock, 16), -1);
    } else {
      store<i16>(at, <i16>found.type);
      putRange(at, found.start, found.end, lockPid(found.pid, task.pids));
    }
  }
  heap.free(lock);
  return result;
}

/** Writes a range, inclusive, into the struct flock at `at`. */
function putRange(at: usize, start: i64, end: i64, pid: i32): void {
  store<i16>(at, <i16>SEEK_SET, 2);
  store<i64>(at, start, 8);
  store<i64>(at, end == OFFSET_MAX ? 0 : end - start + 1, 16);
  store<i32>(at, pid, 24);
}

/**
 * F_SETLK, F_SETLKW and those of OFD locks. Errors: EFAULT; the range's; EBADF for the mode; then setRecordLock()'s; EBADF when the
 * descriptor was closed meanwhile, by which a process loses its locks of the file (Linux: fcntl_setlk()).
 */
export function setLock(task: Task, fd: i32, file: FileDescription, command: i32, at: usize): i64 {
  if (!isMemory(at, FLOCK_SIZE)) return -EFAULT;
  const ofd = command == F_OFD_SETLK || command == F_OFD_SETLKW;
  const waits = command == F_SETLKW || command == F_OFD_SETLKW;
  const lock = heap.alloc(<usize>FLOCK_SIZE);
  memory.copy(lock, at, <usize>FLOCK_SIZE);
  let result = resolveRange(file, lock);
  const type = <i32>load<i16>(lock);
  const start = load<i64>(lock, 8);
  const end = load<i64>(lock, 16);
  heap.free(lock);
  if (result < 0) return result;
  if (type == F_RDLCK && !file.canRead) return -EBADF;
  if (type == F_WRLCK && !file.canWrite) return -EBADF;
  if (ofd && load<i32>(at, 24) != 0) return -EINVAL;
  const pid = ofd ? -1 : <i32>task.id;
  const owner = ownerOf(task, file, ofd);
  result = setFileLock(file, owner, pid, type, start, end, waits);
  if (result < 0 || ofd || type == F_UNLCK) return result;
  const entry = task.fds.peek(<u32>fd);
  if (entry !== null && entry.description === file) return result;
  releaseElsewhere(file, owner);
  releaseRecordLocks(file.inode, owner);
  return -EBADF;
}
