// What is written down about a container, and what follows from it: the formats of state files, in one place.
//
// A container's directory
//   record      below; written once, by rename
//   phase       one byte: "c" created, "r" started; the sentry writes it
//   control     the sentry's socket; a container of another's sandbox has a second name of that one's
//   gofer       of a pod's sandbox: the gofer's control socket
//   hooks.json  the hooks that are yet to come (later-hooks.ts), where there are any
//   cgroups     the directories of its cgroup (src/host/cgroups/cgroup.ts)
// The directory itself is what flock(2) is held on while something is done to the container.
//
// A record has three parts with empty lines between, so that the native front, which has no parser for JSON documents of others'
// making, finds what it needs (src/native/front/record.c)
//   lines      "anchor PID STARTTIME"; "row ..." with the cells of the table of `list` that never change, tabs between;
//              "member" of one in another's sandbox
//   state      what `state` prints, in several lines; pid and status are put behind the first three
//   record     a ContainerRecord as JSON, in one line

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { oneLine } from "../../common/one-line.ts";
import type { ResourceLimit } from "../config/sandbox-config.ts";
import { isPaused } from "./container-cgroup.ts";
import { isRunning, type ProcessId } from "./process-id.ts";

export const RECORD = "record";
export const PHASE = "phase";
export const CONTROL = "control";
export const GOFER = "gofer";

/** All of them; a name with a dot in front is a draft. */
export const STATE_FILES: ReadonlySet<string> = new Set([
  ...[RECORD, PHASE, CONTROL, GOFER],
  ...["hooks.json", "cgroups", "overlay", "config.json"],
]);

export const PHASE_CREATED = "c";
export const PHASE_STARTED = "r";

/** What a process that is added to a container has when nobody says otherwise. */
export interface ProcessDefaults {
  readonly env: readonly string[];
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly umask: number;
  readonly rlimits?: readonly ResourceLimit[];
  /** A bit mask in hexadecimal digits. */
  readonly capabilities: string;
}

export interface ContainerRecord {
  readonly id: string;
  readonly ociVersion: string;
  /** The anchor. */
  readonly anchor: ProcessId;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  readonly owner: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly process: ProcessDefaults;
  /** The container in whose sandbox this one is; its own when absent. */
  readonly sandbox?: string | undefined;
}

export type Status = "created" | "running" | "paused" | "stopped";

export function writeRecord(directory: string, record: ContainerRecord): void {
  writeByRename(join(directory, RECORD), encodeRecord(record));
}

const PART_END = "\n\n";

function encodeRecord(record: ContainerRecord): string {
  const { anchor, ociVersion, id, bundle, rootfs, created, owner, annotations } = record;
  const row = [id, bundle, created, owner].map(oneLine).join("\t");
  const lines = [`anchor ${anchor.pid} ${anchor.startTime}`, `row ${row}`];
  if (record.sandbox !== undefined) lines.push("member");
  // OCI's, and what runc has besides. JSON has no line breaks within its strings.
  const state = { ociVersion, id, bundle, rootfs, created, owner, annotations };
  return [lines.join("\n"), JSON.stringify(state, undefined, 2), JSON.stringify(record)].join(PART_END);
}

/** Nobody ever reads half of it. */
export function writeByRename(file: string, text: string, mode = 0o600): void {
  const slash = file.lastIndexOf("/") + 1;
  const draft = `${file.slice(0, slash)}.${file.slice(slash)}`;
  // One that is there already may be a link, of whoever may write in an engine's directory.
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode, flag: "wx" });
  renameSync(draft, file);
}

/** Undefined where there is none. */
export function readRecord(directory: string): ContainerRecord | undefined {
  try {
    const text = readFileSync(join(directory, RECORD), "utf8");
    return JSON.parse(text.slice(text.lastIndexOf(PART_END))) as ContainerRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** True whoever was killed meanwhile: it is what the anchor and the cgroup are, and what the sentry wrote. */
export function statusOf(directory: string, { anchor }: ContainerRecord): Status {
  if (!isRunning(anchor)) return "stopped";
  if (isPaused(directory)) return "paused";
  return readPhase(directory) === PHASE_STARTED ? "running" : "created";
}

function readPhase(directory: string): string {
  try {
    return readFileSync(join(directory, PHASE), "latin1").slice(0, 1);
  } catch (error) {
    // Deleted at this moment.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
