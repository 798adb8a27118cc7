// Connections to sockets in containers' directories.

import { closeSync, openSync } from "node:fs";
import { ECONNREFUSED } from "../../../assembly/abi/errno.ts";
import { O_NOFOLLOW, O_PATH } from "../../../assembly/abi/fcntl.ts";
import { ErrnoError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import { notRunning } from "./errors.ts";

const SOCK_STREAM = 1;

/** By a descriptor of the socket's file: its path may be longer than an address can be. Errors: WvisorError when nobody is there. */
export function connectSocket(native: Native, file: string): number {
  let place: number;
  try {
    place = openSync(file, O_PATH | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw notRunning();
    throw error;
  }
  const fd = native.connectUnix(place, SOCK_STREAM);
  closeSync(place);
  if (fd === -ECONNREFUSED) throw notRunning();
  if (fd < 0) throw new ErrnoError(-fd, "connect");
  return fd;
}
