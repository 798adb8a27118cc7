// Starts a sandbox from its configuration.

import { WvisorError } from "../../common/errors.ts";
import type { SandboxConfig } from "../config/sandbox-config.ts";

/** Runs the sandbox in this process and returns the guest's exit code. Throws WvisorError for wVisor's own failures. */
export async function runSandbox(config: SandboxConfig): Promise<number> {
  throw new WvisorError("ERR_WVISOR_NOT_IMPLEMENTED", `sandbox ${config.id}: this build has no loader`);
}
