// rm(): what it may remove, and a tree with all that is in it.

import { ENOENT } from "../../assembly/abi/errno.ts";
import { DT_DIR, S_IFDIR, S_IFMT } from "../../assembly/abi/stat.ts";
import { codedError } from "./argument-error.ts";
import type { Leaf } from "./leaf/leaf.ts";
import type { SystemError } from "./system-error.ts";
import { type CheckedPath, checkBoolean, checkInteger, checkObject } from "./validators.ts";

const EISDIR = 21;
const INT32_MAX = 2147483647;
const UINT32_MAX = 4294967295;

interface RmOptions {
  readonly force?: unknown;
  readonly recursive?: unknown;
  readonly retryDelay?: unknown;
  readonly maxRetries?: unknown;
}

function isDirectory(mode: number): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}

function shownAs(path: CheckedPath): string {
  return typeof path === "string" ? path : new TextDecoder().decode(path);
}

function isDirectoryError(path: CheckedPath): Error {
  const text = `Path is a directory: rm returned EISDIR (is a directory) ${shownAs(path)}`;
  const error = codedError(Error, "ERR_FS_EISDIR", text) as unknown as Error & Record<string, unknown>;
  error.name = "SystemError";
  error.errno = EISDIR;
  error.syscall = "rm";
  error.path = shownAs(path);
  return error;
}

/**
 * The options of rm(), and whether there is anything to remove. Errors: those of validation; ENOENT without `force`; ERR_FS_EISDIR for a
 * directory without `recursive`.
 */
export function checkRmOptions(
  leaf: Leaf,
  path: CheckedPath,
  given: unknown,
  expectDirectory: boolean,
): { exists: boolean } {
  if (given !== undefined) checkObject(given);
  const { force = false, recursive = false, retryDelay = 100, maxRetries = 0 } = (given ?? {}) as RmOptions;
  checkBoolean(force, "options.force");
  checkBoolean(recursive, "options.recursive");
  checkInteger(retryDelay, "options.retryDelay", 0, INT32_MAX);
  checkInteger(maxRetries, "options.maxRetries", 0, UINT32_MAX);
  const stats = force ? leaf.statIfThere(path, false) : leaf.lstat(path);
  if (stats !== undefined && isDirectory(stats.mode) && !recursive && !expectDirectory)
    throw isDirectoryError(path);
  return { exists: stats !== undefined };
}

/** The options of rmdir(): whether it removes a tree. */
export function checkRmdirOptions(given: unknown): boolean {
  if (given !== undefined) checkObject(given);
  const { recursive = false, retryDelay = 100, maxRetries = 0 } = (given ?? {}) as RmOptions;
  checkInteger(retryDelay, "options.retryDelay", 0, INT32_MAX);
  checkInteger(maxRetries, "options.maxRetries", 0, UINT32_MAX);
  return checkBoolean(recursive, "options.recursive");
}

/** Removes a file or a directory with all that is in it. What somebody else removed meanwhile is as well. */
export function removeTree(leaf: Leaf, path: CheckedPath): void {
  const stats = leaf.statIfThere(path, false);
  if (stats === undefined) return;
  if (isDirectory(stats.mode)) removeDirectory(leaf, path);
  else ignoringAbsence(() => leaf.unlink(path));
}

function removeDirectory(leaf: Leaf, path: CheckedPath): void {
  const head = Buffer.concat([Buffer.from(path), Buffer.from("/")]);
  for (const { name, type } of leaf.readdir(path)) {
    const below = Buffer.concat([head, name]);
    if (type === DT_DIR) removeDirectory(leaf, below);
    else ignoringAbsence(() => leaf.unlink(below));
  }
  ignoringAbsence(() => leaf.rmdir(path));
}

function ignoringAbsence(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if ((error as SystemError).errno !== -ENOENT) throw error;
  }
}
