// How often Linux has ended a process of a cgroup because its memory was at its limit.

import type { Cgroup } from "./cgroup.ts";
import { parseKeyed, readIfThere } from "./files.ts";

/** Undefined when nobody counts, or the cgroup is gone. */
export function oomKills(cgroup: Cgroup): bigint | undefined {
  const file = cgroup.version === 2 ? "memory.events" : "memory.oom_control";
  return parseKeyed(readIfThere(cgroup.directoryOf("memory"), file) ?? "").get("oom_kill");
}
