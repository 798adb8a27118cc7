// wvisor start: runs the program of a container that was created.

import type { Command } from "./command.ts";
import { runFrontFor } from "./front.ts";
import { OCI_EXIT_CODES, onlyId } from "./oci.ts";

const USAGE = `Usage: wvisor start ID

Runs the program of a container that was created.

Flags:
      --debug   With an error, show where it arose

Exit code: 0 started, 1 not: there is no such container, or it was started before.
`;

export const startCommand: Command = {
  name: "start",
  summary: "Start a created container",
  usage: USAGE,
  flags: {},
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run: (input) => runFrontFor(input, "start", onlyId(input)),
};
