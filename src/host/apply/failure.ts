// What stops an apply or an undo, with the file named.

import { ErrnoError, WvisorError } from "../../common/errors.ts";
import { shownPath } from "../session/shown-path.ts";

/** A file of the base that is not as the session has seen it. */
export class ConflictError extends WvisorError {
  constructor(path: Buffer, why: string) {
    super("ERR_WVISOR_CONFLICT", `${nameOf(path)}: ${why}; nothing of it is written`, 1);
  }
}

/** Runs what is about one file; an errno gets its name. Errors: WvisorError. */
export function about<T>(path: Buffer, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    const hint = HINTS[error.code] === undefined ? "" : ` (${HINTS[error.code]})`;
    const message = `${nameOf(path)}: ${error.code}${hint}`;
    throw new WvisorError("ERR_WVISOR_APPLY", message, 1, { cause: error });
  }
}

const HINTS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "not allowed",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left",
  EDQUOT: "the quota is used up",
  EFBIG: "larger than files may be",
  ENOTDIR: "a directory on the way is none any more",
  ENOENT: "a directory on the way is gone",
};

function nameOf(path: Buffer): string {
  return path.length === 0 ? "." : shownPath(path);
}
