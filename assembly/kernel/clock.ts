// Time since the kernel was made (Linux: CLOCK_BOOTTIME).

import { ROOT_BOOT_TIME, ROOT_CLOCK } from "../abi/kernel-layout.ts";
import { clockTime } from "../host.ts";

const CLOCK_MONOTONIC: i32 = 1;

function monotonic(): i64 {
  clockTime(CLOCK_MONOTONIC, ROOT_CLOCK);
  return load<i64>(ROOT_CLOCK);
}

/** Called once, at boot. */
export function initUptime(): void {
  store<i64>(ROOT_BOOT_TIME, monotonic());
}

/** Nanoseconds since boot. */
export function uptime(): i64 {
  return monotonic() - load<i64>(ROOT_BOOT_TIME);
}
