// Asks the kernel for as many bytes as one call may bring, again and again, in one small buffer.
//
//   greedy random         random_get
//   greedy read PATH      fd_read of the file at PATH, with many buffers that are one

import { errnoName } from "./lib/errno-name.ts";
import { args, fail, locate, must, openAt, print, RIGHTS_READ_ONLY } from "./lib/wasi.ts";
import * as wasi from "./lib/wasi_snapshot_preview1.ts";

const PAGES = 1024;
const VECTORS: u32 = 1024;
const vectors: usize = memory.data(8192, 4);
const moved: usize = memory.data(4, 4);

export function _start(): void {
  const given = args();
  const way = given.length > 1 ? given[1] : "";
  const buffer = (<usize>memory.size()) << 16;
  if (memory.grow(PAGES) < 0) fail("no memory");
  const length: u32 = PAGES << 16;
  for (let i: u32 = 0; i < VECTORS; i++) {
    store<u32>(vectors + (i << 3), <u32>buffer);
    store<u32>(vectors + (i << 3), length, 4);
  }
  let fd = -1;
  if (way == "read" && given.length > 2) {
    const located = locate(given[2]);
    fd = must(openAt(located.fd, located.path, 0, RIGHTS_READ_ONLY), "opening");
  }
  print("greedy\n");
  while (true) {
    const errno = fd < 0 ? wasi.random_get(buffer, length) : wasi.fd_read(fd, vectors, VECTORS, moved);
    if (errno != 0) fail(errnoName(errno));
  }
}
