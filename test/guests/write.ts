// write FILE TEXT: FILE, made or emptied, holds TEXT and a newline. Exits with 1 and the errno's name when it cannot.

import { OFLAGS_CREAT, OFLAGS_TRUNC, RIGHT_FD_WRITE } from "../../assembly/abi/wasi.ts";
import { errnoName } from "./lib/errno-name.ts";
import { args, close, fail, openPath, writeAll } from "./lib/wasi.ts";

export function _start(): void {
  const given = args();
  if (given.length != 3) fail("usage: write FILE TEXT", 2);
  const fd = openPath(given[1], OFLAGS_CREAT | OFLAGS_TRUNC, RIGHT_FD_WRITE);
  if (fd < 0) fail(`write: ${given[1]}: ${errnoName(-fd)}`);
  const written = writeAll(fd, `${given[2]}\n`);
  if (written < 0) fail(`write: ${given[1]}: ${errnoName(-written)}`);
  close(fd);
}
