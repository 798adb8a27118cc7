// A cursor that builds a message in a span of kernel memory.
//
// A write past the end is dropped and sets `overrun`, which stays set: whoever sends the message looks at it once.

@final
export class ByteWriter {
  overrun: bool = false;
  position: usize = 0;
  private end: usize = 0;

  /** Starts over [start, start + capacity). */
  reset(start: usize, capacity: u32): void {
    this.position = start;
    this.end = start + capacity;
    this.overrun = false;
  }

  get room(): u32 {
    return <u32>(this.end - this.position);
  }

  u8(value: u32): void {
    const at = this.take(1);
    if (at) store<u8>(at, <u8>value);
  }

  u16(value: u32): void {
    const at = this.take(2);
    if (at) store<u16>(at, <u16>value);
  }

  u32(value: u32): void {
    const at = this.take(4);
    if (at) store<u32>(at, value);
  }

  u64(value: u64): void {
    const at = this.take(8);
    if (at) store<u64>(at, value);
  }

  bytes(source: usize, length: u32): void {
    const at = this.take(length);
    if (at) memory.copy(at, source, length);
  }

  /** The address of the next `length` bytes, for the caller to fill, or 0 when there is no room for them. */
  take(length: u32): usize {
    if (this.overrun || length > this.room) {
      this.overrun = true;
      return 0;
    }
    const at = this.position;
    this.position += length;
    return at;
  }
}
