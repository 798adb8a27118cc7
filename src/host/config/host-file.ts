// Questions about files of the host that a front end asks before a sandbox starts. The sandbox's own access goes through
// the gofer; what is said here only makes errors early and clear.

import { closeSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { getSystemErrorMap } from "node:util";
import { WvisorError } from "../../common/errors.ts";

/** Linux's words for a failed call of node:fs: "no such file or directory". */
export function reasonOf(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message;
}

/** What stat(2) says about `file`, or undefined when there is nothing that the caller may see. */
export function findStats(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Throws unless `source` is a directory, or a regular file where `files` allows it. */
export function checkMountSource(source: string, files: boolean): void {
  let stats: Stats;
  try {
    stats = statSync(source);
  } catch (error) {
    throw new WvisorError(
      "ERR_WVISOR_MOUNT_SOURCE",
      `mount source ${source}: ${reasonOf(error)}`,
      undefined,
      {
        cause: error,
      },
    );
  }
  if (stats.isDirectory() || (files && stats.isFile())) return;
  const wanted = files ? "neither a directory nor a regular file" : "not a directory";
  throw new WvisorError("ERR_WVISOR_MOUNT_SOURCE", `mount source ${source}: ${wanted}`);
}

const WASM_MAGIC = "\0asm";

/** Whether `file` is a regular file that starts as a WebAssembly module does. Throws what node:fs throws. */
export function isWasm(file: string): boolean {
  if (!statSync(file).isFile()) return false;
  const fd = openSync(file, "r");
  try {
    const head = new Uint8Array(WASM_MAGIC.length);
    return readSync(fd, head) === head.length && String.fromCharCode(...head) === WASM_MAGIC;
  } finally {
    closeSync(fd);
  }
}
