// What limits of a process mean for the host's side of it.

import { RLIMIT_AS, RLIMIT_DATA } from "../../../assembly/abi/resource.ts";
import type { ProcessConfig } from "./sandbox-config.ts";

/** Undefined when there is none. */
export function softLimit({ rlimits }: Pick<ProcessConfig, "rlimits">, resource: number): number | undefined {
  const soft = rlimits?.find((limit) => limit.resource === resource)?.soft;
  return soft === undefined || soft < 0 ? undefined : soft;
}

/**
 * Bytes that a guest's memory may have, 0 for no limit; `most` is what its sandbox lets it have. RLIMIT_AS and RLIMIT_DATA are the
 * same there.
 */
export function memoryLimit(process: Pick<ProcessConfig, "rlimits">, most: number): number {
  const limits = [RLIMIT_AS, RLIMIT_DATA].map((resource) => softLimit(process, resource));
  if (most > 0) limits.push(most);
  const given = limits.filter((limit) => limit !== undefined);
  // A limit of nothing is one, too.
  return given.length === 0 ? 0 : Math.max(Math.min(...given), 1);
}
