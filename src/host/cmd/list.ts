// wvisor list: all containers.

import { requireNative } from "../../native/index.ts";
import { type ContainerState, stateOf } from "../container/record.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { OCI_EXIT_CODES, openContainers } from "./oci.ts";
import { table } from "./table.ts";

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
  const { flags, operands, output } = input;
  if (operands.length > 0) throw new UsageError(`unexpected argument ${operands[0]}`);
  const format = flags.text("format") ?? "table";
  const states = openContainers(requireNative(), input)
    .list()
    .map(({ record, status }) => stateOf(record, status));
  if (flags.isOn("quiet", false)) output.out(states.map(({ id }) => `${id}\n`).join(""));
  else if (format === "json") output.out(`${JSON.stringify(states)}\n`);
  else if (format === "table") output.out(table(HEADINGS, states.map(row)));
  else throw new UsageError(`--format ${format}: expected table or json`);
  return 0;
}

const HEADINGS = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"];

function row({ id, pid, status, bundle, created, owner }: ContainerState): string[] {
  return [id, String(pid), status, bundle, created, owner];
}
