// A guest's tables, bounded: their entries are memory of the engine's, which no limit on linear memory counts.

import { WvisorError } from "../../common/errors.ts";
import { type Cursor, concat, leb, malformed } from "./wasm-binary.ts";

/** Entries of all tables together: at 8 to 24 bytes each no more than 24 MiB. CPython has some 10,000, Go programs 50,000. */
export const TABLE_ENTRIES_MAX = 1 << 20;
/** As for a memory that is too small: SIGKILL, 128 + 9. */
const EXIT_LIMIT = 137;

/** References to functions and other values, each one byte; two-byte forms and initialisers are newer than what runs here. */
const FIRST_REFERENCE = 0x65;
const LAST_REFERENCE = 0x74;

interface Table {
  readonly type: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** The body of a table section whose tables cannot grow beyond TABLE_ENTRIES_MAX. Errors: WvisorError. */
export function boundTables(section: Cursor): Uint8Array {
  const count = section.u32();
  const tables: Table[] = [];
  for (let i = 0; i < count; i++) tables.push(readTable(section));
  const needed = tables.reduce((sum, table) => sum + table.minimum, 0);
  if (needed > TABLE_ENTRIES_MAX) {
    const message = `its tables have ${needed} entries to start with, more than the ${TABLE_ENTRIES_MAX} that guests may have`;
    throw new WvisorError("ERR_WVISOR_MEMORY", message, EXIT_LIMIT);
  }
  const share = Math.floor((TABLE_ENTRIES_MAX - needed) / Math.max(count, 1));
  const bounded = tables.map(({ type, minimum, maximum }) => {
    return [type, 1, ...leb(minimum), ...leb(Math.min(maximum, minimum + share))];
  });
  return concat([leb(count), ...bounded]);
}

function readTable(section: Cursor): Table {
  const type = section.byte();
  if (type < FIRST_REFERENCE || type > LAST_REFERENCE) throw malformed("a table of it is of an unknown kind");
  const flags = section.u32();
  if (flags > 1)
    throw malformed("a table of it is shared or has 64-bit indices, which guests cannot have yet");
  const minimum = section.u32();
  const maximum = flags === 1 ? section.u32() : TABLE_ENTRIES_MAX;
  if (flags === 1 && minimum > maximum) throw malformed("a table of it has impossible limits");
  return { type, minimum, maximum: Math.max(minimum, maximum) };
}
