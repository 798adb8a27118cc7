// Takes all that it can get, in many ways, and tells with which errno each of them ended.
//
//   filler DIR...      for each directory, a file system of its own perhaps: lines "WAY COUNT ERRNO"
//
// What was taken is kept until the end. Then, on the first directory, what a full system must still be able to do: a file is
// removed, and another one made ("again 1 ERRNO").

import { OFLAGS_CREAT, OFLAGS_DIRECTORY, OFLAGS_EXCL } from "../../assembly/abi/wasi.ts";
import { BytePath } from "./lib/byte-path.ts";
import { errnoName } from "./lib/errno-name.ts";
import { args, locate, must, openAt, print, RIGHTS_DIRECTORY, RIGHTS_INHERITED } from "./lib/wasi.ts";
import * as wasi from "./lib/wasi_snapshot_preview1.ts";

const NAME_FILL: u32 = 230;
const TARGET: u32 = 4000;
const BLOCK: u32 = 1 << 20;
const NEGATIVE: u32 = 100000;
// Bounds of what would leave no room for the other ways.
const DIRECTORIES: u32 = 100000;
const FILES: u32 = 1000;
const MEGABYTES: u32 = 64;
const RIGHTS_FILE: u64 = (1 << 1) | (1 << 6);

const path = new BytePath();
const fill: usize = heap.alloc(TARGET);
const cell: usize = heap.alloc(64);
const vector: usize = heap.alloc(8);

/** A long name that no other way and number has. */
function named(way: u8, number: u32): BytePath {
  return path.clear().byte(way).number(number).byte(0x2d).bytes(fill, NAME_FILL);
}

function make(dir: i32, way: u8, number: u32): i32 {
  const name = named(way, number);
  const flags = OFLAGS_CREAT | OFLAGS_EXCL;
  return wasi.path_open(dir, 0, name.at, name.length, flags, RIGHTS_FILE, 0, 0, cell);
}

function tell(way: string, count: u32, errno: i32): void {
  print(`${way} ${count} ${errnoName(errno)}\n`);
}

function fillLinks(dir: i32): void {
  let count: u32 = 0;
  let errno = 0;
  while (errno == 0) {
    const name = named(0x6c, count);
    errno = wasi.path_symlink(fill, TARGET, dir, name.at, name.length);
    if (errno == 0) count++;
  }
  tell("links", count, errno);
}

function fillDown(dir: i32): void {
  let at = dir;
  let count: u32 = 0;
  let errno = 0;
  while (errno == 0 && count < DIRECTORIES) {
    const name = named(0x64, 0);
    errno = wasi.path_create_directory(at, name.at, name.length);
    if (errno != 0) break;
    errno = wasi.path_open(
      at,
      0,
      name.at,
      name.length,
      OFLAGS_DIRECTORY,
      RIGHTS_DIRECTORY,
      RIGHTS_INHERITED,
      0,
      cell,
    );
    if (at != dir) wasi.fd_close(at);
    at = load<i32>(cell);
    count++;
  }
  tell("directories", count, errno);
}

function fillNames(dir: i32): void {
  let count: u32 = 0;
  let errno = 0;
  while (errno == 0 && count < FILES) {
    errno = make(dir, 0x66, count);
    if (errno != 0) break;
    wasi.fd_close(load<i32>(cell));
    count++;
  }
  tell("files", count, errno);
}

function fillHardLinks(dir: i32): void {
  let count: u32 = 0;
  let errno = make(dir, 0x68, 0);
  if (errno == 0) {
    wasi.fd_close(load<i32>(cell));
    const first = new BytePath();
    first.byte(0x68).number(0).byte(0x2d).bytes(fill, NAME_FILL);
    while (errno == 0) {
      const name = named(0x68, count + 1);
      errno = wasi.path_link(dir, 0, first.at, first.length, dir, name.at, name.length);
      if (errno == 0) count++;
    }
  }
  tell("hardlinks", count, errno);
}

function fillData(dir: i32, block: usize): void {
  let count: u32 = 0;
  let errno = make(dir, 0x62, 0);
  if (errno == 0) {
    const fd = load<i32>(cell);
    store<u32>(vector, <u32>block);
    store<u32>(vector, BLOCK, 4);
    while (errno == 0 && count < MEGABYTES) {
      errno = wasi.fd_write(fd, vector, 1, cell);
      if (errno == 0) count++;
    }
    wasi.fd_close(fd);
  }
  tell("megabytes", count, errno);
}

function askForMissing(dir: i32): void {
  let errno = 0;
  let count: u32 = 0;
  for (let i: u32 = 0; i < NEGATIVE; i++) {
    const name = named(0x6e, i);
    errno = wasi.path_filestat_get(dir, 0, name.at, name.length, cell);
    count++;
  }
  tell("missing", count, errno);
}

function fillDescriptors(dir: i32): i32 {
  let count: u32 = 0;
  let errno = 0;
  let last = -1;
  while (errno == 0) {
    path.clear().byte(0x2e);
    errno = wasi.path_open(dir, 0, path.at, 1, OFLAGS_DIRECTORY, RIGHTS_DIRECTORY, RIGHTS_INHERITED, 0, cell);
    if (errno != 0) break;
    last = load<i32>(cell);
    count++;
  }
  tell("descriptors", count, errno);
  return last;
}

export function _start(): void {
  const given = args();
  const block = (<usize>memory.size()) << 16;
  memory.grow(BLOCK >> 16);
  memory.fill(fill, 0x61, TARGET);
  let first = -1;
  for (let i = 1; i < given.length; i++) {
    const located = locate(given[i]);
    const dir = must(openAt(located.fd, located.path, OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), given[i]);
    if (first < 0) first = dir;
    print(`in ${given[i]}\n`);
    fillNames(dir);
    fillData(dir, block);
    fillDown(dir);
    fillLinks(dir);
    fillHardLinks(dir);
    askForMissing(dir);
  }
  const last = fillDescriptors(first);
  wasi.fd_close(last);
  const data = named(0x62, 0);
  wasi.path_unlink_file(first, data.at, data.length);
  const name = named(0x66, 0);
  wasi.path_unlink_file(first, name.at, name.length);
  tell("again", 1, make(first, 0x61, 0));
}
