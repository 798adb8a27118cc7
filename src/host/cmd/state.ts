// wvisor state: what a container is at the moment.

import { requireNative } from "../../native/index.ts";
import { stateOf } from "../container/record.ts";
import type { Command } from "./command.ts";
import { OCI_EXIT_CODES, onlyId, openContainers } from "./oci.ts";

const USAGE = `Usage: wvisor state ID

Prints the state of a container as JSON (OCI runtime specification). Its status is created, running or stopped; pid is that of the
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
  run(input) {
    const { record, status } = openContainers(requireNative(), input).find(onlyId(input));
    input.output.out(`${JSON.stringify(stateOf(record, status), undefined, 2)}\n`);
    return 0;
  },
};
