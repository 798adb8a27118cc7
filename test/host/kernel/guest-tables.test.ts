import { describe, expect, test } from "vitest";
import { WvisorError } from "../../../src/common/errors.ts";
import { confineModule } from "../../../src/host/kernel/guest-module.ts";
import { TABLE_ENTRIES_MAX } from "../../../src/host/kernel/guest-tables.ts";
import { leb } from "../../../src/host/kernel/wasm-binary.ts";

const TABLE = 4;
const EXPORT = 7;
const FUNCREF = 0x70;
const EXTERNREF = 0x6f;

function table(type: number, minimum: number, maximum?: number): number[] {
  return maximum === undefined ? [type, 0, ...leb(minimum)] : [type, 1, ...leb(minimum), ...leb(maximum)];
}

/** A module with these tables, exported as "0", "1" and so on. */
function moduleWith(...tables: readonly number[][]): Uint8Array<ArrayBuffer> {
  const section = (id: number, body: number[]): number[] => [id, ...leb(body.length), ...body];
  const exported = tables.map((_, index) => {
    const name = [...Buffer.from(String(index))];
    return [name.length, ...name, 1, ...leb(index)];
  });
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(TABLE, [...leb(tables.length), ...tables.flat()]),
    ...section(EXPORT, [...leb(tables.length), ...exported.flat()]),
  ]);
}

function tablesOf(module: Uint8Array<ArrayBuffer>): WebAssembly.Table[] {
  const { bytes } = confineModule(module);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  return Object.values(exports) as WebAssembly.Table[];
}

function failure(module: Uint8Array<ArrayBuffer>): WvisorError | undefined {
  try {
    confineModule(module);
    return undefined;
  } catch (error) {
    if (error instanceof WvisorError) return error;
    throw error;
  }
}

describe("a guest's tables", () => {
  test("keep their size and what they hold", () => {
    const [functions, values] = tablesOf(moduleWith(table(FUNCREF, 3, 5), table(EXTERNREF, 2)));
    expect([functions!.length, values!.length]).toEqual([3, 2]);
    values!.set(1, "anything");
    expect(values!.get(1)).toBe("anything");
  });

  test("keep a maximum of their own", () => {
    const [functions] = tablesOf(moduleWith(table(FUNCREF, 3, 5)));
    expect(functions!.grow(2)).toBe(3);
    expect(() => functions!.grow(1)).toThrow(RangeError);
  });

  test("cannot grow beyond what all guests may have", () => {
    const [functions] = tablesOf(moduleWith(table(FUNCREF, 1)));
    expect(() => functions!.grow(TABLE_ENTRIES_MAX)).toThrow(RangeError);
    expect(functions!.grow(TABLE_ENTRIES_MAX - 1)).toBe(1);
  });

  test("share that when there are several", () => {
    const tables = tablesOf(
      moduleWith(...Array.from({ length: 60 }, () => table(EXTERNREF, 10, 10_000_000))),
    );
    for (const one of tables) expect(() => one.grow(Math.ceil(TABLE_ENTRIES_MAX / 60))).toThrow(RangeError);
  });

  test("are refused when they begin with more", () => {
    const error = failure(moduleWith(table(FUNCREF, TABLE_ENTRIES_MAX), table(FUNCREF, 1)));
    expect(error?.exitCode).toBe(137);
    expect(error?.message).toMatch(/^its tables have 1048577 entries to start with, more than/);
  });

  test.each([
    ["shared", [FUNCREF, 3, 1, 1]],
    ["with 64-bit indices", [FUNCREF, 4, 1]],
    ["of an unknown kind", [0x40, 0, FUNCREF, 0, 1]],
    ["with impossible limits", [FUNCREF, 1, 2, 1]],
    ["cut off", [FUNCREF, 1, 2]],
  ])("%s are refused", (_what, bytes) => {
    expect(failure(moduleWith(bytes))?.exitCode).toBe(126);
  });
});
