// open(2), openat(2), openat2(2), creat(2), close(2).

import { E2BIG, EAGAIN, EBADF, EFAULT, EINVAL, ENOTDIR } from "../abi/errno.ts";
import {
  AT_FDCWD,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_LARGEFILE,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../abi/fcntl.ts";
import { Task } from "../kernel/task.ts";
import { isError } from "../lib/result.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { openAt } from "../vfs/open.ts";
import {
  WALK_BENEATH,
  WALK_CACHED,
  WALK_IN_ROOT,
  WALK_NO_MAGICLINKS,
  WALK_NO_SYMLINKS,
  WALK_NO_XDEV,
} from "../vfs/path-walk.ts";
import { beginAt, beginInRoot, isMemory } from "./arguments.ts";

/** Every flag that open(2) knows (Linux: VALID_OPEN_FLAGS): the access mode, and O_CREAT to __O_TMPFILE without a gap. */
const VALID_FLAGS: u64 = 0o37777703;
/** __O_TMPFILE: O_TMPFILE without the O_DIRECTORY that it demands. */
const TMPFILE_BIT: u32 = 0o20000000;
/** What O_PATH looks at besides itself. */
const PATH_FLAGS: u32 = <u32>(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
const WILL_CREATE: u32 = <u32>O_CREAT | TMPFILE_BIT;
const MODE_BITS: u64 = 0o7777;

const VALID_RESOLVE: u64 =
  RESOLVE_NO_XDEV |
  RESOLVE_NO_MAGICLINKS |
  RESOLVE_NO_SYMLINKS |
  RESOLVE_BENEATH |
  RESOLVE_IN_ROOT |
  RESOLVE_CACHED;

/** sizeof(struct open_how): u64 flags, mode, resolve. */
const HOW_SIZE: u64 = 24;
const PAGE_SIZE: u64 = 4096;

/** What is wrong with the flags alone: 0 or -EINVAL (Linux: build_open_flags()). */
function checkFlags(flags: u32): i32 {
  const both = <u32>(O_DIRECTORY | O_CREAT);
  if ((flags & both) == both) return -EINVAL;
  if (flags & TMPFILE_BIT) {
    if (!(flags & <u32>O_DIRECTORY) || (flags & <u32>O_ACCMODE) == <u32>O_RDONLY) return -EINVAL;
  }
  return flags & <u32>O_PATH && flags & ~PATH_FLAGS ? -EINVAL : 0;
}

/**
 * Unknown flags are nothing, and a mode without O_CREAT or O_TMPFILE is not looked at. Errors: EINVAL for contradictory flags; EFAULT,
 * ENAMETOOLONG, ENOENT; EMFILE, ENFILE; EBADF, ENOTDIR; then what the walk and the file say.
 * @flags O_RDONLY O_WRONLY O_RDWR O_CREAT O_EXCL O_NOCTTY O_TRUNC O_APPEND O_NONBLOCK O_DSYNC O_SYNC O_DIRECT
 *   O_LARGEFILE O_DIRECTORY O_NOFOLLOW O_NOATIME O_CLOEXEC O_PATH O_TMPFILE
 */
export function openat(task: Task, dirFd: i32, path: usize, flags: u32, mode: u32): i64 {
  let known = flags & <u32>VALID_FLAGS;
  // A 64-bit process always has O_LARGEFILE. O_PATH leaves most flags out.
  if (known & <u32>O_PATH) known &= PATH_FLAGS;
  else known |= <u32>O_LARGEFILE;
  const wrong = checkFlags(known);
  return wrong < 0 ? wrong : openWith(task, dirFd, path, known, mode & <u32>MODE_BITS, 0, false);
}

/**
 * Errors: EINVAL for a structure that is too small; E2BIG for one that is larger than a page, or has something behind what we know;
 * EFAULT; EINVAL for unknown flags, an unknown way to resolve, two scopes, a mode that is none or that nothing wants, contradictory
 * flags; EAGAIN for RESOLVE_CACHED with what makes or truncates; then openat()'s.
 * @flags O_RDONLY O_WRONLY O_RDWR O_CREAT O_EXCL O_NOCTTY O_TRUNC O_APPEND O_NONBLOCK O_DSYNC O_SYNC O_DIRECT
 *   O_LARGEFILE O_DIRECTORY O_NOFOLLOW O_NOATIME O_CLOEXEC O_PATH O_TMPFILE RESOLVE_BENEATH RESOLVE_CACHED
 *   RESOLVE_IN_ROOT RESOLVE_NO_MAGICLINKS RESOLVE_NO_SYMLINKS RESOLVE_NO_XDEV
 */
export function openat2(task: Task, dirFd: i32, path: usize, how: usize, size: u64): i64 {
  if (size < HOW_SIZE) return -EINVAL;
  if (size > PAGE_SIZE) return -E2BIG;
  if (!isMemory(how, size)) return -EFAULT;
  for (let at = HOW_SIZE; at < size; at++) {
    if (load<u8>(how + <usize>at)) return -E2BIG;
  }
  const flags = load<u64>(how);
  const mode = load<u64>(how, 8);
  const resolve = load<u64>(how, 16);
  if (flags & ~VALID_FLAGS || resolve & ~VALID_RESOLVE) return -EINVAL;
  const scopes = <u64>(RESOLVE_BENEATH | RESOLVE_IN_ROOT);
  if ((resolve & scopes) == scopes) return -EINVAL;
  let known = <u32>flags;
  if (known & WILL_CREATE ? mode & ~MODE_BITS : mode) return -EINVAL;
  const wrong = checkFlags(known);
  if (wrong < 0) return wrong;
  if (resolve & <u64>RESOLVE_CACHED && known & (WILL_CREATE | <u32>O_TRUNC)) return -EAGAIN;
  if (!(known & <u32>O_PATH)) known |= <u32>O_LARGEFILE;
  const inRoot = (resolve & <u64>RESOLVE_IN_ROOT) != 0;
  return openWith(task, dirFd, path, known, <u32>mode, walkBits(<u32>resolve), inRoot);
}

function walkBits(resolve: u32): u32 {
  let bits: u32 = 0;
  if (resolve & <u32>RESOLVE_NO_XDEV) bits |= WALK_NO_XDEV;
  if (resolve & <u32>RESOLVE_NO_MAGICLINKS) bits |= WALK_NO_MAGICLINKS;
  if (resolve & <u32>RESOLVE_NO_SYMLINKS) bits |= WALK_NO_SYMLINKS | WALK_NO_MAGICLINKS;
  if (resolve & <u32>RESOLVE_BENEATH) bits |= WALK_BENEATH;
  if (resolve & <u32>RESOLVE_IN_ROOT) bits |= WALK_IN_ROOT;
  if (resolve & <u32>RESOLVE_CACHED) bits |= WALK_CACHED;
  return bits;
}

function openWith(task: Task, dirFd: i32, path: usize, flags: u32, mode: u32, bits: u32, inRoot: bool): i64 {
  const walk = task.walk;
  const length = inRoot ? beginInRoot(task, walk, dirFd, path) : beginAt(task, walk, dirFd, path, 0);
  const pathIsGood = length >= 0 || length == -EBADF || length == -ENOTDIR;
  const room = pathIsGood ? task.fds.checkRoom() : 0;
  if (room < 0) {
    walk.release();
    return room;
  }
  if (length < 0) return length;
  const file = openAt(walk, <u32>length, flags & ~(<u32>O_CLOEXEC), mode, bits);
  walk.release();
  if (isError(file)) return <i32>file;
  return task.fds.install(changetype<FileDescription>(file), 0, (flags & <u32>O_CLOEXEC) != 0);
}

export function open(task: Task, path: usize, flags: u32, mode: u32): i64 {
  return openat(task, AT_FDCWD, path, flags, mode);
}

export function creat(task: Task, path: usize, mode: u32): i64 {
  return openat(task, AT_FDCWD, path, <u32>(O_CREAT | O_WRONLY | O_TRUNC), mode);
}

/** Errors: EBADF. */
export function close(task: Task, fd: i32): i64 {
  return task.fds.close(<u32>fd);
}
