// What the sandbox itself says on a container's stream. The supervising thread must not wait for whoever reads there.

import { oneLine } from "../../common/one-line.ts";
import type { Native } from "../../native/index.ts";

/** The helper's slot for the text. */
const TEXT_SLOT = 10;
/** Linux: PIPE_BUF, what a pipe that can be written to has room for. */
const TEXT_MAX = 4096;
/** Where the text is, as struct iovec has it: u32 offset, u32 length. */
const VECTOR_BYTES = 8;
const NO_POSITION = -1;

/** One line, whatever others chose of it; cut where it is too long; lost where there is no room for it. */
export function tellOn(native: Native, fd: number, text: string): void {
  const memory = new Uint8Array(VECTOR_BYTES + TEXT_MAX);
  const line = memory.subarray(VECTOR_BYTES);
  const { written } = new TextEncoder().encodeInto(`wvisor: ${oneLine(text)}`, line.subarray(0, -1));
  line[written] = 0x0a;
  const view = new DataView(memory.buffer);
  view.setUint32(0, VECTOR_BYTES, true);
  view.setUint32(4, written + 1, true);
  // A write that is called off before it begins does what needs no waiting, whoever else fills the pipe meanwhile.
  const calledOff = native.eventfd(1);
  if (calledOff < 0) return;
  native.registerMemory(TEXT_SLOT, memory);
  native.writev(fd, TEXT_SLOT, 0, 1, TEXT_SLOT, NO_POSITION, calledOff);
  native.close(calledOff);
}
