// Rights: what each kind of descriptor can carry, and the check of a call against its descriptor.

import { REFUSED_RIGHTS } from "../abi/refusal.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from "../abi/stat.ts";
import * as abi from "../abi/wasi.ts";
import { FdEntry } from "../kernel/fd-table.ts";
import { refuse } from "../sched/refusal.ts";

export const RIGHTS_FILE: u64 =
  abi.RIGHT_FD_DATASYNC |
  abi.RIGHT_FD_READ |
  abi.RIGHT_FD_SEEK |
  abi.RIGHT_FD_FDSTAT_SET_FLAGS |
  abi.RIGHT_FD_SYNC |
  abi.RIGHT_FD_TELL |
  abi.RIGHT_FD_WRITE |
  abi.RIGHT_FD_ADVISE |
  abi.RIGHT_FD_ALLOCATE |
  abi.RIGHT_FD_FILESTAT_GET |
  abi.RIGHT_FD_FILESTAT_SET_SIZE |
  abi.RIGHT_FD_FILESTAT_SET_TIMES |
  abi.RIGHT_POLL_FD_READWRITE;

/** Streams have no position, so that libc's isatty() can tell a terminal by it. */
export const RIGHTS_STREAM: u64 =
  abi.RIGHT_FD_READ |
  abi.RIGHT_FD_WRITE |
  abi.RIGHT_FD_FDSTAT_SET_FLAGS |
  abi.RIGHT_FD_FILESTAT_GET |
  abi.RIGHT_FD_SYNC |
  abi.RIGHT_FD_DATASYNC |
  abi.RIGHT_POLL_FD_READWRITE;

export const RIGHTS_DIRECTORY: u64 =
  abi.RIGHT_FD_FDSTAT_SET_FLAGS |
  abi.RIGHT_FD_SYNC |
  abi.RIGHT_FD_ADVISE |
  abi.RIGHT_PATH_CREATE_DIRECTORY |
  abi.RIGHT_PATH_CREATE_FILE |
  abi.RIGHT_PATH_LINK_SOURCE |
  abi.RIGHT_PATH_LINK_TARGET |
  abi.RIGHT_PATH_OPEN |
  abi.RIGHT_FD_READDIR |
  abi.RIGHT_PATH_READLINK |
  abi.RIGHT_PATH_RENAME_SOURCE |
  abi.RIGHT_PATH_RENAME_TARGET |
  abi.RIGHT_PATH_FILESTAT_GET |
  abi.RIGHT_PATH_FILESTAT_SET_SIZE |
  abi.RIGHT_PATH_FILESTAT_SET_TIMES |
  abi.RIGHT_FD_FILESTAT_GET |
  abi.RIGHT_FD_FILESTAT_SET_TIMES |
  abi.RIGHT_PATH_SYMLINK |
  abi.RIGHT_PATH_REMOVE_DIRECTORY |
  abi.RIGHT_PATH_UNLINK_FILE |
  abi.RIGHT_POLL_FD_READWRITE;

/** What the files opened through a directory may carry. */
export const RIGHTS_INHERITING: u64 = abi.RIGHTS_ALL;

/** WASI's file type of a mode. A pipe has none of its own: unknown, as other hosts say. */
export function fileTypeOf(mode: u32): u32 {
  switch (mode & <u32>S_IFMT) {
    case S_IFREG:
      return abi.FILETYPE_REGULAR_FILE;
    case S_IFDIR:
      return abi.FILETYPE_DIRECTORY;
    case S_IFLNK:
      return abi.FILETYPE_SYMBOLIC_LINK;
    case S_IFCHR:
      return abi.FILETYPE_CHARACTER_DEVICE;
    case S_IFBLK:
      return abi.FILETYPE_BLOCK_DEVICE;
    case S_IFSOCK:
      return abi.FILETYPE_SOCKET_STREAM;
    case S_IFIFO:
      return abi.FILETYPE_UNKNOWN;
    default:
      return abi.FILETYPE_UNKNOWN;
  }
}

/** WASI's file type of a DT_* value. */
export function fileTypeOfEntry(type: u32): u32 {
  return fileTypeOf(type << 12);
}

/** The rights that fit what the descriptor is. */
export function rightsFor(mode: u32, seekable: bool): u64 {
  const type = mode & <u32>S_IFMT;
  if (type == <u32>S_IFDIR) return RIGHTS_DIRECTORY;
  return seekable ? RIGHTS_FILE : RIGHTS_STREAM;
}

/** WASI_ESUCCESS when the open descriptor `entry` (null: closed) carries all of `rights`; else EBADF or ENOTCAPABLE. */
export function checkRights(entry: FdEntry | null, rights: u64): u32 {
  if (entry === null) return abi.WASI_EBADF;
  const missing = rights & ~entry.rights;
  if (missing == 0) return abi.WASI_ESUCCESS;
  refuse(0, REFUSED_RIGHTS, missing);
  return abi.WASI_ENOTCAPABLE;
}
