// Something that executes Linux system calls: real Linux (linux.ts) or our kernel (kernel.ts). A test or a fuzzer speaks to
// both in the same words, through Calls (calls.ts).

import type { TestContext } from "vitest";

/**
 * An integer; bytes, which the call may change in place; a path or other text (NUL-terminated); null for a null pointer; or the
 * spans of a readv(2) or writev(2).
 */
export type Argument = number | Uint8Array | string | null | readonly Uint8Array[];

/** A call to be made: a number of abi/syscall.ts and at most six arguments. */
export interface Call {
  readonly number: number;
  readonly args: readonly Argument[];
}

/** One process: its descriptors, working directory, root, umask and credentials are its own. */
export interface Process {
  /** The result or -errno. At most six arguments; the rest is 0. */
  syscall(number: number, ...args: readonly Argument[]): number;
  /** Ends it: its descriptors are closed. */
  end(): void;
}

/** A call under way: it may sleep. */
export interface PendingCall {
  isDone(): boolean;
  /** Waits for its end; then what Process.syscall() gives. */
  result(): number;
}

/** A process that runs beside the test: it may be asleep in a call. While it is in one it is asked for nothing else but its end. */
export interface ConcurrentProcess extends Process {
  begin(number: number, ...args: readonly Argument[]): PendingCall;
  /** Ends it wherever it is, also asleep, and waits until it has gone. */
  kill(): void;
}

/** Who a process is. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
}

/** What some file systems cannot have. A case that needs one says so by skipWithout(). */
export type Capability =
  | "device nodes"
  | "whiteouts"
  | "extended attributes"
  | "sleep"
  | "times of use"
  | "counts of directories"
  | "times of birth that stay"
  | "exact lengths of attribute lists"
  | "writes that do not append"
  | "places of entries that JavaScript can hold";

/** Skips the case that calls it when `target` lacks what it needs. */
export function skipWithout(target: Target, needed: Capability, context: TestContext): void {
  const reason = target.lacks?.get(needed);
  if (reason === undefined) return;
  target.end();
  context.skip(`${target.name} has no ${needed}: ${reason}`);
}

/** A file system tree, empty at first, which processes have as their root directory or, without privilege, start in. */
export interface Target {
  readonly name: string;
  /** What cases may need and this tree does not have, with the reason; nothing unless told otherwise. */
  readonly lacks?: ReadonlyMap<Capability, string>;
  /** A process of `identity`, root with all capabilities unless told otherwise, in the tree's top directory, umask 0. */
  process(identity?: Identity): Process;
  /** Removes everything. */
  end(): void;
}

/** A tree whose processes run beside each other. */
export interface ConcurrentTarget extends Target {
  process(identity?: Identity): ConcurrentProcess;
  /** Two processes of root that have one table of descriptors (CLONE_FILES). */
  sharing(): readonly [ConcurrentProcess, ConcurrentProcess];
}
