// Where a trace is written: a file that was opened before the sandbox was confined, or standard error.
//
// Each piece is written at once, by the thread that runs the guest: a reader that is slow slows the guest, and nothing is lost when the
// process is killed. A reader that went away, or a full disk, ends the trace and not the program.

import { openSync } from "node:fs";
import { EAGAIN } from "../../../assembly/abi/errno.ts";
import { errnoName, WvisorError } from "../../common/errors.ts";
import { oneLine } from "../../common/one-line.ts";
import type { Native } from "../../native/index.ts";

const STDERR = 2;
/** The helper's slot of the thread that traces. */
const TRACE_SLOT = 9;
/** Longer pieces go out in parts. */
const BUFFER_BYTES = 65536;
const RETRY_MS = 2;

const buffer = new Uint8Array(BUFFER_BYTES);
const encoder = new TextEncoder();
const sleeper = new Int32Array(new SharedArrayBuffer(4));
let registered = false;

/** Puts the first bytes of `text` into the slot; how many. `read` are the characters that fitted. */
function load(native: Native, text: string): { read: number; written: number } {
  if (!registered) native.registerMemory(TRACE_SLOT, buffer);
  registered = true;
  return encoder.encodeInto(text, buffer);
}

/** All of `text`, or -errno. */
function writeAll(native: Native, fd: number, text: string): number {
  for (let rest = text; rest !== ""; ) {
    const { read, written } = load(native, rest);
    for (let at = 0; at < written; ) {
      const result = native.write(fd, TRACE_SLOT, at, written - at);
      // A pipe that somebody made O_NONBLOCK is full.
      if (result === -EAGAIN) Atomics.wait(sleeper, 0, 0, RETRY_MS);
      else if (result < 0) return result;
      else at += result;
    }
    rest = rest.slice(read);
  }
  return 0;
}

export class TraceOutput {
  readonly #native: Native;
  readonly #fd: number;
  readonly #name: string;
  /** Which of the helper's last words are this output's. */
  readonly #index: number;
  #open = true;

  private constructor(native: Native, fd: number, name: string, index: number) {
    this.#native = native;
    this.#fd = fd;
    this.#name = name;
    this.#index = index;
  }

  static stderr(native: Native, index: number): TraceOutput {
    return new TraceOutput(native, STDERR, "standard error", index);
  }

  /** Makes or empties the file. Errors: WvisorError. */
  static file(native: Native, name: string, index: number): TraceOutput {
    try {
      return new TraceOutput(native, openSync(name, "w", 0o666), name, index);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new WvisorError("ERR_WVISOR_TRACE", `opening ${name} for the trace: ${code}`, undefined, {
        cause,
      });
    }
  }

  get isOpen(): boolean {
    return this.#open;
  }

  write(text: string): void {
    if (!this.#open) return;
    const result = writeAll(this.#native, this.#fd, text);
    if (result === 0) return;
    this.#open = false;
    this.#native.lastWords(this.#index, -1, TRACE_SLOT, 0, 0);
    if (this.#fd === STDERR) return;
    const why = `writing ${this.#name}: ${errnoName(-result)}`;
    writeAll(this.#native, STDERR, `wvisor: warning: the trace ends here: ${oneLine(why)}\n`);
  }

  /** What the helper writes when a deadline ends the process; it takes no more than LAST_WORDS_MAX bytes. */
  setLastWords(text: string): void {
    if (!this.#open) return;
    const { written } = load(this.#native, text);
    this.#native.lastWords(this.#index, this.#fd, TRACE_SLOT, 0, written);
  }
}

/** As the helper has it: PIPE_BUF. */
export const LAST_WORDS_MAX = 4096;
