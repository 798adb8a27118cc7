// A cursor over the buffers of one read or write (Linux: struct iov_iter): spans of guest memory, or of kernel memory for
// transfers that the kernel makes itself. The spans were checked when the vector was imported.

import { copyInUnchecked, copyOutUnchecked } from "./usercopy.ts";

@final
export class IovIter {
  /** (u32 address, u32 length) pairs in kernel memory. */
  vector: usize = 0;
  count: u32 = 0;
  /** Bytes not yet moved. */
  remaining: u32 = 0;
  /** The spans lie in kernel memory. */
  kernel: bool = false;
  private index: u32 = 0;
  private within: u32 = 0;

  /** Starts over the `count` pairs at `vector`, `total` bytes in all. */
  init(vector: usize, count: u32, total: u32, kernel: bool): void {
    this.vector = vector;
    this.count = count;
    this.remaining = total;
    this.kernel = kernel;
    this.index = 0;
    this.within = 0;
  }

  /** Moves up to `length` bytes from `source` into the buffers; returns how many fitted. */
  put(source: usize, length: u32): u32 {
    let done: u32 = 0;
    while (done < length && this.remaining) {
      const chunk = this.nextChunk(length - done);
      if (!chunk) break;
      const to = this.address();
      if (this.kernel) memory.copy(to, source + done, chunk);
      else copyOutUnchecked(<u32>to, source + done, chunk);
      done += chunk;
      this.advance(chunk);
    }
    return done;
  }

  /** Moves up to `length` bytes from the buffers to `target`; returns how many there were. */
  take(target: usize, length: u32): u32 {
    let done: u32 = 0;
    while (done < length && this.remaining) {
      const chunk = this.nextChunk(length - done);
      if (!chunk) break;
      const from = this.address();
      if (this.kernel) memory.copy(target + done, from, chunk);
      else copyInUnchecked(target + done, <u32>from, chunk);
      done += chunk;
      this.advance(chunk);
    }
    return done;
  }

  /** Skips `length` bytes that were moved by other means. */
  skip(length: u32): void {
    let left = min(length, this.remaining);
    while (left) {
      const chunk = this.nextChunk(left);
      if (!chunk) return;
      this.advance(chunk);
      left -= chunk;
    }
  }

  /** Bytes left of the span that it stands in. */
  get spanLength(): u32 {
    return this.nextChunk(this.remaining);
  }

  /** The length of the next run within one span, at most `limit`; 0 at the end. Empty spans are passed over. */
  private nextChunk(limit: u32): u32 {
    while (this.index < this.count) {
      const left = load<u32>(this.vector + ((<usize>this.index) << 3), 4) - this.within;
      if (left) return min(min(left, limit), this.remaining);
      this.index++;
      this.within = 0;
    }
    return 0;
  }

  private address(): usize {
    return <usize>load<u32>(this.vector + ((<usize>this.index) << 3)) + this.within;
  }

  private advance(length: u32): void {
    this.within += length;
    this.remaining -= length;
  }
}
