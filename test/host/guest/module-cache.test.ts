import { describe, expect, test } from "vitest";
import { ModuleCache } from "../../../src/host/guest/module-cache.ts";

/** An empty module with a custom section of that text. */
function moduleWith(text: string): Uint8Array<ArrayBuffer> {
  const name = [1, 0x6e];
  return Uint8Array.from([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    0,
    name.length + text.length,
    ...name,
    ...Buffer.from(text),
  ]);
}

describe("compiled guests of one sandbox", () => {
  test("are the same module for the same bytes, whatever the name", () => {
    const cache = new ModuleCache();
    const first = cache.compile(moduleWith("a"), "first");
    expect(cache.compile(moduleWith("a"), "second").module).toBe(first.module);
    expect(cache.compile(moduleWith("a"), "third").module).toBe(first.module);
  });

  test("differ for different bytes", () => {
    const cache = new ModuleCache();
    const first = cache.compile(moduleWith("a"), "x").module;
    const second = cache.compile(moduleWith("b"), "x").module;
    expect(second).not.toBe(first);
    expect(cache.compile(moduleWith("b"), "x").module).toBe(second);
  });

  test("are forgotten when 64 others were started since", () => {
    const cache = new ModuleCache();
    cache.compile(moduleWith("first"), "x");
    const kept = cache.compile(moduleWith("kept"), "x").module;
    const gone = cache.compile(moduleWith("gone"), "x").module;
    for (let other = 0; other < 63; other++) {
      cache.compile(moduleWith(`other ${other}`), "x");
      expect(cache.compile(moduleWith("kept"), "x").module).toBe(kept);
    }
    expect(cache.compile(moduleWith("gone"), "x").module).not.toBe(gone);
  });

  test("name what is no module", () => {
    const cache = new ModuleCache();
    expect(() => cache.compile(Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]), "prog")).toThrow(
      /^prog: not a valid/,
    );
  });
});
