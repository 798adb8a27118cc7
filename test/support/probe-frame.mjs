// Measures the kernel's stack probe:   node [V8 FLAGS] probe-frame.mjs KERNEL.wasm PROBE-FRAME.wasm
//
// A recursion counts how deep it gets, once alone and once with the probe called in each frame. The frames that are lost in the
// second case, times the size of a frame, are the stack that the probe asks for.

import { readFileSync } from "node:fs";

/** V8's default, --stack-size. */
const STACK_BYTES = 984 * 1024;
const WARM_UP = 1_000_000;
const CALLS = 20_000_000;

const [kernelFile, frameFile] = process.argv.slice(2);

/** The kernel with nothing behind its imports: only the probe is called. */
function probeOf(file) {
  const module = new WebAssembly.Module(readFileSync(file));
  const imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const shared = from !== "guest-memory";
    const limits = shared ? { initial: 64, maximum: 32768, shared } : { initial: 0, maximum: 65536 };
    imports[from] ??= {};
    imports[from][name] = kind === "memory" ? new WebAssembly.Memory(limits) : () => 0;
  }
  return new WebAssembly.Instance(module, imports).exports.probe;
}

const frames = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(frameFile)), {
  kernel: { probe: probeOf(kernelFile) },
}).exports;

function depth(probing) {
  frames.reset();
  try {
    frames.recurse(probing);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return frames.reached();
}

function nanosecondsPerCall() {
  frames.calls(WARM_UP);
  const start = process.hrtime.bigint();
  frames.calls(CALLS);
  return Number(process.hrtime.bigint() - start) / CALLS;
}

/** Twice: the engine may have compiled better code by then, which must not ask for less. */
function probeBytes() {
  const alone = depth(0);
  return Math.round((alone - depth(1)) * (STACK_BYTES / alone));
}

const first = probeBytes();
const nanoseconds = nanosecondsPerCall();
const bytes = Math.min(first, probeBytes());
console.log(JSON.stringify({ bytes, nanoseconds }));
