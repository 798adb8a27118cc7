// The kernel of the portable target.

import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../../../scripts/asc-kernel.mjs";
import type { KernelModules } from "../../../src/host/kernel/instance.ts";

export function portableModules(): KernelModules {
  const kernel = new WebAssembly.Module(readFileSync(path.join(root, "build/kernel-portable.wasm")));
  return { provider: "javascript", kernel, peek: undefined, portable: true };
}
