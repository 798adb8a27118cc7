// The sandbox's end of the socket of a process that stands for one of its processes on the host (wv-anchor): signals come in, an
// exit status goes out, one byte each.

import type { Native } from "../../native/index.ts";
import type { Readiness } from "./readiness.ts";

/** The helper's slot for what comes and goes. */
const SESSION_SLOT = 11;
const BYTES = new Uint8Array(64);
const EAGAIN = 11;

export interface SessionEvents {
  signal(number: number): void;
  /** The process on the host is gone. */
  hangUp(): void;
}

export class Session {
  readonly #native: Native;
  readonly #readiness: Readiness;
  readonly #fd: number;
  #open = true;

  /** Ownership: takes `fd`. */
  constructor(native: Native, readiness: Readiness, fd: number, events: SessionEvents) {
    this.#native = native;
    this.#readiness = readiness;
    this.#fd = fd;
    readiness.watch(fd, () => this.#receive(events));
  }

  #receive(events: SessionEvents): void {
    this.#native.registerMemory(SESSION_SLOT, BYTES);
    const count = this.#native.read(this.#fd, SESSION_SLOT, 0, BYTES.length);
    if (count > 0) {
      for (const number of BYTES.slice(0, count)) events.signal(number);
    } else if (count !== -EAGAIN) {
      this.close();
      events.hangUp();
    }
  }

  /** Tells the process what to exit with. */
  exit(code: number): void {
    if (!this.#open) return;
    this.#native.registerMemory(SESSION_SLOT, BYTES);
    BYTES[0] = code & 0xff;
    this.#native.write(this.#fd, SESSION_SLOT, 0, 1);
    this.close();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#readiness.unwatch(this.#fd);
    this.#native.close(this.#fd);
  }
}
