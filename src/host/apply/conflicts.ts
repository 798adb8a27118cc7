// Which changes are to files that somebody else has changed since the session saw them.
//
// The session saw a file of the base no later than when the layer got what stands for it: its copy, a new file, a whiteout, or an opaque
// directory. The time at which that was made is its btime; a file of the base with a later ctime was changed since. What an
// apply or undo of ours left there is noted (BaseStates), and is no change.

import { S_IFDIR, S_IFREG } from "../../../assembly/abi/stat.ts";
import type { Attributes } from "../../p9/messages.ts";
import type { Change, Layers } from "../session/change.ts";
import { typeOf } from "../session/change.ts";
import { inodeNumber, isOpaque, originOf, redirectOf } from "../session/layer-marks.ts";
import type { TreeFile } from "../trees/tree-file.ts";
import { splitPath } from "../trees/tree-path.ts";
import { keyOf, withFile } from "./lookup.ts";
import { birthOf, isDirectory, type Seen, seenOf } from "./seen.ts";

/** What our own commands have done to the base. */
export interface BaseStates {
  /** What they have left at a path, by keyOf() of it. */
  readonly paths: ReadonlyMap<string, State>;
  /** The numbers of files that they have replaced. */
  readonly origins: ReadonlySet<bigint>;
}

export interface State {
  readonly ino: bigint;
  readonly ctimeNs: bigint;
}

export interface Conflict {
  readonly path: Buffer;
  readonly why: string;
}

export interface ConflictOptions {
  readonly states: BaseStates;
  /** When a program was last started: where the layer's file system keeps no times of birth. */
  readonly lastRunNs: bigint;
}

const CHANGED = "changed in the directory since the session saw it";
const GONE = "deleted in the directory since the session saw it";

/** Of `changes`, where `all` are the session's. Errors: ErrnoError. */
export function findConflicts(
  layers: Layers,
  changes: readonly Change[],
  all: readonly Change[],
  { states, lastRunNs }: ConflictOptions,
): Conflict[] {
  const there = all.flatMap(({ before }) => (before ? [inodeNumber(before.attributes)] : []));
  const known = new Set([...states.origins, ...there]);
  const marks = new Marks(layers.upper, lastRunNs);
  return changes.flatMap((change): Conflict[] => {
    const { path, before } = change;
    if (before === undefined) return isOrphan(layers, change, known) ? [{ path, why: GONE }] : [];
    const since = marks.since(before.path);
    const seen = seenOf(before.attributes);
    const isOurs = isNoted(seen, states.paths.get(keyOf(before.path)));
    return isOurs || !isChanged(seen, since) ? [] : [{ path: before.path, why: CHANGED }];
  });
}

/** A directory's entries have times of their own: only what else changes it counts. */
export function isChanged(seen: Seen, sinceNs: bigint): boolean {
  return seen.ctimeNs > sinceNs && !(isDirectory(seen) && seen.ctimeNs === seen.mtimeNs);
}

function isNoted(seen: Seen, state: State | undefined): boolean {
  return state !== undefined && state.ino === seen.ino && state.ctimeNs === seen.ctimeNs;
}

/** A file that is new, and yet the copy of one that the base has no more. */
function isOrphan({ upper }: Layers, { kind, after }: Change, known: ReadonlySet<bigint>): boolean {
  if (kind !== "added" || after?.layer !== "upper") return false;
  const type = typeOf(after.attributes);
  if (type !== S_IFREG && type !== S_IFDIR) return false;
  return (
    withFile(upper, after.path, (file) => {
      const origin = originOf(file);
      if (type === S_IFDIR && redirectOf(file) !== undefined) return false;
      return origin !== undefined && !known.has(origin);
    }) ?? false
  );
}

/** When the layer got what stands for a path. */
class Marks {
  readonly #upper: TreeFile;
  readonly #otherwise: bigint;
  /** Of directories that hide all below them, by their paths. */
  readonly #hiding = new Map<string, bigint | null>();

  constructor(upper: TreeFile, otherwise: bigint) {
    this.#upper = upper;
    this.#otherwise = otherwise;
  }

  since(path: Buffer): bigint {
    const names = splitPath(path);
    let length = -1;
    for (const [index, name] of names.entries()) {
      length += 1 + name.length;
      const isLast = index === names.length - 1;
      const at = path.subarray(0, length);
      const known = isLast ? undefined : this.#hiding.get(keyOf(at));
      if (known === null) continue;
      const mark = known ?? this.#markAt(at, isLast);
      if (!isLast) this.#hiding.set(keyOf(at), mark);
      if (mark !== null) return mark;
    }
    return this.#otherwise;
  }

  /** Null when what is below goes on below. */
  #markAt(path: Buffer, isLast: boolean): bigint | null {
    const mark = withFile(this.#upper, path, (file) => {
      const hides = isLast || typeOf(file.attributes) !== S_IFDIR || isOpaque(file);
      return hides || redirectOf(file) !== undefined ? this.#birth(file.attributes) : null;
    });
    // The layer has nothing here: it is above, in a directory that was renamed, or the program's last start is the best that is known.
    return mark === undefined ? this.#otherwise : mark;
  }

  #birth(attributes: Attributes): bigint {
    return birthOf(attributes) ?? this.#otherwise;
  }
}
