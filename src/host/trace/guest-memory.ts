// A guest's memory as the tracer reads it. Addresses and lengths are the guest's: whatever does not lie in its memory is not read.

import type { Text, Value } from "../../trace/value.ts";

const WORD = 4;
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes that somebody chose, as a trace has them. */
export function textOf(bytes: Uint8Array): Text {
  try {
    return strict.decode(bytes);
  } catch {
    return { latin1: Array.from(bytes, (byte) => String.fromCharCode(byte)).join("") };
  }
}

/** A cut text ends before the character that the cut would split. */
function wholeCharacters(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes.length - end < 4 && (bytes[end - 1]! & 0xc0) === 0x80) end--;
  const lead = end > 0 ? bytes[end - 1]! : 0;
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return size > 1 && end - 1 + size > bytes.length ? bytes.subarray(0, end - 1) : bytes;
}

export class GuestMemory {
  readonly #memory: WebAssembly.Memory;
  #view: DataView;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#view = new DataView(memory.buffer);
  }

  /** A memory that grew is a new buffer. */
  private get view(): DataView {
    if (this.#view.buffer !== this.#memory.buffer) this.#view = new DataView(this.#memory.buffer);
    return this.#view;
  }

  has(at: number, length: number): boolean {
    return at + length <= this.view.byteLength;
  }

  /** A copy, or undefined. The caller bounds the length. */
  bytes(at: number, length: number): Uint8Array | undefined {
    return this.has(at, length) ? new Uint8Array(this.view.buffer, at, length).slice() : undefined;
  }

  /** These three are for what has() has found. */
  u8(at: number): number {
    return this.view.getUint8(at);
  }
  u16(at: number): number {
    return this.view.getUint16(at, true);
  }
  u32(at: number): number {
    return this.view.getUint32(at, true);
  }
  u64(at: number): bigint {
    return this.view.getBigUint64(at, true);
  }

  /** `length` bytes of text, of which at most `shown` are given; the address when they are not there. */
  text(at: number, length: number, shown: number): Value {
    if (!this.has(at, length)) return { address: at };
    const bytes = this.bytes(at, Math.min(length, shown))!;
    return length <= shown ? { text: textOf(bytes) } : { text: textOf(wholeCharacters(bytes)), length };
  }

  /** What a call wrote to one u32 cell, by `show`; the address when there is none. */
  cell(at: number, show: (value: number) => Value): Value {
    return this.has(at, WORD) ? { list: [show(this.u32(at))] } : { address: at };
  }
}
