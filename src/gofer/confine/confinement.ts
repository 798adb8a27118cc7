// The gofer's last step before it serves: from here on the system refuses it what serving does not need.
//
// Landlock comes before the filter, which has no calls for it, and both need /proc for the list of threads, which goes in between.

import { ENOSYS, EOPNOTSUPP } from "../../../assembly/abi/errno.ts";
import { FILTER_NO_EXEC, FILTER_REPORT, GOFER_CAPABILITIES, POLICY_GOFER } from "../../common/confinement.ts";
import type { Native } from "../../native/interface.ts";

/** For the helper; and, being no descriptor that a ruleset can have, for our caller. */
const NO_RULESET = -1;
const WITHOUT_RULESET = 0;

/** What may be opened. */
export interface ServedRoot {
  readonly fd: number;
  readonly readonly: boolean;
}

/**
 * Begins with files and capabilities. Returns what finishFiles() takes, or -errno. Without Landlock in the kernel it is done without.
 * `roots` undefined: all files are to be had that there are.
 */
export function beginFiles(native: Native, roots: readonly ServedRoot[] | undefined): number {
  const ruleset = native.landlockCreate(roots === undefined ? 0 : 1);
  if (ruleset === -ENOSYS || ruleset === -EOPNOTSUPP) {
    const status = native.beginConfiningThreads(GOFER_CAPABILITIES, NO_RULESET);
    return status < 0 ? status : WITHOUT_RULESET;
  }
  let status = ruleset;
  for (const root of roots ?? []) {
    if (status >= 0) status = native.landlockAllow(ruleset, root.fd, Number(root.readonly));
  }
  if (status >= 0) status = native.beginConfiningThreads(GOFER_CAPABILITIES, ruleset);
  return status < 0 ? status : ruleset;
}

/** Returns 0 when every thread is confined, or -errno. */
export function finishFiles(native: Native, begun: number): number {
  const status = native.finishConfiningThreads();
  if (begun !== WITHOUT_RULESET) native.close(begun);
  return status;
}

/** Returns 0 or -errno. `report`: a call that is not allowed fails and is reported, and nobody is killed. */
export function confineCalls(native: Native, report: boolean): number {
  const compiles = !process.execArgv.includes("--jitless");
  return native.seccomp(POLICY_GOFER, (compiles ? 0 : FILTER_NO_EXEC) | (report ? FILTER_REPORT : 0));
}
