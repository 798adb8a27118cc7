// process.rlimits: names and numbers of Linux's limits.

import * as resource from "../../../assembly/abi/resource.ts";
import type { ResourceLimit } from "../config/sandbox-config.ts";

const NUMBERS: ReadonlyMap<string, number> = new Map(
  Object.entries(resource).filter(([name]) => name.startsWith("RLIMIT_")),
);
/** A guest can take more of them: its stack is in its own memory, and its time is bounded by `--timeout` alone. */
const SHOWN_ONLY: ReadonlySet<number> = new Set([resource.RLIMIT_CPU, resource.RLIMIT_STACK]);
/** RLIM_INFINITY, as a number of JSON arrives. */
const INFINITY = 2 ** 64;
const UNLIMITED = -1;

export interface SpecRlimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

/** `problem`: takes what is wrong with one of them, and where it stands; never returns. */
export function convertRlimits(
  rlimits: readonly SpecRlimit[],
  warn: (text: string) => void,
  problem: (index: number, text: string) => never,
): ResourceLimit[] {
  const seen = new Set<string>();
  return rlimits.map(({ type, soft, hard }, index) => {
    const number = NUMBERS.get(type);
    if (number === undefined) problem(index, `invalid rlimit type: ${type}`);
    if (seen.has(type)) problem(index, `${type} is there twice`);
    if (soft > hard) problem(index, `${type}: the soft limit is above the hard limit`);
    seen.add(type);
    if (SHOWN_ONLY.has(number) && soft < INFINITY) {
      warn(`process.rlimits: ${type} is shown in /proc/self/limits and not enforced`);
    }
    return { resource: number, soft: finite(soft), hard: finite(hard) };
  });
}

function finite(value: number): number {
  return value >= Number.MAX_SAFE_INTEGER ? UNLIMITED : value;
}
