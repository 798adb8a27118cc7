// wvisor pause: nothing of a container runs until it is resumed.

import type { Command } from "./command.ts";
import { runFrontFor } from "./front.ts";
import { OCI_EXIT_CODES, onlyId } from "./oci.ts";

const USAGE = `Usage: wvisor pause ID

Stops all processes of a container where they are, by its cgroup, until 'wvisor resume ID'.

Flags:
      --debug   With an error, show where it arose

Exit code: 0 paused, 1 not: it does not run, or has no cgroup.
`;

export const pauseCommand: Command = {
  name: "pause",
  summary: "Pause a container",
  usage: USAGE,
  flags: {},
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run: (input) => runFrontFor(input, "pause", onlyId(input)),
};
