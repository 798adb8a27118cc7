// Text that the kernel writes for a guest to read (Linux: struct seq_file): a buffer that grows as it is filled, up to a bound.
//
// A write that does not fit is dropped and sets `failed`, which stays set: who hands the text on looks at it once.

import { allocDataPages, freePages, PAGE_SIZE } from "mm/page";

/** 1 MiB: the lines of some ten thousand mounts. */
const ORDER_MAX: u32 = 8;
const BACKSLASH: u32 = 0x5c;
const COMMA: u32 = 0x2c;

@final
export class Text {
  failed: bool = false;
  length: u32 = 0;
  private buffer: usize = 0;
  private order: u32 = 0;

  /** Where the text begins; it has `length` bytes. Valid until the next write. */
  get start(): usize {
    return this.buffer;
  }

  /** Forgets the text, and keeps its memory. */
  clear(): void {
    this.length = 0;
    this.failed = false;
  }

  /** Ends what the object holds. */
  destroy(): void {
    if (this.buffer) freePages(this.buffer);
    this.buffer = 0;
  }

  private get capacity(): u32 {
    return this.buffer ? PAGE_SIZE << this.order : 0;
  }

  /** The address of the next `length` bytes, for the caller to fill; or 0. */
  take(length: u32): usize {
    if (this.failed) return 0;
    while (this.capacity - this.length < length) {
      if (this.grow()) continue;
      this.failed = true;
      return 0;
    }
    const at = this.buffer + this.length;
    this.length += length;
    return at;
  }

  private grow(): bool {
    const order = this.buffer ? this.order + 1 : 0;
    if (order > ORDER_MAX) return false;
    const buffer = allocDataPages(order);
    if (!buffer) return false;
    if (this.buffer) {
      memory.copy(buffer, this.buffer, this.length);
      freePages(this.buffer);
    }
    this.buffer = buffer;
    this.order = order;
    return true;
  }

  byte(value: u32): this {
    const at = this.take(1);
    if (at) store<u8>(at, <u8>value);
    return this;
  }

  bytes(source: usize, length: u32): this {
    const at = this.take(length);
    if (at) memory.copy(at, source, length);
    return this;
  }

  /** ASCII. */
  text(text: string): this {
    const length = <u32>text.length;
    const at = this.take(length);
    if (!at) return this;
    for (let i: u32 = 0; i < length; i++) store<u8>(at + i, <u8>text.charCodeAt(i));
    return this;
  }

  spaces(count: i32): this {
    for (let i = 0; i < count; i++) this.byte(0x20);
    return this;
  }

  decimal(value: u64): this {
    return this.number(value, 10, 1, 0x20);
  }
  signed(value: i64): this {
    if (value >= 0) return this.decimal(<u64>value);
    return this.byte(0x2d).decimal(<u64>-value);
  }
  /** At least `width` places, filled with spaces from the left. */
  padded(value: u64, width: u32): this {
    return this.number(value, 10, width, 0x20);
  }
  /** At least `width` digits. */
  digits(value: u64, width: u32): this {
    return this.number(value, 10, width, 0x30);
  }
  hex(value: u64, width: u32): this {
    return this.number(value, 16, width, 0x30);
  }
  octal(value: u64, width: u32): this {
    return this.number(value, 8, width, 0x30);
  }

  private number(value: u64, base: u64, width: u32, fill: u32): this {
    let length: u32 = 1;
    for (let rest = value / base; rest; rest /= base) length++;
    for (let i = length; i < width; i++) this.byte(fill);
    let at = this.take(length);
    if (!at) return this;
    at += length;
    let rest = value;
    do {
      const digit = <u32>(rest % base);
      store<u8>(--at, <u8>(digit < 10 ? 0x30 + digit : 0x57 + digit));
      rest /= base;
    } while (rest);
    return this;
  }

  /** A path: blanks, tabs, line ends and backslashes are written as octal escapes (Linux: seq_path()). */
  path(source: usize, length: u32): this {
    return this.escaped(source, length, BACKSLASH);
  }

  /** A word of a table: as path(), and `#` too (Linux: mangle()). */
  word(source: usize, length: u32): this {
    return this.escaped(source, length, 0x23);
  }

  /** The value of a mount option: as path(), and commas too (Linux: seq_show_option()). */
  option(source: usize, length: u32): this {
    return this.escaped(source, length, COMMA);
  }

  private escaped(source: usize, length: u32, also: u32): this {
    for (let i: u32 = 0; i < length; i++) {
      const byte: u32 = load<u8>(source + i);
      const special = byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == BACKSLASH || byte == also;
      if (special) this.byte(BACKSLASH).octal(byte, 3);
      else this.byte(byte);
    }
    return this;
  }
}
