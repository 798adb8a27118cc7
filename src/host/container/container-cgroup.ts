// The cgroup of a container, from its config.json to the directory that is kept of it.

import { createHash } from "node:crypto";
import { unlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CGROUPS, Cgroup, readCgroup } from "../cgroups/cgroup.ts";
import { isCode } from "../cgroups/files.ts";
import { isFrozen } from "../cgroups/freezer.ts";
import { findHierarchies } from "../cgroups/hierarchies.ts";
import { setLimits } from "../cgroups/limits.ts";
import { checkUnused, makeCgroup, removeCgroup } from "../cgroups/make.ts";
import { cgroupPath } from "../cgroups/path.ts";
import { asksForLimits, ignoredResources, type Resources } from "../cgroups/resources.ts";
import { failed } from "./errors.ts";

export type CgroupManager = "cgroupfs" | "systemd" | "disabled";

export interface CgroupOptions {
  readonly manager: CgroupManager;
  /** linux.cgroupsPath. */
  readonly path: string;
  readonly resources: Resources;
  warn(text: string): void;
}

/**
 * Makes the cgroup and sets its limits. Returns the files that the container's processes enter it by: none where there are no
 * cgroups, or none may be made, and nothing is to be limited. `directory` is the container's. Errors: WvisorError.
 */
export function setUpCgroup(directory: string, options: CgroupOptions): string[] {
  const { resources, warn } = options;
  for (const reason of ignoredResources(resources)) warn(reason);
  if (options.manager === "disabled") {
    if (asksForLimits(resources)) warn("linux.resources: ignoring the limits, cgroups are disabled");
    return [];
  }
  const path = cgroupPath(options.path, defaultName(directory), options.manager === "systemd");
  const cgroup = Cgroup.at(findHierarchies(), path);
  if (cgroup === undefined) return withoutCgroup(options, "no cgroups are mounted");
  checkUnused(cgroup);
  writeFileSync(join(directory, CGROUPS), String(cgroup), { mode: 0o600 });
  try {
    makeCgroup(cgroup);
  } catch (error) {
    if (!isCode(error, "EROFS", "EACCES", "EPERM")) throw failed((error as Error).message, error);
    discard(directory, cgroup);
    return withoutCgroup(options, (error as Error).message);
  }
  setLimits(cgroup, resources);
  return cgroup.processFiles;
}

const HASH_DIGITS = 12;

/** Containers of one id may be in several directories of containers: none enters the cgroup of another. */
function defaultName(directory: string): string {
  const where = createHash("sha256").update(dirname(directory)).digest("hex");
  return `${basename(directory)}-${where.slice(0, HASH_DIGITS)}`;
}

function withoutCgroup({ resources, warn }: CgroupOptions, why: string): string[] {
  if (asksForLimits(resources)) throw failed(`cannot limit the container's resources: ${why}`);
  warn(`the container has no cgroup: ${why}`);
  return [];
}

function discard(directory: string, cgroup: Cgroup): void {
  removeCgroup(cgroup);
  unlinkSync(join(directory, CGROUPS));
}

/** (blocks) Before the container's directory goes. Errors: WvisorError when processes stay in the cgroup. */
export function removeContainerCgroup(directory: string): void {
  const cgroup = readCgroup(directory);
  if (cgroup !== undefined) removeCgroup(cgroup);
}

export function isPaused(directory: string): boolean {
  const cgroup = readCgroup(directory);
  return cgroup !== undefined && isFrozen(cgroup);
}

/** Errors: WvisorError when it has none. */
export function requireCgroup(directory: string): Cgroup {
  const cgroup = readCgroup(directory);
  if (cgroup === undefined) throw failed("the container has no cgroup");
  return cgroup;
}
