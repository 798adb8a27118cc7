// A directory for the tests of one file, gone afterwards.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";

/** The smallest WebAssembly module: magic and version. */
export const EMPTY_MODULE = "\0asm\x01\0\0\0";

export function scratchDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "wvisor-host-")));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes `content` below `directory`, with the directories on the way, and returns the file's path. */
export function put(directory: string, name: string, content: string): string {
  const file = join(directory, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** The message of what `step` throws; fails when it throws nothing. */
export function failure(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}
