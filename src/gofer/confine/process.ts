// What the gofer does to its own process before it serves, and what it finds out about it.

import { readFileSync } from "node:fs";
import { CAP_CHOWN } from "../../../assembly/abi/capability.ts";
import type { Native } from "../../native/interface.ts";
import type { Identity } from "../host-fs/host-fs.ts";

const RLIMIT_NOFILE = 7;

/**
 * Makes `wanted` the number of descriptors, both as it is and as far as it may go; without it, as many as there may be. Returns what
 * there are: another number where Linux refuses.
 */
export function limitDescriptors(native: Native, wanted: number | undefined): number {
  const match = /^Max open files +\S+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  // The line is always there; a limit on descriptors is never "unlimited".
  const hard = Number(match?.[1] ?? 1024);
  if (wanted !== undefined && native.setrlimit(RLIMIT_NOFILE, wanted, wanted) === 0) return wanted;
  native.setrlimit(RLIMIT_NOFILE, hard, hard);
  return hard;
}

/** Who the gofer is on the host. */
export function readIdentity(): Identity {
  const match = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"));
  const effective = BigInt(`0x${match?.[1] ?? "0"}`);
  return { uid: process.geteuid?.() ?? 0, canChown: ((effective >> BigInt(CAP_CHOWN)) & 1n) === 1n };
}
