// The sandbox's end of the socket of a process that stands for one of its processes on the host (wv-anchor): signals come in, an
// exit status goes out, one byte each.

import type { Native } from "../../native/index.ts";
import { ContainerError } from "../boot/errors.ts";
import type { Readiness } from "./readiness.ts";

/** The helper's slot for what comes and goes. */
const SESSION_SLOT = 11;
const BYTES = 64;
/** Behind the bytes, the list of descriptors that go with them: none. */
const RIGHTS = BYTES;
const MEMORY = new Uint8Array(RIGHTS + 4);
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

  /** Ownership: takes `fd`. Errors: ContainerError for what cannot be waited for. */
  constructor(native: Native, readiness: Readiness, fd: number, events: SessionEvents) {
    this.#native = native;
    this.#readiness = readiness;
    this.#fd = fd;
    try {
      readiness.watch(fd, () => this.#receive(events));
    } catch (error) {
      native.close(fd);
      throw new ContainerError(`the session's socket: ${(error as Error).message}`);
    }
  }

  /** Nobody listens any more. */
  get ended(): boolean {
    return !this.#open;
  }

  #receive(events: SessionEvents): void {
    this.#native.registerMemory(SESSION_SLOT, MEMORY);
    // Never waits, whoever else has the socket and takes what was there.
    const count = this.#native.receiveRights(this.#fd, SESSION_SLOT, 0, BYTES, RIGHTS, 0);
    if (count > 0) {
      for (const number of MEMORY.slice(0, count)) events.signal(number);
    } else if (count !== -EAGAIN) {
      this.close();
      events.hangUp();
    }
  }

  /** Tells the process what to exit with. */
  exit(code: number): void {
    if (!this.#open) return;
    this.#native.registerMemory(SESSION_SLOT, MEMORY);
    MEMORY[0] = code & 0xff;
    MEMORY.fill(0, RIGHTS);
    this.#native.sendRights(this.#fd, SESSION_SLOT, 0, 1, RIGHTS);
    this.close();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#readiness.unwatch(this.#fd);
    this.#native.close(this.#fd);
  }
}
