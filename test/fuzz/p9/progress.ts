// Says now and then how far a long run is.

import { writeSync } from "node:fs";

export type Progress = (done: number) => void;

const STDERR = 2;
const EVERY_MS = 30_000;

/** Prints a line every half minute that it is told of anything. */
export function printProgress(what: string, full: number): Progress {
  const begun = performance.now();
  let said = begun;
  return (done) => {
    const now = performance.now();
    if (now - said < EVERY_MS) return;
    said = now;
    const seconds = (now - begun) / 1000;
    const percent = Math.floor((100 * done) / full);
    // Not console.log(), which vitest passes on when the event loop has a turn: some of these runs give it none.
    writeSync(STDERR, `${what}: ${done} of ${full} (${percent}%) after ${Math.round(seconds)} s\n`);
  };
}
