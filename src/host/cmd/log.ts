// Errors for engines: one record for each, appended to the file that --log names.

import { appendFileSync } from "node:fs";
import { boundedText } from "../../common/one-line.ts";
import type { Flags } from "./flags.ts";

/** Engines read `level` and `msg`. A file that cannot be written to is no reason to fail differently. */
export function logError(flags: Flags, error: unknown): void {
  const file = flags.text("log");
  if (file === undefined || file === "") return;
  const msg = boundedText(error instanceof Error ? error.message : String(error));
  const time = new Date().toISOString();
  const record =
    flags.text("log-format") === "json"
      ? JSON.stringify({ level: "error", msg, time })
      : `time="${time}" level=error msg=${JSON.stringify(msg)}`;
  try {
    appendFileSync(file, `${record}\n`);
  } catch {
    // The error itself goes to stderr in any case.
  }
}
