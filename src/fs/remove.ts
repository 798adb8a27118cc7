// rm(): what it may remove, and a tree with all that is in it.

import { EEXIST, ENOENT, ENOTEMPTY, EPERM } from "../../assembly/abi/errno.ts";
import { DT_DIR, S_IFDIR, S_IFMT } from "../../assembly/abi/stat.ts";
import type { Leaf } from "./leaf/leaf.ts";
import { nodeSystemError } from "./node-system-error.ts";
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
  const details = { code: "EISDIR", message: "is a directory", syscall: "rm", errno: EISDIR };
  return nodeSystemError("ERR_FS_EISDIR", "Path is a directory", { ...details, path: shownAs(path) });
}

/** The options of rm() by themselves. Errors: those of validation. */
export function checkRmArguments(given: unknown): { readonly force: boolean; readonly recursive: boolean } {
  if (given !== undefined) checkObject(given);
  const { force = false, recursive = false, retryDelay = 100, maxRetries = 0 } = (given ?? {}) as RmOptions;
  checkInteger(retryDelay, "options.retryDelay", 0, INT32_MAX);
  checkInteger(maxRetries, "options.maxRetries", 0, UINT32_MAX);
  return {
    recursive: checkBoolean(recursive, "options.recursive"),
    force: checkBoolean(force, "options.force"),
  };
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
  const { force, recursive } = checkRmArguments(given);
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
  else removeFile(leaf, path);
}

/** Where unlink() is not allowed, Node takes the name for a directory's: other systems mean that by EPERM. */
function removeFile(leaf: Leaf, path: CheckedPath): void {
  if (attempt(() => leaf.unlink(path), [EPERM]) === EPERM) removeDirectory(leaf, path);
}

/** What rmdir() refuses is not looked into: of `link/` and `link/.` all stays. */
function removeDirectory(leaf: Leaf, path: CheckedPath): void {
  if (attempt(() => leaf.rmdir(path), [ENOTEMPTY, EEXIST, EPERM]) === 0) return;
  const head = Buffer.concat([Buffer.from(path), Buffer.from("/")]);
  attempt(() => {
    for (const { name, type } of leaf.readdir(path)) {
      const below = Buffer.concat([head, name]);
      if (type === DT_DIR) removeDirectory(leaf, below);
      else removeFile(leaf, below);
    }
    leaf.rmdir(path);
  }, []);
}

/** Makes a call for which absence is as good as success: 0, or which of `expected` it failed with. */
function attempt(call: () => void, expected: readonly number[]): number {
  try {
    call();
  } catch (error) {
    const errno = -((error as SystemError).errno ?? 0);
    if (errno === ENOENT) return 0;
    if (expected.includes(errno)) return errno;
    throw error;
  }
  return 0;
}
