// What linux.resources asks for, set on a cgroup of either version.

import type { Cgroup } from "./cgroup.ts";
import { readIfThere, readSetting } from "./files.ts";
import type { Resources } from "./resources.ts";
import { type CurrentMemory, writesV1 } from "./v1.ts";
import { writesV2 } from "./v2.ts";
import { applyWrites, limitError } from "./writes.ts";

/** Threads that sentry, gofer and anchor have besides those of guests: a guest's process is one thread of Linux's. */
const PIDS_RESERVE = 64;

/** What sentry, gofer and anchor need of the memory of a container, with some processes of guests. */
const SANDBOX_BYTES = 64 << 20;

/**
 * What guests may have of a container's memory, 0 for no limit: less than all of it, so that memory.grow fails before Linux ends the
 * whole container.
 */
export function guestMemoryLimit(bytes: number): number {
  return Math.max(bytes - SANDBOX_BYTES, Math.floor(bytes / 2));
}

/** Errors: WvisorError; then nothing has changed. */
export function setLimits(cgroup: Cgroup, resources: Resources): void {
  const given = withReserve(resources);
  const writes = cgroup.version === 2 ? writesV2(given) : writesV1(given, () => currentMemory(cgroup));
  applyWrites(cgroup, writes);
}

/** The sentry counts the guest's processes; the cgroup's count is of threads, and bounds what a sentry that was taken over can do. */
function withReserve(resources: Resources): Resources {
  const limit = resources.pids?.limit ?? 0;
  if (limit <= 0) return resources;
  return { ...resources, pids: { limit: limit + PIDS_RESERVE } };
}

function currentMemory(cgroup: Cgroup): CurrentMemory {
  const directory = cgroup.directoryOf("memory");
  if (directory === undefined)
    throw limitError("cannot set memory limit: the controller memory is not mounted");
  return {
    limit: BigInt(readSetting(directory, "memory.limit_in_bytes")),
    hasSwap: readIfThere(directory, "memory.memsw.limit_in_bytes") !== undefined,
  };
}
