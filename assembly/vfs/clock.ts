// The time that files are stamped with.

import { ROOT_CLOCK } from "../abi/kernel-layout.ts";
import { clockTime } from "../host.ts";

/** CLOCK_REALTIME in nanoseconds. */
export function realTime(): i64 {
  clockTime(0, ROOT_CLOCK);
  return load<i64>(ROOT_CLOCK);
}
