// How a container ends: what only its sentry knows.

import type { Native } from "../../native/index.ts";
import type { Containers } from "./containers.ts";
import { failed, notRunning } from "./errors.ts";
import { statusOf } from "./record.ts";
import { SandboxClient } from "./sandbox-client.ts";

const EXIT_SHIFT = 8;

/** (blocks) The exit code of the container, when it has ended. Errors: WvisorError. */
export function waitFor(native: Native, containers: Containers, id: string): number {
  const client = connect(native, containers, id);
  const status = client.call("Wait", id);
  client.close();
  if (typeof status !== "number") throw failed("the sandbox does not answer with a status");
  return (status >> EXIT_SHIFT) & 0xff;
}

/** The lock is not held while the sentry is at work. */
function connect(native: Native, containers: Containers, id: string): SandboxClient {
  const container = containers.lock(id);
  try {
    if (statusOf(container.directory, container.record) === "stopped") throw notRunning();
    return new SandboxClient(native, container.directory);
  } finally {
    container.unlock();
  }
}
