#!/usr/bin/env node

// The entry of the command line, small on purpose: the gofer of a command that will need one is started first, and the rest of
// the program while it comes up.

import { loadNative, type Native } from "../../native/index.ts";
import { runBundle } from "../../start/bundle.ts";
import { type SpawnedGofer, startGoferAhead } from "../sandbox/gofer-process.ts";
import { containerConfinement } from "../sandbox/levels.ts";

const native = loadNative();
const gofer = native === undefined ? undefined : startAhead(native, process.argv.slice(2));

/** As the command will want it. One with flags about its confinement is started when they are understood. */
function startAhead(native: Native, [command, ...rest]: readonly string[]): SpawnedGofer | undefined {
  if (rest.some((argument) => /^--(confine|gofer-|detach)|^-d$/.test(argument))) return undefined;
  if (command === "do") return startGoferAhead(native, { windows: true });
  if (command !== "run") return undefined;
  const confinement = containerConfinement(process.getuid?.() ?? 0);
  return startGoferAhead(native, { confinement, windows: true });
}

// The build names it: src/host/cmd/program.ts.
const { dispatch, processOutput } = runBundle("program") as typeof import("./program.ts");

// dispatch() never rejects, and all that it had to write is written: no need to take a whole Node apart, which takes longer
// than many a guest runs.
void dispatch(process.argv.slice(2), processOutput, gofer).then((code) => {
  native?.exit(code);
  process.exitCode = code;
});
