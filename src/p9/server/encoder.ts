// A cursor that writes one reply. Handlers write only the fields after the header; Connection writes the header.
//
// Replies have bounded sizes by construction (the largest are Rread and Rreaddir, which handlers cut to the negotiated
// message size), so that no write here needs a check.

import { highOf, lowOf, type Wide } from "../../common/wide.ts";
import type { Memory } from "./memory.ts";

export class Encoder {
  /** Where the next field goes, as an offset in the memory. */
  position = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(memory: Memory) {
    this.bytes = memory.bytes;
    this.view = memory.view;
  }

  u8(value: number): void {
    this.view.setUint8(this.position, value);
    this.position += 1;
  }

  u16(value: number): void {
    this.view.setUint16(this.position, value, true);
    this.position += 2;
  }

  u32(value: number): void {
    this.view.setUint32(this.position, value, true);
    this.position += 4;
  }

  u64(low: number, high: number): void {
    this.view.setUint32(this.position, low, true);
    this.view.setUint32(this.position + 4, high, true);
    this.position += 8;
  }

  wide(value: Wide): void {
    this.u64(lowOf(value), highOf(value));
  }

  /** Copies `count` 64-bit values from elsewhere in the memory. */
  copy64(from: number, count: number): void {
    for (let i = 0; i < count; i++) {
      this.u64(this.view.getUint32(from + i * 8, true), this.view.getUint32(from + i * 8 + 4, true));
    }
  }

  /** Copies a few bytes from elsewhere in the memory: for a name, a loop is quicker than a call of copyWithin. */
  copy(from: number, length: number): void {
    const { bytes, position } = this;
    for (let i = 0; i < length; i++) bytes[position + i] = bytes[from + i]!;
    this.position = position + length;
  }

  /** Bytes from elsewhere. */
  data(value: Uint8Array): void {
    this.bytes.set(value, this.position);
    this.position += value.length;
  }

  /** An ASCII string with its length. */
  text(value: string): void {
    this.u16(value.length);
    for (let i = 0; i < value.length; i++) this.u8(value.charCodeAt(i));
  }

  /** Moves over bytes that somebody else has written. */
  skip(length: number): void {
    this.position += length;
  }
}
