// How the face calls a kernel: arguments are put into blocks of the kernel's memory, a system call of the task is made, and what it
// left is read there. Numbers are read in words: a BigInt on the way would cost as much as the call.

import { PATH_MAX } from "../../../assembly/abi/limits.ts";
import type { RunningTask } from "../../embedded/kernel.ts";
import { type ErrorPath, systemError } from "../system-error.ts";
import type { CheckedPath } from "../validators.ts";

/** A path of PATH_MAX bytes is too long for the kernel; one that is cut behind them still is. */
const PATH_AREA = PATH_MAX + 16;
/** Structures of results: the largest is struct statx. */
const OUT_AREA = 512;
/** What is read or written at a time. */
export const DATA_AREA = 1 << 18;

const WORD = 2 ** 32;

export abstract class KernelCaller {
  readonly #task: RunningTask;
  readonly #encoder = new TextEncoder();
  readonly #block: number;
  /** Where the second path lies. */
  protected readonly other: number;
  /** Where results lie. */
  protected readonly out: number;
  /** Where what is read and written lies: DATA_AREA bytes. */
  protected readonly data: number;
  #bytes: Uint8Array;
  #words: Uint32Array;
  #pathView: Uint8Array;
  #otherView: Uint8Array;

  constructor(task: RunningTask) {
    this.#task = task;
    this.#block = task.kernel.buffer_alloc(PATH_AREA * 2 + OUT_AREA);
    this.other = this.#block + PATH_AREA;
    this.out = this.other + PATH_AREA;
    this.data = task.kernel.buffer_alloc(DATA_AREA);
    const { buffer } = task.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#pathView = this.#bytes.subarray(this.#block, this.#block + PATH_AREA - 1);
    this.#otherView = this.#bytes.subarray(this.other, this.other + PATH_AREA - 1);
  }

  /** The kernel's memory. A view that was made before it grew has no bytes any more. */
  protected get bytes(): Uint8Array {
    if (this.#bytes.byteLength === 0) this.#renew();
    return this.#bytes;
  }

  protected get words(): Uint32Array {
    if (this.#words.byteLength === 0) this.#renew();
    return this.#words;
  }

  #renew(): void {
    const { buffer } = this.#task.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#pathView = this.#bytes.subarray(this.#block, this.#block + PATH_AREA - 1);
    this.#otherView = this.#bytes.subarray(this.other, this.other + PATH_AREA - 1);
  }

  /** Puts a path where the kernel reads the first one of a call; returns the address. */
  protected placePath(path: CheckedPath): number {
    const bytes = this.bytes;
    this.#place(path, bytes, this.#pathView, this.#block);
    return this.#block;
  }

  /** The same for the second path of a call. */
  protected placeOther(path: CheckedPath): number {
    const bytes = this.bytes;
    this.#place(path, bytes, this.#otherView, this.other);
    return this.other;
  }

  #place(path: CheckedPath, bytes: Uint8Array, view: Uint8Array, at: number): void {
    let length: number;
    if (typeof path === "string") length = this.#encoder.encodeInto(path, view).written;
    else {
      length = Math.min(path.length, view.length);
      view.set(path.length > length ? path.subarray(0, length) : path);
    }
    bytes[at + length] = 0;
  }

  /** The result of a system call: `>= 0` or `-errno`. */
  protected call(number: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
    return this.#task.kernel.syscall(number, a, b, c, d, e, f);
  }

  /** The result, or the error that it is. */
  protected check(result: number, syscall: string, path?: ErrorPath, dest?: ErrorPath): number {
    if (result < 0) throw systemError(-result, syscall, path, dest);
    return result;
  }

  /** The u64 at an address of four. */
  protected wide(at: number): number {
    const words = this.words;
    return words[at >>> 2]! + words[(at >>> 2) + 1]! * WORD;
  }

  protected putWide(at: number, value: number): void {
    const words = this.words;
    const high = Math.floor(value / WORD);
    words[at >>> 2] = value - high * WORD;
    words[(at >>> 2) + 1] = high;
  }
}
