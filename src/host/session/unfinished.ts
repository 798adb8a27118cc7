// A mark on a session: a process has begun to write to the base (src/host/apply), and has not come to the end. Until it has, the layer
// and the base are neither before nor after, and nothing else is done with them.

import { closeSync, constants, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { sessionError } from "./errors.ts";

const FILE = "unfinished";
const LENGTH_MAX = 16;

export type Unfinished = "apply" | "undo";

/** Errors: those of node:fs for what is there and is no such file. */
export function unfinishedIn(directory: string): Unfinished | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd: number;
  try {
    fd = openSync(join(directory, FILE), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const text = Buffer.alloc(LENGTH_MAX);
  const length = readSync(fd, text);
  closeSync(fd);
  return text.toString("latin1", 0, length).trim() === "undo" ? "undo" : "apply";
}

export function markUnfinished(directory: string, what: Unfinished): void {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const fd = openSync(join(directory, FILE), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  writeSync(fd, `${what}\n`);
  closeSync(fd);
}

export function markFinished(directory: string): void {
  rmSync(join(directory, FILE), { force: true });
}

/** Errors: WvisorError when a process was stopped while it wrote to the base. */
export function refuseUnfinished(name: string, directory: string): void {
  const what = unfinishedIn(directory);
  if (what === undefined) return;
  const other = what === "apply" ? ", 'wvisor undo' takes it back" : "";
  throw sessionError(
    `session ${name}: 'wvisor ${what}' was stopped before its end: 'wvisor ${what}' finishes it${other}`,
  );
}
