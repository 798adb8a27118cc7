// exit-code N: ends with that exit code, out of nested calls.

import { args, exit, fail } from "./lib/wasi.ts";

function exitBelow(depth: i32, code: i32): i32 {
  if (depth == 0) exit(code);
  return exitBelow(depth - 1, code) + 1;
}

export function _start(): void {
  const given = args();
  if (given.length != 2) fail("usage: exit-code N", 2);
  exitBelow(8, I32.parseInt(given[1]));
}
