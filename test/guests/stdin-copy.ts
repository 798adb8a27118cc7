// Copies standard input to standard output until the end of file, then says on standard error how many bytes
// there were.

import { errnoName } from "./lib/errno-name.ts";
import { fail, readBytes, writeBytes, writeText } from "./lib/wasi.ts";

const BUFFER_SIZE: u32 = 65536;
const buffer: usize = memory.data(65536);

export function _start(): void {
  let total: u64 = 0;
  while (true) {
    const count = readBytes(0, buffer, BUFFER_SIZE);
    if (count < 0) fail(`reading: ${errnoName(-count)}`);
    if (count == 0) break;
    let done = 0;
    while (done < count) {
      const written = writeBytes(1, buffer + done, count - done);
      if (written < 0) fail(`writing: ${errnoName(-written)}`);
      done += written;
    }
    total += <u64>count;
  }
  writeText(2, `copied ${total} bytes\n`);
}
