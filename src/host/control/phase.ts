// The file that says, in its first byte, whether a container was started (src/host/container/record.ts).

import type { Native } from "../../native/index.ts";

/** The helper's slot for the byte. */
const PHASE_SLOT = 10;
const STARTED = new Uint8Array([0x72]);

export function markStarted(native: Native, fd: number): void {
  native.registerMemory(PHASE_SLOT, STARTED);
  native.pwrite(fd, PHASE_SLOT, 0, STARTED.length, 0);
}
