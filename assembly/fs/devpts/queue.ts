// A ring of bytes: what a terminal has written and its master has not yet read.

import { IovIter } from "../../mm/iov-iter.ts";

/** A power of two. */
const CAPACITY: u32 = 8192;

@final
export class ByteQueue {
  private readonly bytes: usize = heap.alloc(CAPACITY);
  // Positions since the beginning; they wrap together.
  private head: u32 = 0;
  private tail: u32 = 0;

  destroy(): void {
    heap.free(this.bytes);
  }

  get length(): u32 {
    return this.head - this.tail;
  }
  get room(): u32 {
    return CAPACITY - this.length;
  }

  /** Drops the byte when there is no room. */
  push(byte: u32): void {
    if (this.room == 0) return;
    store<u8>(this.bytes + (this.head & (CAPACITY - 1)), <u8>byte);
    this.head++;
  }

  clear(): void {
    this.tail = this.head;
  }

  /** Moves as much as there is and `to` takes; returns how much. */
  moveTo(to: IovIter): u32 {
    let moved: u32 = 0;
    while (this.length > 0 && to.remaining > 0) {
      const at = this.tail & (CAPACITY - 1);
      const run = to.put(this.bytes + at, min(this.length, CAPACITY - at));
      if (run == 0) break;
      this.tail += run;
      moved += run;
    }
    return moved;
  }
}
