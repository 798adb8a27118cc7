// cat FILE...: the files' bytes on standard output. Exits with 1 when one of them cannot be read.

import { RIGHT_FD_READ } from "../../assembly/abi/wasi.ts";
import { errnoName } from "./lib/errno-name.ts";
import { args, close, exit, openPath, readBytes, writeBytes, writeText } from "./lib/wasi.ts";

const BUFFER_SIZE: u32 = 65536;
const buffer: usize = memory.data(65536);

function copy(fd: i32): i32 {
  while (true) {
    const count = readBytes(fd, buffer, BUFFER_SIZE);
    if (count <= 0) return count;
    let done = 0;
    while (done < count) {
      const written = writeBytes(1, buffer + done, count - done);
      if (written < 0) return written;
      done += written;
    }
  }
}

export function _start(): void {
  const names = args();
  let status = 0;
  for (let i = 1; i < names.length; i++) {
    const fd = openPath(names[i], 0, RIGHT_FD_READ);
    let result = fd;
    if (fd >= 0) {
      result = copy(fd);
      close(fd);
    }
    if (result < 0) {
      writeText(2, `cat: ${names[i]}: ${errnoName(-result)}\n`);
      status = 1;
    }
  }
  if (status != 0) exit(status);
}
