// Files that engines read a pid from: complete as soon as they are there.

import { failed } from "./errors.ts";
import { writeByRename } from "./record.ts";

/** In decimal digits, and nothing else. Errors: WvisorError. */
export function writePidFile(file: string, pid: number): void {
  try {
    writeByRename(file, String(pid), 0o644);
  } catch (cause) {
    throw failed(`${file}: ${(cause as Error).message}`, cause);
  }
}
