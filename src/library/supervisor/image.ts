// Copies of a kernel's memory, taken and put back while nobody is in the kernel.

import { ROOT_LOCK, ROOT_PANIC, ROOT_STARVED } from "../../../assembly/abi/kernel-layout.ts";
import { WvisorError } from "../../common/errors.ts";
import type { Machine } from "../../host/boot/machine.ts";

const WASM_PAGE = 65536;
/** The words that threads wait on, which are the memory's and not the kernel's. */
const KEPT_WORDS = [ROOT_LOCK, ROOT_STARVED, ROOT_PANIC];

export function copyMemory({ kernel, memory }: Machine): SharedArrayBuffer {
  kernel.lock_kernel();
  try {
    const bytes = new SharedArrayBuffer(memory.buffer.byteLength);
    new Uint8Array(bytes).set(new Uint8Array(memory.buffer));
    return bytes;
  } finally {
    kernel.unlock_kernel();
  }
}

/** A memory never shrinks: what it has beyond the copy is made zero, as if it had just grown. Errors: WvisorError. */
export function putMemory({ kernel, memory }: Machine, bytes: SharedArrayBuffer): void {
  const missing = bytes.byteLength - memory.buffer.byteLength;
  try {
    if (missing > 0) memory.grow(missing / WASM_PAGE);
  } catch (cause) {
    throw new WvisorError("ERR_WVISOR_MEMORY", "the host has no room for a kernel of that size", 125, {
      cause,
    });
  }
  kernel.lock_kernel();
  try {
    const words = new Int32Array(memory.buffer);
    const kept = KEPT_WORDS.map((at) => words[at >> 2]!);
    const target = new Uint8Array(memory.buffer);
    target.set(new Uint8Array(bytes));
    target.fill(0, bytes.byteLength);
    KEPT_WORDS.forEach((at, index) => {
      words[at >> 2] = kept[index]!;
    });
  } finally {
    kernel.unlock_kernel();
  }
}
