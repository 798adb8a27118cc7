// The base gets back what the last apply has replaced.

import { randomBytes } from "node:crypto";
import { RENAME_NOREPLACE } from "../../../assembly/abi/fcntl.ts";
import { ErrnoError } from "../../common/errors.ts";
import { sessionError } from "../session/errors.ts";
import type { Session } from "../session/session.ts";
import { markFinished, markUnfinished, unfinishedIn } from "../session/unfinished.ts";
import type { TreeFile } from "../trees/tree-file.ts";
import { joinPath, parentPath } from "../trees/tree-path.ts";
import { type ApplyTrees, type ExecuteOptions, inUndo, withStates } from "./apply.ts";
import type { Conflict } from "./conflicts.ts";
import { Executor, keptName } from "./execute.ts";
import { Journal, type Progress } from "./journal.ts";
import { keyOf, orNothing, reachOrNothing, withFile } from "./lookup.ts";
import { planUndo } from "./plan-undo.ts";
import { isSame, type Seen, seenOf } from "./seen.ts";
import {
  FILES,
  hasDirectory,
  makeEmpty,
  readStates,
  removeDirectory,
  TAKEN,
  UNDO,
  UNDOING,
  UPPER,
  writeStates,
} from "./undo-data.ts";

const ID_BYTES = 4;

export interface Undoing {
  /** Files of the base that somebody has changed since; then nothing was done. */
  readonly conflicts: readonly Conflict[];
  /** How many files are as they were. */
  readonly count: number;
}

/** Errors: WvisorError; then undo() again goes on. */
export function undo(session: Session, trees: ApplyTrees, options: ExecuteOptions): Undoing {
  const journal = unfinishedIn(session.directory) === "undo" ? openUndoing(session, trees) : undefined;
  if (journal !== undefined) {
    try {
      return { conflicts: [], count: finishUndo(session, trees, journal, options, true) };
    } finally {
      journal.close();
    }
  }
  const applied = readApplied(session, trees);
  const operations = planUndo(applied, joinPath(UNDO, FILES));
  const conflicts = findUndoConflicts(trees.base, operations);
  if (conflicts.length > 0) return { conflicts, count: 0 };
  makeEmpty(session, UNDOING);
  markUnfinished(session.directory, "undo");
  const created = inUndoing(trees, (directory) =>
    Journal.create(directory, randomBytes(ID_BYTES).toString("hex"), applied.isWhole, operations),
  );
  try {
    return { conflicts: [], count: finishUndo(session, trees, created, options, false) };
  } finally {
    created.close();
  }
}

/** What was applied, after a stopped apply too: then as far as it came. Errors: WvisorError when there is nothing. */
function readApplied(session: Session, trees: ApplyTrees): Progress {
  const nothing = sessionError(`session ${session.name}: nothing was applied that could be undone`);
  if (!hasDirectory(session, UNDO)) {
    markFinished(session.directory);
    throw nothing;
  }
  const journal = inUndo(trees, (directory) => Journal.open(directory, session.name));
  if (journal === undefined) {
    markFinished(session.directory);
    throw nothing;
  }
  try {
    const { progress } = journal;
    if (!progress.isFinished) {
      const silent = { sync: false, progress: () => {} };
      new Executor({ ...trees, journal, kept: undefined, ...silent }).resume();
    } else if (progress.isWhole && trees.upper.names().length > 0) {
      throw sessionError(
        `session ${session.name} has changes that were made after the last apply: 'wvisor discard' drops them, 'wvisor apply' applies them`,
      );
    }
    return progress;
  } finally {
    journal.close();
  }
}

function openUndoing(session: Session, trees: ApplyTrees): Journal | undefined {
  if (!hasDirectory(session, UNDOING)) return undefined;
  return inUndoing(trees, (directory) => Journal.open(directory, session.name));
}

function inUndoing<T>({ session }: ApplyTrees, use: (directory: TreeFile) => T): T {
  const directory = session.walk(UNDOING);
  try {
    return use(directory);
  } finally {
    directory.close();
  }
}

/** How many files are as they were. */
function finishUndo(
  session: Session,
  trees: ApplyTrees,
  journal: Journal,
  options: ExecuteOptions,
  isResumed: boolean,
): number {
  const executor = new Executor({ ...trees, journal, kept: undefined, ...options });
  const { progress } = journal;
  if (!progress.isFinished) {
    if (isResumed) executor.resume();
    executor.execute();
    giveBackLayer(trees);
    writeStates(session, withStates(readStates(session), progress));
    journal.finished();
  }
  removeDirectory(session, UNDO);
  markFinished(session.directory);
  removeDirectory(session, UNDOING);
  const { operations } = progress;
  return new Set(operations.filter(({ kind }) => kind !== "times").map(({ path }) => keyOf(path))).size;
}

/** The session has its changes again: the whole layer, or what was taken out of it. */
function giveBackLayer({ session, upper }: ApplyTrees): void {
  const applied = session.walk(UNDO);
  try {
    const layer = applied.find(UPPER);
    layer?.close();
    if (layer !== undefined) {
      session.unlink(UPPER, true);
      applied.rename(UPPER, session, UPPER, RENAME_NOREPLACE);
    }
    giveBackTaken(applied, upper);
  } finally {
    applied.close();
  }
}

function giveBackTaken(applied: TreeFile, upper: TreeFile): void {
  const journal = Journal.open(applied, "");
  const taken = applied.find(TAKEN);
  if (journal === undefined || taken === undefined) return;
  const { operations } = journal.progress;
  for (const name of taken.names()) {
    const operation = operations[Number(name)];
    if (operation === undefined || !keptName(Number(name)).equals(name)) continue;
    const [directory, last] = parentPath(operation.path);
    orNothing(() => {
      const parent = upper.reach(directory);
      try {
        taken.rename(name, parent, last, RENAME_NOREPLACE);
      } catch (error) {
        // A program has made another one meanwhile.
        if (!(error instanceof ErrnoError)) throw error;
      } finally {
        parent.close();
      }
    });
  }
  taken.close();
  journal.close();
}

const CHANGED = "changed since it was applied";
const FULL = "something else was put into it since it was applied";

function findUndoConflicts(base: TreeFile, operations: Progress["operations"]): Conflict[] {
  const goes = new Set(
    operations.flatMap(({ kind, path, from }) => {
      if (kind === "remove" || kind === "rmdir") return [keyOf(path)];
      return from === undefined ? [] : [keyOf(from)];
    }),
  );
  return operations.flatMap(({ kind, path, from, before }): Conflict[] => {
    if (kind === "times" || (kind === "attributes" && before === undefined)) return [];
    const at = from ?? path;
    const there = reachOrNothing(base, at);
    if (!isAsLeft(there && seenOf(there), before)) return [{ path: at, why: CHANGED }];
    if (kind === "move" && reachOrNothing(base, path) !== undefined) return [{ path, why: CHANGED }];
    if (kind !== "rmdir") return [];
    const isFull = withFile(base, path, (directory) =>
      directory.names().some((name) => !goes.has(keyOf(joinPath(path, name)))),
    );
    return isFull === true ? [{ path, why: FULL }] : [];
  });
}

function isAsLeft(there: Seen | undefined, left: Seen | undefined): boolean {
  if (there === undefined || left === undefined) return there === left;
  return isSame(left, there);
}
