// The thread that waits for descriptors: see readiness.ts.

import { parentPort, workerData } from "node:worker_threads";
import { loadNative } from "../../native/index.ts";
import { BUSY, READINESS_SLOT, type ReadinessStart } from "./readiness-start.ts";

const { epollFd, gate } = workerData as ReadinessStart;
const native = loadNative()!;
const word = new Int32Array(gate);
native.registerMemory(READINESS_SLOT, new Uint8Array(8));

for (;;) {
  native.epollWait(epollFd, READINESS_SLOT, 0, 1, -1);
  Atomics.store(word, 0, BUSY);
  parentPort!.postMessage(null);
  Atomics.wait(word, 0, BUSY);
}
