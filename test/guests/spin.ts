// Says that it has started, then never calls the kernel again and never ends.

import { print } from "./lib/wasi.ts";

/** Exported, so that the loop has an effect that no compiler takes away. */
export let rounds: u64 = 0;

export function _start(): void {
  print("spinning\n");
  while (true) rounds++;
}
