// Processor time, as the host counts it.

import { ROOT_CLOCK } from "../abi/kernel-layout.ts";
import { clockTime } from "../host.ts";

const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
const CLOCK_THREAD_CPUTIME_ID: i32 = 3;

/** Nanoseconds; 0 where the host does not count. */
function timeOf(clock: i32): i64 {
  return clockTime(clock, ROOT_CLOCK) < 0 ? 0 : load<i64>(ROOT_CLOCK);
}

/** Of the calling thread: its guest's and its calls'. */
export function threadTime(): i64 {
  return timeOf(CLOCK_THREAD_CPUTIME_ID);
}

/** Of all that runs in this process. */
export function processTime(): i64 {
  return timeOf(CLOCK_PROCESS_CPUTIME_ID);
}
