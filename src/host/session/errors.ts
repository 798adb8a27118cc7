import { WvisorError } from "../../common/errors.ts";

export function sessionError(message: string, cause?: unknown): WvisorError {
  return new WvisorError("ERR_WVISOR_SESSION", message, undefined, { cause });
}
