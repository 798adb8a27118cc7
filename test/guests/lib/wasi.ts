// What every small guest needs on top of the raw imports: struct offsets, arguments, output, and calls that
// take strings. Errors stay WASI numbers: a call returns 0 or a positive errno, and what gives a descriptor
// or a count returns -errno. Memory is never freed (the runtime is the stub one), which suits programs that
// live for a moment.

import {
  LOOKUP_SYMLINK_FOLLOW,
  RIGHT_FD_ALLOCATE,
  RIGHT_FD_DATASYNC,
  RIGHT_FD_FILESTAT_SET_SIZE,
  RIGHT_FD_READ,
  RIGHT_FD_READDIR,
  RIGHT_FD_SEEK,
  RIGHT_FD_TELL,
  RIGHT_FD_WRITE,
  RIGHT_PATH_CREATE_DIRECTORY,
  RIGHT_PATH_CREATE_FILE,
  RIGHT_PATH_FILESTAT_GET,
  RIGHT_PATH_FILESTAT_SET_SIZE,
  RIGHT_PATH_FILESTAT_SET_TIMES,
  RIGHT_PATH_LINK_SOURCE,
  RIGHT_PATH_LINK_TARGET,
  RIGHT_PATH_OPEN,
  RIGHT_PATH_READLINK,
  RIGHT_PATH_REMOVE_DIRECTORY,
  RIGHT_PATH_RENAME_SOURCE,
  RIGHT_PATH_RENAME_TARGET,
  RIGHT_PATH_SYMLINK,
  RIGHT_PATH_UNLINK_FILE,
  RIGHT_SOCK_ACCEPT,
  RIGHT_SOCK_SHUTDOWN,
  RIGHTS_ALL,
  WASI_ESUCCESS,
} from "../../../assembly/abi/wasi.ts";
import { errnoName } from "./errno-name.ts";
import * as wasi from "./wasi_snapshot_preview1.ts";

// fdstat
export const FDSTAT_FILETYPE: usize = 0;
export const FDSTAT_FLAGS: usize = 2;
export const FDSTAT_RIGHTS_BASE: usize = 8;
export const FDSTAT_RIGHTS_INHERITING: usize = 16;

// filestat
export const FILESTAT_DEV: usize = 0;
export const FILESTAT_INO: usize = 8;
export const FILESTAT_FILETYPE: usize = 16;
export const FILESTAT_NLINK: usize = 24;
export const FILESTAT_SIZE: usize = 32;
export const FILESTAT_ATIM: usize = 40;
export const FILESTAT_MTIM: usize = 48;
export const FILESTAT_CTIM: usize = 56;

// dirent
export const DIRENT_NEXT: usize = 0;
export const DIRENT_INO: usize = 8;
export const DIRENT_NAME_LENGTH: usize = 16;
export const DIRENT_TYPE: usize = 20;

// subscription
export const SUBSCRIPTION_USERDATA: usize = 0;
export const SUBSCRIPTION_TAG: usize = 8;
export const SUBSCRIPTION_CLOCK_ID: usize = 16;
export const SUBSCRIPTION_CLOCK_TIMEOUT: usize = 24;
export const SUBSCRIPTION_CLOCK_PRECISION: usize = 32;
export const SUBSCRIPTION_CLOCK_FLAGS: usize = 40;
export const SUBSCRIPTION_FD: usize = 16;

// event
export const EVENT_USERDATA: usize = 0;
export const EVENT_ERROR: usize = 8;
export const EVENT_TYPE: usize = 10;
export const EVENT_FD_NBYTES: usize = 16;
export const EVENT_FD_FLAGS: usize = 24;

const RIGHTS_SOCKET: u64 = RIGHT_SOCK_SHUTDOWN | RIGHT_SOCK_ACCEPT;
const RIGHTS_OF_DIRECTORIES_ONLY: u64 =
  RIGHT_PATH_CREATE_DIRECTORY |
  RIGHT_PATH_CREATE_FILE |
  RIGHT_PATH_LINK_SOURCE |
  RIGHT_PATH_LINK_TARGET |
  RIGHT_PATH_OPEN |
  RIGHT_FD_READDIR |
  RIGHT_PATH_READLINK |
  RIGHT_PATH_RENAME_SOURCE |
  RIGHT_PATH_RENAME_TARGET |
  RIGHT_PATH_FILESTAT_GET |
  RIGHT_PATH_FILESTAT_SET_SIZE |
  RIGHT_PATH_FILESTAT_SET_TIMES |
  RIGHT_PATH_SYMLINK |
  RIGHT_PATH_REMOVE_DIRECTORY |
  RIGHT_PATH_UNLINK_FILE;
const RIGHTS_OF_FILES_ONLY: u64 =
  RIGHT_FD_READ |
  RIGHT_FD_WRITE |
  RIGHT_FD_SEEK |
  RIGHT_FD_TELL |
  RIGHT_FD_ALLOCATE |
  RIGHT_FD_FILESTAT_SET_SIZE;

/** What makes a host open for writing; FD_DATASYNC is one of them for some. */
const RIGHTS_TO_WRITE: u64 =
  RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE | RIGHT_FD_DATASYNC;

/** What a file or directory of a preopened tree can be opened with: everything but what sockets have. */
export const RIGHTS_INHERITED: u64 = RIGHTS_ALL & ~RIGHTS_SOCKET;
export const RIGHTS_READ_WRITE: u64 = RIGHTS_INHERITED & ~RIGHTS_OF_DIRECTORIES_ONLY;
export const RIGHTS_READ_ONLY: u64 = RIGHTS_READ_WRITE & ~RIGHTS_TO_WRITE;
export const RIGHTS_DIRECTORY: u64 = RIGHTS_INHERITED & ~RIGHTS_OF_FILES_ONLY & ~RIGHTS_TO_WRITE;

const FIRST_PREOPEN: i32 = 3;

/** One number that a call writes back: enough for each of them. */
const resultCell: usize = memory.data(8, 8);
const iovecCell: usize = memory.data(8, 8);

export function result32(): u32 {
  return load<u32>(resultCell);
}

export function result64(): u64 {
  return load<u64>(resultCell);
}

/** A string in UTF-8, as the calls want it. */
@final
export class Text {
  readonly at: usize;
  readonly length: u32;
  private bytes: ArrayBuffer;

  constructor(text: string) {
    this.bytes = String.UTF8.encode(text);
    this.at = changetype<usize>(this.bytes);
    this.length = <u32>this.bytes.byteLength;
  }
}

export function textOf(at: usize, length: u32): string {
  return String.UTF8.decodeUnsafe(at, length);
}

// Output and the program's end

export function writeText(fd: i32, text: string): void {
  const bytes = new Text(text);
  let done: u32 = 0;
  while (done < bytes.length) {
    const count = writeBytes(fd, bytes.at + done, bytes.length - done);
    if (count < 0) exit(1);
    done += <u32>count;
  }
}

export function print(text: string): void {
  writeText(1, text);
}

export function exit(code: i32): void {
  wasi.proc_exit(code);
  unreachable();
}

export function fail(message: string, code: i32 = 1): void {
  writeText(2, `${message}\n`);
  exit(code);
}

/** Ends the program when a call did not return what this program needs to go on. */
export function check(errno: i32, what: string, expected: i32 = WASI_ESUCCESS): void {
  if (errno != expected) fail(`${what}: expected ${errnoName(expected)}, got ${errnoName(errno)}`);
}

/** The value of a call that returns -errno, or the program's end. */
export function must(value: i32, what: string): i32 {
  if (value < 0) fail(`${what}: ${errnoName(-value)}`);
  return value;
}

// Arguments

function stringsOf(count: u32, pointers: usize): string[] {
  const strings: string[] = [];
  for (let i: u32 = 0; i < count; i++) {
    const at = load<u32>(pointers + i * 4);
    let length: u32 = 0;
    while (load<u8>(at + length) != 0) length++;
    strings.push(textOf(at, length));
  }
  return strings;
}

export function args(): string[] {
  const sizes = heap.alloc(8);
  check(wasi.args_sizes_get(sizes, sizes + 4), "args_sizes_get");
  const pointers = heap.alloc(load<u32>(sizes) * 4 + 4);
  check(wasi.args_get(pointers, heap.alloc(load<u32>(sizes, 4) + 1)), "args_get");
  return stringsOf(load<u32>(sizes), pointers);
}

/** "NAME=value" strings, in the host's order. */
export function environ(): string[] {
  const sizes = heap.alloc(8);
  check(wasi.environ_sizes_get(sizes, sizes + 4), "environ_sizes_get");
  const pointers = heap.alloc(load<u32>(sizes) * 4 + 4);
  check(wasi.environ_get(pointers, heap.alloc(load<u32>(sizes, 4) + 1)), "environ_get");
  return stringsOf(load<u32>(sizes), pointers);
}

// Reading and writing: the number of bytes, or -errno

function iovec(at: usize, length: u32): usize {
  store<u32>(iovecCell, <u32>at);
  store<u32>(iovecCell, length, 4);
  return iovecCell;
}

export function readBytes(fd: i32, at: usize, length: u32): i32 {
  const errno = wasi.fd_read(fd, iovec(at, length), 1, resultCell);
  return errno != WASI_ESUCCESS ? -errno : load<i32>(resultCell);
}

export function writeBytes(fd: i32, at: usize, length: u32): i32 {
  const errno = wasi.fd_write(fd, iovec(at, length), 1, resultCell);
  return errno != WASI_ESUCCESS ? -errno : load<i32>(resultCell);
}

export function preadBytes(fd: i32, at: usize, length: u32, offset: u64): i32 {
  const errno = wasi.fd_pread(fd, iovec(at, length), 1, offset, resultCell);
  return errno != WASI_ESUCCESS ? -errno : load<i32>(resultCell);
}

export function pwriteBytes(fd: i32, at: usize, length: u32, offset: u64): i32 {
  const errno = wasi.fd_pwrite(fd, iovec(at, length), 1, offset, resultCell);
  return errno != WASI_ESUCCESS ? -errno : load<i32>(resultCell);
}

/** Writes all of a string, however short the single writes are. Returns 0 or -errno. */
export function writeAll(fd: i32, text: string): i32 {
  const bytes = new Text(text);
  let done: u32 = 0;
  while (done < bytes.length) {
    const count = writeBytes(fd, bytes.at + done, bytes.length - done);
    if (count < 0) return count;
    done += <u32>count;
  }
  return 0;
}

export function close(fd: i32): i32 {
  return wasi.fd_close(fd);
}

/** The new position goes to result64(). */
export function seek(fd: i32, offset: i64, whence: i32): i32 {
  return wasi.fd_seek(fd, offset, whence, resultCell);
}

/** The position goes to result64(). */
export function tell(fd: i32): i32 {
  return wasi.fd_tell(fd, resultCell);
}

// Paths, relative to a directory's descriptor

/** A descriptor, or -errno. */
export function openAt(
  dir: i32,
  path: string,
  oflags: i32 = 0,
  rights: u64 = RIGHTS_READ_WRITE,
  fdflags: i32 = 0,
  lookup: i32 = LOOKUP_SYMLINK_FOLLOW,
  inheriting: u64 = RIGHTS_INHERITED,
): i32 {
  const name = new Text(path);
  const errno = wasi.path_open(
    dir,
    lookup,
    name.at,
    name.length,
    oflags,
    rights,
    inheriting,
    fdflags,
    resultCell,
  );
  return errno != WASI_ESUCCESS ? -errno : load<i32>(resultCell);
}

export function mkdirAt(dir: i32, path: string): i32 {
  const name = new Text(path);
  return wasi.path_create_directory(dir, name.at, name.length);
}

export function rmdirAt(dir: i32, path: string): i32 {
  const name = new Text(path);
  return wasi.path_remove_directory(dir, name.at, name.length);
}

export function unlinkAt(dir: i32, path: string): i32 {
  const name = new Text(path);
  return wasi.path_unlink_file(dir, name.at, name.length);
}

export function renameAt(oldDir: i32, oldPath: string, newDir: i32, newPath: string): i32 {
  const from = new Text(oldPath);
  const to = new Text(newPath);
  return wasi.path_rename(oldDir, from.at, from.length, newDir, to.at, to.length);
}

export function linkAt(oldDir: i32, oldPath: string, newDir: i32, newPath: string, lookup: i32 = 0): i32 {
  const from = new Text(oldPath);
  const to = new Text(newPath);
  return wasi.path_link(oldDir, lookup, from.at, from.length, newDir, to.at, to.length);
}

export function symlinkAt(target: string, dir: i32, path: string): i32 {
  const text = new Text(target);
  const name = new Text(path);
  return wasi.path_symlink(text.at, text.length, dir, name.at, name.length);
}

/** The filestat goes to `filestat`, which needs 64 bytes at a multiple of 8. */
export function statAt(dir: i32, path: string, filestat: usize, lookup: i32 = LOOKUP_SYMLINK_FOLLOW): i32 {
  const name = new Text(path);
  return wasi.path_filestat_get(dir, lookup, name.at, name.length, filestat);
}

/** The number of bytes written to `buffer`, or -errno. */
export function readlinkAt(dir: i32, path: string, buffer: usize, length: u32): i32 {
  const name = new Text(path);
  const errno = wasi.path_readlink(dir, name.at, name.length, buffer, length, resultCell);
  return errno != WASI_ESUCCESS ? -errno : load<i32>(resultCell);
}

// Absolute paths, through the preopened directories, as libc does it

/** An absolute path told as a preopened directory and a path below it. */
@final
export class Located {
  constructor(
    readonly fd: i32,
    readonly path: string,
  ) {}
}

function isBelow(path: string, directory: string): bool {
  if (directory == "/" || path == directory) return true;
  return path.startsWith(`${directory}/`);
}

/**
 * The longest preopen that the path lies under; a relative path is taken from "/". Ends the program when
 * there is none.
 */
export function locate(path: string): Located {
  const absolute = path.startsWith("/") ? path : `/${path}`;
  let bestFd = -1;
  let bestLength = -1;
  const prestat = heap.alloc(8);
  for (let fd = FIRST_PREOPEN; true; fd++) {
    // BADF behind the last one; node:wasi says INVAL when that number is an open file.
    if (wasi.fd_prestat_get(fd, prestat) != WASI_ESUCCESS) break;
    const length = load<u32>(prestat, 4);
    const buffer = heap.alloc(length + 1);
    check(wasi.fd_prestat_dir_name(fd, buffer, length), "fd_prestat_dir_name");
    const name = textOf(buffer, length);
    if (isBelow(absolute, name) && name.length > bestLength) {
      bestFd = fd;
      bestLength = name.length;
    }
  }
  if (bestFd < 0) fail(`${path}: below no preopened directory`);
  let rest = absolute.substring(bestLength);
  while (rest.startsWith("/")) rest = rest.substring(1);
  return new Located(bestFd, rest == "" ? "." : rest);
}

/** Opens by absolute path: a descriptor, or -errno. */
export function openPath(path: string, oflags: i32, rights: u64): i32 {
  const located = locate(path);
  return openAt(located.fd, located.path, oflags, rights);
}

export function now(clock: u32): u64 {
  check(wasi.clock_time_get(clock, 0, resultCell), "clock_time_get");
  return load<u64>(resultCell);
}
