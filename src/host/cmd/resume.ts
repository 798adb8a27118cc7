// wvisor resume: a container that was paused goes on.

import type { Command } from "./command.ts";
import { runFrontFor } from "./front.ts";
import { OCI_EXIT_CODES, onlyId } from "./oci.ts";

const USAGE = `Usage: wvisor resume ID

Lets a container that was paused go on.

Flags:
      --debug   With an error, show where it arose

Exit code: 0 resumed, 1 not: it is not paused.
`;

export const resumeCommand: Command = {
  name: "resume",
  summary: "Resume a paused container",
  usage: USAGE,
  flags: {},
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run: (input) => runFrontFor(input, "resume", onlyId(input)),
};
