// Says which of its standard streams is a terminal to libc's isatty(), then does what each line that it reads says: "quit" ends it
// with exit code 3, "flood" has it write without an end, "spin" compute without one, and any other is shown. At the end of input
// its exit code is 4.

import { FILETYPE_CHARACTER_DEVICE, RIGHT_FD_SEEK, RIGHT_FD_TELL } from "../../assembly/abi/wasi.ts";
import { errnoName } from "./lib/errno-name.ts";
import { exit, FDSTAT_FILETYPE, FDSTAT_RIGHTS_BASE, fail, print, readBytes } from "./lib/wasi.ts";
import { fd_fdstat_get } from "./lib/wasi_snapshot_preview1.ts";

const EXIT_QUIT = 3;
const EXIT_END = 4;
const BUFFER_SIZE: u32 = 4096;
const buffer: usize = memory.data(4096);
const fdstat: usize = memory.data(24, 8);

/** Exported, so that the loop has an effect that no compiler takes away. */
export let rounds: u64 = 0;

/** As wasi-libc's isatty(). */
function isTerminal(fd: i32): bool {
  if (fd_fdstat_get(fd, fdstat) != 0) return false;
  const rights = load<u64>(fdstat, FDSTAT_RIGHTS_BASE);
  const type = load<u8>(fdstat, FDSTAT_FILETYPE);
  return type == FILETYPE_CHARACTER_DEVICE && (rights & (RIGHT_FD_SEEK | RIGHT_FD_TELL)) == 0;
}

function answer(line: string): void {
  if (line == "quit") exit(EXIT_QUIT);
  if (line == "spin") {
    print("spinning\n");
    while (true) rounds++;
  }
  while (line == "flood") print("0123456789abcdefghijklmnopqrstuvwxyz\n");
  print(`line "${line}"\n`);
}

export function _start(): void {
  print(`terminal ${isTerminal(0)} ${isTerminal(1)} ${isTerminal(2)}\n`);
  while (true) {
    const count = readBytes(0, buffer, BUFFER_SIZE);
    if (count < 0) fail(`reading: ${errnoName(-count)}`);
    if (count == 0) exit(EXIT_END);
    answer(String.UTF8.decodeUnsafe(buffer, count).trimEnd());
  }
}
