// What the sandbox itself says on a container's stream. The supervising thread must not wait for whoever reads there.

import { POLLOUT } from "../../../assembly/abi/poll.ts";
import { oneLine } from "../../common/one-line.ts";
import type { Native } from "../../native/index.ts";

/** The helper's slot for the text. */
const TEXT_SLOT = 10;
/** Linux: PIPE_BUF, what a pipe that can be written to has room for. */
const TEXT_MAX = 4096;
/** struct pollfd: fd[4] events[2] revents[2]. */
const POLLFD_BYTES = 8;
const REVENTS = 6;
const AT_ONCE = 0;
const NO_CANCEL = -1;

/** One line, whatever others chose of it; cut where it is too long; lost where there is no room for it. */
export function tellOn(native: Native, fd: number, text: string): void {
  const memory = new Uint8Array(POLLFD_BYTES + TEXT_MAX);
  const view = new DataView(memory.buffer);
  view.setInt32(0, fd, true);
  view.setUint32(4, POLLOUT, true);
  const { written } = new TextEncoder().encodeInto(
    `wvisor: ${oneLine(text)}`,
    memory.subarray(POLLFD_BYTES, -1),
  );
  memory[POLLFD_BYTES + written] = 0x0a;
  native.registerMemory(TEXT_SLOT, memory);
  if (native.poll(TEXT_SLOT, 0, 1, AT_ONCE, NO_CANCEL) <= 0) return;
  if ((view.getUint16(REVENTS, true) & POLLOUT) !== 0) native.write(fd, TEXT_SLOT, POLLFD_BYTES, written + 1);
}
