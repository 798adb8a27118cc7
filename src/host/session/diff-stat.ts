// Changes as `git diff --stat` shows them (show_stats() in git's diff.c).

import type { PatchFile } from "./patch-file.ts";
import { quotedPath } from "./shown-path.ts";

const WIDTH = 80;
const GRAPH_MIN = 6;
const NAME_MIN = 10;
/** Of a line: space in front, " | ", and a space behind the number. */
const MARGIN = 6;

interface Line {
  readonly name: string;
  readonly added: number;
  readonly removed: number;
  readonly isBinary: boolean;
}

export function formatStat(files: Iterable<PatchFile>): string {
  const lines = [...files].map(lineOf);
  if (lines.length === 0) return "";
  const widths = widthsOf(lines);
  const shown = lines.map((line) => formatLine(line, widths)).join("");
  return `${shown}${summary(lines)}\n`;
}

/** Text: lines; else bytes. */
function lineOf({ before, after, isBinary, edits }: PatchFile): Line {
  const name = nameOf(before?.path, after?.path);
  if (isBinary) {
    const isSame = before !== undefined && after !== undefined && before.content.equals(after.content);
    const [removed, added] = isSame ? [0, 0] : [before?.content.length ?? 0, after?.content.length ?? 0];
    return { name, added, removed, isBinary };
  }
  const count = (wanted: string): number => edits.filter(({ kind }) => kind === wanted).length;
  return { name, added: count("+"), removed: count("-"), isBinary };
}

/** "old => new", with what both have in front and behind only once (pprint_rename() in git's diff.c). */
function nameOf(before: Buffer | undefined, after: Buffer | undefined): string {
  if (before === undefined || after === undefined || before.equals(after))
    return quotedPath((after ?? before)!);
  const [old, now] = [quotedPath(before), quotedPath(after)];
  if (old.startsWith('"') || now.startsWith('"')) return `${old} => ${now}`;
  let head = 0;
  for (let at = 0; at < Math.min(old.length, now.length) && old[at] === now[at]; at++)
    if (old[at] === "/") head = at + 1;
  let tail = 0;
  // The slash that ends what is in front may be the one that begins what is behind.
  const least = head > 0 ? head - 1 : 0;
  for (
    let at = 1;
    old.length - at >= least && now.length - at >= least && old.at(-at) === now.at(-at);
    at++
  ) {
    if (old.at(-at) === "/") tail = at;
  }
  const middle = (name: string): string => name.slice(head, Math.max(head, name.length - tail));
  if (head + tail === 0) return `${old} => ${now}`;
  return `${old.slice(0, head)}{${middle(old)} => ${middle(now)}}${old.slice(old.length - tail)}`;
}

interface Widths {
  readonly name: number;
  readonly number: number;
  readonly graph: number;
  readonly most: number;
}

function widthsOf(lines: readonly Line[]): Widths {
  const texts = lines.filter(({ isBinary }) => !isBinary);
  const binaries = lines.filter(({ isBinary }) => isBinary);
  const most = Math.max(0, ...texts.map(({ added, removed }) => added + removed));
  const binary = Math.max(0, ...binaries.map(({ added, removed }) => 14 + `${added}${removed}`.length));
  const number = Math.max(String(most).length, binaries.length > 0 ? 3 : 0);
  const width = Math.max(WIDTH, NAME_MIN + MARGIN + GRAPH_MIN + number);
  let graph = most + 4 > binary ? most : binary - 4;
  let name = Math.max(...lines.map((line) => line.name.length));
  if (name + number + MARGIN + graph > width) {
    const share = Math.floor((width * 3) / 8) - number - MARGIN;
    if (graph > share) graph = Math.max(share, GRAPH_MIN);
    if (name > width - number - MARGIN - graph) name = width - number - MARGIN - graph;
    else graph = width - number - MARGIN - name;
  }
  return { name, number, graph, most };
}

function formatLine({ name, added, removed, isBinary }: Line, widths: Widths): string {
  const shown = shorten(name, widths.name).padEnd(widths.name);
  if (isBinary) {
    const sizes = added === 0 && removed === 0 ? "" : ` ${removed} -> ${added} bytes`;
    return ` ${shown} | ${"Bin".padStart(widths.number)}${sizes}\n`;
  }
  const [plus, minus] = scale(added, removed, widths);
  const total = added + removed;
  const graph = total === 0 ? "" : ` ${"+".repeat(plus)}${"-".repeat(minus)}`;
  return ` ${shown} | ${String(total).padStart(widths.number)}${graph}\n`;
}

/** The end of a name that is too long, from a slash on if there is one. */
function shorten(name: string, width: number): string {
  if (name.length <= width) return name;
  const end = name.slice(name.length - (width - 3));
  const slash = end.indexOf("/");
  return `...${slash < 0 ? end : end.slice(slash)}`;
}

function scale(added: number, removed: number, { graph, most }: Widths): [plus: number, minus: number] {
  if (graph > most) return [added, removed];
  const scaled = (count: number): number => (count === 0 ? 0 : 1 + Math.floor((count * (graph - 1)) / most));
  let total = scaled(added + removed);
  if (total < 2 && added > 0 && removed > 0) total = 2;
  if (added < removed) return [scaled(added), total - scaled(added)];
  return [total - scaled(removed), scaled(removed)];
}

function summary(lines: readonly Line[]): string {
  const texts = lines.filter(({ isBinary }) => !isBinary);
  const sum = (of: (line: Line) => number): number => texts.reduce((total, line) => total + of(line), 0);
  const [added, removed] = [sum((line) => line.added), sum((line) => line.removed)];
  const parts = [` ${lines.length} ${lines.length === 1 ? "file" : "files"} changed`];
  if (added > 0 || removed === 0) parts.push(`${added} ${added === 1 ? "insertion" : "insertions"}(+)`);
  if (removed > 0 || added === 0) parts.push(`${removed} ${removed === 1 ? "deletion" : "deletions"}(-)`);
  return parts.join(", ");
}
