// wvisor update: other limits for a container that was created or runs.

import type { Native } from "../../native/index.ts";
import { guestMemoryLimit, setLimits } from "../cgroups/limits.ts";
import { ignoredResources, memoryLimitOf, pidsLimitOf, type Resources } from "../cgroups/resources.ts";
import { requireCgroup } from "./container-cgroup.ts";
import type { Containers } from "./containers.ts";
import { notRunning } from "./errors.ts";
import { statusOf } from "./record.ts";
import { SandboxClient } from "./sandbox-client.ts";

/** What is not given stays. Errors: WvisorError; then nothing has changed. */
export function updateContainer(
  native: Native,
  containers: Containers,
  id: string,
  resources: Resources,
  warn: (text: string) => void,
): void {
  const container = containers.lock(id);
  try {
    const { directory, record } = container;
    if (statusOf(directory, record) === "stopped") throw notRunning();
    for (const reason of ignoredResources(resources)) warn(reason);
    setLimits(requireCgroup(directory), resources);
    tellSandbox(native, directory, id, resources);
  } finally {
    container.unlock();
  }
}

/** What the sentry sees to by itself. One that is paused reads it when it goes on: nobody waits for an answer. */
function tellSandbox(native: Native, directory: string, id: string, { memory, pids }: Resources): void {
  const limits = {
    ...(memory?.limit ? { MemoryBytes: guestMemoryLimit(memoryLimitOf({ memory })) } : {}),
    ...(pids?.limit ? { Processes: pidsLimitOf({ pids }) } : {}),
  };
  if (Object.keys(limits).length === 0) return;
  const client = new SandboxClient(native, directory);
  client.post("Update", { CID: id, ...limits });
  client.close();
}
