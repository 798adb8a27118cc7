// The thread of a sandbox's supervisor: its entry. It is called by messages and answers by messages.

import { parentPort, workerData } from "node:worker_threads";
import { KernelPanic } from "../../host/kernel/instance.ts";
import type { CallMessage, CallName, SupervisorMessage, SupervisorStart } from "../protocol.ts";
import { recordError } from "../protocol.ts";
import { Supervisor } from "./supervisor.ts";

const { plan, modules, image } = workerData as SupervisorStart;

function tell(message: SupervisorMessage): void {
  parentPort!.postMessage(message);
}

const supervisor = new Supervisor(plan, modules, {
  ended: (key, end) => tell({ kind: "end", key, end }),
  failed: (key, error) => {
    if (error instanceof KernelPanic) tell({ kind: "panic", message: error.message });
    else tell({ kind: "failed", key, error: recordError(error) });
  },
});

const calls: Readonly<Record<CallName, (argument: never) => unknown>> = {
  start: () => supervisor.start(image),
  spawn: (request) => supervisor.spawn(request),
  kill: (target) => supervisor.kill(target),
  mount: (mount) => supervisor.mount(mount),
  umount: (path) => supervisor.umount(path),
  snapshot: () => supervisor.snapshot(),
  restore: (copy) => supervisor.restore(copy),
  usage: () => supervisor.usage(),
  close: () => supervisor.close(),
};

parentPort!.on("message", async ({ id, name, argument }: CallMessage) => {
  try {
    tell({ kind: "result", id, result: await calls[name](argument as never) });
  } catch (error) {
    if (error instanceof KernelPanic) tell({ kind: "panic", message: error.message });
    else tell({ kind: "error", id, error: recordError(error) });
  }
});
