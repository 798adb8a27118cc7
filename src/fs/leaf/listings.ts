// Directories: what is in them. The kernel writes the names into one text, which becomes one string and then many: each name by itself
// would cost ten times as much.

import { O_DIRECTORY, O_RDONLY } from "../../../assembly/abi/fcntl.ts";
import { SYS_close } from "../../../assembly/abi/syscall.ts";
import type { CheckedPath } from "../validators.ts";
import { Identity } from "./identity.ts";
import { DATA_AREA } from "./kernel-caller.ts";

/** A directory entry: the bytes of its name, and DT_*. */
export interface Entry {
  readonly name: Uint8Array;
  readonly type: number;
}

/** How names follow each other: assembly/syscalls/name-list.ts. */
const HEAD = 8;
const ASCENDING = 1;
const DESCENDING = 2;

const SLASH = 0x2f;

/** Some names of a directory, as bytes with a slash behind each, and the types of the entries. */
interface Part {
  readonly names: Uint8Array;
  readonly types: Uint8Array;
  /** Bits of how these names follow each other. */
  readonly order: number;
}

export class Listings extends Identity {
  readonly #decoder = new TextDecoder();

  /** The names in a directory in the order of their bytes, without "." and "..", as text. */
  readdirNames(path: CheckedPath, syscall = "scandir"): string[] {
    const parts = this.#parts(path, syscall);
    if (parts.length === 0) return [];
    let names: string[] = [];
    let bytes = 0;
    for (const part of parts) {
      const text = this.#decoder.decode(part.names.subarray(0, -1));
      const some = text.split("/");
      names = names.length === 0 ? some : names.concat(some);
      bytes += part.names.length;
    }
    const { order } = parts[0]!;
    if (parts.length === 1 && order & ASCENDING) return names;
    if (parts.length === 1 && order & DESCENDING) return names.reverse();
    const isAscii = names.reduce((sum, name) => sum + name.length + 1, 0) === bytes;
    // Strings compare by UTF-16, which differs from bytes where there are surrogates.
    return isAscii ? names.sort() : names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  /** The entries of a directory in the order of their names' bytes, without "." and "..". */
  readdir(path: CheckedPath, syscall = "scandir"): Entry[] {
    const entries: Entry[] = [];
    for (const { names, types } of this.#parts(path, syscall)) {
      let at = 0;
      for (const type of types) {
        const end = names.indexOf(SLASH, at);
        entries.push({ name: names.subarray(at, end), type });
        at = end + 1;
      }
    }
    return entries.sort((a, b) => compareBytes(a.name, b.name));
  }

  /** All of a directory, in as many parts as the data area needs. */
  #parts(path: CheckedPath, syscall: string): Part[] {
    const fd = this.check(this.tryOpen(path, O_RDONLY | O_DIRECTORY, 0), syscall, path);
    const parts: Part[] = [];
    let used = this.listNames(fd);
    for (; used > HEAD; used = this.listNames(fd)) {
      const count = this.words[this.data >>> 2]!;
      const order = this.words[(this.data >>> 2) + 1]!;
      const end = this.data + DATA_AREA;
      const names = this.bytes.slice(this.data + HEAD, this.data + used);
      parts.push({ names, types: this.bytes.slice(end - count, end).reverse(), order });
    }
    this.call(SYS_close, fd);
    this.check(used, syscall, path);
    return parts;
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
