// Reads what it was handed as descriptor 3 to standard output, writes "answered" to descriptor 4, then shows the file that its
// argument names: descriptors that it was handed keep nobody from finding what is preopened behind them.

import { RIGHT_FD_READ } from "../../assembly/abi/wasi.ts";
import { args, fail, must, openPath, readBytes, writeAll, writeBytes } from "./lib/wasi.ts";

const SIZE: u32 = 4096;
const buffer: usize = memory.data(4096);

function show(fd: i32, what: string): void {
  while (true) {
    const count = must(readBytes(fd, buffer, SIZE), what);
    if (count == 0) return;
    must(writeBytes(1, buffer, count), "standard output");
  }
}

export function _start(): void {
  const given = args();
  if (given.length != 2) fail("usage: handed FILE", 2);
  show(3, "descriptor 3");
  must(writeAll(4, "answered\n"), "descriptor 4");
  show(must(openPath(given[1], 0, RIGHT_FD_READ), given[1]), given[1]);
}
