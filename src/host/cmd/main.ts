#!/usr/bin/env node
// The entry of the command line, small on purpose: the gofer of a command that will need one is started first, and the rest of
// the program (3 ms to read) while it comes up.

import { createRequire } from "node:module";
import { loadNative } from "../../native/index.ts";
import { startGoferAhead } from "../sandbox/gofer-process.ts";

const SANDBOX_COMMANDS: readonly (string | undefined)[] = ["do", "run"];

const native = loadNative();
const startsSandbox = native !== undefined && SANDBOX_COMMANDS.includes(process.argv[2]);
const gofer = startsSandbox ? startGoferAhead(native) : undefined;

// The build names it: src/host/cmd/program.ts, in a bundle of its own.
const { dispatch, processOutput } = createRequire(import.meta.filename)(
  "./program.js",
) as typeof import("./program.ts");

// dispatch() never rejects, and all that it had to write is written: no need to take a whole Node apart, which takes longer
// than many a guest runs.
void dispatch(process.argv.slice(2), processOutput, gofer).then((code) => {
  native?.exit(code);
  process.exitCode = code;
});
