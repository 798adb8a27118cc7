// Errors of served files as errno values.

import * as errnoValues from "../../../assembly/abi/errno.ts";

const ERRNO_END = 512;

/** Thrown and caught within the server: cheaper than an error, since nobody asks where it came from. */
export class Refusal {
  /** The positive errno. */
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export function refusal(value: number): Refusal {
  return new Refusal(value);
}

/** The errno that a thrown value carries: an ErrnoError's, or that of an error of Node; undefined where it has none. */
export function errnoOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { value, errno, code } = error as { value?: unknown; errno?: unknown; code?: unknown };
  const named = typeof code === "string" ? (errnoValues as Record<string, number>)[code] : undefined;
  const number =
    typeof value === "number" ? value : (named ?? (typeof errno === "number" ? Math.abs(errno) : 0));
  return Number.isInteger(number) && number > 0 && number < ERRNO_END ? number : undefined;
}
