// From changes to the operations that make them.

import { S_IFDIR } from "../../../assembly/abi/stat.ts";
import type { Attributes } from "../../p9/messages.ts";
import type { Change, FileState, Layers } from "../session/change.ts";
import { typeOf } from "../session/change.ts";
import { inodeNumber } from "../session/layer-marks.ts";
import { joinPath, parentPath } from "../trees/tree-path.ts";
import { keyOf, reachOrNothing } from "./lookup.ts";
import { type Operation, orderOperations, type Source } from "./operation.ts";
import { seenOf } from "./seen.ts";

const PERMISSION_BITS = 0o7777;
const UPPER = Buffer.from("upper");

/** In their order. Errors: ErrnoError. */
export function planApply(layers: Layers, changes: readonly Change[]): Operation[] {
  const operations = changes.flatMap(operationsOf);
  return orderOperations([...operations, ...timesOf(layers, operations)]);
}

function operationsOf({ kind, path, from, before, after }: Change): Operation[] {
  const seen = before && { before: seenOf(before.attributes) };
  if (after === undefined) return before === undefined ? [] : [removal(before.path, before.attributes)];
  const isMoved = kind === "renamed" && after.layer === "base" && after.path.equals(from!);
  const isDirectory = typeOf(after.attributes) === S_IFDIR;
  if (isMoved && !isDirectory) return [{ kind: "move", path, from: from!, ...seen }];
  const there = kind === "renamed" ? undefined : seen;
  const gone = kind === "renamed" ? [removal(before!.path, before!.attributes)] : [];
  const made = isDirectory
    ? directoryOf(path, after, kind === "modified", there)
    : [{ kind: "put" as const, path, source: sourceOf(after), ...linksOf(after), ...there }];
  return [...made, ...gone];
}

function removal(path: Buffer, attributes: Attributes): Operation {
  const kind = typeOf(attributes) === S_IFDIR ? "rmdir" : "remove";
  return { kind, path, before: seenOf(attributes) };
}

function directoryOf(
  path: Buffer,
  after: FileState,
  isThere: boolean,
  seen: Pick<Operation, "before"> | undefined,
): Operation[] {
  const source = sourceOf(after);
  const mode = after.attributes.mode & PERMISSION_BITS;
  if (isThere) return [{ kind: "attributes", path, source, mode, ...seen }];
  const { mtimeNs } = seenOf(after.attributes);
  return [
    { kind: "mkdir", path, source, ...seen },
    { kind: "attributes", path, source, mode },
    { kind: "times", path, mtimeNs },
  ];
}

function sourceOf({ layer, path }: FileState): Source {
  if (layer === "base") return { tree: "base", path };
  return { tree: "session", path: path.length === 0 ? UPPER : joinPath(UPPER, path) };
}

function linksOf({ layer, attributes }: FileState): { readonly links?: bigint } {
  return layer === "upper" && attributes.nlink > 1n ? { links: inodeNumber(attributes) } : {};
}

/** Directories that are in the base and stay get the layer's times, when what is in them changes; undo needs those of all. */
function timesOf({ base, upper }: Layers, operations: readonly Operation[]): Operation[] {
  const made = new Set(operations.filter(({ kind }) => kind === "mkdir").map(({ path }) => keyOf(path)));
  const touched = new Map<string, Buffer>();
  for (const { path, from } of operations) {
    for (const at of from === undefined ? [path] : [path, from]) {
      if (at.length === 0) continue;
      const [directory] = parentPath(at);
      touched.set(keyOf(directory), directory);
    }
  }
  return [...touched].flatMap(([key, path]): Operation[] => {
    const there = made.has(key) ? undefined : reachOrNothing(base, path);
    if (there === undefined || typeOf(there) !== S_IFDIR) return [];
    const shown = reachOrNothing(upper, path);
    const before = seenOf(there);
    const isShown = shown !== undefined && typeOf(shown) === S_IFDIR;
    return [{ kind: "times", path, before, ...(isShown ? { mtimeNs: seenOf(shown).mtimeNs } : {}) }];
  });
}
