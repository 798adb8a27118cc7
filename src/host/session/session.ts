// One session that this process holds the lock of: the changes that programs made to a directory, kept apart from it until they are
// applied or discarded. docs/copy-on-write.md has its form.

import { closeSync, existsSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RUNS_MAX, type SessionRecord, writeSessionRecord } from "./record.ts";

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

export class Session {
  readonly name: string;
  readonly directory: string;
  readonly #lock: number;
  #record: SessionRecord;

  /** `lock`: a descriptor of the directory, which has the lock and belongs to the session now. */
  constructor(name: string, directory: string, lock: number, record: SessionRecord) {
    this.name = name;
    this.directory = directory;
    this.#lock = lock;
    this.#record = record;
  }

  get record(): SessionRecord {
    return this.#record;
  }

  /** The directory that the changes are of. */
  get base(): string {
    return this.#record.base.path;
  }

  /** The upper layer's directory. */
  get upper(): string {
    return upperOf(this.directory);
  }

  /** Notes that a program starts now. */
  noteRun(): void {
    const now = String(BigInt(Date.now()) * NANOSECONDS_PER_MILLISECOND);
    this.#record = { ...this.#record, runs: [...this.#record.runs, now].slice(-RUNS_MAX) };
    writeSessionRecord(this.directory, this.#record);
  }

  /** Removes it when its layer is empty, and says whether it was. */
  removeIfEmpty(keepsUndo = true): boolean {
    if (keepsUndo && existsSync(join(this.directory, "undo"))) return false;
    if (!removeEmpty(this.upper)) return false;
    rmSync(this.directory, { recursive: true });
    return true;
  }

  /** Lets go of the lock. */
  release(): void {
    closeSync(this.#lock);
  }
}

export function upperOf(directory: string): string {
  return join(directory, "upper");
}

/** Whether the directory is gone now. */
function removeEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    throw error;
  }
}
