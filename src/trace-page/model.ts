// The records of a trace, put together as the views want them.

import { callLine } from "../trace/line.ts";
import type { PageData } from "../trace/page-data.ts";
import type { BeginRecord, CallRecord, EndRecord } from "../trace/record.ts";
import { escapeText } from "../trace/value.ts";

/** A descriptor from its opening to its closing. */
export interface Span {
  readonly fd: number;
  readonly path: string;
  readonly from: number;
  to: number;
}

export interface Model {
  readonly begin: BeginRecord;
  readonly calls: readonly CallRecord[];
  /** The text of each call, without the process. */
  readonly lines: readonly string[];
  readonly spans: readonly Span[];
  readonly end: EndRecord | undefined;
  /** When the last thing was that is known, in nanoseconds; at least 1. */
  readonly length: number;
  readonly omitted: number;
}

const PROCESS = /^\[pid -?\d+\] /;

export function readModel({ begin, records, omitted }: PageData): Model {
  const calls: CallRecord[] = [];
  const spans: Span[] = [];
  const open = new Map<number, Span>();
  let end: EndRecord | undefined;
  let length = 1;
  const opens = (fd: number, path: string, from: number): void => {
    const span = { fd, path, from, to: Number.POSITIVE_INFINITY };
    open.set(fd, span);
    spans.push(span);
  };
  for (const { fd, path } of begin.fds) opens(fd, escapeText(path), 0);
  for (const record of records) {
    if (record.type === "begin") continue;
    length = Math.max(length, record.t + (record.type === "call" ? (record.dur ?? 0) : 0));
    if (record.type === "call") calls.push(record);
    else if (record.type === "open") opens(record.fd, escapeText(record.path), record.t);
    else if (record.type === "end") end = record;
    else {
      const span = open.get(record.fd);
      if (span !== undefined) span.to = record.t;
      open.delete(record.fd);
    }
  }
  for (const span of open.values()) span.to = length;
  const lines = calls.map((call) => callLine(call).replace(PROCESS, ""));
  return { begin, calls, lines, spans, end, length, omitted };
}
