// wvisor apply: writes a session's changes to its directory.

import { WvisorError } from "../../common/errors.ts";
import { requireNative } from "../../native/index.ts";
import { type ApplyTrees, apply, applyUnfinished, openApplyTrees } from "../apply/apply.ts";
import { type Conflict, findConflicts } from "../apply/conflicts.ts";
import { completeSelection } from "../apply/selection.ts";
import { readStates } from "../apply/undo-data.ts";
import { type HostFacts, hostFacts } from "../config/host-facts.ts";
import type { Change } from "../session/change.ts";
import { findChanges } from "../session/changes.ts";
import { formatChanges } from "../session/changes-json.ts";
import { sessionError } from "../session/errors.ts";
import type { Session } from "../session/session.ts";
import { shownPath, textOf } from "../session/shown-path.ts";
import { unfinishedIn } from "../session/unfinished.ts";
import { chooseChanges } from "./apply-choice.ts";
import { describeChange, LETTERS } from "./changes-summary.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";
import { progressOn } from "./progress.ts";
import { changesNamed, sessionsOf, writeText } from "./session-command.ts";
import { isTerminal, STDIN } from "./terminal.ts";

const USAGE = `Usage: wvisor apply [flags] [PATH...]

Writes the changes of a session to the directory that they are of.

  wvisor apply                        All of them
  wvisor apply src README.md          Only what is changed there
  wvisor apply --interactive          Ask for each file, as git add -p does
  wvisor apply --dry-run              Say what would be written, and what is in the way
  wvisor undo                         Take the last apply back

Each file is replaced whole: it is as before or as it is to be, at every moment. A file that somebody else has changed since the
session saw it is a conflict: it is named, and nothing at all is written; name the other paths to apply these. When something stops
it (no space, no permission, a signal), 'wvisor apply' again goes on, and 'wvisor undo' takes back what was written.

After all of it was applied the session is empty. What was replaced is kept for 'wvisor undo' until the next apply or discard.

Flags:
      --session NAME   This session ("wvisor sessions" lists them)
  -i, --interactive    Ask for each file; needs a terminal
  -n, --dry-run        Write nothing
      --json           Say what was written and what is in conflict as a JSON document
      --sync           New files are on the disk before they take their places (fsync)
  -q, --quiet          Say nothing but what is wrong
      --debug          With an error, show where in wVisor it arose

Exit code: 0; 1 with conflicts, or when it cannot be done; 2 when the arguments are wrong.
`;

export const applyCommand: Command = {
  name: "apply",
  summary: "Write the changes of a session to its directory",
  usage: USAGE,
  flags: {
    session: { type: "string" },
    interactive: { type: "boolean", short: "i" },
    "dry-run": { type: "boolean", short: "n" },
    json: { type: "boolean" },
    sync: { type: "boolean" },
    quiet: { type: "boolean", short: "q" },
  },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: runApply,
};

const STOPPED = ["ERR_WVISOR_APPLY", "ERR_WVISOR_CONFLICT"];
const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

function runApply(input: CommandInput): number {
  const { flags } = input;
  if (flags.has("interactive") && flags.has("json"))
    throw new UsageError("--interactive and --json: one of them");
  if (flags.has("interactive") && !isTerminal(STDIN)) throw new UsageError("--interactive needs a terminal");
  const host = hostFacts();
  const session = sessionsOf(host).openUnfinished(flags.text("session"), host.cwd);
  try {
    const trees = openApplyTrees(requireNative(), session);
    try {
      const code = goOn(input, session, trees);
      return code ?? applyChanges(input, session, trees, host);
    } catch (error) {
      throw withAdvice(error, session);
    } finally {
      trees.close();
    }
  } finally {
    session.release();
  }
}

/** What stopped it half-way says what; the rest is for all the same. */
function withAdvice(error: unknown, { directory }: Session): unknown {
  if (
    !(error instanceof WvisorError) ||
    !STOPPED.includes(error.code) ||
    unfinishedIn(directory) === undefined
  )
    return error;
  const advice = "'wvisor apply' goes on, 'wvisor undo' takes back what was written";
  return new WvisorError(error.code, `${error.message}; ${advice}`, error.exitCode, { cause: error });
}

/** Finishes what was stopped; undefined when there was nothing. */
function goOn(input: CommandInput, session: Session, trees: ApplyTrees): number | undefined {
  const what = unfinishedIn(session.directory);
  if (what === undefined) return undefined;
  if (what === "undo")
    throw sessionError(`session ${session.name}: 'wvisor undo' was stopped: 'wvisor undo' finishes it`);
  const partly =
    input.operands.length > 0 || ["interactive", "dry-run"].some((flag) => input.flags.has(flag));
  if (partly) {
    throw sessionError(
      `session ${session.name}: an apply was stopped: 'wvisor apply' finishes it, 'wvisor undo' takes it back`,
    );
  }
  const isDone = applyUnfinished(session, trees, optionsOf(input));
  if (!isDone) return undefined;
  if (input.flags.has("json"))
    input.output.out(`${JSON.stringify({ version: 1, session: session.name, finished: true })}\n`);
  else tell(input, `the apply that was stopped is finished`);
  return 0;
}

function applyChanges(input: CommandInput, session: Session, trees: ApplyTrees, host: HostFacts): number {
  const { flags, operands } = input;
  const all = findChanges(trees, { owners: host.uid === 0 });
  const named = operands.length === 0 ? all : changesNamed(all, operands, session, host.cwd);
  const chosen = flags.has("interactive") ? chooseChanges(trees, named, host, input.output) : named;
  const changes = completeSelection(all, chosen);
  const lastRun =
    session.record.runs.at(-1) ??
    String(BigInt(Date.parse(session.record.created)) * NANOSECONDS_PER_MILLISECOND);
  const options = { states: readStates(session), lastRunNs: BigInt(lastRun) };
  const conflicts = findConflicts(trees, changes, all, options);
  const writes = conflicts.length === 0 && !flags.has("dry-run") && changes.length > 0;
  if (writes) apply(session, trees, changes, changes.length === all.length, optionsOf(input));
  report(input, session, changes, conflicts);
  return conflicts.length > 0 ? EXIT_REFUSED : 0;
}

function optionsOf({ flags, output }: CommandInput) {
  return { sync: flags.has("sync"), progress: progressOn(output, flags.has("quiet"), "files written") };
}

function report(
  input: CommandInput,
  session: Session,
  changes: readonly Change[],
  conflicts: readonly Conflict[],
): void {
  const { flags, output } = input;
  const isDry = flags.has("dry-run");
  if (flags.has("json")) {
    const named = conflicts.map(({ path, why }) => ({ path: textOf(path) ?? path.toString(), why }));
    const head = { dryRun: isDry, applied: !isDry && conflicts.length === 0, conflicts: named };
    writeText(output, withHead(head, formatChanges(session.name, session.base, changes)));
    return;
  }
  for (const { path, why } of conflicts) output.err(`wvisor apply: ${shownPath(path)}: ${why}\n`);
  if (conflicts.length > 0) {
    const count = conflicts.length === 1 ? "1 conflict" : `${conflicts.length} conflicts`;
    output.err(`wvisor apply: ${count}: nothing is written ('wvisor apply PATH...' applies others)\n`);
    return;
  }
  if (isDry) for (const change of changes) output.out(`${LETTERS[change.kind]}  ${describeChange(change)}\n`);
  else if (changes.length === 0) tell(input, `nothing to apply in session ${session.name}`);
  else
    tell(
      input,
      `${changes.length === 1 ? "1 change" : `${changes.length} changes`} applied ('wvisor undo' takes them back)`,
    );
}

/** The fields of `head` at the beginning of a document. */
function* withHead(head: object, pieces: Iterable<string>): Generator<string> {
  let isFirst = true;
  for (const piece of pieces) {
    yield isFirst ? `${JSON.stringify(head).slice(0, -1)},${piece.slice(1)}` : piece;
    isFirst = false;
  }
}

function tell({ flags, output }: CommandInput, text: string): void {
  if (!flags.has("quiet")) output.err(`wvisor apply: ${text}\n`);
}
