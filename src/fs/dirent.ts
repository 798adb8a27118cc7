// Directory entries as node:fs shows them.

import { DT_BLK, DT_CHR, DT_DIR, DT_FIFO, DT_LNK, DT_REG, DT_SOCK } from "../../assembly/abi/stat.ts";
import {
  UV_DIRENT_BLOCK,
  UV_DIRENT_CHAR,
  UV_DIRENT_DIR,
  UV_DIRENT_FIFO,
  UV_DIRENT_FILE,
  UV_DIRENT_LINK,
  UV_DIRENT_SOCKET,
  UV_DIRENT_UNKNOWN,
} from "./constants.ts";

const TYPE = Symbol("type");

const UV_TYPES: ReadonlyMap<number, number> = new Map([
  [DT_REG, UV_DIRENT_FILE],
  [DT_DIR, UV_DIRENT_DIR],
  [DT_LNK, UV_DIRENT_LINK],
  [DT_FIFO, UV_DIRENT_FIFO],
  [DT_SOCK, UV_DIRENT_SOCKET],
  [DT_CHR, UV_DIRENT_CHAR],
  [DT_BLK, UV_DIRENT_BLOCK],
]);

/** libuv's type for DT_*. */
export function direntType(type: number): number {
  return UV_TYPES.get(type) ?? UV_DIRENT_UNKNOWN;
}

/** `type`: UV_DIRENT_*. */
export class Dirent {
  name: string | Buffer;
  parentPath: string | Uint8Array;
  path: string | Uint8Array;
  [TYPE]: number;

  constructor(name: string | Buffer, type: number, path: string | Uint8Array) {
    this.name = name;
    this.parentPath = path;
    this.path = path;
    this[TYPE] = type;
  }

  isDirectory(): boolean {
    return this[TYPE] === UV_DIRENT_DIR;
  }
  isFile(): boolean {
    return this[TYPE] === UV_DIRENT_FILE;
  }
  isBlockDevice(): boolean {
    return this[TYPE] === UV_DIRENT_BLOCK;
  }
  isCharacterDevice(): boolean {
    return this[TYPE] === UV_DIRENT_CHAR;
  }
  isSymbolicLink(): boolean {
    return this[TYPE] === UV_DIRENT_LINK;
  }
  isFIFO(): boolean {
    return this[TYPE] === UV_DIRENT_FIFO;
  }
  isSocket(): boolean {
    return this[TYPE] === UV_DIRENT_SOCKET;
  }
}
