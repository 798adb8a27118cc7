// The gofer's last step before it serves: from here on the system refuses it what serving does not need.
//
// Landlock comes before the filter, which has no calls for it, and both need /proc for the list of threads, which goes in between.

import { ENOSYS, EOPNOTSUPP } from "../../../assembly/abi/errno.ts";
import {
  FILTER_CONNECT,
  FILTER_NO_EXEC,
  FILTER_REPORT,
  GOFER_CAPABILITIES,
  POLICY_GOFER,
} from "../../common/confinement.ts";
import type { Native } from "../../native/interface.ts";
import type { ConfineConfig } from "../config.ts";

/** For the helper; and, being no descriptor that a ruleset can have, for our caller. */
const NO_RULESET = -1;
const WITHOUT_RULESET = 0;
/** Every bit of the set. */
const ALL_CAPABILITIES = -1;

/** What may be opened. */
export interface ServedRoot {
  readonly fd: number;
  readonly readonly: boolean;
}

/**
 * Begins with files and capabilities. Returns what finishFiles() takes, or -errno. Without Landlock in the kernel it is done without.
 * `roots` undefined: all files are to be had that there are.
 */
export function beginFiles(
  native: Native,
  roots: readonly ServedRoot[] | undefined,
  confine: ConfineConfig,
): number {
  const capabilities = confine.capabilities ? ALL_CAPABILITIES : GOFER_CAPABILITIES;
  const ruleset = native.landlockCreate(roots === undefined ? 0 : 1);
  if (ruleset === -ENOSYS || ruleset === -EOPNOTSUPP) {
    const status = native.beginConfiningThreads(capabilities, NO_RULESET);
    return status < 0 ? status : WITHOUT_RULESET;
  }
  let status = ruleset;
  for (const root of roots ?? []) {
    if (status >= 0) status = native.landlockAllow(ruleset, root.fd, Number(root.readonly));
  }
  if (status >= 0) status = native.beginConfiningThreads(capabilities, ruleset);
  return status < 0 ? status : ruleset;
}

/** Returns 0 when every thread is confined, or -errno. */
export function finishFiles(native: Native, begun: number): number {
  const status = native.finishConfiningThreads();
  if (begun !== WITHOUT_RULESET) native.close(begun);
  return status;
}

/** Returns 0 or -errno. `connects`: unix sockets may be made and connected. */
export function confineCalls(native: Native, { report }: ConfineConfig, connects: boolean): number {
  const compiles = !process.execArgv.includes("--jitless");
  const flags =
    (compiles ? 0 : FILTER_NO_EXEC) | (report ? FILTER_REPORT : 0) | (connects ? FILTER_CONNECT : 0);
  return native.seccomp(POLICY_GOFER, flags);
}
