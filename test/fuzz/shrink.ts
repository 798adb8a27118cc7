// Delta debugging: the fewest and simplest steps that still differ.

import { AT_FDCWD, O_NONBLOCK } from "../../assembly/abi/fcntl.ts";
import type { Difference } from "./run.ts";
import type { Step, StepArgument } from "./step.ts";

/** Whether and how the steps differ. */
export type Try<T = Step> = (steps: readonly T[]) => Difference | undefined;

const ROUNDS = 3;

/** The same fault, as far as can be told: in the same kind of call, or in no call. */
function isSame(a: Difference, b: Difference | undefined): b is Difference {
  return b !== undefined && a.step?.kind === b.step?.kind;
}

/** Drops steps: halves first, then ever smaller parts. */
export function drop<T>(steps: readonly T[], wanted: Difference, attempt: Try<T>): readonly T[] {
  let left = steps;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = left.length - size; at > -size; at -= size) {
      const from = Math.max(at, 0);
      const fewer = [...left.slice(0, from), ...left.slice(at + size)];
      if (fewer.length < left.length && isSame(wanted, attempt(fewer))) left = fewer;
    }
  }
  return left;
}

/** Simpler forms of an argument, the simplest first. */
function simpler(argument: StepArgument): StepArgument[] {
  if (typeof argument === "number") {
    // Without this flag a call could sleep for ever.
    const simplest = argument > 0 ? argument & O_NONBLOCK : 0;
    return argument === simplest || argument === AT_FDCWD ? [] : [simplest];
  }
  if (typeof argument === "string") {
    const shorter = [
      argument.replace(/\/+/g, "/"),
      argument.replace(/n{255}/g, "n"),
      argument.replace(/^\//, ""),
    ];
    return shorter.filter((text) => text !== argument && text !== "");
  }
  return [];
}

function simplify(steps: readonly Step[], wanted: Difference, attempt: Try): readonly Step[] {
  let left = [...steps];
  const accept = (index: number, step: Step): void => {
    const changed = left.with(index, step);
    if (isSame(wanted, attempt(changed))) left = changed;
  };
  for (const index of left.keys()) {
    if (left[index]!.process !== 0) accept(index, { ...left[index]!, process: 0 });
    for (const position of left[index]!.args.keys()) {
      for (const argument of simpler(left[index]!.args[position]!)) {
        const step = left[index]!;
        accept(index, { ...step, args: step.args.with(position, argument) });
      }
    }
  }
  return left;
}

export function shrink(steps: readonly Step[], wanted: Difference, attempt: Try): readonly Step[] {
  const end = wanted.step === undefined ? steps.length : steps.indexOf(wanted.step) + 1;
  let left = steps.slice(0, end);
  if (!isSame(wanted, attempt(left))) return left;
  for (let round = 0; round < ROUNDS; round++) {
    const before = left.length;
    left = drop(left, wanted, attempt) as Step[];
    if (left.length === before && round > 0) break;
    left = simplify(left, wanted, attempt) as Step[];
  }
  return left;
}
