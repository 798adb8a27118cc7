// Whether a directory's file system keeps the extended attributes by which an overlay marks what is below a directory no more.

import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { ErrnoError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import { sessionError } from "./errors.ts";

/** The helper's slot; nothing stays in it between calls. */
const SLOT = 9;
const NAME = "user.overlay.probe";

/** Errors: WvisorError when it does not. */
export function checkAttributes(native: Native, directory: string): void {
  const procSelfFd = openSync("/proc/self/fd", "r");
  const fd = openSync(directory, "r");
  try {
    const name = new TextEncoder().encode(`${NAME}\0`);
    native.registerMemory(SLOT, name);
    const status = native.setxattr(procSelfFd, fd, SLOT, 0, 0, 1, 0);
    if (status < 0) throw refused(directory, new ErrnoError(-status, "setxattr"));
    native.removexattr(procSelfFd, fd, SLOT, 0);
  } finally {
    closeSync(fd);
    closeSync(procSelfFd);
  }
}

function refused(directory: string, error: ErrnoError): Error {
  const where = dirname(dirname(directory));
  return sessionError(
    `${where}: its file system keeps no extended attributes of users (${error.code}), without which changes cannot be kept there: ` +
      "set XDG_STATE_HOME to a directory of another one, or --session=none for changes in memory that go with the program",
    error,
  );
}
