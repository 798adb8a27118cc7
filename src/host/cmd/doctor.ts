// wvisor doctor: how tightly a sandbox is confined here, why, and what would make it tighter.

import { oneLine } from "../../common/one-line.ts";
import { type Examination, examine, type Finding } from "../sandbox/examination.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";

const USAGE = `Usage: wvisor doctor [--json]

Says which level of confinement sandboxes have on this system, for this user, and what stands in the way of a higher one. It
tries: a gofer is started at each level and ended again.

  native+ns   the gofer runs in namespaces, in a root directory without the host's files, with at most five capabilities;
              seccomp and Landlock hold it and the sandbox's process
  native      the same without namespaces

Flags:
      --json   Print the same as one JSON object: level, findings with name, ok, detail and remedy
      --debug  With an error, show where in wVisor it arose

Exit code: 0 when sandboxes can be started, 1 when not, 2 when the arguments are wrong.
`;

export const doctorCommand: Command = {
  name: "doctor",
  summary: "Say how tightly sandboxes are confined here, and why",
  usage: USAGE,
  flags: { json: { type: "boolean" } },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: runDoctor,
};

function runDoctor({ flags, operands, output }: CommandInput): number {
  if (operands.length > 0) throw new UsageError(`unexpected argument ${operands[0]}`);
  const examination = examine();
  output.out(flags.has("json") ? `${JSON.stringify(examination)}\n` : report(examination));
  return examination.level === null ? EXIT_REFUSED : 0;
}

function report({ level, findings }: Examination): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.map((finding) => describe(finding, width));
  return `confinement: ${level ?? "none, no sandbox can be started"}\n${lines.join("")}`;
}

function describe({ name, ok, detail, remedy }: Finding, width: number): string {
  const line = `  ${ok ? "ok" : "no"}  ${name.padEnd(width)}  ${oneLine(detail)}\n`;
  return remedy === undefined ? line : `${line}      ${"".padEnd(width)}  needs ${remedy}\n`;
}
