// Lists of mounts, whoever made them.

import { checkMountSource } from "./host-file.ts";
import type { MountConfig, MountSource } from "./sandbox-config.ts";
import { depthOf } from "./sandbox-path.ts";

/** Parents before children, so that none hides another; otherwise as given. */
export function parentsFirst(mounts: readonly MountConfig[]): MountConfig[] {
  return [...mounts].sort((a, b) => depthOf(a.destination) - depthOf(b.destination));
}

/** Throws for the first host directory or file that a mount needs and that is not there. */
export function checkSources(sources: readonly MountSource[]): void {
  for (const source of sources) {
    if (source.type === "bind") checkMountSource(source.source, true);
    else if (source.type === "overlay") {
      for (const lower of source.lowers) checkMountSource(lower, false);
      if (source.upper !== undefined) checkMountSource(source.upper, false);
    }
  }
}
