// wvisor wait: until a container has ended.

import { requireNative } from "../../native/index.ts";
import { waitFor } from "../container/wait.ts";
import type { Command } from "./command.ts";
import { OCI_EXIT_CODES, onlyId, openContainers } from "./oci.ts";

const USAGE = `Usage: wvisor wait ID

Waits until the container has ended and prints {"id":ID,"exitStatus":N}.

Flags:
      --debug   With an error, show where it arose

Exit code: 0, or 1 when there is no such container or it has stopped already.
`;

export const waitCommand: Command = {
  name: "wait",
  summary: "Wait until a container has ended",
  usage: USAGE,
  flags: {},
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run(input) {
    const id = onlyId(input);
    const native = requireNative();
    const exitStatus = waitFor(native, openContainers(native, input), id);
    input.output.out(`${JSON.stringify({ id, exitStatus })}\n`);
    return 0;
  },
};
