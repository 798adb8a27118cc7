// start, kill and delete: what becomes of a container that was created.

import { SIGKILL } from "../../common/signals.ts";
import type { Native } from "../../native/index.ts";
import type { Containers } from "./containers.ts";
import { failed, NoContainerError, notRunning } from "./errors.ts";
import { awaitEnd, signalProcess } from "./process-id.ts";
import { type Status, statusOf } from "./record.ts";
import { SandboxClient } from "./sandbox-client.ts";

const END_TIMEOUT_MS = 10_000;

/** Errors: WvisorError. */
export function startContainer(native: Native, containers: Containers, id: string): void {
  const container = containers.lock(id);
  try {
    const status = statusOf(container.directory, container.record);
    if (status === "running") throw failed("cannot start an already running container");
    if (status === "stopped") throw failed("cannot start a container that has stopped");
    const client = new SandboxClient(native, container.directory);
    client.call("StartRoot", id);
    client.close();
  } finally {
    container.unlock();
  }
}

/** With `all` the container may have stopped already. Errors: WvisorError. */
export function killContainer(
  native: Native,
  containers: Containers,
  id: string,
  signal: number,
  all: boolean,
): void {
  // Without the lock: who holds it may be waiting for a process that is to be killed.
  const { record } = containers.find(id);
  if (!signalProcess(native, record.anchor, signal) && !all) throw notRunning();
}

/** With `force` it may run, and there may be none. Errors: WvisorError. */
export function deleteContainer(native: Native, containers: Containers, id: string, force: boolean): void {
  const container = lockForDelete(containers, id, force);
  if (container === undefined) return;
  try {
    const { anchor } = container.record;
    const status: Status = statusOf(container.directory, container.record);
    if (status === "running" && !force) {
      throw failed(`cannot delete container ${id} that is not stopped: ${status}`);
    }
    if (signalProcess(native, anchor, SIGKILL) && !awaitEnd(anchor, END_TIMEOUT_MS)) {
      throw failed(`container ${id} was killed and does not end`);
    }
    container.remove();
  } finally {
    container.unlock();
  }
}

function lockForDelete(
  containers: Containers,
  id: string,
  force: boolean,
): ReturnType<Containers["lock"]> | undefined {
  try {
    return containers.lock(id);
  } catch (error) {
    if (force && error instanceof NoContainerError) return undefined;
    throw error;
  }
}
