#!/usr/bin/env node
// The entry of the CLI's bundle. No top-level await, so that the bundle may have either module format.

import { dispatch } from "./dispatch.ts";
import { processOutput } from "./output.ts";

// dispatch() never rejects.
void dispatch(process.argv.slice(2), processOutput).then((code) => {
  process.exitCode = code;
});
