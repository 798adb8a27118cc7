// Rows under headings, for people.

import { oneLine } from "./output.ts";

const GAP = 3;

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows.map((row) => row.map(oneLine))];
  const widths = headings.map((_heading, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const pad = (text: string, column: number): string => text.padEnd(widths[column]! + GAP);
  return lines.map((line) => `${line.map(pad).join("").trimEnd()}\n`).join("");
}
