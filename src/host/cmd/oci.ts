// What the commands of OCI's command line have in common.

import { resolve } from "node:path";
import type { Native } from "../../native/index.ts";
import type { CgroupManager } from "../container/container-cgroup.ts";
import { Containers, defaultRoot } from "../container/containers.ts";
import { type CommandInput, UsageError } from "./command.ts";
import type { Flags, FlagTable } from "./flags.ts";

/** What runc exits with, whatever was wrong. */
export const OCI_EXIT_CODES = { usage: 1, refused: 1 };

/** Of create, run and restore, accepted without effect. */
export const ACCEPTED_CREATE_FLAGS: FlagTable = {
  "no-pivot": { type: "switch" },
  "no-new-keyring": { type: "switch" },
  keep: { type: "switch" },
  "no-subreaper": { type: "switch" },
  "pidfd-socket": { type: "string" },
};

export function openContainers(native: Native, input: CommandInput): Containers {
  return new Containers(native, containersRoot(input));
}

/** The directory of all containers is --root's. */
export function containersRoot({ global }: CommandInput): string {
  const given = global.text("root");
  return given === undefined ? defaultRoot(process.env, process.getuid?.() ?? 0) : resolve(given);
}

/** How cgroups are named, or that there are to be none. Errors: UsageError. */
export function cgroupManager(global: Flags): CgroupManager {
  const manager = global.text("cgroup-manager") ?? "cgroupfs";
  if (manager === "disabled" || manager === "systemd") return manager;
  if (manager !== "cgroupfs") {
    throw new UsageError(`--cgroup-manager ${manager}: expected cgroupfs, systemd or disabled`);
  }
  return global.isOn("systemd-cgroup", false) ? "systemd" : "cgroupfs";
}

/** The only operand. Errors: UsageError. */
export function onlyId({ operands }: CommandInput): string {
  const [id, extra] = operands;
  if (id === undefined) throw new UsageError("which container? expected an ID");
  if (extra !== undefined) throw new UsageError(`unexpected argument ${extra}`);
  return id;
}
