// wvisor diff: what a session has changed.

import { S_IFDIR } from "../../../assembly/abi/stat.ts";
import { type Change, typeOf } from "../session/change.ts";
import { formatChanges } from "../session/changes-json.ts";
import { formatStat } from "../session/diff-stat.ts";
import { formatPatch } from "../session/patch.ts";
import { lostInPatch, type PatchFile, patchFilesOf } from "../session/patch-file.ts";
import { quotedPath } from "../session/shown-path.ts";
import { LETTERS } from "./changes-summary.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";
import type { Output } from "./output.ts";
import { changesNamed, type OpenSession, withSession, writeText } from "./session-command.ts";
import { shownPatch } from "./shown-patch.ts";
import { colorsOf, isTerminal, STDOUT } from "./terminal.ts";

const USAGE = `Usage: wvisor diff [flags] [PATH...]

Shows what programs changed in the session of this directory, or of the nearest one above it that has a session.

  wvisor diff                              As a patch, which 'git apply' takes
  wvisor diff src                          Only what is below src
  wvisor diff --stat                       A line for each file
  wvisor diff --json | jq '.changes[].path'
  wvisor diff --session try2 | git apply   Another attempt

Flags:
      --session NAME   This session ("wvisor sessions" lists them)
  -p, --patch          As a patch (the default). What git's patches cannot say, such as an empty directory, is a warning
      --stat           Lines or bytes of each file, as git shows them
      --name-status    A letter and the path, for each: A added, M modified, D deleted, R renamed, T another type
      --json           All that is known, as one JSON document: docs/copy-on-write.md describes it
      --exit-code      Exit with 1 when something is changed
      --debug          With an error, show where in wVisor it arose

Exit code: 0, also without changes; 1 with --exit-code and changes, or when it cannot be done; 2 when the arguments are wrong.
`;

const FORMATS = ["patch", "stat", "name-status", "json"] as const;
type Format = (typeof FORMATS)[number];

export const diffCommand: Command = {
  name: "diff",
  summary: "Show what programs changed in a session",
  usage: USAGE,
  flags: {
    session: { type: "string" },
    patch: { type: "boolean", short: "p" },
    stat: { type: "boolean" },
    "name-status": { type: "boolean" },
    json: { type: "boolean" },
    "exit-code": { type: "boolean" },
  },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: runDiff,
};

function runDiff(input: CommandInput): number {
  const format = formatOf(input);
  return withSession(input, undefined, (open) => {
    const changes = changesNamed(open.changes, input.operands, open.session, open.host.cwd);
    show(format, changes, open, input);
    return changes.length > 0 && input.flags.has("exit-code") ? EXIT_REFUSED : 0;
  });
}

function formatOf({ flags }: CommandInput): Format {
  const given = FORMATS.filter((name) => flags.has(name));
  if (given.length > 1) throw new UsageError(`--${given[0]} and --${given[1]}: one of them`);
  return given[0] ?? "patch";
}

function show(
  format: Format,
  changes: readonly Change[],
  open: OpenSession,
  { output, warn }: CommandInput,
): void {
  const { session } = open;
  if (format === "json") writeText(output, formatChanges(session.name, session.base, changes));
  else if (format === "name-status") writeText(output, changes.map(nameStatus));
  else if (format === "stat") output.out(formatStat(filesOf(changes, open)));
  else writePatch(filesOf(changes, open), open, output);
  const lost = format === "patch" ? lostInPatch(changes) : undefined;
  if (lost !== undefined) warn(lost);
}

function* filesOf(changes: readonly Change[], { trees }: OpenSession): Generator<PatchFile> {
  for (const change of changes) yield* patchFilesOf(trees, change);
}

function writePatch(files: Iterable<PatchFile>, { host }: OpenSession, output: Output): void {
  const colors = colorsOf(STDOUT, host.env);
  const isShown = isTerminal(STDOUT);
  for (const file of files) {
    const patch = formatPatch(file);
    output.out(isShown ? shownPatch(patch, colors) : patch);
  }
}

/** As `git diff --name-status`, and directories with a slash behind. */
function nameStatus({ kind, path, from, before, after }: Change): string {
  const slash = typeOf((after ?? before)!.attributes) === S_IFDIR ? "/" : "";
  const name = (of: Buffer): string => (of.length === 0 ? "./" : quotedPath(of) + slash);
  const names = from === undefined ? name(path) : `${name(from)}\t${name(path)}`;
  return `${LETTERS[kind]}\t${names}\n`;
}
