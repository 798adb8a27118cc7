// Tells the event loop when descriptors are ready. Node has no call for that: a worker waits by epoll and posts a message; this
// thread then asks epoll itself, deals with what is ready, and opens the gate, at which the worker waits meanwhile.

import { Worker } from "node:worker_threads";
import { ErrnoError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import { workerSource } from "../boot/worker-source.ts";
import { READINESS_SLOT, type ReadinessStart, WAITING } from "./readiness-start.ts";

const EVENTS_MAX = 64;
/** i32 descriptor, u32 events. */
const EVENT_BYTES = 8;

/** Read before the process confines itself. */
export function loadReadinessWorker(): string {
  return workerSource("readiness-worker.js");
}

export class Readiness {
  readonly #native: Native;
  readonly #epollFd: number;
  readonly #gate = new Int32Array(new SharedArrayBuffer(4));
  readonly #events = new Uint8Array(EVENTS_MAX * EVENT_BYTES);
  readonly #callbacks = new Map<number, () => void>();

  constructor(native: Native) {
    this.#native = native;
    this.#epollFd = native.epollCreate();
    if (this.#epollFd < 0) throw new ErrnoError(-this.#epollFd, "epoll_create1");
    const start: ReadinessStart = {
      epollFd: this.#epollFd,
      gate: this.#gate.buffer as unknown as SharedArrayBuffer,
    };
    const streams = { stdout: true, stderr: true };
    const worker = new Worker(loadReadinessWorker(), { eval: true, workerData: start, ...streams });
    worker.on("message", () => this.#deliver());
  }

  /** `ready` is called when `fd` can be read or its peer is gone, as long as that is so. Ownership: borrows `fd` until unwatch(). */
  watch(fd: number, ready: () => void): void {
    const result = this.#native.epollAdd(this.#epollFd, fd);
    if (result < 0) throw new ErrnoError(-result, "epoll_ctl");
    this.#callbacks.set(fd, ready);
  }

  /** What is waited for instead of reading: POLLIN or POLLOUT. */
  setInterest(fd: number, events: number): void {
    const result = this.#native.epollInterest(this.#epollFd, fd, events);
    if (result < 0) throw new ErrnoError(-result, "epoll_ctl");
  }

  /** Before `fd` is closed. */
  unwatch(fd: number): void {
    if (this.#callbacks.delete(fd)) this.#native.epollRemove(this.#epollFd, fd);
  }

  #deliver(): void {
    this.#native.registerMemory(READINESS_SLOT, this.#events);
    const count = this.#native.epollWait(this.#epollFd, READINESS_SLOT, 0, EVENTS_MAX, 0);
    const view = new DataView(this.#events.buffer);
    const ready = Array.from({ length: Math.max(count, 0) }, (_, at) =>
      view.getInt32(at * EVENT_BYTES, true),
    );
    // One of them may have ended the next.
    for (const fd of ready) this.#callbacks.get(fd)?.();
    Atomics.store(this.#gate, 0, WAITING);
    Atomics.notify(this.#gate, 0);
  }
}
