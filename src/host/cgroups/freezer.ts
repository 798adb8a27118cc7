// Whether a cgroup was told to freeze. To freeze and to thaw is the native front's (src/native/front/cgroup.c).

import type { Cgroup } from "./cgroup.ts";
import { readIfThere } from "./files.ts";
import { UNIFIED } from "./hierarchies.ts";

/** The cgroup itself, and not one above it. */
export function isFrozen({ paths }: Cgroup): boolean {
  const first = paths.get("freezer");
  const told =
    first === undefined
      ? readIfThere(paths.get(UNIFIED), "cgroup.freeze")
      : readIfThere(first, "freezer.self_freezing");
  return told?.startsWith("1") ?? false;
}
