// Files of a tree by their paths, which may be gone.

import { ENOENT, ENOTDIR } from "../../../assembly/abi/errno.ts";
import { ErrnoError } from "../../common/errors.ts";
import type { Attributes } from "../../p9/messages.ts";
import type { TreeFile } from "../trees/tree-file.ts";

/** A string for each path of bytes. */
export function keyOf(path: Buffer): string {
  return path.toString("latin1");
}

/** What `use` gives of the file at a path; undefined when there is none. Errors: ErrnoError. */
export function withFile<T>(root: TreeFile, path: Buffer, use: (file: TreeFile) => T): T | undefined {
  const file = orNothing(() => root.reach(path));
  if (file === undefined) return undefined;
  try {
    return use(file);
  } finally {
    file.close();
  }
}

export function reachOrNothing(root: TreeFile, path: Buffer): Attributes | undefined {
  return withFile(root, path, ({ attributes }) => attributes);
}

/** Undefined for ENOENT and ENOTDIR. */
export function orNothing<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof ErrnoError && (error.value === ENOENT || error.value === ENOTDIR)) return undefined;
    throw error;
  }
}
