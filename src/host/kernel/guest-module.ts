// A guest's module as the sandbox runs it: its linear memory turned into an import, its tables bounded.
//
// The kernel is instantiated over the guest's memory before the guest exists, and decides how large it may grow; so the
// memory section of the guest's module becomes an import. Only section headers and tables are read and written: code is not
// touched.

import { boundTables } from "./guest-tables.ts";
import { Cursor, concat, leb, malformed, name, type Section, sectionsOf } from "./wasm-binary.ts";

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
const SECTION_TABLE = 4;
const SECTION_MEMORY = 5;
/** What 32-bit addresses reach, in pages of 64 KiB. */
export const MAX_PAGES = 65536;

interface OwnMemory {
  readonly limits: MemoryLimits;
  /** Its entry in the import section. */
  readonly entry: Uint8Array;
}

/**
 * Returns the module with its memory as the import (MEMORY_MODULE, MEMORY_NAME), and that memory's limits. Errors: WvisorError
 * for bytes that are no module, or one with more than guests may have.
 */
export function confineModule(bytes: Uint8Array<ArrayBuffer>): GuestModule {
  const sections = sectionsOf(bytes);
  const memory = ownMemory(bytes, sections);
  const parts: (Uint8Array | number[])[] = [bytes.subarray(0, 8)];
  const add = (id: number, body: Uint8Array): void => {
    parts.push([id, ...leb(body.length)], body);
  };
  let entry = memory?.entry;
  for (const { id, start, end } of sections) {
    if (id === SECTION_MEMORY && memory !== undefined) continue;
    if (entry !== undefined && id !== SECTION_CUSTOM && id >= SECTION_IMPORT) {
      add(SECTION_IMPORT, withImport(id === SECTION_IMPORT ? bytes.subarray(start, end) : NO_IMPORTS, entry));
      entry = undefined;
      if (id === SECTION_IMPORT) continue;
    }
    if (id === SECTION_TABLE) add(id, boundTables(new Cursor(bytes, start, end)));
    else add(id, bytes.subarray(start, end));
  }
  // The memory was the last section.
  if (entry !== undefined) add(SECTION_IMPORT, withImport(NO_IMPORTS, entry));
  return { bytes: concat(parts), memory: memory?.limits };
}

/** The body of an import section with nothing in it. */
const NO_IMPORTS = Uint8Array.of(0);

function withImport(body: Uint8Array, entry: Uint8Array): Uint8Array {
  const cursor = new Cursor(body, 0, body.length);
  const count = cursor.u32();
  return concat([leb(count + 1), body.subarray(cursor.at), entry]);
}

function ownMemory(bytes: Uint8Array, sections: readonly Section[]): OwnMemory | undefined {
  const memory = sections.find((section) => section.id === SECTION_MEMORY);
  if (memory === undefined) return undefined;
  const cursor = new Cursor(bytes, memory.start, memory.end);
  const count = cursor.u32();
  if (count === 0) return undefined;
  if (count !== 1) throw malformed("it has more than one memory");
  const limitsStart = cursor.at;
  const flags = cursor.u32();
  if (flags > 1) {
    throw malformed("its memory is shared or has 64-bit addresses, which guests cannot have yet");
  }
  const minimum = cursor.u32();
  const maximum = flags === 1 ? cursor.u32() : MAX_PAGES;
  if (minimum > maximum || maximum > MAX_PAGES) throw malformed("its memory has impossible limits");
  const limits = bytes.subarray(limitsStart, cursor.at);
  return {
    limits: { minimum, maximum },
    entry: concat([name(MEMORY_MODULE), name(MEMORY_NAME), [0x02], limits]),
  };
}
