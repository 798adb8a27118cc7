// Reads the sections of a WebAssembly module that the structural tests of the kernel look at.

const SECTION_CUSTOM = 0;
const SECTION_IMPORT = 2;
const SECTION_GLOBAL = 6;
const SECTION_START = 8;
const SECTION_DATA = 11;
const NAMES_OF_GLOBALS = 7;

const OP_I32_CONST = 0x41;
const OP_I64_CONST = 0x42;
const OP_F32_CONST = 0x43;
const OP_F64_CONST = 0x44;
const OP_GLOBAL_GET = 0x23;
const OP_END = 0x0b;

const KINDS = ["function", "table", "memory", "global"] as const;

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
}

export interface Global {
  readonly mutable: boolean;
  /** From the name section, if there is one. */
  readonly name: string | undefined;
}

export interface DataSegment {
  /** Undefined for a passive segment. */
  readonly address: number | undefined;
  readonly bytes: Uint8Array;
}

export interface WasmSections {
  readonly hasStart: boolean;
  readonly imports: readonly Import[];
  readonly globals: readonly Global[];
  readonly data: readonly DataSegment[];
}

class Cursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  u8(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new Error("the module ends too early");
    return value;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  i32(): number {
    let value = 0;
    for (let shift = 0; ; ) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte >= 0x80) continue;
      return shift < 32 && byte & 0x40 ? value | (-1 << shift) : value;
    }
  }

  take(length: number): Uint8Array {
    const part = this.bytes.subarray(this.at, this.at + length);
    if (part.length !== length) throw new Error("the module ends too early");
    this.at += length;
    return part;
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.u32()));
  }

  /** A constant expression; its value when that is an i32. */
  constant(): number | undefined {
    let value: number | undefined;
    for (;;) {
      const op = this.u8();
      if (op === OP_END) return value;
      if (op === OP_I32_CONST) value = this.i32();
      else if (op === OP_I64_CONST) while (this.u8() >= 0x80);
      else if (op === OP_F32_CONST) this.take(4);
      else if (op === OP_F64_CONST) this.take(8);
      else if (op === OP_GLOBAL_GET) this.u32();
      else throw new Error(`unexpected opcode ${op} in a constant expression`);
    }
  }
}

function importsOf(section: Cursor): Import[] {
  const imports: Import[] = [];
  for (let count = section.u32(); count > 0; count--) {
    const module = section.name();
    const name = section.name();
    const kind = KINDS[section.u8()];
    if (kind === "function") {
      section.u32();
    } else if (kind === "memory") {
      const hasMaximum = (section.u32() & 1) === 1;
      section.u32();
      if (hasMaximum) section.u32();
    } else {
      throw new Error(`an import of this kind is not expected: ${module}.${name}`);
    }
    imports.push({ module, name, kind });
  }
  return imports;
}

export function wasmSections(bytes: Uint8Array): WasmSections {
  const cursor = new Cursor(bytes, 8);
  const mutable: boolean[] = [];
  const names = new Map<number, string>();
  const data: DataSegment[] = [];
  let imports: Import[] = [];
  let hasStart = false;
  while (cursor.at < bytes.length) {
    const id = cursor.u8();
    const section = new Cursor(cursor.take(cursor.u32()));
    if (id === SECTION_START) hasStart = true;
    if (id === SECTION_IMPORT) imports = importsOf(section);
    if (id === SECTION_GLOBAL) {
      for (let count = section.u32(); count > 0; count--) {
        section.u8();
        mutable.push(section.u8() === 1);
        section.constant();
      }
    }
    if (id === SECTION_DATA) {
      for (let count = section.u32(); count > 0; count--) {
        const flags = section.u32();
        if (flags === 2) section.u32();
        const address = flags === 1 ? undefined : section.constant();
        data.push({ address, bytes: section.take(section.u32()) });
      }
    }
    if (id === SECTION_CUSTOM && section.name() === "name") {
      while (section.at < section.bytes.length) {
        const kind = section.u8();
        const part = new Cursor(section.take(section.u32()));
        if (kind !== NAMES_OF_GLOBALS) continue;
        for (let count = part.u32(); count > 0; count--) names.set(part.u32(), part.name());
      }
    }
  }
  return { hasStart, imports, globals: mutable.map((m, i) => ({ mutable: m, name: names.get(i) })), data };
}
