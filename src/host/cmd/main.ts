#!/usr/bin/env node
// The entry of the CLI's bundle. No top-level await, so that the bundle may have either module format.

import { loadNative } from "../../native/index.ts";
import { dispatch } from "./dispatch.ts";
import { processOutput } from "./output.ts";

// dispatch() never rejects, and all that it had to write is written: no need to take a whole Node apart, which takes longer
// than many a guest runs.
void dispatch(process.argv.slice(2), processOutput).then((code) => {
  loadNative()?.exit(code);
  process.exitCode = code;
});
