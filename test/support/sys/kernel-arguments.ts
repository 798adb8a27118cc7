// The arguments of a system call of our kernel: in a block of kernel memory, which grows to the largest call and belongs to one process.

import type { Machine } from "../../../src/host/boot/machine.ts";
import type { Argument } from "./target.ts";

const IOVEC = 16;
/** Where arguments lie: each at an address of eight. */
const ALIGN = 8;
const LEAST_BYTES = 1 << 16;

export class KernelArguments {
  readonly #machine: Machine;
  #buffer = 0;
  #capacity = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Puts them there; returns what the call is told. */
  place(args: readonly Argument[]): number[] {
    this.#reserve(args.reduce<number>((sum, argument) => sum + room(argument), 0));
    let at = this.#buffer;
    const memory = new Uint8Array(this.#machine.memory.buffer);
    return args.map((argument) => {
      if (typeof argument === "number") return argument;
      if (argument === null) return 0;
      const place = at;
      at += room(argument);
      put(memory, place, argument);
      return place;
    });
  }

  /** Copies what the call left in its buffers back into the caller's bytes. */
  takeBack(args: readonly Argument[], values: readonly number[]): void {
    const memory = new Uint8Array(this.#machine.memory.buffer);
    for (const [index, argument] of args.entries()) take(memory, values[index]!, argument);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#capacity) return;
    this.free();
    this.#capacity = Math.max(bytes, LEAST_BYTES);
    this.#buffer = this.#machine.kernel.buffer_alloc(this.#capacity);
  }

  free(): void {
    if (this.#buffer !== 0) this.#machine.kernel.buffer_free(this.#buffer);
    this.#buffer = 0;
    this.#capacity = 0;
  }
}

function aligned(length: number): number {
  return (length + ALIGN - 1) & -ALIGN;
}

/** Bytes that an argument takes in kernel memory. */
function room(argument: Argument): number {
  if (typeof argument === "number" || argument === null) return 0;
  if (typeof argument === "string") return aligned(Buffer.byteLength(argument) + 1);
  if (argument instanceof Uint8Array) return Math.max(aligned(argument.length), ALIGN);
  return argument.reduce((sum, span) => sum + IOVEC + aligned(span.length), ALIGN);
}

function put(memory: Uint8Array, at: number, argument: Exclude<Argument, number | null>): void {
  if (typeof argument === "string") {
    const bytes = Buffer.from(argument);
    memory.set(bytes, at);
    memory[at + bytes.length] = 0;
    return;
  }
  if (argument instanceof Uint8Array) {
    memory.set(argument, at);
    return;
  }
  const view = new DataView(memory.buffer);
  eachSpan(argument, at, (span, place, index) => {
    view.setBigUint64(at + index * IOVEC, BigInt(place), true);
    view.setBigUint64(at + index * IOVEC + 8, BigInt(span.length), true);
    memory.set(span, place);
  });
}

function take(memory: Uint8Array, at: number, argument: Argument): void {
  if (argument instanceof Uint8Array) argument.set(memory.subarray(at, at + argument.length));
  if (!Array.isArray(argument)) return;
  eachSpan(argument, at, (span, place) => span.set(memory.subarray(place, place + span.length)));
}

/** The spans lie behind the array of struct iovec. */
function eachSpan(
  spans: readonly Uint8Array[],
  at: number,
  visit: (span: Uint8Array, place: number, index: number) => void,
): void {
  let place = at + spans.length * IOVEC;
  for (const [index, span] of spans.entries()) {
    visit(span, place, index);
    place += aligned(span.length);
  }
}
