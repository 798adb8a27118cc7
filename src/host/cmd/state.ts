// wvisor state: what a container is at the moment.

import type { Command } from "./command.ts";
import { runFrontFor } from "./front.ts";
import { OCI_EXIT_CODES, onlyId } from "./oci.ts";

const USAGE = `Usage: wvisor state ID

Prints the state of a container as JSON (OCI runtime specification). Its status is created, running, paused or stopped; pid is that of the
process that stands for it on the host, 0 when it has stopped.

Flags:
      --debug   With an error, show where it arose

Exit code: 0, or 1 when there is no such container.
`;

export const stateCommand: Command = {
  name: "state",
  summary: "Print the state of a container",
  usage: USAGE,
  flags: {},
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run: (input) => runFrontFor(input, "state", onlyId(input)),
};
