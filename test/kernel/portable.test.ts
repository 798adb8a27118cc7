// The portable target: the same sources for one thread, in a memory that is not shared.

import { expect, test } from "vitest";
import { compileKernel } from "../../scripts/asc-kernel.mjs";

test("the kernel builds without threads, and boots in a memory of its own", async () => {
  const files = await compileKernel("assembly/index.ts", { target: "portable" });
  const module = new WebAssembly.Module(files.get("kernel.wasm") as Uint8Array<ArrayBuffer>);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] =
      kind === "memory" ? new WebAssembly.Memory({ initial: 64, maximum: 32768 }) : () => 0;
  }
  const kernel = new WebAssembly.Instance(module, imports).exports as Record<string, (arg: number) => number>;
  expect(kernel.boot_kernel!(0x7fff0000)).toBe(0);
  expect(kernel.boot_kernel!(0x7fff0000)).toBe(-17);
  expect(kernel.fs_tmpfs!(0)).toBeGreaterThan(0);
}, 180_000);
