// What V8 is told about the kernel's code. Its flags belong to the process.
//
// node:v8 takes more than a millisecond to load, and the gofer starts meanwhile: it is loaded at the first use.

import { createRequire } from "node:module";

function setFlag(flag: string): void {
  const v8 = createRequire(import.meta.filename)("node:v8") as typeof import("node:v8");
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
 * Compiles a module of this package, whose functions the engine validates and compiles at their first calls: most sandboxes
 * call a fifth of the kernel's, and to compile the others takes 15 ms from the core on which the gofer starts.
 */
export function compileTrusted(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  setFlag("--wasm-lazy-validation");
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    setFlag("--no-wasm-lazy-validation");
  }
}
