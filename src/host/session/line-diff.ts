// Which lines of two texts differ, as the hunks of a unified diff.

import { diffArrays } from "diff";

/** Lines of context around what differs. */
const CONTEXT = 3;
/** Insertions and deletions after which no shortest way is looked for: the work grows with their square. */
const EDITS_MAX = 2000;
const NEWLINE = 0x0a;

export interface LineEdit {
  readonly kind: " " | "-" | "+";
  /** With its newline, unless the text ends without one; a character for each byte. */
  readonly line: string;
}

/** The lines of a text, a character for each byte. */
export function splitLines(text: Buffer): string[] {
  const lines: string[] = [];
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf(NEWLINE, at);
    const end = newline < 0 ? text.length : newline + 1;
    lines.push(text.toString("latin1", at, end));
    at = end;
  }
  return lines;
}

/** How the first text becomes the second. */
export function diffLines(before: readonly string[], after: readonly string[]): LineEdit[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const [left, right] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  const same = (lines: readonly string[]): LineEdit[] => lines.map((line) => ({ kind: " ", line }));
  return [
    ...same(before.slice(0, head)),
    ...diffMiddle(left, right),
    ...same(before.slice(before.length - tail)),
  ];
}

function diffMiddle(before: string[], after: string[]): LineEdit[] {
  const removed = (lines: string[]): LineEdit[] => lines.map((line) => ({ kind: "-", line }));
  const added = (lines: string[]): LineEdit[] => lines.map((line) => ({ kind: "+", line }));
  const parts = diffArrays(before, after, { maxEditLength: EDITS_MAX });
  if (parts === undefined) return [...removed(before), ...added(after)];
  return parts.flatMap((part): LineEdit[] => {
    if (part.removed) return removed(part.value);
    return part.added ? added(part.value) : part.value.map((line) => ({ kind: " ", line }));
  });
}

/** The hunks of a unified diff, a character for each byte; "" when nothing differs. */
export function formatHunks(edits: readonly LineEdit[]): string {
  let text = "";
  let [oldLine, newLine] = [1, 1];
  let at = 0;
  for (const [from, end] of hunksOf(edits)) {
    for (; at < from; at++) [oldLine, newLine] = [oldLine + 1, newLine + 1];
    const hunk = edits.slice(from, end);
    const removed = hunk.filter(({ kind }) => kind !== "+").length;
    const added = hunk.filter(({ kind }) => kind !== "-").length;
    text += `@@ -${range(oldLine, removed)} +${range(newLine, added)} @@\n${hunk.map(formatEdit).join("")}`;
    [oldLine, newLine] = [oldLine + removed, newLine + added];
    at = end;
  }
  return text;
}

/** An empty range stands behind the line in front of it. */
function range(line: number, count: number): string {
  if (count === 1) return String(line);
  return `${count === 0 ? line - 1 : line},${count}`;
}

function formatEdit({ kind, line }: LineEdit): string {
  return line.endsWith("\n") ? kind + line : `${kind}${line}\n\\ No newline at end of file\n`;
}

/** [first, end) of each, with context; those whose contexts touch are one. */
function hunksOf(edits: readonly LineEdit[]): [number, number][] {
  const hunks: [number, number][] = [];
  for (const [index, { kind }] of edits.entries()) {
    if (kind === " ") continue;
    const last = hunks.at(-1);
    const end = Math.min(edits.length, index + 1 + CONTEXT);
    if (last !== undefined && index - CONTEXT <= last[1]) last[1] = end;
    else hunks.push([Math.max(0, index - CONTEXT), end]);
  }
  return hunks;
}
