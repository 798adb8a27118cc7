// The time that files are stamped with.
//
// What happens while the kernel lock is held once happens at one moment: the host's clock is asked at most once for it. To ask is a call
// out of the kernel, and a rename stamps five times. Linux's clock for this stands still for a tick of its timer.

import { ROOT_CLOCK, ROOT_NOW } from "../abi/kernel-layout.ts";
import { clockTime } from "../host.ts";

/** CLOCK_REALTIME in nanoseconds. */
export function realTime(): i64 {
  const known = load<i64>(ROOT_NOW);
  if (known != 0) return known;
  clockTime(0, ROOT_CLOCK);
  const now = load<i64>(ROOT_CLOCK);
  store<i64>(ROOT_NOW, now);
  return now;
}
