// The portable target: the same sources for one thread, in a memory that is not shared.

import { expect, test } from "vitest";
import { compileKernel } from "../../scripts/asc-kernel.mjs";

test("the kernel builds without threads, and boots in a memory of its own", async () => {
  const files = await compileKernel("assembly/index.ts", { target: "portable" });
  const module = new WebAssembly.Module(files.get("kernel.wasm") as Uint8Array<ArrayBuffer>);
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 32768 });
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = kind === "memory" ? memory : () => 0;
  }
  const kernel = new WebAssembly.Instance(module, imports).exports as Record<
    string,
    (...args: number[]) => number
  >;
  expect(kernel.boot_kernel!(0x7fff0000)).toBe(0);
  expect(kernel.boot_kernel!(0x7fff0000)).toBe(-17);
  const name = kernel.buffer_alloc!(5);
  new TextEncoder().encodeInto("tmpfs", new Uint8Array(memory.buffer, name));
  expect(kernel.fs_kernel!(name, 5, 0, 0)).toBeGreaterThan(0);
}, 180_000);
