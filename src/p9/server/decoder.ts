// A cursor over one message that came from a client.
//
// A read past the end gives zero and sets `overrun`, which stays set: a handler reads every field in order without a
// check after each, and asks `complete()` once before it uses any of them.

import { EINVAL, ENAMETOOLONG } from "../../../assembly/abi/errno.ts";
import { NAME_MAX } from "../../../assembly/abi/limits.ts";
import { type Wide, wideOf } from "../../common/wide.ts";
import type { Memory } from "./memory.ts";

const SLASH = 0x2f;

export class Decoder {
  /** Where the next field starts, as an offset in the memory. */
  position = 0;
  private end = 0;
  private overrun = false;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(memory: Memory) {
    this.bytes = memory.bytes;
    this.view = memory.view;
  }

  /** Points the cursor at the fields in [start, end). */
  reset(start: number, end: number): void {
    this.position = start;
    this.end = end;
    this.overrun = false;
  }

  /** True when the fields that were read are exactly the message: none was cut off and nothing is left. */
  complete(): boolean {
    return !this.overrun && this.position === this.end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  u8(): number {
    const at = this.take(1);
    return at < 0 ? 0 : this.view.getUint8(at);
  }

  u16(): number {
    const at = this.take(2);
    return at < 0 ? 0 : this.view.getUint16(at, true);
  }

  u32(): number {
    const at = this.take(4);
    return at < 0 ? 0 : this.view.getUint32(at, true);
  }

  /** A 64-bit value as a double: exact to 2^53, above that still above it. */
  u64(): number {
    const low = this.u32();
    return this.u32() * 0x1_0000_0000 + low;
  }

  /** A 64-bit value, whole: an offset, a length or a size. */
  wide(): Wide {
    const low = this.u32();
    return wideOf(low, this.u32());
  }

  /** As u64(), two's complement. */
  i64(): number {
    const low = this.u32();
    return (this.u32() | 0) * 0x1_0000_0000 + low;
  }

  /** Steps over `length` bytes and returns where they start. */
  span(length: number): number {
    const at = this.take(length);
    return at < 0 ? this.end : at;
  }

  /** A string of any content: steps over it and returns its length; its bytes end at `position`. */
  string(): number {
    const length = this.u16();
    return this.take(length) < 0 ? 0 : length;
  }

  /** A string as text, for the messages that are not hot. */
  text(): string {
    const length = this.string();
    return new TextDecoder().decode(this.bytes.subarray(this.position - length, this.position));
  }

  /**
   * The name of a directory entry: copies it to `to` with a NUL and returns its length, or what is wrong with it.
   *
   * The cursor moves over the string either way, so that the fields after it can still be read.
   * Errors: ENAMETOOLONG above NAME_MAX bytes; EINVAL when it is empty or holds a slash or a NUL.
   */
  name(to: number): number {
    const length = this.string();
    if (length > NAME_MAX) return -ENAMETOOLONG;
    if (length === 0) return -EINVAL;
    const bytes = this.bytes;
    const from = this.position - length;
    for (let i = 0; i < length; i++) {
      const byte = bytes[from + i]!;
      if (byte === SLASH || byte === 0) return -EINVAL;
      bytes[to + i] = byte;
    }
    bytes[to + length] = 0;
    return length;
  }

  private take(length: number): number {
    const at = this.position;
    if (length > this.end - at) {
      this.overrun = true;
      this.position = this.end;
      return -1;
    }
    this.position = at + length;
    return at;
  }
}
