// The records of a trace file: JSON, one on each line. docs/tracing.md describes them for others.
//
// The version moves when a reader of the one before would misunderstand the file; members and types of records that are added do not
// move it, and readers pass over what they do not know.

import type { Arguments, Text } from "./value.ts";

export const TRACE_VERSION = 1;

/** A mount as /proc/PID/mountinfo has it. */
export interface MountRecord {
  readonly id: number;
  /** Its own id for the root. */
  readonly parent: number;
  readonly path: Text;
  /** The type of the file system. */
  readonly type: string;
  readonly source: Text;
  /** ro or rw, then the mount's other flags. */
  readonly options: string;
  /** The same of the file system. */
  readonly fsOptions: string;
}

/** The first record of a file. */
export interface BeginRecord {
  readonly type: "begin";
  readonly version: number;
  readonly generator: string;
  /** When it began, ISO 8601. All other times are nanoseconds from here on. */
  readonly time: string;
  readonly pid: number;
  /** The file that runs, as the sandbox sees it. */
  readonly program: Text;
  readonly argv: readonly Text[];
  readonly cwd: Text;
  readonly uid: number;
  readonly gid: number;
  readonly mounts: readonly MountRecord[];
  /** What is open at the start. */
  readonly fds: readonly { readonly fd: number; readonly path: Text }[];
}

/** Why a call was refused. */
export interface Reason {
  /** The rule: a word that stays the same. */
  readonly rule: string;
  /** For people: what `text` says may change. */
  readonly text: string;
  /** Where the mount is that it was about. */
  readonly mount?: Text;
  /** The file or directory that refused. */
  readonly path?: Text;
}

export interface CallRecord {
  readonly type: "call";
  readonly pid: number;
  /** When it began. */
  readonly t: number;
  readonly name: string;
  readonly args: Arguments;
  /** Absent when it did not return: then it ended the program, or was cut off. */
  readonly dur?: number;
  /** The errno's name; absent for success. */
  readonly errno?: string;
  readonly reason?: Reason;
}

/** A descriptor stands for something from now on. */
export interface OpenRecord {
  readonly type: "open";
  readonly pid: number;
  readonly t: number;
  readonly fd: number;
  readonly path: Text;
}

/** It stands for nothing any more. */
export interface CloseRecord {
  readonly type: "close";
  readonly pid: number;
  readonly t: number;
  readonly fd: number;
}

/** The last record, unless the whole sandbox was killed. */
export interface EndRecord {
  readonly type: "end";
  readonly pid: number;
  readonly t: number;
  readonly code: number;
  /** What to say about an end that was not the program's own wish: that it trapped, that --timeout stopped it. */
  readonly message?: string;
}

export type TraceRecord = BeginRecord | CallRecord | OpenRecord | CloseRecord | EndRecord;
