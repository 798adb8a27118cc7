// preview1's calls on paths and descriptors by name, beside Linux's of the same process. Results are as Linux's are: >= 0 or -errno, so
// that both can be compared.

import * as linux from "../../../assembly/abi/errno.ts";
import * as wasi from "../../../assembly/abi/wasi.ts";
import { RIGHT_FD_WRITE, RIGHTS_ALL } from "../../../assembly/abi/wasi.ts";
import type { KernelProcess } from "./kernel.ts";

const WRITE = BigInt(RIGHT_FD_WRITE);
/** All that libc asks for when it opens to read. */
const READ = BigInt(RIGHTS_ALL) & ~WRITE;
/** Added to an errno that Linux does not have: NOTCAPABLE. */
export const NOT_OF_LINUX = 1000;
/** Where paths and results lie in the guest's memory. */
const FIRST_PATH = 0;
const SECOND_PATH = 16384;
const RESULT = 32768;
const BUFFER = 40960;
const BUFFER_BYTES = 8192;

const LINUX_ERRNO: ReadonlyMap<number, number> = new Map(
  Object.entries(wasi)
    .filter(([name]) => name.startsWith("WASI_E"))
    .map(([name, value]) => [
      value,
      (linux as Record<string, number>)[name.slice("WASI_".length)] ?? NOT_OF_LINUX + value,
    ]),
);

export interface Preview1Stat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly type: number;
  readonly nlink: bigint;
  readonly size: bigint;
}

export interface Preview1Entry {
  readonly next: bigint;
  readonly ino: bigint;
  readonly type: number;
  readonly name: string;
}

export interface OpenOptions {
  /** OFLAGS_*. */
  readonly oflags?: number;
  readonly write?: boolean;
  readonly fdflags?: number;
  readonly follow?: boolean;
}

export class Preview1Calls {
  readonly process: KernelProcess;

  constructor(process: KernelProcess) {
    this.process = process;
  }

  get view(): DataView {
    return new DataView(this.process.guest.buffer);
  }

  /** The WASI errno. */
  call(name: string, ...args: readonly (number | bigint)[]): number {
    return (this.process.kernel[name] as (...all: readonly (number | bigint)[]) => number)(...args);
  }

  /** 0, or -errno of Linux's, or minus what stands for one that Linux does not have. */
  #linux(name: string, ...args: readonly (number | bigint)[]): number {
    const errno = this.call(name, ...args);
    if (errno === wasi.WASI_ESUCCESS) return 0;
    return -LINUX_ERRNO.get(errno)!;
  }

  #put(text: string, at: number): [address: number, length: number] {
    const bytes = Buffer.from(text);
    new Uint8Array(this.process.guest.buffer).set(bytes, at);
    return [at, bytes.length];
  }

  #path(path: string): [address: number, length: number] {
    return this.#put(path, FIRST_PATH);
  }

  #other(path: string): [address: number, length: number] {
    return this.#put(path, SECOND_PATH);
  }

  open(dir: number, path: string, options: OpenOptions = {}): number {
    const { oflags = 0, write = false, fdflags = 0, follow = true } = options;
    const rights = write ? READ | WRITE : READ;
    const [at, length] = this.#path(path);
    const result = this.#linux(
      "path_open",
      dir,
      follow ? wasi.LOOKUP_SYMLINK_FOLLOW : 0,
      at,
      length,
      oflags,
      rights,
      rights,
      fdflags,
      RESULT,
    );
    return result < 0 ? result : this.view.getUint32(RESULT, true);
  }
  close(fd: number): number {
    return this.#linux("fd_close", fd);
  }
  stat(dir: number, path: string, follow = true): Preview1Stat | number {
    const flags = follow ? wasi.LOOKUP_SYMLINK_FOLLOW : 0;
    const result = this.#linux("path_filestat_get", dir, flags, ...this.#path(path), BUFFER);
    if (result < 0) return result;
    const { view } = this;
    return {
      dev: view.getBigUint64(BUFFER, true),
      ino: view.getBigUint64(BUFFER + 8, true),
      type: view.getUint8(BUFFER + 16),
      nlink: view.getBigUint64(BUFFER + 24, true),
      size: view.getBigUint64(BUFFER + 32, true),
    };
  }
  setTimes(dir: number, path: string, follow = true): number {
    const flags = follow ? wasi.LOOKUP_SYMLINK_FOLLOW : 0;
    const times = wasi.FSTFLAGS_ATIM | wasi.FSTFLAGS_MTIM;
    return this.#linux("path_filestat_set_times", dir, flags, ...this.#path(path), 1n, 2n, times);
  }
  mkdir(dir: number, path: string): number {
    return this.#linux("path_create_directory", dir, ...this.#path(path));
  }
  rmdir(dir: number, path: string): number {
    return this.#linux("path_remove_directory", dir, ...this.#path(path));
  }
  unlink(dir: number, path: string): number {
    return this.#linux("path_unlink_file", dir, ...this.#path(path));
  }
  symlink(text: string, dir: number, path: string): number {
    return this.#linux("path_symlink", ...this.#path(text), dir, ...this.#other(path));
  }
  readlink(dir: number, path: string): string | number {
    const result = this.#linux("path_readlink", dir, ...this.#path(path), BUFFER, BUFFER_BYTES, RESULT);
    if (result < 0) return result;
    const length = this.view.getUint32(RESULT, true);
    return Buffer.from(this.process.guest.buffer, BUFFER, length).toString();
  }
  link(fromDir: number, from: string, toDir: number, to: string): number {
    return this.#linux("path_link", fromDir, 0, ...this.#path(from), toDir, ...this.#other(to));
  }
  rename(fromDir: number, from: string, toDir: number, to: string): number {
    return this.#linux("path_rename", fromDir, ...this.#path(from), toDir, ...this.#other(to));
  }
  /** Rights and type as fd_fdstat_get tells them. */
  fdstat(fd: number): { type: number; flags: number; rights: bigint } | number {
    const result = this.#linux("fd_fdstat_get", fd, BUFFER);
    if (result < 0) return result;
    const { view } = this;
    return {
      type: view.getUint8(BUFFER),
      flags: view.getUint16(BUFFER + 2, true),
      rights: view.getBigUint64(BUFFER + 8, true),
    };
  }
  /** The whole entries of one call into a buffer of `size` bytes, and whether there may be more. */
  readdir(fd: number, cookie: bigint, size = BUFFER_BYTES): { entries: Preview1Entry[]; more: boolean } {
    const result = this.#linux("fd_readdir", fd, BUFFER, size, cookie, RESULT);
    if (result < 0) throw new Error(`fd_readdir: ${result}`);
    const { view } = this;
    const used = view.getUint32(RESULT, true);
    const entries: Preview1Entry[] = [];
    for (let at = BUFFER; at + wasi.SIZEOF_DIRENT <= BUFFER + used; ) {
      const length = view.getUint32(at + 16, true);
      const name = at + wasi.SIZEOF_DIRENT;
      if (name + length > BUFFER + used) break;
      entries.push({
        next: view.getBigUint64(at, true),
        ino: view.getBigUint64(at + 8, true),
        type: view.getUint8(at + 20),
        name: Buffer.from(this.process.guest.buffer, name, length).toString(),
      });
      at = name + length;
    }
    return { entries, more: used === size };
  }
}
