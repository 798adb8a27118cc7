// A session's changes become the base's.

import { randomBytes } from "node:crypto";
import { ErrnoError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import type { ConfineOptions } from "../sandbox/gofer-process.ts";
import type { Change, Layers } from "../session/change.ts";
import { sessionError } from "../session/errors.ts";
import { isOpaque, redirectOf } from "../session/layer-marks.ts";
import type { Session } from "../session/session.ts";
import { markFinished, markUnfinished } from "../session/unfinished.ts";
import { openTrees } from "../trees/open-trees.ts";
import type { TreeFile } from "../trees/tree-file.ts";
import { parentPath, splitPath } from "../trees/tree-path.ts";
import type { BaseStates, State } from "./conflicts.ts";
import { Executor, keptName } from "./execute.ts";
import { Journal, type Progress } from "./journal.ts";
import { keyOf, orNothing } from "./lookup.ts";
import { planApply } from "./plan.ts";
import { FILES, makeEmpty, readStates, TAKEN, UNDO, UPPER, writeStates } from "./undo-data.ts";

const ID_BYTES = 4;
const UNDO_MODE = 0o700;
const PERMISSION_BITS = 0o7777;

export interface ApplyTrees extends Layers {
  /** The session's directory. */
  readonly session: TreeFile;
  /** Ends the gofer. */
  close(): void;
}

export interface ExecuteOptions {
  readonly sync: boolean;
  readonly progress: (done: number, all: number) => void;
}

/** Through a gofer that serves the base and the session, and nothing else. Errors: WvisorError. */
export function openApplyTrees(native: Native, session: Session, options: ConfineOptions = {}): ApplyTrees {
  const sources = [session.directory, session.base].map((source) => ({ source, readonly: false }));
  const { roots, close } = openTrees(native, sources, options);
  try {
    const [directory, base] = roots as [TreeFile, TreeFile];
    // A process that was stopped between two renames has left none.
    const upper = directory.find(UPPER) ?? makeUpper(directory, base);
    if (!upper.isDirectory) throw sessionError(`session ${session.name}: its layer is no directory`);
    return { session: directory, base, upper, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Writes `changes`, of which none is in conflict. Errors: WvisorError; then applyUnfinished() goes on. */
export function apply(
  session: Session,
  trees: ApplyTrees,
  changes: readonly Change[],
  isWhole: boolean,
  options: ExecuteOptions,
): void {
  const operations = planApply(trees, changes);
  makeEmpty(session, UNDO);
  markUnfinished(session.directory, "apply");
  const journal = inUndo(trees, (undo) =>
    Journal.create(undo, randomBytes(ID_BYTES).toString("hex"), isWhole, operations),
  );
  try {
    executeApply(session, trees, journal, options, false);
  } finally {
    journal.close();
  }
}

/** Does the rest of what a stopped process had begun; false when it had begun nothing. Errors: WvisorError. */
export function applyUnfinished(session: Session, trees: ApplyTrees, options: ExecuteOptions): boolean {
  const journal = inUndo(trees, (undo) => Journal.open(undo, session.name));
  if (journal === undefined) {
    markFinished(session.directory);
    return false;
  }
  try {
    executeApply(session, trees, journal, options, true);
    return true;
  } finally {
    journal.close();
  }
}

function executeApply(
  session: Session,
  trees: ApplyTrees,
  journal: Journal,
  options: ExecuteOptions,
  isResumed: boolean,
): void {
  const kept = trees.session.walk(UNDO, FILES);
  try {
    const executor = new Executor({ session: trees.session, base: trees.base, journal, kept, ...options });
    if (isResumed) executor.resume();
    if (!journal.progress.isFinished) executor.execute();
  } finally {
    kept.close();
  }
  const { progress } = journal;
  if (progress.isWhole) putAway(trees);
  else {
    takeApplied(trees, progress);
    writeStates(session, withStates(readStates(session), progress));
  }
  if (!progress.isFinished) journal.finished();
  if (progress.isWhole) writeStates(session, { paths: new Map(), origins: new Set() });
  markFinished(session.directory);
}

/** The layer is kept for an undo, and there is an empty one. */
function putAway({ session, base }: ApplyTrees): void {
  const undo = session.walk(UNDO);
  try {
    const there = undo.find(UPPER);
    if (there !== undefined) there.close();
    else session.rename(UPPER, undo, UPPER);
  } finally {
    undo.close();
  }
  const upper = session.find(UPPER) ?? makeUpper(session, base);
  upper.close();
}

function makeUpper(session: TreeFile, base: TreeFile): TreeFile {
  session.mkdir(UPPER, UNDO_MODE);
  const upper = session.walk(UPPER);
  const { mode, uid, gid } = base.attributes;
  const isOwners = upper.attributes.uid === uid && upper.attributes.gid === gid;
  try {
    if (!isOwners) upper.setattr({ uid, gid });
  } catch (error) {
    // An ordinary user's layer is the user's.
    if (!(error instanceof ErrnoError)) throw error;
  }
  upper.setattr({ mode: mode & PERMISSION_BITS });
  return upper;
}

/** What was applied leaves the layer, where nothing below the base would show in its place. */
function takeApplied({ session, upper }: ApplyTrees, { operations, done }: Progress): void {
  const taken = session.walk(UNDO, TAKEN);
  try {
    for (const [number, { kind, path }] of operations.entries()) {
      if (!done.has(number) || (kind !== "put" && kind !== "remove") || !isPlain(upper, path)) continue;
      const [directory, name] = parentPath(path);
      orNothing(() => {
        const parent = upper.reach(directory);
        try {
          parent.rename(name, taken, keptName(number));
        } finally {
          parent.close();
        }
      });
    }
  } finally {
    taken.close();
  }
}

/** Every directory above is merged with the base's of the same path. */
function isPlain(upper: TreeFile, path: Buffer): boolean {
  let at = upper.walk();
  try {
    for (const name of splitPath(path).slice(0, -1)) {
      const next = at.find(name);
      if (next === undefined) return false;
      at.close();
      at = next;
      if (!at.isDirectory || isOpaque(at) || redirectOf(at) !== undefined) return false;
    }
    return true;
  } finally {
    at.close();
  }
}

/** What an apply or undo has left counts as seen by the session. */
export function withStates(
  states: BaseStates,
  { operations, done }: Pick<Progress, "operations" | "done">,
): BaseStates {
  const paths = new Map<string, State>(states.paths);
  const origins = new Set(states.origins);
  for (const [number, { path, before }] of operations.entries()) {
    const left = done.get(number);
    if (left) paths.set(keyOf(path), { ino: left.ino, ctimeNs: left.ctimeNs });
    if (before !== undefined) origins.add(before.ino);
  }
  return { paths, origins };
}

export function inUndo<T>({ session }: ApplyTrees, use: (undo: TreeFile) => T): T {
  const undo = session.walk(UNDO);
  try {
    return use(undo);
  } finally {
    undo.close();
  }
}
