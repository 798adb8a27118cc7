// Makes the cgroup of a container, and removes it.

import { mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Cgroup } from "./cgroup.ts";
import { isCode, readIfThere, readSetting, writeSetting } from "./files.ts";
import { isFrozen } from "./freezer.ts";
import { UNIFIED } from "./hierarchies.ts";
import { limitError } from "./writes.ts";

const CPUSET_FILES = ["cpuset.cpus", "cpuset.mems"];
const SUBTREE = "cgroup.subtree_control";
/** A cgroup whose last process just ended is busy for a moment, longer on a machine that has much to do. */
const REMOVE_ATTEMPTS = 200;
const REMOVE_PAUSE_MS = 25;

/** Errors: WvisorError when others are in the cgroup, whom pausing the container would stop, or when it is frozen. */
export function checkUnused(cgroup: Cgroup): void {
  for (const directory of cgroup.directories) {
    const count = countProcesses(directory);
    if (count > 0) throw limitError(`container's cgroup is not empty: ${count} process(es) found`);
  }
  if (isFrozen(cgroup)) throw limitError("container's cgroup unexpectedly frozen");
}

/** Those of the cgroups below, too. */
function countProcesses(directory: string): number {
  const own = (readIfThere(directory, "cgroup.procs") ?? "").split("\n").filter(Boolean).length;
  return childrenOf(directory).reduce((count, child) => count + countProcesses(child), own);
}

function childrenOf(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
  } catch (error) {
    if (isCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** Makes the directories. Errors: Node's when Linux refuses; what was made stays, for removeCgroup(). */
export function makeCgroup(cgroup: Cgroup): void {
  for (const [name, directory] of cgroup.paths) {
    if (name === UNIFIED && cgroup.version === 2) makeUnified(directory);
    else mkdirSync(directory, { recursive: true });
    if (name === "cpuset") inheritCpuset(directory);
  }
}

/** Each level lets the next one have all controllers that there are. */
function makeUnified(directory: string): void {
  const above = dirname(directory);
  if (above === directory) return;
  makeUnified(above);
  enableControllers(above);
  try {
    mkdirSync(directory);
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
  }
}

/** One that cannot be enabled is missed by whoever sets a limit, and told then. */
function enableControllers(directory: string): void {
  const available = (readIfThere(directory, "cgroup.controllers") ?? "").split(" ").filter(Boolean);
  const enabled = new Set((readIfThere(directory, SUBTREE) ?? "").split(" "));
  for (const controller of available) {
    if (enabled.has(controller)) continue;
    try {
      writeSetting(directory, SUBTREE, `+${controller}`);
    } catch {}
  }
}

/** A new cpuset of version 1 has neither processors nor memory, and takes no process: it gets what the one above has. */
function inheritCpuset(directory: string): void {
  for (const file of CPUSET_FILES) {
    if (readIfThere(directory, file) !== "") continue;
    const above = dirname(directory);
    if (readSetting(above, file) === "") inheritCpuset(above);
    writeSetting(directory, file, readSetting(above, file));
  }
}

/** (blocks) Waits for processes that are about to be gone. Errors: WvisorError when some stay. */
export function removeCgroup(cgroup: Cgroup): void {
  for (const directory of cgroup.directories) {
    for (let attempt = 1; !removeTree(directory); attempt++) {
      if (attempt === REMOVE_ATTEMPTS) throw limitError(`${directory}: processes stay in the cgroup`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REMOVE_PAUSE_MS);
    }
  }
}

/** Whether it is gone. */
function removeTree(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (isCode(error, "ENOENT")) return true;
    if (!isCode(error, "EBUSY", "ENOTEMPTY")) throw error;
  }
  for (const child of childrenOf(directory)) removeTree(child);
  return false;
}
