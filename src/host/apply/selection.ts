// A part of a session's changes that can be applied without the rest.

import { S_IFDIR } from "../../../assembly/abi/stat.ts";
import { type Change, typeOf } from "../session/change.ts";
import { sessionError } from "../session/errors.ts";
import { shownPath } from "../session/shown-path.ts";
import { parentPath } from "../trees/tree-path.ts";
import { keyOf } from "./lookup.ts";

/**
 * `chosen` with the new directories that they lie in, and without directories that are not empty then. Errors: WvisorError for a
 * renamed directory's files, which the session finds where the base has them: it goes as a whole, with all changes.
 */
export function completeSelection(all: readonly Change[], chosen: readonly Change[]): Change[] {
  const selected = new Set(chosen);
  const directories = new Map(all.filter(isNewDirectory).map((change) => [keyOf(change.path), change]));
  for (const { path } of chosen) {
    for (let at = path; at.length > 0; [at] = parentPath(at)) {
      const directory = directories.get(keyOf(at));
      if (directory !== undefined) selected.add(directory);
    }
  }
  if (selected.size === all.length) return [...all];
  const staying = new Set<string>();
  for (const change of all) {
    if (selected.has(change) || change.before === undefined) continue;
    for (let at = change.before.path; at.length > 0; [at] = parentPath(at)) staying.add(keyOf(at));
  }
  const part = all.filter(
    (change) => selected.has(change) && !(isRemoval(change) && staying.has(keyOf(change.path))),
  );
  const moved = part.find(({ after }) => after?.layer === "base");
  if (moved === undefined) return part;
  throw sessionError(
    `${shownPath(moved.path)}: is in a directory that was renamed, which only 'wvisor apply' of all changes can do`,
  );
}

function isNewDirectory({ kind, after }: Change): boolean {
  return (
    (kind === "added" || kind === "retyped") && after !== undefined && typeOf(after.attributes) === S_IFDIR
  );
}

function isRemoval({ kind, before }: Change): boolean {
  return kind === "deleted" && typeOf(before!.attributes) === S_IFDIR;
}
