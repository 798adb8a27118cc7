// A worker thread that runs one guest: its entry. What it runs comes as workerData, how it ended goes back as a message.

import { parentPort, workerData } from "node:worker_threads";
import { WvisorError } from "../../common/errors.ts";
import { loadNative } from "../../native/index.ts";
import { type GuestExit, type GuestStart, runGuest } from "./runner.ts";

/** What the worker tells its supervisor: that the guest begins, that it met its limit on output, how it ended. An error itself would not survive the message. */
export type GuestReport = { readonly kind: "started" } | { readonly kind: "output" } | GuestEnd;
export type GuestEnd =
  | { readonly kind: "exit"; readonly exit: GuestExit }
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly exitCode: number }
  | { readonly kind: "panic"; readonly message: string };

function tell(report: GuestReport): void {
  parentPort!.postMessage(report);
}

function run(start: GuestStart): GuestEnd {
  const native = loadNative();
  if (native === undefined) return { kind: "panic", message: "the native helper is missing" };
  try {
    const starting = (): void => tell({ kind: "started" });
    const outputExceeded = (): void => tell({ kind: "output" });
    return { kind: "exit", exit: runGuest(native, start, { starting, outputExceeded }) };
  } catch (error) {
    if (error instanceof WvisorError) {
      return { kind: "refused", code: error.code, message: error.message, exitCode: error.exitCode };
    }
    return { kind: "panic", message: (error as Error).message };
  }
}

tell(run(workerData as GuestStart));
