// The standard streams of a program: for each a descriptor that the program gets and, for a pipe, the owner's end as a stream.
//
// A pipe is a pair of sockets, as child_process has them: what nobody reads stays in the system's buffer, and when that is full the
// program waits.

import { closeSync, openSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { ErrnoError, WvisorError } from "../common/errors.ts";
import type { Native } from "../native/index.ts";
import { checkArray, wrongValue } from "./arguments.ts";

/** A descriptor, or something that has one. */
type WithDescriptor = number | { readonly fd: number };
export type StdioEntry = "pipe" | "ignore" | "inherit" | WithDescriptor | null | undefined;
/** One for all three, or one for each. */
export type Stdio = "pipe" | "ignore" | "inherit" | readonly StdioEntry[];

const SCRATCH_SLOT = 15;
const STANDARD = 3;

/** Each an entry for standard input, output, error. */
export type CheckedStdio = readonly [CheckedEntry, CheckedEntry, CheckedEntry];
type CheckedEntry = "pipe" | "ignore" | { readonly fd: number };

export function checkStdio(value: unknown): CheckedStdio {
  const entries = typeof value === "string" ? [value, value, value] : checkArray("options.stdio", value);
  if (entries.length > STANDARD) {
    throw wrongValue("options.stdio", "must have no more than three entries", value);
  }
  const check = (fd: number): CheckedEntry => checkEntry(entries[fd], fd);
  return [check(0), check(1), check(2)];
}

function checkEntry(entry: unknown, fd: number): CheckedEntry {
  if (entry === undefined || entry === null || entry === "pipe") return "pipe";
  if (entry === "ignore") return entry;
  if (entry === "inherit") return { fd };
  const given = typeof entry === "object" ? (entry as { fd?: unknown }).fd : entry;
  if (typeof given === "number" && Number.isInteger(given) && given >= 0) return { fd: given };
  throw wrongValue(
    "options.stdio",
    "must be 'pipe', 'ignore', 'inherit', a descriptor or a stream with one",
    entry,
  );
}

export interface OpenStdio {
  /** What the program gets as 0, 1 and 2: the caller's to give away or to close. */
  readonly descriptors: readonly number[];
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

/** Errors: WvisorError; then nothing stays open. */
export function openStdio(native: Native, stdio: CheckedStdio): OpenStdio {
  const theirs: number[] = [];
  const ours: (Socket | null)[] = [];
  try {
    for (const [fd, entry] of stdio.entries()) openOne(native, entry, fd, theirs, ours);
  } catch (error) {
    closeDescriptors(theirs);
    for (const socket of ours) socket?.destroy();
    throw error;
  }
  const [stdin, stdout, stderr] = ours as [Socket | null, Socket | null, Socket | null];
  return { descriptors: theirs, stdin, stdout, stderr };
}

export function closeDescriptors(descriptors: readonly number[]): void {
  for (const fd of descriptors) closeSync(fd);
}

function openOne(
  native: Native,
  entry: CheckedEntry,
  fd: number,
  theirs: number[],
  ours: (Socket | null)[],
): void {
  if (entry === "pipe") {
    const [our, their] = openPair(native);
    theirs.push(their);
    ours.push(new Socket({ fd: our, readable: fd !== 0, writable: fd === 0 }));
    return;
  }
  // A descriptor of its own, so that several programs may inherit the same.
  theirs.push(
    entry === "ignore" ? openSync("/dev/null", "r+") : check(native.dup(entry.fd), `dup ${entry.fd}`),
  );
  ours.push(null);
}

function openPair(native: Native): [number, number] {
  const ends = new Int32Array(2);
  check(native.registerMemory(SCRATCH_SLOT, new Uint8Array(ends.buffer)), "registering memory");
  check(native.socketpair(SCRATCH_SLOT, 0), "socketpair");
  return [ends[0]!, ends[1]!];
}

function check(result: number, what: string): number {
  if (result >= 0) return result;
  const cause = new ErrnoError(-result, what);
  throw new WvisorError("ERR_WVISOR_STDIO", `standard streams: ${cause.message}`, 125, { cause });
}
