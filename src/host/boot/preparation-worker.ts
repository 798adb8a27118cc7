// The thread that prepares containers and their processes, one job after the other: see preparation-thread.ts.

import { parentPort, workerData } from "node:worker_threads";
import { WvisorError } from "../../common/errors.ts";
import { loadNative } from "../../native/index.ts";
import { Machine } from "./machine.ts";
import { Preparation } from "./preparation.ts";
import type { Answer, Order, PreparationStart } from "./preparation-start.ts";
import { SharedVolumes } from "./shared-volumes.ts";

const { modules, shared, volumes, ...running } = workerData as PreparationStart;
const machine = new Machine(loadNative()!, modules, shared, running);
const preparation = new Preparation(machine, new SharedVolumes(machine, volumes));

function tell(answer: Answer): void {
  parentPort!.postMessage(answer);
}

function run({ name, args }: Order): unknown {
  return (preparation[name] as (...values: unknown[]) => unknown)(...args);
}

function answer(order: Order): Answer {
  try {
    return { kind: "done", result: run(order) };
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof WvisorError)) return { kind: "panic", message };
    return { kind: "refused", code: error.code, message, exitCode: error.exitCode };
  }
}

parentPort!.on("message", (order: Order) => tell(answer(order)));
tell({ kind: "ready", thread: machine.thread });
