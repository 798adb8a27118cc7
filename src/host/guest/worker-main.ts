// A worker thread that runs one guest: its entry. What it runs comes as workerData, how it ended goes back as one message.

import { parentPort, workerData } from "node:worker_threads";
import { loadNative } from "../../native/index.ts";
import { type GuestExit, type GuestStart, runGuest } from "./runner.ts";

/** What the worker tells its supervisor, once. */
export type GuestReport = { readonly exit: GuestExit } | { readonly error: Error };

function run(start: GuestStart): GuestReport {
  const native = loadNative();
  if (native === undefined) return { error: new Error("the native helper is missing") };
  try {
    return { exit: runGuest(native, start) };
  } catch (error) {
    return { error: error as Error };
  }
}

parentPort!.postMessage(run(workerData as GuestStart));
