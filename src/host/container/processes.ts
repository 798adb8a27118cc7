// What runs in a container, and how it ends: what only its sentry knows.

import * as v from "valibot";
import type { Native } from "../../native/index.ts";
import type { Containers } from "./containers.ts";
import { failed, notRunning } from "./errors.ts";
import { type ContainerRecord, statusOf } from "./record.ts";
import { SandboxClient } from "./sandbox-client.ts";

export interface ListedProcess {
  readonly hostPid: number;
  readonly pid: number;
  readonly uid: number;
  readonly command: string;
}

/** A sentry may say anything. */
const processesSchema = v.array(
  v.object({ UID: v.number(), PID: v.number(), HostPID: v.number(), Cmd: v.string() }),
);
const EXIT_SHIFT = 8;

/** Errors: WvisorError. */
export function listProcesses(native: Native, containers: Containers, id: string): ListedProcess[] {
  const { client, record } = connect(native, containers, id);
  const answer = v.safeParse(processesSchema, client.call("Processes", id));
  client.close();
  if (!answer.success) throw failed("the sandbox does not answer with a list of processes");
  return answer.output.map(({ UID, PID, HostPID, Cmd }) => ({
    // The container's own has no other process that stands for it.
    hostPid: HostPID === 0 ? record.anchor.pid : HostPID,
    pid: PID,
    uid: UID,
    command: Cmd,
  }));
}

/** (blocks) The exit code of the container, when it has ended. Errors: WvisorError. */
export function waitFor(native: Native, containers: Containers, id: string): number {
  const { client } = connect(native, containers, id);
  const status = client.call("Wait", id);
  client.close();
  if (typeof status !== "number") throw failed("the sandbox does not answer with a status");
  return (status >> EXIT_SHIFT) & 0xff;
}

/** The lock is not held while the sentry is at work. */
function connect(
  native: Native,
  containers: Containers,
  id: string,
): { client: SandboxClient; record: ContainerRecord } {
  const container = containers.lock(id);
  try {
    if (statusOf(container.directory, container.record) === "stopped") throw notRunning();
    return { client: new SandboxClient(native, container.directory), record: container.record };
  } finally {
    container.unlock();
  }
}
