// A step: one call of one process, written so that it can be made again on other trees, or after other steps were left out.

import type { Argument, Call } from "../support/sys/target.ts";
import type { ViewName } from "./view.ts";

/** The descriptor that step `fd` returned, or left as word `slot` in its first buffer (pipe2). */
export interface FdOf {
  readonly fd: number;
  readonly slot?: number;
}
/** A buffer of so many bytes for what the call says. */
export interface Out {
  readonly out: number;
}
/** Buffers of these lengths, for readv(2). */
export interface Outs {
  readonly outs: readonly number[];
}
export type StepArgument = number | string | null | Uint8Array | readonly Uint8Array[] | FdOf | Out | Outs;

export interface Step {
  readonly id: number;
  /** The entry of the grammar that it comes from; "tick" lets time pass instead of a call. */
  readonly kind: string;
  /** An index into IDENTITIES. */
  readonly process: number;
  readonly number: number;
  readonly args: readonly StepArgument[];
  /** What is compared. */
  readonly view: ViewName;
}

/** What a descriptor is that no step gave. */
const NO_FD = 999;

/** What steps gave, by id: the result, and the words of the first buffer. */
export type Results = Map<number, { readonly result: number; readonly words: readonly number[] }>;

function isFdOf(argument: object): argument is FdOf {
  return "fd" in argument;
}

function argumentOf(argument: StepArgument, results: Results): Argument {
  if (argument === null || typeof argument !== "object") return argument;
  // A call may change what it is given, and the other side must not see that.
  if (argument instanceof Uint8Array) return Buffer.from(argument);
  if (Array.isArray(argument)) return argument as Argument;
  if (isFdOf(argument)) {
    const found = results.get(argument.fd);
    if (found === undefined || found.result < 0) return NO_FD;
    return argument.slot === undefined ? found.result : (found.words[argument.slot] ?? NO_FD);
  }
  if ("out" in argument) return Buffer.alloc(argument.out);
  return (argument as Outs).outs.map((length) => Buffer.alloc(length));
}

/** The call with buffers of its own. */
export function callOf(step: Step, results: Results): Call {
  return { number: step.number, args: step.args.map((argument) => argumentOf(argument, results)) };
}

/** The same call with fresh buffers: for the other side. */
export function freshCall(step: Step, call: Call): Call {
  const args = call.args.map((argument, index) => {
    const given = step.args[index];
    if (given === null || typeof given !== "object" || Array.isArray(given)) return argument;
    if (given instanceof Uint8Array) return Buffer.from(given);
    if ("out" in given) return Buffer.alloc(given.out);
    return "outs" in given ? given.outs.map((length) => Buffer.alloc(length)) : argument;
  });
  return { number: call.number, args };
}
