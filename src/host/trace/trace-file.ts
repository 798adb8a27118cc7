// Reads a trace file, which anybody may have written: line by line, bounded, each record checked.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { O_NONBLOCK, O_RDONLY } from "../../../assembly/abi/fcntl.ts";
import { WvisorError } from "../../common/errors.ts";
import { checkRecord, RecordError } from "../../trace/check.ts";
import type { BeginRecord, TraceRecord } from "../../trace/record.ts";
import { reasonOf } from "../config/host-file.ts";

const CHUNK_BYTES = 1 << 16;
/** The tracer's longest: two paths of 4 KiB in octal escapes, and a structure or two. */
const LINE_MAX = 1 << 20;
const NEWLINE = 0x0a;

function broken(file: string, line: number, why: string, cause?: unknown): WvisorError {
  const message = `${file}, line ${line}: ${why}: not a trace of wvisor --trace`;
  return new WvisorError("ERR_WVISOR_TRACE", message, undefined, { cause });
}

/**
 * The records of a file, its beginning first. A last line without an end, as a killed process leaves it, is passed over. Errors:
 * WvisorError.
 */
export function* traceRecords(file: string): Generator<TraceRecord, void, void> {
  let line = 0;
  for (const text of lines(file)) {
    line++;
    const record = parse(text, file, line);
    if (line === 1 && record?.type !== "begin") throw broken(file, line, "it does not begin");
    if (line > 1 && record?.type === "begin") throw broken(file, line, "it begins again");
    if (record !== undefined) yield record;
  }
  if (line === 0) throw broken(file, 1, "it is empty");
}

/** The first record, and the others. */
export function openTrace(file: string): { begin: BeginRecord; rest: Generator<TraceRecord, void, void> } {
  const rest = traceRecords(file);
  // traceRecords() gives no other first one.
  return { begin: rest.next().value as BeginRecord, rest };
}

function parse(text: string, file: string, line: number): TraceRecord | undefined {
  try {
    return checkRecord(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof RecordError) throw broken(file, line, cause.message, cause);
    if (cause instanceof SyntaxError) throw broken(file, line, "it is no JSON", cause);
    throw cause;
  }
}

function* lines(file: string): Generator<string, void, void> {
  const fd = openFile(file);
  try {
    let rest = new Uint8Array(0);
    const chunk = new Uint8Array(CHUNK_BYTES);
    const decoder = new TextDecoder();
    for (let line = 1; ; ) {
      const count = readSync(fd, chunk);
      if (count === 0) return;
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0 && end < count; end = chunk.indexOf(NEWLINE, from)) {
        yield decoder.decode(joined(rest, chunk.subarray(from, end)));
        line++;
        rest = new Uint8Array(0);
        from = end + 1;
      }
      rest = joined(rest, chunk.subarray(from, count));
      if (rest.length > LINE_MAX) throw broken(file, line, `it is longer than ${LINE_MAX} bytes`);
    }
  } finally {
    closeSync(fd);
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function openFile(file: string): number {
  try {
    // Opening a FIFO would wait for a writer.
    const fd = openSync(file, O_RDONLY | O_NONBLOCK);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch (cause) {
    throw new WvisorError("ERR_WVISOR_TRACE", `${file}: ${reasonOf(cause)}`, undefined, { cause });
  }
  throw new WvisorError("ERR_WVISOR_TRACE", `${file}: not a regular file`);
}
