// preview1 calls on paths: path_*.
//
// Containment. A path resolves below the directory it is given with, whatever links it meets: leaving it is EPERM. A
// directory that the guest opened itself confines to its own subtree; a preopened one to the sandbox's root, since it only
// names a place in it, and absolute links of an image then lead where they say.

import { EPERM } from "../abi/errno.ts";
import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../abi/fcntl.ts";
import { PATH_MAX } from "../abi/limits.ts";
import { REFUSED_INHERITING, REFUSED_LINK_TEXT } from "../abi/refusal.ts";
import * as abi from "../abi/wasi.ts";
import { FdEntry, PREOPENED_DIRECTORY } from "../kernel/fd-table.ts";
import { Task } from "../kernel/task.ts";
import { isAsciiText, isUtf8 } from "../lib/bytes.ts";
import { free } from "../lib/ref-counted.ts";
import { isError } from "../lib/result.ts";
import { accessOk, copyIn, copyOut, putU32 } from "../mm/usercopy.ts";
import { refuse } from "../sched/refusal.ts";
import { Attributes } from "../vfs/attributes.ts";
import { changeThrough, readlinkAt } from "../vfs/change.ts";
import { linkAt, mkdirAt, symlinkAt } from "../vfs/create.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { openAt } from "../vfs/open.ts";
import { PathWalk, WALK_BENEATH, WALK_FOLLOW, WALK_STRICT_ROOT } from "../vfs/path-walk.ts";
import { refusedAt } from "../vfs/refused-place.ts";
import { rmdirAt, unlinkAt } from "../vfs/remove.ts";
import { renameAt } from "../vfs/rename.ts";
import { wasiErrno } from "./errno-map.ts";
import { openFlagsOf, putFilestat } from "./fd.ts";
import { checkRights, rightsFor } from "./rights.ts";
import { fillTimes } from "./times.ts";

const SLASH: u32 = 0x2f;

/** Linux's answer, but for a walk that tried to leave its directory. */
function walkErrno(walk: PathWalk, result: i32): u32 {
  if (result >= 0) return 0;
  if (walk.escaped) return abi.WASI_EPERM;
  // A walk that failed at its beginning stands at its start.
  return wasiErrno(refusedAt(walk.resultMount, walk.result, result));
}

/**
 * Begins `walk` at descriptor `fd`, which needs `rights`, and copies the guest's path in. WASI_ESUCCESS, or why not.
 * The walk then has the WALK_* bits that confineBits() tells.
 */
function beginAt(task: Task, walk: PathWalk, fd: u32, rights: u64, path: u32, length: u32): u32 {
  const entry = task.fds.peek(fd);
  if (entry === null) return abi.WASI_EBADF;
  const file = entry.description;
  if (!file.inode.isDirectory) return abi.WASI_ENOTDIR;
  const wrong = checkRights(entry, rights);
  if (wrong) return wrong;
  const bad = copyPath(walk.path, path, length);
  if (bad) return bad;
  walk.begin(task.rootMount, task.rootDentry, file.mount, file.dentry, task.cred);
  return 0;
}

/** Copies a path in: at most PATH_MAX - 1 bytes, UTF-8, no NUL. */
function copyPath(to: usize, path: u32, length: u32): u32 {
  if (length >= <u32>PATH_MAX) {
    return accessOk(path, length) ? <u32>abi.WASI_ENAMETOOLONG : <u32>abi.WASI_EFAULT;
  }
  if (copyIn(to, path, length) < 0) return abi.WASI_EFAULT;
  if (isAsciiText(to, length)) return 0;
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(to + i) == 0) return abi.WASI_EINVAL;
  }
  return isUtf8(to, length) ? 0 : <u32>abi.WASI_EILSEQ;
}

function confineBits(task: Task, fd: u32): u32 {
  const entry = changetype<FdEntry>(changetype<usize>(task.fds.peek(fd)));
  return entry.preopened == PREOPENED_DIRECTORY ? WALK_STRICT_ROOT : WALK_BENEATH;
}

/** Whether lookupflags has bits that the snapshot does not know. */
function badLookup(lookupflags: u32): bool {
  return (lookupflags & ~(<u32>abi.LOOKUP_SYMLINK_FOLLOW)) != 0;
}

function followBits(lookupflags: u32): u32 {
  return lookupflags & abi.LOOKUP_SYMLINK_FOLLOW ? WALK_FOLLOW : 0;
}

export function pathOpen(
  task: Task,
  dirFd: u32,
  lookupflags: u32,
  path: u32,
  length: u32,
  oflags: u32,
  rights: u64,
  inheriting: u64,
  fdflags: u32,
  out: u32,
): u32 {
  if (badLookup(lookupflags)) return abi.WASI_EINVAL;
  if (oflags & ~(<u32>abi.OFLAGS_ALL) || fdflags & ~(<u32>abi.FDFLAGS_ALL)) return abi.WASI_EINVAL;
  let needed: u64 = abi.RIGHT_PATH_OPEN;
  if (oflags & abi.OFLAGS_CREAT) needed |= abi.RIGHT_PATH_CREATE_FILE;
  const walk = task.walk;
  const bad = beginAt(task, walk, dirFd, needed, path, length);
  if (bad) return bad;
  const parent = changetype<FdEntry>(changetype<usize>(task.fds.peek(dirFd)));
  const ceiling = parent.inheriting;
  if ((rights & ~ceiling) != 0 || (inheriting & ~ceiling) != 0) {
    walk.release();
    refuse(0, REFUSED_INHERITING, (rights | inheriting) & ~ceiling);
    return abi.WASI_ENOTCAPABLE;
  }
  // Before anything is made: a call that fails leaves nothing behind (Linux: get_unused_fd_flags(), alloc_empty_file()).
  const misplaced: u32 = accessOk(out, 4) ? wasiErrno(task.fds.checkRoom()) : abi.WASI_EFAULT;
  if (misplaced) {
    walk.release();
    return misplaced;
  }
  const flags = linuxFlags(lookupflags, oflags, rights, fdflags);
  walk.umask = task.umask;
  const opened = openAt(walk, length, flags, 0o666, confineBits(task, dirFd));
  const failed = isError(opened) ? walkErrno(walk, <i32>opened) : 0;
  walk.release();
  if (failed) return failed;
  const file = changetype<FileDescription>(opened);
  const fits = rightsFor(file.inode.mode, file.isSeekable());
  const fd = task.fds.install(file, 0);
  if (fd < 0) return wasiErrno(fd);
  const entry = changetype<FdEntry>(changetype<usize>(task.fds.peek(fd)));
  entry.rights = rights & fits;
  entry.inheriting = inheriting;
  return wasiErrno(putU32(out, fd));
}

/**
 * The O_* flags of a path_open. The access mode follows from the rights to read and to write alone: Go asks for the right to
 * set the size with every file that it opens to read.
 */
function linuxFlags(lookupflags: u32, oflags: u32, rights: u64, fdflags: u32): u32 {
  const reads = (rights & (abi.RIGHT_FD_READ | abi.RIGHT_FD_READDIR)) != 0;
  const writes = (rights & abi.RIGHT_FD_WRITE) != 0;
  let flags: u32 = openFlagsOf(fdflags);
  if (writes) flags |= reads ? <u32>O_RDWR : <u32>O_WRONLY;
  else flags |= <u32>O_RDONLY;
  if (!(lookupflags & abi.LOOKUP_SYMLINK_FOLLOW)) flags |= <u32>O_NOFOLLOW;
  if (oflags & abi.OFLAGS_CREAT) flags |= <u32>O_CREAT;
  if (oflags & abi.OFLAGS_EXCL) flags |= <u32>O_EXCL;
  if (oflags & abi.OFLAGS_TRUNC) flags |= <u32>O_TRUNC;
  if (oflags & abi.OFLAGS_DIRECTORY) flags |= <u32>O_DIRECTORY;
  return flags;
}

export function pathCreateDirectory(task: Task, fd: u32, path: u32, length: u32): u32 {
  const walk = task.walk;
  const bad = beginAt(task, walk, fd, abi.RIGHT_PATH_CREATE_DIRECTORY, path, length);
  if (bad) return bad;
  walk.umask = task.umask;
  const errno = walkErrno(walk, mkdirAt(walk, length, 0o777, confineBits(task, fd)));
  walk.release();
  return errno;
}

export function pathFilestatGet(
  task: Task,
  fd: u32,
  lookupflags: u32,
  path: u32,
  length: u32,
  out: u32,
): u32 {
  if (badLookup(lookupflags)) return abi.WASI_EINVAL;
  const walk = task.walk;
  const bad = beginAt(task, walk, fd, abi.RIGHT_PATH_FILESTAT_GET, path, length);
  if (bad) return bad;
  let result = walk.run(length, confineBits(task, fd) | followBits(lookupflags));
  if (result == 0) result = walk.result.file.getAttributes();
  const errno = result < 0 ? walkErrno(walk, result) : putFilestat(task, walk.result.file, out);
  walk.release();
  return errno;
}

export function pathFilestatSetTimes(
  task: Task,
  fd: u32,
  lookupflags: u32,
  path: u32,
  length: u32,
  atime: i64,
  mtime: i64,
  flags: u32,
): u32 {
  if (badLookup(lookupflags)) return abi.WASI_EINVAL;
  const walk = task.walk;
  const bad = beginAt(task, walk, fd, abi.RIGHT_PATH_FILESTAT_SET_TIMES, path, length);
  if (bad) return bad;
  const a = new Attributes();
  let result = fillTimes(a, atime, mtime, flags);
  if (result == 0) result = walk.run(length, confineBits(task, fd) | followBits(lookupflags));
  if (result == 0 && a.valid) {
    result = changeThrough(walk.resultMount, walk.result, a, task.cred);
  }
  free(a);
  const errno = walkErrno(walk, result);
  walk.release();
  return errno;
}

export function pathLink(
  task: Task,
  oldFd: u32,
  lookupflags: u32,
  oldPath: u32,
  oldLength: u32,
  newFd: u32,
  newPath: u32,
  newLength: u32,
): u32 {
  // Not in the snapshot's semantics: links are made to links themselves.
  if (lookupflags != 0) return abi.WASI_EINVAL;
  const from = task.walk;
  const to = task.otherWalk;
  let bad = beginAt(task, from, oldFd, abi.RIGHT_PATH_LINK_SOURCE, oldPath, oldLength);
  if (bad) return bad;
  let errno: u32;
  bad = beginAt(task, to, newFd, abi.RIGHT_PATH_LINK_TARGET, newPath, newLength);
  if (bad) {
    errno = bad;
  } else {
    const found = from.run(oldLength, confineBits(task, oldFd));
    if (found < 0) errno = walkErrno(from, found);
    else errno = walkErrno(to, linkAt(from, to, newLength, confineBits(task, newFd)));
  }
  from.release();
  to.release();
  return errno;
}

export function pathReadlink(
  task: Task,
  fd: u32,
  path: u32,
  length: u32,
  buffer: u32,
  capacity: u32,
  out: u32,
): u32 {
  const walk = task.walk;
  const bad = beginAt(task, walk, fd, abi.RIGHT_PATH_READLINK, path, length);
  if (bad) return bad;
  const text = heap.alloc(PATH_MAX);
  const result = readlinkAt(walk, length, text, confineBits(task, fd));
  let errno = walkErrno(walk, result);
  if (result >= 0) {
    const fits = min<u32>(result, capacity);
    if (!accessOk(out, 4) || copyOut(buffer, text, fits) < 0) errno = abi.WASI_EFAULT;
    else putU32(out, fits);
  }
  heap.free(text);
  walk.release();
  return errno;
}

export function pathRemoveDirectory(task: Task, fd: u32, path: u32, length: u32): u32 {
  const walk = task.walk;
  const bad = beginAt(task, walk, fd, abi.RIGHT_PATH_REMOVE_DIRECTORY, path, length);
  if (bad) return bad;
  const errno = walkErrno(walk, rmdirAt(walk, length, confineBits(task, fd)));
  walk.release();
  return errno;
}

export function pathUnlinkFile(task: Task, fd: u32, path: u32, length: u32): u32 {
  const walk = task.walk;
  const bad = beginAt(task, walk, fd, abi.RIGHT_PATH_UNLINK_FILE, path, length);
  if (bad) return bad;
  const errno = walkErrno(walk, unlinkAt(walk, length, confineBits(task, fd)));
  walk.release();
  return errno;
}

export function pathRename(
  task: Task,
  oldFd: u32,
  oldPath: u32,
  oldLength: u32,
  newFd: u32,
  newPath: u32,
  newLength: u32,
): u32 {
  const from = task.walk;
  const to = task.otherWalk;
  let bad = beginAt(task, from, oldFd, abi.RIGHT_PATH_RENAME_SOURCE, oldPath, oldLength);
  if (bad) return bad;
  let errno: u32;
  bad = beginAt(task, to, newFd, abi.RIGHT_PATH_RENAME_TARGET, newPath, newLength);
  if (bad) {
    errno = bad;
  } else {
    const result = renameAt(
      from,
      oldLength,
      to,
      newLength,
      0,
      confineBits(task, oldFd),
      confineBits(task, newFd),
    );
    errno = from.escaped ? <u32>abi.WASI_EPERM : walkErrno(to, result);
  }
  from.release();
  to.release();
  return errno;
}

export function pathSymlink(
  task: Task,
  target: u32,
  targetLength: u32,
  fd: u32,
  path: u32,
  length: u32,
): u32 {
  const walk = task.walk;
  const bad = beginAt(task, walk, fd, abi.RIGHT_PATH_SYMLINK, path, length);
  if (bad) return bad;
  const text = heap.alloc(PATH_MAX);
  let errno = copyPath(text, target, targetLength);
  // WASI refuses to make a link that cannot be resolved below any directory.
  if (errno == 0 && targetLength && load<u8>(text) == <u8>SLASH)
    errno = wasiErrno(refuse(EPERM, REFUSED_LINK_TEXT));
  if (errno == 0) errno = walkErrno(walk, symlinkAt(walk, length, text, targetLength, confineBits(task, fd)));
  heap.free(text);
  walk.release();
  return errno;
}
