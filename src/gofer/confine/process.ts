// What the gofer does to its own process before it serves, and what it finds out about it.

import { readFileSync } from "node:fs";
import { CAP_CHOWN } from "../../../assembly/abi/capability.ts";
import type { Native } from "../../native/interface.ts";
import type { Identity } from "../host-fs/host-fs.ts";

const RLIMIT_NOFILE = 7;

/** Raises the number of descriptors as far as it goes and returns it. */
export function raiseDescriptorLimit(native: Native): number {
  const match = /^Max open files +\S+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  // The line is always there; a limit on descriptors is never "unlimited".
  const hard = Number(match?.[1] ?? 1024);
  native.setrlimit(RLIMIT_NOFILE, hard, hard);
  return hard;
}

/** Who the gofer is on the host. */
export function readIdentity(): Identity {
  const match = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"));
  const effective = BigInt(`0x${match?.[1] ?? "0"}`);
  return { uid: process.geteuid?.() ?? 0, canChown: ((effective >> BigInt(CAP_CHOWN)) & 1n) === 1n };
}
