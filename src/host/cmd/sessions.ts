// wvisor sessions: where changes are kept.

import { oneLine } from "../../common/one-line.ts";
import { hostFacts } from "../config/host-facts.ts";
import type { ListedSession } from "../session/sessions.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";
import { sessionsOf } from "./session-command.ts";

const USAGE = `Usage: wvisor sessions [--json]

Lists the sessions in which the changes of 'wvisor do' are kept, and the directories that they are of. A session ends when it is
applied or discarded.

  wvisor sessions
  wvisor sessions --json | jq -r '.sessions[].name'
  wvisor discard --session NAME    Drop one of them

Flags:
      --json   As one JSON document
  -q, --quiet  Names only
      --debug  With an error, show where in wVisor it arose

Exit code: 0; 1 when it cannot be done; 2 when the arguments are wrong.
`;

const JSON_VERSION = 1;

export const sessionsCommand: Command = {
  name: "sessions",
  summary: "List the sessions that keep changes",
  usage: USAGE,
  flags: { json: { type: "boolean" }, quiet: { type: "boolean", short: "q" } },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: runSessions,
};

function runSessions({ flags, operands, output }: CommandInput): number {
  if (operands.length > 0) throw new UsageError(`unexpected argument ${operands[0]}`);
  const listed = sessionsOf(hostFacts()).list();
  if (flags.has("json")) {
    output.out(`${JSON.stringify({ version: JSON_VERSION, sessions: listed.map(asJson) }, undefined, 2)}\n`);
  } else if (flags.has("quiet")) {
    output.out(listed.map(({ name }) => `${name}\n`).join(""));
  } else {
    output.out(asTable(listed));
  }
  return 0;
}

function asJson({ name, directory, record, isBusy }: ListedSession): object {
  if (typeof record === "string") return { name, directory, busy: isBusy, error: record };
  const { base, created, wvisor } = record;
  return { name, directory, busy: isBusy, base: base.path, created, wvisor };
}

function asTable(listed: readonly ListedSession[]): string {
  if (listed.length === 0) return "";
  const width = Math.max("NAME".length, ...listed.map(({ name }) => name.length));
  const lines = listed.map(({ name, record, isBusy }) => {
    const [created, base] =
      typeof record === "string"
        ? ["-", `(unreadable: ${record})`]
        : [record.created.replace(/\.\d+Z$/, "Z"), record.base.path];
    return `${name.padEnd(width)}  ${created.padEnd(20)}  ${isBusy ? "in use" : "      "}  ${oneLine(base)}\n`;
  });
  return `${"NAME".padEnd(width)}  ${"MADE".padEnd(20)}          DIRECTORY\n${lines.join("")}`;
}
