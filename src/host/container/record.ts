// What is written down about a container, and what follows from it: the formats of state files, in one place.
//
// A container's directory
//   record.json   below; written once, by rename
//   phase         one byte: "c" created, "r" started; the sentry writes it
//   control       the sentry's socket
// The directory itself is what flock(2) is held on while something is done to the container.

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isRunning, type ProcessId } from "./process-id.ts";

export const RECORD = "record.json";
export const PHASE = "phase";
export const CONTROL = "control";

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
}

export type Status = "created" | "running" | "stopped";

/** OCI's, and what runc has besides. */
export interface ContainerState {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid: number;
  readonly status: Status;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly owner: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export function writeRecord(directory: string, record: ContainerRecord): void {
  writeByRename(join(directory, RECORD), JSON.stringify(record));
}

/** Nobody ever reads half of it. */
export function writeByRename(file: string, text: string, mode = 0o600): void {
  const slash = file.lastIndexOf("/") + 1;
  const draft = `${file.slice(0, slash)}.${file.slice(slash)}`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, file);
}

/** Undefined where there is none. */
export function readRecord(directory: string): ContainerRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, RECORD), "utf8")) as ContainerRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** True whoever was killed meanwhile: it is what the anchor is, and what the sentry wrote. */
export function statusOf(directory: string, { anchor }: ContainerRecord): Status {
  if (!isRunning(anchor)) return "stopped";
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

export function stateOf(record: ContainerRecord, status: Status): ContainerState {
  const { ociVersion, id, anchor, bundle, rootfs, created, owner, annotations } = record;
  const pid = status === "stopped" ? 0 : anchor.pid;
  return { ociVersion, id, pid, status, bundle, rootfs, created, owner, annotations };
}
