// Stands between a kernel and its gofer: forwards bytes both ways until it gets SIGUSR1, then forwards the first bytes of the
// gofer's next message and nothing more.
//
//   node half-frame-proxy.mjs     descriptor 3 leads to the kernel, 4 to the gofer

import { Socket } from "node:net";

const FIRST_BYTES = 9;

const kernel = new Socket({ fd: 3 });
const gofer = new Socket({ fd: 4 });
let stopping = false;
let stopped = false;

kernel.on("data", (bytes) => gofer.write(bytes));
gofer.on("data", (bytes) => {
  if (stopped) return;
  kernel.write(stopping ? bytes.subarray(0, FIRST_BYTES) : bytes);
  stopped = stopping;
});
for (const socket of [kernel, gofer]) {
  socket.on("close", () => process.exit());
  socket.on("error", () => process.exit());
}
process.on("SIGUSR1", () => {
  stopping = true;
});
process.send?.("ready");
