// Confines this process once it is nothing but a sandbox: it opens nothing by name any more, has no capability, and makes no
// system call but those of policy.c.
//
// Two steps, since to reach the other threads takes longer than the rest: whatever else is to do is done in between.

import { ENOSYS, EOPNOTSUPP } from "../../../assembly/abi/errno.ts";
import { FILTER_REPORT, POLICY_SENTRY } from "../../common/confinement.ts";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";

const NO_CAPABILITIES = 0;
const NO_RULESET = -1;

/**
 * Begins with the threads that there are. The event loop of a process that was not started by wv-launch may not be given anything
 * new to wait for afterwards: newer versions of libuv would enter a ring for it.
 * Returns what finishes it, when this thread has opened all files that it needs.
 * Errors, both times: WvisorError. `report`: a call that is not allowed fails and is reported, and nobody is killed.
 */
export function beginSentryConfinement(native: Native, report: boolean): () => void {
  let ruleset = native.landlockCreate(1);
  // A kernel without it: the filter refuses to open anything as well.
  if (ruleset === -ENOSYS || ruleset === -EOPNOTSUPP) ruleset = NO_RULESET;
  else check(ruleset, "landlock_create_ruleset");
  check(native.beginConfiningThreads(NO_CAPABILITIES, ruleset), "confining threads");
  return () => {
    check(native.awaitRings(), "waiting for Node's threads");
    check(native.finishConfiningThreads(), "confining threads");
    if (ruleset !== NO_RULESET) native.close(ruleset);
    check(native.seccomp(POLICY_SENTRY, report ? FILTER_REPORT : 0), "seccomp");
  };
}

function check(result: number, what: string): number {
  if (result >= 0) return result;
  const cause = new ErrnoError(-result, what);
  const message = `confining the sandbox's process: ${cause.message}; --confine=none does without`;
  throw new WvisorError("ERR_WVISOR_CONFINEMENT", message, undefined, { cause });
}
