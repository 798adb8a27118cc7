// A guest's memory section becomes an import; everything else of the module stays.

import { describe, expect, test } from "vitest";
import { WvisorError } from "../../../src/common/errors.ts";
import { confineModule, MEMORY_MODULE, MEMORY_NAME } from "../../../src/host/kernel/guest-module.ts";
import { wasmSections } from "../../support/wasm-sections.ts";

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

function section(id: number, body: readonly number[]): number[] {
  return [id, ...leb(body.length), ...body];
}

function text(value: string): number[] {
  return [value.length, ...Buffer.from(value)];
}

function moduleOf(...sections: readonly number[][]): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...HEADER, ...sections.flat()]);
}

const TYPES = section(1, [1, 0x60, 0, 1, 0x7f]);
/** wasi.f, of type () -> i32 */
const IMPORTS = section(2, [1, ...text("wasi"), ...text("f"), 0, 0]);
const FUNCTIONS = section(3, [1, 0]);
const memory = (...limits: number[]): number[] => section(5, [1, ...limits]);
/** "load": the first word of memory. */
const EXPORTS = section(7, [2, ...text("load"), 0, 0, ...text("memory"), 2, 0]);
const CODE = section(10, [1, 7, 0, 0x41, 0, 0x28, 2, 0, 0x0b]);
const DATA = section(11, [1, 0, 0x41, 0, 0x0b, 4, 42, 0, 0, 0]);
const CUSTOM = section(0, [...text("note"), 1, 2, 3]);

function load(bytes: Uint8Array<ArrayBuffer>, pages: WebAssembly.MemoryDescriptor): unknown {
  const exports = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    [MEMORY_MODULE]: { [MEMORY_NAME]: new WebAssembly.Memory(pages) },
    wasi: { f: () => 7 },
  }).exports;
  return (exports.load as () => number)();
}

function refusal(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    confineModule(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(WvisorError);
    expect(error).toMatchObject({ code: "ERR_WVISOR_BAD_MODULE", exitCode: 126 });
    return (error as Error).message;
  }
  return "";
}

describe("a module with a memory of its own", () => {
  test("imports it instead, and does what it did", () => {
    const guest = confineModule(moduleOf(TYPES, FUNCTIONS, memory(1, 2, 3), EXPORTS, CODE, DATA));
    expect(guest.memory).toEqual({ minimum: 2, maximum: 3 });
    expect(load(guest.bytes, { initial: 2, maximum: 3 })).toBe(42);
  });

  test("keeps its other imports, in front", () => {
    const guest = confineModule(
      moduleOf(TYPES, IMPORTS, FUNCTIONS, memory(0, 1), section(7, [1, ...text("load"), 0, 1]), CODE, DATA),
    );
    expect(wasmSections(guest.bytes).imports.map(({ module, name }) => `${module}.${name}`)).toEqual([
      "wasi.f",
      `${MEMORY_MODULE}.${MEMORY_NAME}`,
    ]);
    expect(load(guest.bytes, { initial: 1, maximum: 1 })).toBe(42);
  });

  test("may have custom sections anywhere", () => {
    const guest = confineModule(
      moduleOf(
        CUSTOM,
        TYPES,
        CUSTOM,
        FUNCTIONS,
        CUSTOM,
        memory(0, 1),
        CUSTOM,
        EXPORTS,
        CODE,
        CUSTOM,
        DATA,
        CUSTOM,
      ),
    );
    expect(load(guest.bytes, { initial: 1, maximum: 1 })).toBe(42);
    const module = new WebAssembly.Module(guest.bytes);
    expect(WebAssembly.Module.customSections(module, "note").length).toBe(6);
  });

  test("has the largest possible maximum when it sets none", () => {
    expect(confineModule(moduleOf(memory(0, 1))).memory).toEqual({ minimum: 1, maximum: 65536 });
  });

  test("may be nothing but that memory", () => {
    const guest = confineModule(moduleOf(memory(0, 0)));
    expect(wasmSections(guest.bytes).imports.length).toBe(1);
    expect(WebAssembly.validate(guest.bytes)).toBe(true);
  });
});

test("a module without a memory stays as it is", () => {
  for (const bytes of [moduleOf(), moduleOf(TYPES, IMPORTS), moduleOf(TYPES, section(5, [0]))]) {
    expect(confineModule(bytes)).toEqual({ bytes, memory: undefined });
  }
});

describe("refused is", () => {
  test("a second memory", () => {
    expect(refusal(moduleOf(section(5, [2, 0, 1, 0, 1])))).toMatch("more than one memory");
  });

  test("a memory that is shared, or has 64-bit addresses", () => {
    expect(refusal(moduleOf(memory(3, 1, 2)))).toMatch("shared or has 64-bit addresses");
    expect(refusal(moduleOf(memory(4, 1)))).toMatch("shared or has 64-bit addresses");
  });

  test("a memory with impossible limits", () => {
    expect(refusal(moduleOf(memory(1, 2, 1)))).toMatch("impossible limits");
    expect(refusal(moduleOf(memory(1, 1, ...leb(65537))))).toMatch("impossible limits");
    expect(refusal(moduleOf(memory(0, ...leb(65537))))).toMatch("impossible limits");
  });

  test("a section that is longer than the file", () => {
    expect(refusal(moduleOf([5, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0, 1]))).toMatch("cut off");
  });

  test("a number of more than 32 bits", () => {
    expect(refusal(moduleOf([5, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]))).toMatch("a number in it is too long");
    expect(refusal(moduleOf([5, 0xff, 0xff, 0xff, 0xff, 0x1f]))).toMatch("a number in it is too long");
  });

  test("nothing else: wherever a module is cut off, it is refused clearly or is no longer a module with a memory", () => {
    const whole = moduleOf(CUSTOM, TYPES, IMPORTS, FUNCTIONS, memory(1, 2, 3), CODE, DATA);
    let refused = 0;
    for (let length = 8; length < whole.length; length++) {
      if (refusal(whole.slice(0, length)) !== "") refused++;
    }
    expect(refused).toBeGreaterThan(whole.length / 2);
  });

  test("no byte of a module that changes makes it fail otherwise", () => {
    const whole = moduleOf(TYPES, IMPORTS, FUNCTIONS, memory(1, 2, 3));
    for (let at = 8; at < whole.length; at++) {
      for (const value of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
        const changed = whole.slice();
        changed[at] = value;
        refusal(changed);
      }
    }
  });
});
