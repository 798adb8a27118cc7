// Text for the user, written at once. process.stdout and console are not used: in a process whose main thread runs a guest
// no event loop would ever flush them.

import { writeSync } from "node:fs";

export interface Output {
  /** Writes to stdout: text, or bytes as they are. */
  out(text: string | Uint8Array): void;
  /** Writes to stderr. */
  err(text: string): void;
}

const RETRY_MS = 2;

function writeAll(fd: number, text: string | Uint8Array): void {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      // A pipe that somebody made O_NONBLOCK is full: its reader needs a moment.
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
        continue;
      }
      // Nobody reads any more (EPIPE), or the descriptor is closed: there is no one left to tell.
      return;
    }
  }
}

export const processOutput: Output = {
  out: (text) => writeAll(1, text),
  err: (text) => writeAll(2, text),
};
