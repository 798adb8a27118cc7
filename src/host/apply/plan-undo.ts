// From what was applied to the operations that take it back.

import { joinPath } from "../trees/tree-path.ts";
import { keptName } from "./execute.ts";
import type { Progress } from "./journal.ts";
import { keyOf } from "./lookup.ts";
import { type Operation, orderOperations, type Source } from "./operation.ts";
import { isDirectory, type Seen } from "./seen.ts";

const PERMISSION_BITS = 0o7777;

/** `kept`: the session's directory of files that were replaced. */
export function planUndo({ operations, staged, done }: Progress, kept: Buffer): Operation[] {
  const left = lastStates(operations, done);
  const inverse = operations.flatMap((operation, number): Operation[] => {
    const { kind, path, from, before } = operation;
    if (kind === "times")
      return before === undefined ? [] : [{ kind, path, before, mtimeNs: before.mtimeNs }];
    // Whether a process that was stopped has set a directory's attributes cannot be told, and does not matter.
    if (!done.has(number) && !(kind === "attributes" && staged.has(number))) return [];
    const there = left.get(keyOf(path));
    const seen = there === undefined ? {} : { before: there };
    if (kind === "move") return [{ kind, path: from!, from: path, ...seen }];
    const source: Source = { tree: "session", path: joinPath(kept, keptName(number)) };
    if (kind === "attributes")
      return before === undefined
        ? []
        : [{ kind, path, source, mode: before.mode & PERMISSION_BITS, ...seen }];
    if (before === undefined) return [{ kind: kind === "mkdir" ? "rmdir" : "remove", path, ...seen }];
    return restored(path, source, before, seen);
  });
  return orderOperations(inverse);
}

function restored(path: Buffer, source: Source, before: Seen, seen: Pick<Operation, "before">): Operation[] {
  if (!isDirectory(before)) {
    const links = before.links > 1 ? { links: before.ino } : {};
    return [{ kind: "put", path, source, ...links, ...seen }];
  }
  return [
    { kind: "mkdir", path, source, ...seen },
    { kind: "attributes", path, source, mode: before.mode & PERMISSION_BITS },
    { kind: "times", path, mtimeNs: before.mtimeNs },
  ];
}

/** What the last operation on each path has left. */
function lastStates(
  operations: readonly Operation[],
  done: ReadonlyMap<number, Seen | null>,
): Map<string, Seen> {
  const left = new Map<string, Seen>();
  for (const [number, { path }] of operations.entries()) {
    const seen = done.get(number);
    if (seen) left.set(keyOf(path), seen);
    else if (seen === null) left.delete(keyOf(path));
  }
  return left;
}
