// A piece of a memory that the native helper knows, through which bytes and descriptors pass. Nothing stays in it between calls, so
// that all connections of a thread share one.
//
//   LIST    how many descriptors, and their numbers
//   BYTES   a piece of a message

import { DESCRIPTORS_MAX } from "./protocol.ts";

const LIST = 0;
const COUNT_BYTES = 4;
const FD_BYTES = 4;
const BYTES = COUNT_BYTES + DESCRIPTORS_MAX * FD_BYTES;

/** As much as is sent or received with one system call. */
export const PIECE = 16384;
export const SCRATCH_SIZE = BYTES + PIECE;

export class Scratch {
  readonly slot: number;
  /** The whole memory. */
  readonly memory: Uint8Array;
  /** Where in it, as the helper's calls take it. */
  readonly list: number;
  readonly bytes: number;
  private readonly view: DataView;

  /** [base, base + SCRATCH_SIZE) of `memory`, which is registered as `slot`. */
  constructor(slot: number, memory: Uint8Array, base = 0) {
    this.slot = slot;
    this.memory = memory;
    this.list = base + LIST;
    this.bytes = base + BYTES;
    this.view = new DataView(memory.buffer);
  }

  readList(): number[] {
    const count = this.view.getUint32(this.list, true);
    return Array.from({ length: count }, (_, index) => this.view.getInt32(this.at(index), true));
  }

  /** Preconditions: at most DESCRIPTORS_MAX. */
  writeList(fds: readonly number[]): void {
    this.view.setUint32(this.list, fds.length, true);
    for (const [index, fd] of fds.entries()) this.view.setInt32(this.at(index), fd, true);
  }

  private at(index: number): number {
    return this.list + COUNT_BYTES + index * FD_BYTES;
  }
}
