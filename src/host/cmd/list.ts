// wvisor list: all containers.

import { type Command, type CommandInput, UsageError } from "./command.ts";
import { runFront } from "./front.ts";
import { OCI_EXIT_CODES } from "./oci.ts";

const USAGE = `Usage: wvisor list [flags]

Lists the containers below --root.

Flags:
  -q, --quiet               Ids only
  -f, --format table|json   How (default: table)
      --debug               With an error, show where it arose

Exit code: 0.
`;

export const listCommand: Command = {
  name: "list",
  summary: "List containers",
  usage: USAGE,
  flags: { quiet: { type: "switch", short: "q" }, format: { type: "string", short: "f" } },
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run: runList,
};

function runList(input: CommandInput): number {
  const { flags, operands } = input;
  if (operands.length > 0) throw new UsageError(`unexpected argument ${operands[0]}`);
  const format = flags.text("format") ?? "table";
  if (format !== "json" && format !== "table")
    throw new UsageError(`--format ${format}: expected table or json`);
  const quiet = flags.isOn("quiet", false) ? ["--quiet"] : [];
  return runFront(input, "list", [...quiet, `--format=${format}`]);
}
