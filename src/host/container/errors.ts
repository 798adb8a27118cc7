// What goes wrong with containers, in the words of runc: engines look for them.

import { WvisorError } from "../../common/errors.ts";

function containerError(message: string, options?: ErrorOptions): WvisorError {
  return new WvisorError("ERR_WVISOR_CONTAINER", message, undefined, options);
}

export const failed = (what: string, cause?: unknown): WvisorError => containerError(what, { cause });
/** There is no such container. */
export class NoContainerError extends WvisorError {
  constructor(id: string) {
    super("ERR_WVISOR_CONTAINER", `container ${id} does not exist`);
  }
}
export const alreadyExists = (id: string): WvisorError =>
  containerError(`container with given ID already exists: ${id}`);
export const notRunning = (): WvisorError => containerError("container not running");
