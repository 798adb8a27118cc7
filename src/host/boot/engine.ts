// What V8 is told about the kernel's code. Its flags belong to the process.
//
// node:v8 takes more than a millisecond to load, and the gofer starts meanwhile: it is loaded at the first use.

import { createRequire } from "node:module";

function setFlag(flag: string): void {
  const v8 = createRequire(import.meta.url)("node:v8") as typeof import("node:v8");
  v8.setFlagsFromString(flag);
}

/**
 * Tells the engine not to drop the code of functions that were not called for a while: to compile one again takes more stack
 * than a guest may have left when it calls (see ThreadHost.compile()), and a guest can wait until code was dropped.
 */
export function keepCompiledCode(): void {
  setFlag("--no-flush-bytecode");
}

/**
 * Compiles a module with all its functions, where V8 would leave each to its first call: the kernel is compiled while nobody
 * waits for it, and its first calls, each of which somebody waits for, cost no more than the later ones (3 ms of the start of
 * a sandbox). Two helper threads at the most: the gofer needs a core.
 */
export function compileWhole(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  setFlag("--no-wasm-lazy-compilation");
  setFlag("--wasm-num-compilation-tasks=2");
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    setFlag("--wasm-num-compilation-tasks=128");
    setFlag("--wasm-lazy-compilation");
  }
}
