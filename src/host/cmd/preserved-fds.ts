// --preserve-fds: descriptors of the caller's, from 3 on, that a program gets under the same numbers.
//
// Node has descriptors of its own by now, which take the lowest free numbers. Which ones were the caller's only the native front can
// tell, which ran before Node did.

import { fstatSync } from "node:fs";
import { O_PATH } from "../../../assembly/abi/fcntl.ts";
import { S_IFCHR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from "../../../assembly/abi/stat.ts";
import type { Native } from "../../native/index.ts";
import { failed } from "../container/errors.ts";
import { UsageError } from "./command.ts";
import type { Flags } from "./flags.ts";

const FIRST = 3;
/** Bounded like everything; an engine passes a few. */
const MOST = 64;
/** How many descriptors from 3 on were open, one after the other (src/native/front/node.c). */
const OPEN_FDS = "WVISOR_OPEN_FDS";
/** Directories would be ways to the host's files around the sandbox, and what has no type is a handle of the kernel's. */
const STREAM_TYPES: readonly number[] = [S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR];

/** Errors: WvisorError for one that is not open, or nothing to read from or write to. */
export function preservedDescriptors(native: Native, flags: Flags): number[] {
  const text = flags.text("preserve-fds") ?? "0";
  const count = /^\d{1,4}$/.test(text) ? Number(text) : MOST + 1;
  if (count > MOST) throw new UsageError(`--preserve-fds ${text}: expected a number up to ${MOST}`);
  const open = Number(process.env[OPEN_FDS] ?? 0);
  if (count > open) throw failed(`--preserve-fds ${text}: descriptor ${FIRST + open} is not open`);
  const fds = Array.from({ length: count }, (_, index) => FIRST + index);
  for (const fd of fds) checkStream(native, fd);
  return fds;
}

function checkStream(native: Native, fd: number): void {
  const isPath = (native.fcntlGetFlags(fd) & O_PATH) !== 0;
  if (!isPath && STREAM_TYPES.includes(fstatSync(fd).mode & S_IFMT)) return;
  throw failed(`--preserve-fds: descriptor ${fd} is no file, pipe, socket or character device`);
}
