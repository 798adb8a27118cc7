// The portable target: the same sources for one thread, in a memory that is not shared.

import { expect, test } from "vitest";
import { makeKernelMemory } from "../../src/host/kernel/instance.ts";
import { portableModules } from "../support/sys/portable.ts";

test("the portable kernel boots in a memory of its own, once", () => {
  const { kernel: module } = portableModules();
  const memory = makeKernelMemory(false);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = kind === "memory" ? memory : () => 0;
  }
  const kernel = new WebAssembly.Instance(module, imports).exports as Record<
    string,
    (...args: number[]) => number
  >;
  expect(memory.buffer).toBeInstanceOf(ArrayBuffer);
  expect(kernel.boot_kernel!(0x7fff0000)).toBe(0);
  expect(kernel.boot_kernel!(0x7fff0000)).toBe(-17);
  const name = kernel.buffer_alloc!(5);
  new TextEncoder().encodeInto("tmpfs", new Uint8Array(memory.buffer, name));
  expect(kernel.fs_kernel!(name, 5, 0, 0)).toBeGreaterThan(0);
});
