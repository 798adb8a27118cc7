// Which of the added files are deleted ones under another name: what a renamed directory still shows, what the layer says that it
// is a copy of, and what has the same bytes.

import { createHash } from "node:crypto";
import { S_IFLNK, S_IFREG } from "../../../assembly/abi/stat.ts";
import { type Change, type FileState, type Layers, reachState, typeOf } from "./change.ts";
import { contentOf, hasSameContent } from "./file-content.ts";
import { inodeNumber, originOf } from "./layer-marks.ts";

/** Larger files are not read to find out that they were renamed. */
const READ_MAX = 64n << 20n;

export interface Added {
  readonly path: Buffer;
  readonly after: FileState;
  /** Where the base has what is shown here, as far as the overlay knows. */
  readonly from: FileState | undefined;
}

/** A change for each. */
export function pairRenames(
  layers: Layers,
  added: readonly Added[],
  deleted: readonly FileState[],
): Change[] {
  const left = new Map(deleted.map((state) => [keyOf(state), state]));
  const changes: Change[] = [];
  const pair = ({ path, after }: Added, before: FileState): void => {
    left.delete(keyOf(before));
    const content = !hasSameContent(layers, before, after);
    changes.push({ kind: "renamed", path, from: before.path, before, after, content });
  };
  const matches: Match[] = [
    ({ from }) => from && left.get(keyOf(from)),
    matchOrigin(layers, left),
    matchContent(layers, left),
  ];
  let unpaired = added;
  for (const match of matches) {
    unpaired = unpaired.filter((file) => {
      const before = left.size === 0 ? undefined : match(file);
      if (before === undefined || typeOf(before.attributes) !== typeOf(file.after.attributes)) return true;
      pair(file, before);
      return false;
    });
  }
  for (const { path, after } of unpaired) changes.push({ kind: "added", path, after, content: true });
  for (const before of left.values())
    changes.push({ kind: "deleted", path: before.path, before, content: true });
  return changes;
}

type Match = (file: Added) => FileState | undefined;

/** By what the layer says that a file was copied from. */
function matchOrigin(layers: Layers, left: ReadonlyMap<string, FileState>): Match {
  const byNumber = new Map<bigint, FileState>();
  for (const state of left.values()) {
    if (typeOf(state.attributes) === S_IFREG) byNumber.set(inodeNumber(state.attributes), state);
  }
  return ({ after }) => {
    if (after.layer !== "upper" || typeOf(after.attributes) !== S_IFREG || byNumber.size === 0)
      return undefined;
    const file = reachState(layers, after);
    const origin = originOf(file);
    file.close();
    const before = origin === undefined ? undefined : byNumber.get(origin);
    return before && left.get(keyOf(before));
  };
}

/** By their bytes. Files without any are all the same. */
function matchContent(layers: Layers, left: ReadonlyMap<string, FileState>): Match {
  const bySize = new Map<string, FileState[]>();
  for (const state of left.values()) {
    if (!isReadable(state)) continue;
    const same = bySize.get(sizeOf(state));
    if (same === undefined) bySize.set(sizeOf(state), [state]);
    else same.push(state);
  }
  const digests = new Map<FileState, string>();
  const digestOf = (state: FileState): string => {
    const known = digests.get(state) ?? digest(layers, state);
    digests.set(state, known);
    return known;
  };
  return ({ after }) => {
    const candidates = isReadable(after) ? bySize.get(sizeOf(after)) : undefined;
    if (candidates === undefined) return undefined;
    const wanted = digestOf(after);
    return candidates.find((state) => left.has(keyOf(state)) && digestOf(state) === wanted);
  };
}

function isReadable({ attributes }: FileState): boolean {
  const type = typeOf(attributes);
  return (type === S_IFREG || type === S_IFLNK) && attributes.size > 0n && attributes.size <= READ_MAX;
}

function sizeOf({ attributes }: FileState): string {
  return `${typeOf(attributes)} ${attributes.size}`;
}

function digest(layers: Layers, state: FileState): string {
  const hash = createHash("sha256");
  for (const piece of contentOf(layers, state)) hash.update(piece);
  return hash.digest("base64");
}

function keyOf({ path }: FileState): string {
  return path.toString("latin1");
}
