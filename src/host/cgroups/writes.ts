// Limits as writes to the files of a cgroup: all of them are made, or none.

import { WvisorError } from "../../common/errors.ts";
import type { Cgroup } from "./cgroup.ts";
import { isCode, readIfThere, readSetting, writeSetting } from "./files.ts";

export interface Write {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** Codes of errors that mean nothing here. */
  readonly tolerates?: readonly string[];
  /** Made where there is no such file. */
  readonly otherwise?: Write;
  /** Linux takes the nearest value that it allows: another than this is an error, by this name. */
  readonly exact?: string;
}

/** Errors: WvisorError; then what was written before has its old value again. */
export function applyWrites(cgroup: Cgroup, writes: readonly Write[]): void {
  const undo: (() => void)[] = [];
  try {
    for (const write of writes) apply(cgroup, write, undo);
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

function apply(cgroup: Cgroup, write: Write, undo: (() => void)[]): void {
  const { controller, file, value, tolerates = [], otherwise } = write;
  const directory = cgroup.directoryOf(controller);
  if (directory === undefined) throw refused(write, `the controller ${controller} is not mounted`);
  const before = readIfThere(directory, file);
  if (before === undefined && otherwise !== undefined) {
    apply(cgroup, otherwise, undo);
    return;
  }
  try {
    writeSetting(directory, file, value);
  } catch (error) {
    if (isCode(error, ...tolerates)) return;
    throw refused(write, reason(directory, write, error), error);
  }
  // One that takes lines about devices has no value of its own to go back to.
  if (before !== undefined && isOneValue(before)) undo.push(() => restore(directory, file, before));
  if (write.exact !== undefined) checkExact(directory, write, write.exact);
}

function isOneValue(text: string): boolean {
  return text !== "" && !text.includes("\n") && !text.includes(":");
}

/** The error that is told is the one that led here. */
function restore(directory: string, file: string, value: string): void {
  try {
    writeSetting(directory, file, value);
  } catch {}
}

function checkExact(directory: string, { file, value }: Write, name: string): void {
  const taken = BigInt(readSetting(directory, file));
  const most = taken < BigInt(value);
  if (taken !== BigInt(value)) {
    throw limitError(`the ${most ? "maximum" : "minimum"} allowed ${name} is ${taken}`);
  }
}

function reason(directory: string, { file }: Write, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "no such file or directory: is the controller enabled?";
  if (code === "EBUSY" && file === "memory.limit_in_bytes") {
    const usage = readIfThere(directory, "memory.usage_in_bytes");
    const peak = readIfThere(directory, "memory.max_usage_in_bytes");
    return `the memory is in use (current usage: ${usage}, peak usage: ${peak})`;
  }
  return message;
}

function refused({ controller, file, value }: Write, why: string, cause?: unknown): WvisorError {
  return limitError(`cannot set ${controller} limit, ${file} to ${JSON.stringify(value)}: ${why}`, cause);
}

export function limitError(message: string, cause?: unknown): WvisorError {
  return new WvisorError("ERR_WVISOR_CONTAINER", message, undefined, { cause });
}
