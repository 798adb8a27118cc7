// Lists of mounts, whoever made them.

import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
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

/**
 * /tmp is a tmpfs unless the root file system keeps something there, or something that is no directory (V21-50). What is mounted below
 * it counts as kept, too: `destinations` are those of all mounts.
 */
export function wantsTmp(root: MountSource, destinations: readonly string[]): boolean {
  if (destinations.some((destination) => destination === "/tmp" || destination.startsWith("/tmp/")))
    return false;
  if (root.type !== "bind") return true;
  const tmp = join(root.source, "tmp");
  try {
    return lstatSync(tmp).isDirectory() && readdirSync(tmp).length === 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}
