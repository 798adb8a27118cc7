// Takes as much of something as it can get, and tells how much that was and with which errno it ended: "WAY COUNT ERRNO".
//
//   limits open PATH     descriptors of a file that is there
//   limits write PATH    bytes of a new file
//   limits memory        pages of 64 KiB, by memory.grow
//   limits touch         the same, each byte of them written; then it goes on for ever

import { OFLAGS_CREAT } from "../../assembly/abi/wasi.ts";
import { errnoName } from "./lib/errno-name.ts";
import { args, fail, locate, must, openAt, print, RIGHTS_READ_ONLY } from "./lib/wasi.ts";
import * as wasi from "./lib/wasi_snapshot_preview1.ts";

const RIGHTS_FILE: u64 = (1 << 1) | (1 << 6);
const BLOCK: u32 = 300;
const PAGE: u32 = 65536;
const STEP: u32 = 16;
const vector: usize = memory.data(8, 4);
const cell: usize = memory.data(8, 4);
const block: usize = memory.data(512);

function tell(way: string, count: u64, errno: u32): void {
  print(`${way} ${count} ${errno == 0 ? "-" : errnoName(errno)}\n`);
}

function open(file: string): void {
  const located = locate(file);
  let count: u64 = 0;
  while (true) {
    const fd = openAt(located.fd, located.path, 0, RIGHTS_READ_ONLY);
    if (fd < 0) {
      tell("open", count, -fd);
      return;
    }
    count++;
  }
}

function write(file: string): void {
  const located = locate(file);
  const fd = must(openAt(located.fd, located.path, OFLAGS_CREAT, RIGHTS_FILE), "opening");
  store<u32>(vector, <u32>block);
  store<u32>(vector, BLOCK, 4);
  let count: u64 = 0;
  while (true) {
    const errno = wasi.fd_write(fd, vector, 1, cell);
    if (errno != 0) {
      tell("write", count, errno);
      return;
    }
    count += load<u32>(cell);
  }
}

function grow(touches: bool): void {
  let count: u64 = 0;
  while (true) {
    const before = memory.grow(STEP);
    if (before < 0) break;
    count += STEP;
    if (touches) memory.fill(<usize>before * PAGE, 1, STEP * PAGE);
  }
  tell(touches ? "touch" : "memory", count, 0);
}

export function _start(): void {
  const given = args();
  const way = given.length > 1 ? given[1] : "";
  if (way == "open" && given.length > 2) open(given[2]);
  else if (way == "write" && given.length > 2) write(given[2]);
  else if (way == "memory") grow(false);
  else if (way == "touch") {
    grow(true);
    while (true) {}
  } else fail("limits open PATH | write PATH | memory | touch");
}
