// A connection to a container's sentry.

import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { ECONNREFUSED } from "../../../assembly/abi/errno.ts";
import { O_NOFOLLOW, O_PATH } from "../../../assembly/abi/fcntl.ts";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import { UrpcClient } from "../../urpc/client.ts";
import { failed, notRunning } from "./errors.ts";
import { CONTROL } from "./record.ts";

const MESSAGE_SLOT = 13;
const SOCK_STREAM = 1;
const MANAGER = "containerManager";

export class SandboxClient {
  readonly #urpc: UrpcClient;

  /** The directory is the container's. Errors: WvisorError when nobody is there. */
  constructor(native: Native, directory: string) {
    const fd = connect(native, join(directory, CONTROL));
    this.#urpc = new UrpcClient(native, fd, MESSAGE_SLOT);
  }

  /** (blocks) A method of the container manager. Errors: WvisorError with the sentry's own words where it refused. */
  call(method: string, arg: unknown, files: readonly number[] = []): unknown {
    const name = `${MANAGER}.${method}`;
    try {
      return this.#urpc.call(name, arg, { files }).result;
    } catch (error) {
      if (!(error instanceof WvisorError)) throw error;
      if (error.code === "ERR_WVISOR_REFUSED") throw failed(error.message.slice(`${name}: `.length), error);
      throw failed(`the sandbox does not answer: ${error.message}`, error);
    }
  }

  close(): void {
    this.#urpc.close();
  }
}

/** By a descriptor of the socket's file: its path may be longer than an address can be. */
function connect(native: Native, file: string): number {
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
