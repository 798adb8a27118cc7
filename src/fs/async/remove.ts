// rm() of the asynchronous forms: tried again while somebody uses what is to be removed.

import { checkRmArguments } from "../remove.ts";
import type { SyncFs } from "../sync/sync.ts";
import { settled } from "./completion.ts";

/** Errors that may pass. */
const PASSING: ReadonlySet<unknown> = new Set(["EBUSY", "EMFILE", "ENFILE", "ENOTEMPTY", "EPERM"]);
const RETRY_DELAY_MS = 100;

interface RetryOptions {
  readonly maxRetries?: number;
  readonly retryDelay?: number;
}

export async function remove(sync: SyncFs, path: unknown, options: unknown): Promise<void> {
  checkRmArguments(options);
  const { maxRetries = 0, retryDelay = RETRY_DELAY_MS } = (options ?? {}) as RetryOptions;
  // The synchronous form would wait without letting anybody else do anything.
  const once =
    typeof options === "object" && options !== null && maxRetries > 0
      ? { ...options, maxRetries: 0 }
      : options;
  for (let tries = 0; ; tries++) {
    try {
      await settled(() => sync.rmSync(path as string, once as never));
      return;
    } catch (error) {
      if (tries >= maxRetries || !PASSING.has((error as NodeJS.ErrnoException).code)) throw error;
      // Each wait is longer than the last.
      await new Promise((resolve) => setTimeout(resolve, retryDelay * (tries + 1)));
    }
  }
}
