// When asynchronous calls complete. A call is made at once, so that calls take effect in the order in which they are written, and what
// it gave is handed on later: from the event loop, as Node does, after the code that runs and its microtasks.

import type { SystemError } from "../system-error.ts";

/** Errors without an errno that an asynchronous call hands on nevertheless. */
const HANDED_ON: ReadonlySet<unknown> = new Set([
  "ABORT_ERR",
  "ERR_FS_FILE_TOO_LARGE",
  "ERR_STRING_TOO_LONG",
]);

function makeSoon(): (done: () => void) => void {
  // Taken now: a test's fake clock holds up no file system, in Node neither.
  const { setImmediate: immediate } = globalThis;
  if (typeof immediate === "function") return (done) => void immediate(done);
  // A browser. Its timers wait for milliseconds; messages do not.
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (done) => {
    waiting.push(done);
    port2.postMessage(null);
  };
}

/** Runs `done` from the event loop, in the order of these calls. */
export const soon = makeSoon();

/** Whether an error is the file system's answer, and not the argument check's. */
export function isAnswer(error: unknown): boolean {
  const { errno, code } = error as Partial<SystemError>;
  return typeof errno === "number" || HANDED_ON.has(code);
}

/** Makes a call now; the promise settles from the event loop. What the argument check refuses rejects it at once. */
export function settled<T>(call: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      const value = call();
      soon(() => resolve(value));
    } catch (error) {
      if (isAnswer(error)) soon(() => reject(error as Error));
      else reject(error as Error);
    }
  });
}

/** The error of a call that a signal ends, as Node has it. */
export class AbortError extends Error {
  readonly code = "ABORT_ERR";

  constructor(signal: AbortSignal) {
    super("The operation was aborted", { cause: signal.reason });
    this.name = "AbortError";
  }
}

export function throwIfAborted(signal: AbortSignal | undefined | null): void {
  if (signal?.aborted) throw new AbortError(signal);
}
