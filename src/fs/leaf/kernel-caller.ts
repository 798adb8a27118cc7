// How the face calls a kernel: arguments are put into blocks of the kernel's memory, a system call of the task is made, and what it
// left is read there. Numbers are read in words: a BigInt on the way would cost as much as the call.

import { PATH_MAX } from "../../../assembly/abi/limits.ts";
import type { RunningTask } from "../../embedded/kernel.ts";
import type { KernelExports } from "../../host/kernel/exports.ts";
import { type ErrorPath, systemError } from "../system-error.ts";
import type { CheckedPath } from "../validators.ts";

/** A path of PATH_MAX bytes is too long for the kernel; one that is cut behind them still is. */
const PATH_AREA = PATH_MAX + 16;
/** How many paths stay where they were put: a program names the same few again and again. */
const KEPT = 8;
/** Structures of results: the largest is struct statx. */
const OUT_AREA = 512;
/** What is read or written at a time. */
export const DATA_AREA = 1 << 18;

const WORD = 2 ** 32;

/** Paths in the kernel's memory, each in the area that its length and its last letter name. */
class PathAreas {
  readonly #start: number;
  readonly #encoder = new TextEncoder();
  /** What lies in each area, if it is a text. */
  readonly #texts: (string | undefined)[] = new Array(KEPT).fill(undefined);
  readonly #views: Uint8Array[] = [];

  constructor(start: number) {
    this.#start = start;
  }

  /** After the memory has grown; it keeps what it holds. */
  renew(bytes: Uint8Array): void {
    for (let i = 0; i < KEPT; i++) {
      const at = this.#start + i * PATH_AREA;
      this.#views[i] = bytes.subarray(at, at + PATH_AREA - 1);
    }
  }

  /** The address of the path, with a NUL behind it. */
  place(path: CheckedPath, bytes: Uint8Array): number {
    const { length } = path;
    const last = typeof path === "string" ? path.charCodeAt(length - 1) : 0;
    const slot = (length + last) & (KEPT - 1);
    const at = this.#start + slot * PATH_AREA;
    if (this.#texts[slot] === path) return at;
    const view = this.#views[slot]!;
    let end: number;
    if (typeof path === "string") {
      this.#texts[slot] = path;
      end = this.#encoder.encodeInto(path, view).written;
    } else {
      this.#texts[slot] = undefined;
      end = Math.min(length, view.length);
      view.set(length > end ? path.subarray(0, end) : path);
    }
    bytes[at + end] = 0;
    return at;
  }
}

export abstract class KernelCaller {
  readonly #memory: WebAssembly.Memory;
  // Exports are looked up once: their object has no shape that the engine knows.
  readonly #syscall: KernelExports["syscall"];
  readonly #listNames: KernelExports["list_names"];
  readonly #paths: PathAreas;
  readonly #others: PathAreas;
  /** Where results lie. */
  protected readonly out: number;
  /** Where what is read and written lies: DATA_AREA bytes. */
  protected readonly data: number;
  #bytes!: Uint8Array;
  #words!: Uint32Array;

  constructor(task: RunningTask) {
    const { kernel, memory } = task;
    this.#memory = memory;
    this.#syscall = kernel.syscall;
    this.#listNames = kernel.list_names;
    const paths = kernel.buffer_alloc(2 * KEPT * PATH_AREA + OUT_AREA);
    this.#paths = new PathAreas(paths);
    this.#others = new PathAreas(paths + KEPT * PATH_AREA);
    this.out = paths + 2 * KEPT * PATH_AREA;
    this.data = kernel.buffer_alloc(DATA_AREA);
    this.#renew();
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
    const { buffer } = this.#memory;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#paths.renew(this.#bytes);
    this.#others.renew(this.#bytes);
  }

  /** Puts a path where the kernel reads the first one of a call; returns the address. */
  protected placePath(path: CheckedPath): number {
    return this.#paths.place(path, this.bytes);
  }

  /** The same for the second path of a call. */
  protected placeOther(path: CheckedPath): number {
    return this.#others.place(path, this.bytes);
  }

  /** The next names of an open directory, as assembly/syscalls/name-list.ts lays them out in the data area. */
  protected listNames(fd: number): number {
    return this.#listNames(fd, this.data, DATA_AREA);
  }

  /** The result of a system call: `>= 0` or `-errno`. */
  protected call(number: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
    return this.#syscall(number, a, b, c, d, e, f);
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
