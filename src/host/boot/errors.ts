// What calls over the control socket fail with.

import { WvisorError } from "../../common/errors.ts";

/** What a call names that is not there, or not in that state. */
export class ContainerError extends WvisorError {
  constructor(message: string) {
    super("ERR_WVISOR_CONTAINER", message);
    this.name = "ContainerError";
  }
}
