// Takes changes back: what a session has of them is removed from its upper layer, so that the base's files show again.

import { ErrnoError } from "../../common/errors.ts";
import { removeTree } from "../trees/remove-tree.ts";
import type { TreeFile } from "../trees/tree-file.ts";
import { isAtOrBelow, parentPath } from "../trees/tree-path.ts";
import type { Change, Layers } from "./change.ts";
import { sessionError } from "./errors.ts";
import { isWhiteout } from "./layer-marks.ts";
import { shownPath } from "./shown-path.ts";

/** `upper`: writable. Errors: WvisorError, ErrnoError; some of it may be gone then. */
export function discardAll(upper: TreeFile): void {
  for (const name of upper.names()) removeTree(upper, name);
}

/**
 * Takes back the changes, of `all`, whose paths `isNamed` says yes to. Both names of what was renamed count.
 * Errors: WvisorError for what is only gone or there because of a directory above it that is not named; then nothing happens.
 */
export function discardChanges(
  layers: Layers,
  all: readonly Change[],
  isNamed: (path: Buffer) => boolean,
): number {
  const named = all.filter(({ path, from }) => isNamed(path) || (from !== undefined && isNamed(from)));
  const places = new Map<string, Buffer>();
  for (const change of named) {
    for (const place of placesOf(layers, change, named)) places.set(place.toString("latin1"), place);
  }
  for (const place of places.values()) {
    const [parent, name] = parentPath(place);
    withDirectory(layers.upper, parent, (directory) => removeTree(directory, name));
  }
  const root = named.find(({ path }) => path.length === 0);
  if (root !== undefined) layers.upper.setattr(ownersAndMode(root));
  return named.length;
}

/** What of the layer makes the change. */
function placesOf(layers: Layers, change: Change, named: readonly Change[]): Buffer[] {
  const { kind, path, from, after } = change;
  if (path.length === 0) return [];
  const places: Buffer[] = [];
  if (after?.layer === "upper") places.push(path);
  const gone = kind === "deleted" ? path : from;
  if (gone !== undefined && hasWhiteout(layers.upper, gone)) places.push(gone);
  else if (gone !== undefined && !named.some((other) => isAbove(other, gone))) throw goesWith(gone);
  if (after?.layer === "base" && !named.some((other) => other.from !== undefined && isAbove(other, path))) {
    throw goesWith(path);
  }
  return places;
}

/** Whether the change is one of something above the path, which had it or has it. */
function isAbove({ path, from }: Change, below: Buffer): boolean {
  return [path, from].some((at) => at !== undefined && !at.equals(below) && isAtOrBelow(below, at));
}

function goesWith(path: Buffer): Error {
  const [parent] = parentPath(path);
  const name = parent.length === 0 ? "." : shownPath(parent);
  return sessionError(`${shownPath(path)} was changed with its directory: discard ${name}, or all`);
}

function hasWhiteout(upper: TreeFile, path: Buffer): boolean {
  const [parent, name] = parentPath(path);
  return (
    withDirectory(upper, parent, (directory) => {
      const file = directory.find(name);
      file?.close();
      return file !== undefined && isWhiteout(directory, name, file.attributes);
    }) ?? false
  );
}

/** Undefined when there is no such directory in the layer. */
function withDirectory<T>(upper: TreeFile, path: Buffer, use: (directory: TreeFile) => T): T | undefined {
  let directory: TreeFile;
  try {
    directory = upper.reach(path);
  } catch (error) {
    if (error instanceof ErrnoError) return undefined;
    throw error;
  }
  try {
    return directory.isDirectory ? use(directory) : undefined;
  } finally {
    directory.close();
  }
}

function ownersAndMode({ before }: Change): { mode: number; uid?: number; gid?: number } {
  const { mode, uid, gid } = before!.attributes;
  const permissions = mode & 0o7777;
  return process.getuid?.() === 0 ? { mode: permissions, uid, gid } : { mode: permissions };
}
