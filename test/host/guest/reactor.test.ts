import { expect, test } from "vitest";
import { runInProcess } from "../../support/wvisor.ts";

const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
const section = (id: number, ...body: number[]): number[] => [id, body.length, ...body];

/** Exports one function of that name, which calls proc_exit with `code`, or does nothing. */
function moduleWith(name: string, code: number | undefined): Uint8Array<ArrayBuffer> {
  const body = code === undefined ? [0, 0x0b] : [0, 0x41, code, 0x10, 0, 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 2, 0x60, 1, 0x7f, 0, 0x60, 0, 0),
    ...section(2, 1, ...text("wasi_snapshot_preview1"), ...text("proc_exit"), 0, 0),
    ...section(3, 1, 1),
    ...section(7, 1, ...text(name), 0, 1),
    ...section(10, 1, body.length, ...body),
  ]);
}

test("a reactor is initialised, and ends well", () => {
  expect(runInProcess(moduleWith("_initialize", undefined))).toMatchObject({ code: 0, message: undefined });
});

test("a reactor's _initialize really runs", () => {
  expect(runInProcess(moduleWith("_initialize", 7))).toMatchObject({ code: 7, message: undefined });
});

test("a module that is neither command nor reactor is not executable", () => {
  expect(runInProcess(moduleWith("main", 7))).toMatchObject({
    code: 126,
    message: "it exports neither _start nor _initialize",
  });
});
