// A cursor over bytes that came from outside the kernel.
//
// A read past the end gives zero and sets `overrun`, which stays set: a decoder reads every field in order without a check
// after each, and asks isComplete() once before it uses any of them.

@final
export class ByteReader {
  overrun: bool = false;
  private at: usize = 0;
  private end: usize = 0;

  /** Starts over [start, start + length), which is not written while it is read. */
  reset(start: usize, length: u32): void {
    this.at = start;
    this.end = start + length;
    this.overrun = false;
  }

  get remaining(): u32 {
    return <u32>(this.end - this.at);
  }

  /** Whether all that was read was there, and nothing is left. */
  isComplete(): bool {
    return !this.overrun && this.at == this.end;
  }

  u8(): u32 {
    const at = this.take(1);
    return at ? load<u8>(at) : 0;
  }

  u16(): u32 {
    const at = this.take(2);
    return at ? load<u16>(at) : 0;
  }

  u32(): u32 {
    const at = this.take(4);
    return at ? load<u32>(at) : 0;
  }

  u64(): u64 {
    const at = this.take(8);
    return at ? load<u64>(at) : 0;
  }

  /** The address of the next `length` bytes, or 0 when there are fewer. */
  take(length: u32): usize {
    // Compared with what is left rather than as `at + length > end`, which a large length would wrap.
    if (this.overrun || length > this.remaining) {
      this.overrun = true;
      return 0;
    }
    const at = this.at;
    this.at += length;
    return at;
  }
}
