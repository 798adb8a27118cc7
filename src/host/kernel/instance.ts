// One kernel instance: kernel.wasm over the shared kernel memory and one guest's memory, with the host functions it may call.

import { instantiateSync } from "@assemblyscript/loader";
import { KERNEL_INITIAL_WASM_PAGES, KERNEL_MAX_WASM_PAGES } from "../../../assembly/abi/kernel-layout.ts";
import type { KernelExports } from "./exports.ts";

/** The functions of assembly/host.ts. */
export interface HostFunctions {
  clockTime(clock: number, out: number): number;
  clockResolution(clock: number, out: number): number;
  random(out: number, length: number): number;
  exited(thread: number, code: number): void;
  p9Rpc(
    thread: number,
    connection: number,
    request: number,
    requestLength: number,
    response: number,
    capacity: number,
    fdOut: number,
  ): number;
  closeConnection(connection: number): void;
  closeHandle(handle: number): number;
  readGuest(thread: number, handle: number, vector: number, count: number, position: number): number;
  writeGuest(thread: number, handle: number, vector: number, count: number, position: number): number;
  preadGuest(request: number): number;
  pwriteGuest(request: number): number;
  readKernel(thread: number, handle: number, vector: number, count: number, position: number): number;
  writeKernel(thread: number, handle: number, vector: number, count: number, position: number): number;
  pollHandles(thread: number, fds: number, count: number, timeoutNs: number): number;
}

/** Copies between the kernel's memory and the guest's, whose bounds the kernel has checked. */
export interface GuestCopies {
  copyin(kernel: number, guest: number, length: number): void;
  copyout(guest: number, kernel: number, length: number): void;
}

/** How the kernel reaches guest memory: assembly/mm/guest.ts has the three. */
export type GuestMemoryProvider = "merged" | "peek" | "javascript";

/** Compiled once per sandbox; modules may be sent to workers. */
export interface KernelModules {
  readonly provider: GuestMemoryProvider;
  readonly kernel: WebAssembly.Module;
  /** guest-peek.wasm, for the provider of that name. */
  readonly peek: WebAssembly.Module | undefined;
  /** The kernel was built for one thread: its memory is not shared. */
  readonly portable?: boolean;
}

/** A module with two memories: what the merged kernel needs of the engine. */
const TWO_MEMORIES = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0]);

/** The best provider that this engine can run. */
export function bestProvider(): GuestMemoryProvider {
  return WebAssembly.validate(TWO_MEMORIES) ? "merged" : "peek";
}

export function makeKernelMemory(shared = true): WebAssembly.Memory {
  return new WebAssembly.Memory({
    initial: KERNEL_INITIAL_WASM_PAGES,
    maximum: KERNEL_MAX_WASM_PAGES,
    shared,
  });
}

/** A failed assertion of the kernel: the sandbox ends at once. */
export class KernelPanic extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "KernelPanic";
  }
}

/** `copies` are better ones than JavaScript's, for the provider "peek". */
export function instantiateKernel(
  modules: KernelModules,
  memory: WebAssembly.Memory,
  guestMemory: WebAssembly.Memory,
  host: HostFunctions,
  copies?: GuestCopies,
): KernelExports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {
    env: { memory },
    host: host as unknown as Record<string, WebAssembly.ImportValue>,
  };
  if (modules.provider === "merged") imports["guest-memory"] = { memory: guestMemory };
  else imports.guest = guestFunctions(modules, memory, guestMemory, copies);
  try {
    // The loader adds env.abort, which turns a failed assertion into an error with file and line.
    return instantiateSync<KernelExports>(modules.kernel, imports).instance.exports as KernelExports;
  } catch (error) {
    throw new KernelPanic("the kernel could not be instantiated", { cause: error });
  }
}

function guestFunctions(
  modules: KernelModules,
  memory: WebAssembly.Memory,
  guestMemory: WebAssembly.Memory,
  better: GuestCopies | undefined,
): Record<string, WebAssembly.ImportValue> {
  if (modules.provider === "peek") {
    if (modules.peek === undefined) throw new KernelPanic("guest-peek.wasm is missing");
    const peek = new WebAssembly.Instance(modules.peek, { "guest-memory": { memory: guestMemory } });
    const copies = better ?? copiesOf(new MemoryViews(memory, guestMemory));
    return { ...(peek.exports as Record<string, WebAssembly.ImportValue>), ...copies };
  }
  const views = new MemoryViews(memory, guestMemory);
  const accesses = {
    ld8: (address: number) => views.data().getUint8(address >>> 0),
    ld32: (address: number) => views.data().getUint32(address >>> 0, true),
    ld64: (address: number) => views.data().getBigUint64(address >>> 0, true),
    st8: (address: number, value: number) => views.data().setUint8(address >>> 0, value),
    st32: (address: number, value: number) => views.data().setUint32(address >>> 0, value, true),
    st64: (address: number, value: bigint) => views.data().setBigUint64(address >>> 0, value, true),
    st64x8: (address: number, ...values: bigint[]) => {
      for (const [i, value] of values.entries())
        views.data().setBigUint64((address >>> 0) + i * 8, value, true);
    },
    size: () => guestMemory.buffer.byteLength / 65536,
  };
  compile(accesses);
  return { ...accesses, ...copiesOf(views) };
}

function copiesOf(views: MemoryViews): GuestCopies {
  const copies = {
    copyin: (kernel: number, guest: number, length: number): void => {
      views.kernel().set(views.guest().subarray(guest >>> 0, (guest >>> 0) + length), kernel);
    },
    copyout: (guest: number, kernel: number, length: number): void => {
      views.guest().set(views.kernel().subarray(kernel, kernel + length), guest >>> 0);
    },
  };
  compile(copies);
  return copies;
}

/**
 * Runs each function once, over a memory that is still empty: when a guest calls with little stack left, that must not be the
 * first time (see ThreadHost.compile()).
 */
function compile(functions: Record<string, (...args: never[]) => unknown>): void {
  for (const run of Object.values(functions) as ((...args: number[]) => unknown)[]) {
    try {
      run(0, 0, 0);
    } catch {
      // A memory of no pages, or a number where a BigInt belongs: compiled all the same.
    }
  }
}

/** Views over both memories, made again only when a memory has grown. */
export class MemoryViews {
  readonly #kernelMemory: WebAssembly.Memory;
  readonly #guestMemory: WebAssembly.Memory;
  #kernel: Uint8Array;
  #guest: Uint8Array;
  #data: DataView;

  constructor(kernelMemory: WebAssembly.Memory, guestMemory: WebAssembly.Memory) {
    this.#kernelMemory = kernelMemory;
    this.#guestMemory = guestMemory;
    this.#kernel = new Uint8Array(kernelMemory.buffer);
    this.#guest = new Uint8Array(guestMemory.buffer);
    this.#data = new DataView(guestMemory.buffer);
  }

  /** The kernel's memory is shared: a view made before a growth stays valid but ends too early. */
  kernel(): Uint8Array {
    if (this.#kernel.buffer !== this.#kernelMemory.buffer)
      this.#kernel = new Uint8Array(this.#kernelMemory.buffer);
    return this.#kernel;
  }

  /** A guest's memory is not: growth detaches the views that were made before. */
  guest(): Uint8Array {
    if (this.#guest.byteLength === 0) this.#guest = new Uint8Array(this.#guestMemory.buffer);
    return this.#guest;
  }

  data(): DataView {
    if (this.#data.buffer !== this.#guestMemory.buffer) this.#data = new DataView(this.#guestMemory.buffer);
    return this.#data;
  }
}
