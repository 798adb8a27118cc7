// wvisor ps: the processes of a container.

import { type Command, type CommandInput, UsageError } from "./command.ts";
import { runFrontFor } from "./front.ts";
import { OCI_EXIT_CODES } from "./oci.ts";

const USAGE = `Usage: wvisor ps [flags] ID

Lists the processes of a container: HOSTPID is the process that stands for it on the host, PID its number inside.

Flags:
  -f, --format table|json   How (default: table); json has the pids of the host only
      --debug               With an error, show where it arose

Exit code: 0, or 1 when the container does not run.
`;

export const psCommand: Command = {
  name: "ps",
  summary: "List the processes of a container",
  usage: USAGE,
  flags: { format: { type: "string", short: "f" } },
  operandsEndFlags: true,
  exitCodes: OCI_EXIT_CODES,
  run: runPs,
};

function runPs(input: CommandInput): number {
  const { flags, operands } = input;
  const [id] = operands;
  if (id === undefined) throw new UsageError("which container? expected an ID");
  const format = flags.text("format") ?? "table";
  if (format !== "json" && format !== "table")
    throw new UsageError(`--format ${format}: expected table or json`);
  return runFrontFor(input, "ps", id, { flags: [`--format=${format}`] });
}
