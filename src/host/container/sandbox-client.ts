// A connection to a container's sentry.

import { join } from "node:path";
import { WvisorError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import { UrpcClient } from "../../urpc/client.ts";
import { failed } from "./errors.ts";
import { CONTROL } from "./record.ts";
import { connectSocket } from "./socket.ts";

const MESSAGE_SLOT = 13;
const MANAGER = "containerManager";

export class SandboxClient {
  readonly #urpc: UrpcClient;

  /** The directory is the container's. Errors: WvisorError when nobody is there. */
  constructor(native: Native, directory: string) {
    const fd = connectSocket(native, join(directory, CONTROL));
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

  /** (blocks) The same of a sentry that may be paused: nobody waits for what it answers. */
  post(method: string, arg: unknown): void {
    this.#urpc.post(`${MANAGER}.${method}`, arg);
  }

  close(): void {
    this.#urpc.close();
  }
}
