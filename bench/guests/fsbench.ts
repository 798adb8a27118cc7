// File operations in loops, timed by the program itself: starting up is not in the numbers.
//
//   fsbench OP COUNT DIR       one operation that often, one line "OP ns"
//   fsbench all ROUNDS DIR     every operation, warm, in ROUNDS rounds: lines "OP ROUND ns"
//
// The preview1 functions are called directly, with paths that were encoded before: no libc is measured. DIR
// is filled on the first use: a/b/c/d/file for the path of five components, data for reading and writing,
// list with 1000 files.

import {
  CLOCK_MONOTONIC,
  LOOKUP_SYMLINK_FOLLOW,
  OFLAGS_CREAT,
  OFLAGS_DIRECTORY,
  OFLAGS_EXCL,
  RIGHT_FD_READ,
  SIZEOF_DIRENT,
  WASI_EEXIST,
  WASI_ESUCCESS,
  WHENCE_SET,
} from "../../assembly/abi/wasi.ts";
import { errnoName } from "../../test/guests/lib/errno-name.ts";
import {
  args,
  check,
  close,
  DIRENT_NAME_LENGTH,
  fail,
  locate,
  mkdirAt,
  must,
  now,
  openAt,
  preadBytes,
  print,
  pwriteBytes,
  RIGHTS_DIRECTORY,
  RIGHTS_INHERITED,
  RIGHTS_READ_WRITE,
} from "../../test/guests/lib/wasi.ts";
import * as wasi from "../../test/guests/lib/wasi_snapshot_preview1.ts";

const OPERATIONS: string[] = [
  "stat",
  "open-close",
  "pread-4k",
  "pread-64k",
  "pwrite-1",
  "pwrite-4k",
  "create-unlink",
  "readdir-1000",
  "lseek",
  "fdstat",
];

const PAGE: u32 = 4096;
const BLOCK: u32 = 65536;
const LISTED: i32 = 1000;
const LISTING_SIZE: u32 = 16384;

/**
 * A measurement takes about this long: long beside the clock's own cost, short beside the machine's changes
 * of mood.
 */
const MEASURED_NS: u64 = 25_000_000;
/**
 * The operation is repeated this long before the first measurement, for the engine to compile what it calls.
 */
const WARM_UP_NS: u64 = 60_000_000;

const buffer: usize = memory.data(65536, 16);
const filestat: usize = memory.data(64, 8);
const cell: usize = memory.data(8, 8);
const vector: usize = memory.data(8, 8);

const deepPath: ArrayBuffer = String.UTF8.encode("a/b/c/d/file");
const newPath: ArrayBuffer = String.UTF8.encode("new");

let dir: i32 = -1;
let data: i32 = -1;
let list: i32 = -1;

function directoryAt(at: i32, name: string): i32 {
  const errno = mkdirAt(at, name);
  if (errno != WASI_EEXIST) check(errno, `making ${name}`);
  return must(openAt(at, name, OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), `opening ${name}`);
}

function setUp(path: string): void {
  const located = locate(path);
  dir = must(openAt(located.fd, located.path, OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), `opening ${path}`);
  let deep = dir;
  for (let i = 0; i < 4; i++) deep = directoryAt(deep, "abcd".charAt(i));
  check(close(must(openAt(deep, "file", OFLAGS_CREAT), "creating file")), "closing file");
  data = must(openAt(dir, "data", OFLAGS_CREAT), "creating data");
  must(pwriteBytes(data, buffer, BLOCK, 0), "writing data");
  list = directoryAt(dir, "list");
  for (let i = 0; i < LISTED; i++) {
    const fd = must(openAt(list, `file-${i}`, OFLAGS_CREAT), "creating a listed file");
    check(close(fd), "closing a listed file");
  }
  store<u32>(vector, <u32>buffer);
}

function stat(): i32 {
  const path = changetype<usize>(deepPath);
  return wasi.path_filestat_get(dir, LOOKUP_SYMLINK_FOLLOW, path, deepPath.byteLength, filestat);
}

function openClose(): i32 {
  const path = changetype<usize>(deepPath);
  const length = deepPath.byteLength;
  const errno = wasi.path_open(dir, LOOKUP_SYMLINK_FOLLOW, path, length, 0, RIGHT_FD_READ, 0, 0, cell);
  return errno != WASI_ESUCCESS ? errno : wasi.fd_close(load<i32>(cell));
}

function pread(length: u32): i32 {
  store<u32>(vector, length, 4);
  return wasi.fd_pread(data, vector, 1, 0, cell);
}

function pwrite(length: u32): i32 {
  store<u32>(vector, length, 4);
  return wasi.fd_pwrite(data, vector, 1, 0, cell);
}

function createUnlink(): i32 {
  const path = changetype<usize>(newPath);
  const length = newPath.byteLength;
  const oflags = OFLAGS_CREAT | OFLAGS_EXCL;
  let errno = wasi.path_open(dir, 0, path, length, oflags, RIGHTS_READ_WRITE, RIGHTS_INHERITED, 0, cell);
  if (errno != WASI_ESUCCESS) return errno;
  errno = wasi.fd_close(load<i32>(cell));
  return errno != WASI_ESUCCESS ? errno : wasi.path_unlink_file(dir, path, length);
}

/**
 * Lists the directory from its start to its end. A host that loses names would be fast: that ends the
 * program.
 */
function readdir(): i32 {
  let cookie: u64 = 0;
  let names = 0;
  let used = LISTING_SIZE;
  while (used == LISTING_SIZE) {
    const errno = wasi.fd_readdir(list, buffer, LISTING_SIZE, cookie, cell);
    if (errno != WASI_ESUCCESS) return errno;
    used = load<u32>(cell);
    let at: u32 = 0;
    while (at + SIZEOF_DIRENT <= used) {
      const end = at + SIZEOF_DIRENT + load<u32>(buffer + at, DIRENT_NAME_LENGTH);
      if (end > used) break;
      cookie = load<u64>(buffer + at);
      names++;
      at = end;
    }
  }
  // Some hosts leave out dot and dot-dot.
  if (names != LISTED && names != LISTED + 2) fail(`readdir: ${names} names`);
  return WASI_ESUCCESS;
}

function run(operation: i32, times: u64): void {
  let errno = WASI_ESUCCESS;
  for (let i: u64 = 0; i < times && errno == WASI_ESUCCESS; i++) {
    switch (operation) {
      case 0:
        errno = stat();
        break;
      case 1:
        errno = openClose();
        break;
      case 2:
        errno = pread(PAGE);
        break;
      case 3:
        errno = pread(BLOCK);
        break;
      case 4:
        errno = pwrite(1);
        break;
      case 5:
        errno = pwrite(PAGE);
        break;
      case 6:
        errno = createUnlink();
        break;
      case 7:
        errno = readdir();
        break;
      case 8:
        errno = wasi.fd_seek(data, i & 0xfff, WHENCE_SET, cell);
        break;
      default:
        errno = wasi.fd_fdstat_get(data, filestat);
        break;
    }
  }
  if (errno != WASI_ESUCCESS) fail(`${OPERATIONS[operation]}: ${errnoName(errno)}`);
}

/** The time of one operation in hundredths of a nanosecond. */
function measure(operation: i32, times: u64): u64 {
  const start = now(CLOCK_MONOTONIC);
  run(operation, times);
  return ((now(CLOCK_MONOTONIC) - start) * 100) / times;
}

function decimal(hundredths: u64): string {
  const rest = hundredths % 100;
  return `${hundredths / 100}.${rest < 10 ? "0" : ""}${rest}`;
}

/** Repeats the operation until it is warm. Returns how often it has to run for one measurement. */
function warmUp(operation: i32): u64 {
  const start = now(CLOCK_MONOTONIC);
  let times: u64 = 1;
  let cost: u64 = 1;
  while (now(CLOCK_MONOTONIC) - start < WARM_UP_NS) {
    cost = max(measure(operation, times), 1);
    const wanted = (MEASURED_NS * 100) / cost;
    times = max(min(wanted, times * 4), 1);
  }
  return max((MEASURED_NS * 100) / cost, 1);
}

function runAll(rounds: i32): void {
  const times: u64[] = [];
  for (let i = 0; i < OPERATIONS.length; i++) times.push(warmUp(i));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < OPERATIONS.length; i++) {
      print(`${OPERATIONS[i]} ${round} ${decimal(measure(i, times[i]))}\n`);
    }
  }
}

export function _start(): void {
  const given = args();
  if (given.length != 4) fail("usage: fsbench OP COUNT DIR | fsbench all ROUNDS DIR", 2);
  setUp(given[3]);
  must(preadBytes(data, buffer, BLOCK, 0), "reading data");
  if (given[1] == "all") {
    runAll(I32.parseInt(given[2]));
    return;
  }
  const operation = OPERATIONS.indexOf(given[1]);
  if (operation < 0) fail(`there is no operation called ${given[1]}`, 2);
  print(`${given[1]} ${decimal(measure(operation, U64.parseInt(given[2])))}\n`);
}
