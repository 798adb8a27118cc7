// A guest's own linear memory, turned into an import.
//
// The kernel is instantiated over the guest's memory before the guest exists, and decides how large it may grow; so the
// memory section of the guest's module becomes an import. Only section headers are read and written: code is not touched.
// The bytes are hostile: every length is checked before it is used.

import { WvisorError } from "../../common/errors.ts";

export const MEMORY_MODULE = "wvisor";
export const MEMORY_NAME = "memory";

/** In WebAssembly pages of 64 KiB. */
export interface MemoryLimits {
  readonly minimum: number;
  /** 65,536 when the module sets none. */
  readonly maximum: number;
}

export interface GuestModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Undefined for a module without a memory of its own. */
  readonly memory: MemoryLimits | undefined;
}

const SECTION_CUSTOM = 0;
const SECTION_IMPORT = 2;
const SECTION_MEMORY = 5;
/** What 32-bit addresses reach, in pages of 64 KiB. */
export const MAX_PAGES = 65536;

interface Section {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

class Cursor {
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

function malformed(why: string): WvisorError {
  return new WvisorError("ERR_WVISOR_BAD_MODULE", `not a valid WebAssembly module: ${why}`, 126);
}

function sectionsOf(bytes: Uint8Array): Section[] {
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

/** Returns the module with its memory as the import (MEMORY_MODULE, MEMORY_NAME), and that memory's limits. */
export function importMemory(bytes: Uint8Array<ArrayBuffer>): GuestModule {
  const sections = sectionsOf(bytes);
  const memory = sections.find((section) => section.id === SECTION_MEMORY);
  if (memory === undefined) return { bytes, memory: undefined };
  const cursor = new Cursor(bytes, memory.start, memory.end);
  const count = cursor.u32();
  if (count === 0) return { bytes, memory: undefined };
  if (count !== 1) throw malformed("it has more than one memory");
  const limitsStart = cursor.at;
  const flags = cursor.u32();
  if (flags > 1)
    throw malformed("its memory is shared or has 64-bit addresses, which guests cannot have yet");
  const minimum = cursor.u32();
  const maximum = flags === 1 ? cursor.u32() : MAX_PAGES;
  if (minimum > maximum || maximum > MAX_PAGES) throw malformed("its memory has impossible limits");
  const entry = concat([
    name(MEMORY_MODULE),
    name(MEMORY_NAME),
    [0x02],
    bytes.subarray(limitsStart, cursor.at),
  ]);
  return { bytes: rebuild(bytes, sections, entry), memory: { minimum, maximum } };
}

function rebuild(
  bytes: Uint8Array,
  sections: readonly Section[],
  entry: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const parts: (Uint8Array | number[])[] = [bytes.subarray(0, 8)];
  const add = (id: number, body: Uint8Array): void => {
    parts.push([id, ...leb(body.length)], body);
  };
  let done = false;
  for (const section of sections) {
    const body = bytes.subarray(section.start, section.end);
    if (section.id === SECTION_MEMORY) continue;
    if (section.id === SECTION_IMPORT) {
      const cursor = new Cursor(bytes, section.start, section.end);
      const count = cursor.u32();
      add(SECTION_IMPORT, concat([leb(count + 1), bytes.subarray(cursor.at, section.end), entry]));
      done = true;
      continue;
    }
    if (!done && section.id !== SECTION_CUSTOM && section.id > SECTION_IMPORT) {
      add(SECTION_IMPORT, concat([leb(1), entry]));
      done = true;
    }
    add(section.id, body);
  }
  // The memory was the last section.
  if (!done) add(SECTION_IMPORT, concat([leb(1), entry]));
  return concat(parts);
}

function concat(parts: readonly (Uint8Array | number[])[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return bytes;
}

function name(text: string): number[] {
  return [text.length, ...[...text].map((character) => character.charCodeAt(0))];
}
