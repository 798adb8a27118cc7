// How tightly the gofer is held, as both processes name it.

import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
} from "../../assembly/abi/capability.ts";

/**
 * native      a process of its own without new privileges, Landlock where the kernel has it, seccomp, few capabilities
 * native+ns   the same in namespaces and a root directory of its own
 */
export type ConfinementLevel = "native" | "native+ns";

/** None at all is for tests and for looking for errors: the gofer's rights are then those of whoever started it. */
export const CONFINEMENTS = ["native+ns", "native", "none"] as const;
export type Confinement = (typeof CONFINEMENTS)[number];

/** What a gofer that was started by root keeps. It changes its root never, so it needs no CAP_SYS_CHROOT. */
export const GOFER_CAPABILITIES = [
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
].reduce((mask, capability) => mask | (1 << capability), 0);

/** The helper's numbers (Native.seccomp). */
export const POLICY_GOFER = 0;
export const POLICY_SENTRY = 1;
export const FILTER_NO_EXEC = 1;
export const FILTER_REPORT = 2;
export const FILTER_CONNECT = 4;
