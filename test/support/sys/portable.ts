// The kernel of the portable target, compiled when it is older than its sources.

import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compileKernel, root } from "../../../scripts/asc-kernel.mjs";
import type { KernelModules } from "../../../src/host/kernel/instance.ts";

const FILE = path.join(root, "build/test/kernel-portable.wasm");

function isCurrent(): boolean {
  const made = statSync(FILE, { throwIfNoEntry: false });
  if (made === undefined) return false;
  const sources = path.join(root, "assembly");
  return readdirSync(sources, { recursive: true, encoding: "utf8" }).every(
    (name) => statSync(path.join(sources, name)).mtimeMs < made.mtimeMs,
  );
}

export async function portableModules(): Promise<KernelModules> {
  if (!isCurrent()) {
    const files = await compileKernel("assembly/index.ts", { target: "portable" });
    mkdirSync(path.dirname(FILE), { recursive: true });
    const fresh = `${FILE}.${process.pid}`;
    writeFileSync(fresh, files.get("kernel.wasm") as Uint8Array);
    renameSync(fresh, FILE);
  }
  const kernel = new WebAssembly.Module(readFileSync(FILE));
  return { provider: "javascript", kernel, peek: undefined, portable: true };
}
