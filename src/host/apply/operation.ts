// The steps in which changes are made in a base directory. Each one leaves a path as it was or as it is to be, and can be told apart
// from the other when the process was killed in between.
//
//   mkdir       a directory, where there is nothing or another type of file; writable, its attributes come later
//   attributes  a directory's permissions, owner and extended attributes
//   put         a file of any other type, whole, in the place of whatever is there
//   move        a file of the base under another name, which is free
//   remove      a file that is no directory
//   rmdir       a directory with nothing in it
//   times       when a directory was changed, for nothing of what happened before counts

import { isDirectory, type Seen } from "./seen.ts";

export const OPERATION_KINDS = ["mkdir", "attributes", "put", "move", "remove", "rmdir", "times"] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** Where a file is read from: the session's directory (the layer, or what was kept for undo) or the base itself. */
export interface Source {
  readonly tree: "session" | "base";
  readonly path: Buffer;
}

export interface Operation {
  readonly kind: OperationKind;
  /** In the base. */
  readonly path: Buffer;
  /** Of mkdir, attributes and put. */
  readonly source?: Source;
  /** Permissions that attributes leaves. */
  readonly mode?: number;
  /** Of move. */
  readonly from?: Buffer;
  /** What is at the path (move: at `from`); absent when there is nothing. */
  readonly before?: Seen;
  /** Of put: an earlier put of the same file under another name, by its number. */
  readonly linkOf?: number;
  /** Of times. */
  readonly mtimeNs?: bigint;
  /** Of put: files of one source with several names have this in common. */
  readonly links?: bigint;
}

const OWNER_WRITES = 0o200;
const SLASH = 0x2f;

/**
 * In an order in which each step finds what it needs: directories from the top, files, what goes from the bottom, files in the place of
 * directories, and what could forbid any of that last. What a step reads of the base may have been replaced by an earlier one:
 * then it is kept for undo.
 */
export function orderOperations(operations: readonly Operation[]): Operation[] {
  const ordered = [...operations].sort((a, b) => phaseOf(a) - phaseOf(b) || comparePaths(a, b));
  const first = new Map<bigint, number>();
  return ordered.map((operation, number) => {
    const { links, ...rest } = operation;
    if (links === undefined) return operation;
    const linkOf = first.get(links);
    if (linkOf === undefined) first.set(links, number);
    return linkOf === undefined ? rest : { ...rest, linkOf };
  });
}

function phaseOf(operation: Operation): number {
  const { kind, before, mode = 0 } = operation;
  const replacesDirectory = kind === "put" && before !== undefined && isDirectory(before);
  if (kind === "mkdir") return 0;
  // A directory that gets writable does so before anything is made in it.
  if (kind === "attributes") return before !== undefined && (mode & OWNER_WRITES) !== 0 ? 0 : 5;
  if (kind === "remove" || kind === "rmdir") return 3;
  if (kind === "times") return 6;
  return replacesDirectory ? 4 : 2;
}

function comparePaths(a: Operation, b: Operation): number {
  const upwards =
    ["remove", "rmdir", "times"].includes(a.kind) || (a.kind === "attributes" && phaseOf(a) > 0);
  const order = depth(a.path) - depth(b.path) || Buffer.compare(a.path, b.path);
  return upwards ? -order : order;
}

/** The names of a path; 0 of the root's. */
export function depth(path: Buffer): number {
  if (path.length === 0) return 0;
  let names = 1;
  for (const byte of path) if (byte === SLASH) names++;
  return names;
}
