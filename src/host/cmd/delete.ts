// wvisor delete: a container and all that is kept of it goes.

import type { Command, CommandInput } from "./command.ts";
import { runFrontFor } from "./front.ts";
import { OCI_EXIT_CODES, onlyId } from "./oci.ts";

const USAGE = `Usage: wvisor delete [flags] ID

Deletes a container that has stopped, or that was never started.

Flags:
  -f, --force   One that runs, too: it is killed. All is well if there is none of that name
      --debug   With an error, show where it arose

Exit code: 0 deleted, 1 not.
`;

export const deleteCommand: Command = {
  name: "delete",
  summary: "Delete a container",
  usage: USAGE,
  flags: { force: { type: "switch", short: "f" } },
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run: runDelete,
};

function runDelete(input: CommandInput): number {
  const flags = input.flags.isOn("force", false) ? ["--force"] : [];
  return runFrontFor(input, "delete", onlyId(input), { flags });
}
