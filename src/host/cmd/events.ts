// wvisor events: what a container uses.

import { requireNative } from "../../native/index.ts";
import { parseDuration } from "../config/units.ts";
import { failed } from "../container/errors.ts";
import { watchContainer } from "../container/events.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { OCI_EXIT_CODES, onlyId, openContainers } from "./oci.ts";

const USAGE = `Usage: wvisor events [flags] ID

Prints what a container uses, again and again until it stops, and when a process of it was ended because its memory was at its limit:
a line of JSON each, as runc does.

Flags:
      --interval DURATION   Between two lines of statistics (default: 5s)
      --stats               One line of statistics, and no more
      --debug               With an error, show where it arose

Exit code: 0, or 1 when the container does not run.
`;

const DEFAULT_INTERVAL = "5s";

export const eventsCommand: Command = {
  name: "events",
  summary: "Print what a container uses",
  usage: USAGE,
  flags: { stats: { type: "switch" }, interval: { type: "string" } },
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run: runEvents,
};

async function runEvents(input: CommandInput): Promise<number> {
  const { flags, output } = input;
  const text = flags.text("interval") ?? DEFAULT_INTERVAL;
  const intervalMs = parseDuration(text);
  if (intervalMs === undefined) throw new UsageError(`--interval ${text}: expected a duration such as 5s`);
  if (intervalMs === 0) throw failed("duration interval must be greater than 0");
  const native = requireNative();
  await watchContainer(native, openContainers(native, input), {
    id: onlyId(input),
    once: flags.isOn("stats", false),
    intervalMs,
    print: (event) => output.out(`${event}\n`),
  });
  return 0;
}
