// Calls on descriptors themselves: dup(2), dup2(2), dup3(2), close_range(2), fcntl(2).

import { CAP_SYS_RESOURCE } from "../abi/capability.ts";
import { EBADF, EINVAL, EPERM } from "../abi/errno.ts";
import {
  F_ADD_SEALS,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_GETLK,
  F_GETPIPE_SZ,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_SETFD,
  F_SETFL,
  F_SETLK,
  F_SETLKW,
  F_SETPIPE_SZ,
  FD_CLOEXEC,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_EXCL,
  O_NOATIME,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_TRUNC,
} from "../abi/fcntl.ts";
import { FdEntry } from "../kernel/fd-table.ts";
import { Task } from "../kernel/task.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { isOwnerOrCapable } from "../vfs/permission.ts";
import { pipeOf } from "../vfs/pipe.ts";
import { getLock, setLock } from "./locks.ts";
import { addSeals, getSeals } from "./memfd.ts";

const CLOSE_RANGE_UNSHARE: u32 = 2;
const CLOSE_RANGE_CLOEXEC: u32 = 4;

/** What F_SETFL changes (Linux: SETFL_MASK, but O_ASYNC: there are no signals). */
const SETFL_MASK: u32 = <u32>(O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME);
/** Flags of the open that are none of the description. */
const OPEN_ONLY: u32 = <u32>(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);

/** Another descriptor of an open one's description, with what WASI keeps of it. */
function duplicateAt(task: Task, from: u32, to: i32): void {
  const source = changetype<FdEntry>(changetype<usize>(task.fds.peek(from)));
  const target = changetype<FdEntry>(changetype<usize>(task.fds.peek(<u32>to)));
  target.rights = source.rights;
  target.inheriting = source.inheriting;
}

/** Errors: EMFILE. */
function duplicateFrom(task: Task, fd: u32, file: FileDescription, least: u32, closeOnExec: bool): i64 {
  file.incRef();
  const made = task.fds.install(file, least, closeOnExec);
  if (made >= 0) duplicateAt(task, fd, made);
  return made;
}

/** Errors: EBADF, EMFILE. */
export function dup(task: Task, fd: i32): i64 {
  const entry = task.fds.peek(<u32>fd);
  return entry === null ? -EBADF : duplicateFrom(task, <u32>fd, entry.description, 0, false);
}

/** Errors: EBADF for either descriptor. */
export function dup2(task: Task, from: i32, to: i32): i64 {
  if (from == to) return task.fds.peek(<u32>from) === null ? -EBADF : <i64>to;
  return dup3(task, from, to, 0);
}

/**
 * Errors: EINVAL for flags, and for a descriptor onto itself; EBADF.
 * @flags O_CLOEXEC
 */
export function dup3(task: Task, from: i32, to: i32, flags: u32): i64 {
  if (flags & ~(<u32>O_CLOEXEC)) return -EINVAL;
  if (from == to) return -EINVAL;
  if (<u32>to >= task.fds.limit) return -EBADF;
  const entry = task.fds.peek(<u32>from);
  if (entry === null) return -EBADF;
  const file = entry.description;
  file.incRef();
  const result = task.fds.installAt(<u32>to, file, (flags & <u32>O_CLOEXEC) != 0);
  if (result < 0) return result;
  duplicateAt(task, <u32>from, to);
  return to;
}

/**
 * Errors: EINVAL. A task shares its table with none, so that there is nothing to unshare.
 * @flags CLOSE_RANGE_CLOEXEC CLOSE_RANGE_UNSHARE
 */
export function closeRange(task: Task, first: u32, last: u32, flags: u32): i64 {
  if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) return -EINVAL;
  if (first > last) return -EINVAL;
  task.fds.closeRange(first, last, (flags & CLOSE_RANGE_CLOEXEC) != 0);
  return 0;
}

/** What a descriptor opened by O_PATH allows (Linux: check_fcntl_cmd()). */
function isAllowedOnPath(command: i32): bool {
  return (
    command == F_DUPFD ||
    command == F_DUPFD_CLOEXEC ||
    command == F_GETFD ||
    command == F_SETFD ||
    command == F_GETFL
  );
}

/**
 * fcntl(2). Errors: EBADF; EINVAL for an unknown command; then the command's.
 * @flags F_DUPFD F_DUPFD_CLOEXEC F_GETFD F_SETFD F_GETFL F_SETFL F_GETLK F_SETLK F_SETLKW F_OFD_GETLK F_OFD_SETLK
 *   F_OFD_SETLKW F_GETPIPE_SZ F_SETPIPE_SZ F_ADD_SEALS F_GET_SEALS F_SEAL_SEAL F_SEAL_SHRINK F_SEAL_GROW F_SEAL_WRITE
 *   F_SEAL_FUTURE_WRITE F_SEAL_EXEC
 */
export function fcntl(task: Task, fd: i32, command: i32, argument: i64): i64 {
  const entry = task.fdget(<u32>fd);
  if (entry === null) return -EBADF;
  const file = entry.description;
  if (file.flags & <u32>O_PATH && !isAllowedOnPath(command)) return -EBADF;
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      if (<u64>argument >= <u64>task.fds.limit) return -EINVAL;
      return duplicateFrom(task, <u32>fd, file, <u32>argument, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
      return entry.flags;
    case F_SETFD:
      entry.flags = <u32>(argument & FD_CLOEXEC);
      return 0;
    case F_GETFL:
      return file.flags & ~OPEN_ONLY;
    case F_SETFL:
      return setFlags(task, file, <u32>argument);
    case F_GETLK:
    case F_OFD_GETLK:
      return getLock(task, file, command, <usize>argument);
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
      return setLock(task, fd, file, command, <usize>argument);
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
      return pipeSize(task, file, command, argument);
    case F_ADD_SEALS:
      return addSeals(file, <u64>argument);
    case F_GET_SEALS:
      return getSeals(file);
    default:
      return -EINVAL;
  }
}

/** Errors: EPERM for O_NOATIME of another's file. Linux: setfl(). */
function setFlags(task: Task, file: FileDescription, flags: u32): i64 {
  const gains = flags & ~file.flags;
  if (gains & <u32>O_NOATIME && !isOwnerOrCapable(file.inode, task.cred)) return -EPERM;
  file.flags = (flags & SETFL_MASK) | (file.flags & ~SETFL_MASK);
  return 0;
}

/** Errors: EBADF for what is no pipe (Linux: pipe_fcntl()), then Pipe.setCapacity()'s. */
function pipeSize(task: Task, file: FileDescription, command: i32, argument: i64): i64 {
  const pipe = pipeOf(file);
  if (pipe === null) return -EBADF;
  if (command == F_GETPIPE_SZ) return pipe.capacity;
  if (argument < 0 || argument > <i64>u32.MAX_VALUE) return -EINVAL;
  return pipe.setCapacity(<u32>argument, task.cred.hasCapability(CAP_SYS_RESOURCE));
}
