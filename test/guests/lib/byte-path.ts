// A path built in place, for loops that may not allocate: memory is never freed in these programs.

const CAPACITY: i32 = 256;

@final
export class BytePath {
  readonly at: usize = heap.alloc(CAPACITY);
  length: u32 = 0;

  clear(): BytePath {
    this.length = 0;
    return this;
  }

  byte(value: u8): BytePath {
    store<u8>(this.at + this.length, value);
    this.length++;
    return this;
  }

  /** Adds a text that was encoded before the loop. */
  bytes(at: usize, length: u32): BytePath {
    memory.copy(this.at + this.length, at, length);
    this.length += length;
    return this;
  }

  number(value: u32): BytePath {
    if (value >= 10) this.number(value / 10);
    return this.byte(<u8>(0x30 + (value % 10)));
  }
}
