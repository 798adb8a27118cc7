// wvisor discard: drops a session, or some of its changes.

import { existsSync, readSync } from "node:fs";
import { requireNative } from "../../native/index.ts";
import { hostFacts } from "../config/host-facts.ts";
import { discardAll, discardChanges } from "../session/discard.ts";
import { sessionError } from "../session/errors.ts";
import type { Session } from "../session/session.ts";
import { refuseUnfinished } from "../session/unfinished.ts";
import { openTrees } from "../trees/open-trees.ts";
import type { Command, CommandInput } from "./command.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";
import { changesNamed, pathsNamed, sessionsOf, withSession } from "./session-command.ts";
import { isTerminal } from "./terminal.ts";

const USAGE = `Usage: wvisor discard [flags] [PATH...]

Drops the changes that a session keeps: the directory itself was never changed, and stays as it is.

  wvisor discard                  All of them, with the session; asks first
  wvisor discard --force          Without a question, as scripts need it
  wvisor discard build old.txt    Only what is changed there; asks nothing
  wvisor discard --session try2 --force

Dropped changes cannot be had back: 'wvisor export -o FILE' before keeps them.

Flags:
      --session NAME   This session ("wvisor sessions" lists them), also one whose directory is gone
  -f, --force          All changes go without a question; without a terminal they go no other way
  -q, --quiet          Say nothing of what is dropped
      --debug          With an error, show where in wVisor it arose

Exit code: 0; 1 when it cannot be done, or the answer was no; 2 when the arguments are wrong.
`;

export const discardCommand: Command = {
  name: "discard",
  summary: "Drop the changes of a session, or some of them",
  usage: USAGE,
  flags: {
    session: { type: "string" },
    force: { type: "boolean", short: "f" },
    quiet: { type: "boolean", short: "q" },
  },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: runDiscard,
};

const STDIN = 0;

function runDiscard(input: CommandInput): number {
  return input.operands.length === 0 ? discardSession(input) : discardPaths(input);
}

function discardPaths(input: CommandInput): number {
  const { operands, flags, output } = input;
  return withSession(input, { upper: true }, ({ session, trees, changes, host }) => {
    changesNamed(changes, operands, session, host.cwd);
    const count = discardChanges(trees, changes, pathsNamed(operands, session, host.cwd));
    if (!flags.has("quiet"))
      output.err(`wvisor discard: ${describe(count)} of session ${session.name} dropped\n`);
    return 0;
  });
}

function discardSession({ flags, output }: CommandInput): number {
  const host = hostFacts();
  const sessions = sessionsOf(host);
  const session = sessions.openToRemove(flags.text("session") ?? sessions.nameFor(host.cwd));
  try {
    if (!flags.has("force") && !isConfirmed(session, output.err)) return EXIT_REFUSED;
    if (existsSync(session.base)) refuseUnfinished(session.name, session.directory);
    empty(session);
    if (!session.removeIfEmpty(false))
      throw sessionError(`session ${session.name}: something is made in it meanwhile`);
  } finally {
    session.release();
  }
  if (!flags.has("quiet")) output.err(`wvisor discard: session ${session.name} dropped\n`);
  return 0;
}

/** Programs have made what is in the layer: it goes through the gofer. */
function empty({ upper }: Session): void {
  const trees = openTrees(requireNative(), [{ source: upper, readonly: false }]);
  try {
    discardAll(trees.roots[0]!);
  } finally {
    trees.close();
  }
}

function isConfirmed({ name, base }: Session, ask: (text: string) => void): boolean {
  if (!isTerminal(STDIN)) {
    throw sessionError(`all changes of session ${name} would be lost: --force says that they may be`);
  }
  ask(`Drop all changes of session ${name}, of ${base}? [y/N] `);
  const answer = Buffer.alloc(16);
  const length = readSync(STDIN, answer);
  return /^\s*y(es)?\s*$/i.test(answer.toString("latin1", 0, length));
}

function describe(count: number): string {
  return count === 1 ? "1 change" : `${count} changes`;
}
