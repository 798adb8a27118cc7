// wvisor trace: shows a file that --trace has written.

import { writeFileSync } from "node:fs";
import { WvisorError } from "../../common/errors.ts";
import { callLine, endLine } from "../../trace/line.ts";
import { Summary } from "../../trace/summary.ts";
import { reasonOf } from "../config/host-file.ts";
import { tracePage } from "../trace/page.ts";
import { openTrace } from "../trace/trace-file.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { EXIT_USAGE } from "./exit-code.ts";
import type { Output } from "./output.ts";

const USAGE = `Usage: wvisor trace [flags] FILE.jsonl

Shows a file that 'wvisor do --trace FILE.jsonl' or 'wvisor run --trace FILE.jsonl' has written.

  wvisor do --trace t.jsonl -- python3 script.py
  wvisor trace t.jsonl                          The calls, as --strace shows them
  wvisor trace -c t.jsonl                       How many there were of each, and how long they took
  wvisor trace --html t.html t.jsonl            A page for a browser: mounts, descriptors over time, a filter

Flags:
  -c, --summary         A table of the calls
      --html OUT.html   Write one page that needs nothing else, and no network
`;

/** Lines go out in pieces of this many characters. */
const PIECE = 65536;

export const traceCommand: Command = {
  name: "trace",
  summary: "Show what --trace has written: as lines, a table, or a page",
  usage: USAGE,
  flags: { html: { type: "string" }, summary: { type: "boolean", short: "c" } },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: 1 },
  run: runTrace,
};

function runTrace({ flags, operands, output }: CommandInput): number {
  const [file, more] = operands;
  if (file === undefined) throw new UsageError("which file? wvisor trace FILE.jsonl");
  if (more !== undefined) throw new UsageError(`unexpected argument ${more}`);
  const html = flags.text("html");
  if (html !== undefined) writePage(html, tracePage(file));
  if (flags.has("summary")) output.out(table(file));
  else if (html === undefined) printLines(file, output);
  return 0;
}

function writePage(file: string, page: string): void {
  try {
    writeFileSync(file, page);
  } catch (cause) {
    throw new WvisorError("ERR_WVISOR_TRACE", `${file}: ${reasonOf(cause)}`, undefined, { cause });
  }
}

function table(file: string): string {
  const summary = new Summary();
  for (const record of openTrace(file).rest) {
    if (record.type === "call") summary.add(record.name, record.dur ?? 0, record.errno !== undefined);
  }
  return summary.table();
}

function printLines(file: string, output: Output): void {
  let piece = "";
  for (const record of openTrace(file).rest) {
    if (record.type === "call") piece += `${callLine(record)}\n`;
    else if (record.type === "end") piece += `${endLine(record)}\n`;
    if (piece.length < PIECE) continue;
    output.out(piece);
    piece = "";
  }
  output.out(piece);
}
