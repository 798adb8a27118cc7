// The list of changes that people see when a program has ended.

import { S_IFDIR } from "../../../assembly/abi/stat.ts";
import { type Change, type ChangeKind, type FileState, typeOf } from "../session/change.ts";
import { shownPath } from "../session/shown-path.ts";
import type { Colors } from "./terminal.ts";

const LINES_MAX = 50;
const PERMISSION_BITS = 0o7777;

export const LETTERS: Readonly<Record<ChangeKind, string>> = {
  added: "A",
  modified: "M",
  deleted: "D",
  renamed: "R",
  retyped: "T",
};

/** What a line shows, without the letter. */
export function describeChange(change: Change): string {
  const { from, path, before, after } = change;
  const state = (after ?? before)!;
  const name = shownName(path, state);
  const names = from === undefined ? name : `${shownName(from, before!)} -> ${name}`;
  return names + describeAttributes(before, after);
}

/** The first lines, and how many more there are. Nothing when nothing is changed. */
export function changesSummary(changes: readonly Change[], session: string, colors: Colors): string {
  if (changes.length === 0) return "";
  const shown = withoutImplied(changes);
  const lines = shown.slice(0, LINES_MAX).map((change) => {
    const color = colorOf(change.kind, colors);
    return `  ${color}${LETTERS[change.kind]}  ${describeChange(change)}${colors.plain}\n`;
  });
  const rest = shown.length - lines.length;
  const more = rest > 0 ? `  ... and ${rest} more: wvisor diff --name-status\n` : "";
  const count = changes.length === 1 ? "1 change" : `${changes.length} changes`;
  const heading = `wvisor do: ${count} in session ${session} (wvisor diff | apply | discard)\n`;
  return colors.heading + heading + colors.plain + lines.join("") + more;
}

/** Without what is below a directory that is gone or renamed, and went with it. */
function withoutImplied(changes: readonly Change[]): Change[] {
  const gone = new Set<string>();
  const moved = new Map<string, string>();
  for (const { kind, path, from, before } of changes) {
    if (before === undefined || typeOf(before.attributes) !== S_IFDIR) continue;
    if (kind === "deleted") gone.add(keyOf(path));
    else if (from !== undefined) moved.set(keyOf(path), keyOf(from));
  }
  return changes.filter(({ kind, path, from, content, before, after }) => {
    const [parent, name] = parentOf(keyOf(path));
    if (kind === "deleted") return !gone.has(parent);
    if (from === undefined || content || describeAttributes(before, after) !== "") return true;
    const source = moved.get(parent);
    return source === undefined || keyOf(from) !== `${source}/${name}`;
  });
}

function keyOf(path: Buffer): string {
  return path.toString("latin1");
}

function parentOf(path: string): [parent: string, name: string] {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? ["", path] : [path.slice(0, slash), path.slice(slash + 1)];
}

function shownName(path: Buffer, { attributes }: FileState): string {
  if (path.length === 0) return ".";
  return typeOf(attributes) === S_IFDIR ? `${shownPath(path)}/` : shownPath(path);
}

function describeAttributes(before: FileState | undefined, after: FileState | undefined): string {
  if (before === undefined || after === undefined || typeOf(before.attributes) !== typeOf(after.attributes))
    return "";
  const [was, is] = [before.attributes.mode & PERMISSION_BITS, after.attributes.mode & PERMISSION_BITS];
  return was === is ? "" : ` (mode ${octal(was)} -> ${octal(is)})`;
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

function colorOf(kind: ChangeKind, colors: Colors): string {
  if (kind === "added") return colors.added;
  return kind === "deleted" ? colors.deleted : colors.changed;
}
