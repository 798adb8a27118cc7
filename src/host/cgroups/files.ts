// Reading and writing the files of cgroups. They are Linux's: each write is one system call, and an errno is the answer.

import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Never makes a file: one that is not there is a controller that is not. Errors: Node's, with their code. */
export function writeSetting(directory: string, file: string, value: string): void {
  const fd = openSync(join(directory, file), constants.O_WRONLY | constants.O_TRUNC);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

/** Without the line's end. */
export function readSetting(directory: string, file: string): string {
  return readFileSync(join(directory, file), "utf8").trimEnd();
}

/** Undefined when there is no such file, or its cgroup goes at this moment. */
export function readIfThere(directory: string | undefined, file: string): string | undefined {
  if (directory === undefined) return undefined;
  try {
    return readSetting(directory, file);
  } catch (error) {
    if (isCode(error, "ENOENT", "ENODEV", "ENOTSUP", "EOPNOTSUPP")) return undefined;
    throw error;
  }
}

export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? "");
}

/** "NAME VALUE" lines, as memory.stat has them. */
export function parseKeyed(text: string): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const line of text.split("\n")) {
    const [, key, digits] = /^(\S+) (\d+)$/.exec(line) ?? [];
    if (key !== undefined) values.set(key, BigInt(digits!));
  }
  return values;
}
