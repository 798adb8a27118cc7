// wvisor kill: a signal for a container.

import { parseSignal, SIGTERM } from "../../common/signals.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { runFrontFor } from "./front.ts";
import { OCI_EXIT_CODES } from "./oci.ts";

const USAGE = `Usage: wvisor kill [flags] ID [SIGNAL]

Sends a signal to the program of a container: a number, or a name with or without SIG (default: TERM). A guest has no handlers, so
it ends of every signal that would end such a program on Linux, and its exit code is 128 + the signal's number.

Flags:
  -a, --all     All is well if the container has stopped already
      --debug   With an error, show where it arose

Exit code: 0 sent, 1 not.
`;

export const killCommand: Command = {
  name: "kill",
  summary: "Send a signal to a container",
  usage: USAGE,
  flags: { all: { type: "switch", short: "a" } },
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run: runKill,
};

function runKill(input: CommandInput): number {
  const [id, name, extra] = input.operands;
  if (id === undefined) throw new UsageError("which container? expected an ID");
  if (extra !== undefined) throw new UsageError(`unexpected argument ${extra}`);
  const signal = name === undefined ? SIGTERM : parseSignal(name);
  if (signal === undefined) throw new UsageError(`unknown signal ${JSON.stringify(name)}`);
  const flags = input.flags.isOn("all", false) ? ["--all"] : [];
  return runFrontFor(input, "kill", id, { flags, operands: [String(signal)] });
}
