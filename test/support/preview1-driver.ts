// Calls wasi_snapshot_preview1 as a guest would, but from TypeScript: a kernel instance over a guest memory that the test
// writes itself.

import * as wasi from "../../assembly/abi/wasi.ts";
import type { Machine, TaskHandle } from "../../src/host/boot/machine.ts";
import { makeThreadHost } from "../../src/host/boot/native-host.ts";
import type { KernelExports } from "../../src/host/kernel/exports.ts";
import { instantiateKernel } from "../../src/host/kernel/instance.ts";

const GUEST_PAGES = 16;
/** Where arguments are put: behind an address that a test may mistake for a null pointer. */
const ARGUMENTS = 1024;

const NAMES = new Map<number, string>(
  Object.entries(wasi)
    .filter(([name]) => name.startsWith("WASI_E") && name !== "WASI_ESUCCESS")
    .map(([name, value]) => [value, name.slice("WASI_".length)]),
);

/** A preview1 call that returned an errno. */
export class Preview1Error extends Error {
  /** "ENOENT", "ENOTCAPABLE". */
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = NAMES.get(errno) ?? `WASI errno ${errno}`;
    super(`${code}: ${call}`);
    this.name = "Preview1Error";
    this.code = code;
  }
}

/** Addresses in guest memory are numbers; i64 parameters are bigints. */
export type Preview1Argument = number | bigint;

export class Preview1Driver {
  readonly memory: WebAssembly.Memory;
  readonly kernel: KernelExports;
  #next = ARGUMENTS;

  constructor(machine: Machine) {
    this.memory = new WebAssembly.Memory({ initial: GUEST_PAGES, maximum: GUEST_PAGES });
    const host = makeThreadHost(machine.native, machine.memory, this.memory, machine.shared, -1);
    this.kernel = instantiateKernel(
      machine.modules,
      machine.memory,
      this.memory,
      host.functions,
      host.copies,
    );
  }

  /** From now on calls are made by `task`. */
  enter(task: TaskHandle): void {
    this.kernel.task_enter(task);
  }

  /** The errno of a call; arguments that were put are dropped afterwards. */
  errno(name: string, ...args: readonly Preview1Argument[]): number {
    const call = this.kernel[name] as (...all: readonly Preview1Argument[]) => number;
    this.#next = ARGUMENTS;
    return call(...args);
  }

  /** As errno(), but throws a Preview1Error unless it is zero. */
  call(name: string, ...args: readonly Preview1Argument[]): void {
    const errno = this.errno(name, ...args);
    if (errno !== 0) throw new Preview1Error(name, errno);
  }

  /** Puts bytes into guest memory for the next call. Text is UTF-8. Returns address and length: `...put("name")`. */
  put(bytes: string | Uint8Array): [address: number, length: number] {
    const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    const at = this.room(data.length);
    new Uint8Array(this.memory.buffer).set(data, at);
    return [at, data.length];
  }

  /** An iovec array of one buffer of `length` bytes at `address`. Returns address and count. */
  iovec(address: number, length: number): [address: number, count: number] {
    const at = this.room(wasi.SIZEOF_IOVEC);
    const view = new DataView(this.memory.buffer);
    view.setUint32(at, address, true);
    view.setUint32(at + 4, length, true);
    return [at, 1];
  }

  /** Guest memory for what the next call returns; it stays readable until the call after that puts something. */
  room(length: number): number {
    const at = this.#next;
    this.#next = (at + length + 7) & ~7;
    if (this.#next > this.memory.buffer.byteLength) throw new Error("the driver's guest memory is full");
    return at;
  }

  u32(at: number): number {
    return new DataView(this.memory.buffer).getUint32(at, true);
  }

  u64(at: number): bigint {
    return new DataView(this.memory.buffer).getBigUint64(at, true);
  }

  u8(at: number): number {
    return new DataView(this.memory.buffer).getUint8(at);
  }

  /** A copy. */
  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer).slice(at, at + length);
  }
}
