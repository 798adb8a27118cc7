// Reading and writing the sections of a WebAssembly module (WebAssembly core specification, 5.5). The bytes are hostile: every
// length is checked before it is used.

import { WvisorError } from "../../common/errors.ts";

/** [start, end) is its body. */
export interface Section {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

export class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    const value = this.at < this.end ? this.bytes[this.at] : undefined;
    if (value === undefined) throw malformed("it ends in the middle of a section");
    this.at++;
    return value;
  }

  /** An unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    throw malformed("a number in it is too long");
  }
}

export function malformed(why: string): WvisorError {
  return new WvisorError("ERR_WVISOR_BAD_MODULE", `not a valid WebAssembly module: ${why}`, 126);
}

export function sectionsOf(bytes: Uint8Array): Section[] {
  const cursor = new Cursor(bytes, 8, bytes.length);
  const sections: Section[] = [];
  while (cursor.at < cursor.end) {
    const id = cursor.byte();
    const length = cursor.u32();
    if (length > cursor.end - cursor.at) throw malformed("it is cut off");
    sections.push({ id, start: cursor.at, end: cursor.at + length });
    cursor.at += length;
  }
  return sections;
}

export function concat(parts: readonly (Uint8Array | number[])[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** An unsigned LEB128. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return bytes;
}

/** A name of ASCII characters. */
export function name(text: string): number[] {
  return [text.length, ...[...text].map((character) => character.charCodeAt(0))];
}
