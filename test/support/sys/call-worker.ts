// A worker thread that makes system calls of our kernel for tasks of a test, one after the other. Its orders and answers are in
// shared memory (kernel-thread.ts), since neither side has an event loop to spare.

import { workerData } from "node:worker_threads";
import { makeThreadHost, type SharedHost } from "../../../src/host/boot/native-host.ts";
import { instantiateKernel, type KernelModules } from "../../../src/host/kernel/instance.ts";
import { loadNative } from "../../../src/native/index.ts";
import {
  ANSWER,
  ANSWER_FAILED,
  ANSWER_GONE,
  ANSWER_RESULT,
  Board,
  ORDER,
  ORDER_CALL,
  ORDER_ENTER,
  ORDER_NONE,
} from "./call-board.ts";

export interface CallWorkerData {
  readonly modules: KernelModules;
  readonly memory: WebAssembly.Memory;
  readonly shared: SharedHost;
  readonly board: SharedArrayBuffer;
}

const { modules, memory, shared, board: buffer } = workerData as CallWorkerData;
const board = new Board(buffer);
const native = loadNative();
if (native === undefined) throw new Error("the native helper is not built");
const guest = new WebAssembly.Memory({ initial: 0, maximum: 0 });
const host = makeThreadHost(native, memory, guest, shared, -1);
/** The task has left by itself, because it was killed. */
let gone = false;
const exited = (): void => {
  gone = true;
};
const kernel = instantiateKernel(modules, memory, guest, { ...host.functions, exited }, host.copies);

function call(): number {
  const [number = 0, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = board.numbers;
  gone = false;
  try {
    board.numbers[0] = kernel.syscall(number, a, b, c, d, e, f);
    return ANSWER_RESULT;
  } catch (error) {
    // A task that was killed leaves by a trap, after it told the host.
    if (gone) return ANSWER_GONE;
    board.text = (error as Error).message;
    return ANSWER_FAILED;
  }
}

for (;;) {
  const order = board.take(ORDER, ORDER_NONE);
  if (order === ORDER_ENTER) {
    kernel.task_enter(board.numbers[0]!);
    board.put(ANSWER, ANSWER_RESULT);
  } else if (order === ORDER_CALL) board.put(ANSWER, call());
  else break;
}
