// Calls whose way leads through the kernel into the host: streams, and what a file system of another process needs. Like
// every-import.ts, for programs that want to be there at an awkward moment.

import {
  CLOCK_REALTIME,
  EVENTTYPE_FD_READ,
  LOOKUP_SYMLINK_FOLLOW,
  OFLAGS_CREAT,
  OFLAGS_DIRECTORY,
  RIGHT_FD_READ,
  RIGHT_FD_READDIR,
  RIGHT_FD_WRITE,
} from "../../../assembly/abi/wasi.ts";
import * as wasi from "./wasi_snapshot_preview1.ts";

const PREOPEN: i32 = 3;

const cell: usize = memory.data(16, 8);
const iovec: usize = memory.data(8, 8);
const scratch: usize = memory.data(4096, 8);
const subscription: usize = memory.data(48, 8);
const file: usize = memory.data<u8>([0x66, 0x69, 0x6c, 0x65]);
const FILE_LENGTH: u32 = 4;
const dot: usize = memory.data<u8>([0x2e]);
const made: usize = memory.data<u8>([0x6d, 0x61, 0x64, 0x65]);
const MADE_LENGTH: u32 = 4;

function bytes(count: u32): usize {
  store<u32>(iovec, <u32>scratch);
  store<u32>(iovec, count, 4);
  return iovec;
}

function pollInput(): i32 {
  memory.fill(subscription, 0, 48);
  store<u8>(subscription, <u8>EVENTTYPE_FD_READ, 8);
  return wasi.poll_oneoff(subscription, scratch, 1, cell);
}

function readFile(): i32 {
  let errno = wasi.path_open(PREOPEN, LOOKUP_SYMLINK_FOLLOW, file, FILE_LENGTH, 0, RIGHT_FD_READ, 0, 0, cell);
  if (errno != 0) return errno;
  const fd = load<i32>(cell);
  errno = wasi.fd_read(fd, bytes(64), 1, cell);
  const closed = wasi.fd_close(fd);
  return errno != 0 ? errno : closed;
}

function listDirectory(): i32 {
  let errno = wasi.path_open(
    PREOPEN,
    LOOKUP_SYMLINK_FOLLOW,
    dot,
    1,
    OFLAGS_DIRECTORY,
    RIGHT_FD_READDIR,
    0,
    0,
    cell,
  );
  if (errno != 0) return errno;
  const fd = load<i32>(cell);
  errno = wasi.fd_readdir(fd, scratch, 4096, 0, cell);
  const closed = wasi.fd_close(fd);
  return errno != 0 ? errno : closed;
}

function makeFile(): i32 {
  let errno = wasi.path_open(PREOPEN, 0, made, MADE_LENGTH, OFLAGS_CREAT, RIGHT_FD_WRITE, 0, 0, cell);
  if (errno != 0) return errno;
  const fd = load<i32>(cell);
  errno = wasi.fd_write(fd, bytes(64), 1, cell);
  const closed = wasi.fd_close(fd);
  if (errno != 0) return errno;
  return closed != 0 ? closed : wasi.path_unlink_file(PREOPEN, made, MADE_LENGTH);
}

/** Of a lower layer the first time: a copy-up. */
function writeFile(): i32 {
  let errno = wasi.path_open(PREOPEN, 0, file, FILE_LENGTH, 0, RIGHT_FD_WRITE, 0, 0, cell);
  if (errno != 0) return errno;
  const fd = load<i32>(cell);
  errno = wasi.fd_write(fd, bytes(64), 1, cell);
  const closed = wasi.fd_close(fd);
  return errno != 0 ? errno : closed;
}

/** There and back. */
function renameFile(): i32 {
  const errno = wasi.path_rename(PREOPEN, file, FILE_LENGTH, PREOPEN, made, MADE_LENGTH);
  if (errno != 0) return errno;
  return wasi.path_rename(PREOPEN, made, MADE_LENGTH, PREOPEN, file, FILE_LENGTH);
}

const names: string[] = [
  "stdin",
  "stdout",
  "poll-stdin",
  "realtime",
  "read-file",
  "list",
  "make-file",
  "write-file",
  "rename",
];

const calls: (() => i32)[] = [
  (): i32 => wasi.fd_read(0, bytes(1), 1, cell),
  (): i32 => wasi.fd_write(1, bytes(1), 1, cell),
  pollInput,
  (): i32 => wasi.clock_time_get(CLOCK_REALTIME, 0, cell),
  readFile,
  listDirectory,
  makeFile,
  writeFile,
  renameFile,
];

export function hostCallNamed(name: string): i32 {
  return names.indexOf(name);
}

/** The errno. */
export function callHost(index: i32): i32 {
  return unchecked(calls[index])();
}
