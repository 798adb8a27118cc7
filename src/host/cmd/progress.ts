// How far long work has come: one line of a terminal, written again and again; nothing elsewhere.

import type { Output } from "./output.ts";
import { isTerminal, STDERR } from "./terminal.ts";

/** Work that takes less than this shows nothing. */
const DELAY_MS = 500;
const INTERVAL_MS = 100;
const ERASE_LINE = "\r\x1b[K";

/** Is told how much of how much is done. */
export function progressOn(
  output: Output,
  quiet: boolean,
  what: string,
): (done: number, all: number) => void {
  if (quiet || !isTerminal(STDERR)) return () => {};
  let next = Date.now() + DELAY_MS;
  let isShown = false;
  return (done, all) => {
    const now = Date.now();
    if (done >= all) {
      if (isShown) output.err(ERASE_LINE);
      isShown = false;
    } else if (now >= next) {
      output.err(`${ERASE_LINE}${done} of ${all} ${what}`);
      isShown = true;
      next = now + INTERVAL_MS;
    }
  };
}
