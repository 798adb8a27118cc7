// The hooks that are still to come when a container is created: kept in its directory until it is started and deleted.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Native } from "../../native/index.ts";
import type { SpecHook, SpecHooks } from "../spec/runtime-spec.ts";
import type { FoundContainer } from "./containers.ts";
import { runGuestHooks } from "./guest-hooks.ts";
import { hookState, runHooks, runPoststop } from "./hooks.ts";
import { type ContainerRecord, writeByRename } from "./record.ts";
import { SandboxClient } from "./sandbox-client.ts";

const MOMENTS = ["startContainer", "poststart", "poststop"] as const;
/** The native front asks whether it is there (src/native/front/hooks.c). */
const HOOKS = "hooks.json";

export type HookMoment = (typeof MOMENTS)[number];

export function isHookMoment(text: string): text is HookMoment {
  return (MOMENTS as readonly string[]).includes(text);
}

/** A container's directory has the file only where there are any. */
export function keepLaterHooks(directory: string, hooks: SpecHooks): void {
  const later = Object.fromEntries(MOMENTS.map((moment) => [moment, hooks[moment]]));
  if (MOMENTS.every((moment) => hooks[moment].length === 0)) return;
  writeByRename(join(directory, HOOKS), JSON.stringify(later));
}

/** Errors: WvisorError for the first that fails, except poststop hooks, of which the user is told. */
export function runLaterHooks(
  native: Native,
  { directory, record }: FoundContainer,
  moment: HookMoment,
  warn: (text: string) => void,
): void {
  const hooks = readHooks(directory, moment);
  const { pid } = record.anchor;
  if (hooks.length === 0) return;
  if (moment === "startContainer") {
    runInside(native, directory, record, hooks);
  } else if (moment === "poststart") {
    runHooks(hooks, hookState(record, "running", pid), { directory: record.bundle });
  } else {
    runPoststop(hooks, record, warn);
  }
}

function runInside(
  native: Native,
  directory: string,
  record: ContainerRecord,
  hooks: readonly SpecHook[],
): void {
  const client = new SandboxClient(native, directory);
  try {
    runGuestHooks(native, client, record, hooks, hookState(record, "created", record.anchor.pid));
  } finally {
    client.close();
  }
}

function readHooks(directory: string, moment: HookMoment): SpecHooks[HookMoment] {
  const file = join(directory, HOOKS);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as SpecHooks)[moment] : [];
}
