// Whole files, synchronously: readFile, writeFile, appendFile, copyFile.

import type * as NodeFs from "node:fs";
import { codedError, invalidArgType } from "../argument-error.ts";
import type { Leaf } from "../leaf/leaf.ts";
import { checkBits, checkBoolean, checkFlags, checkMode, checkOptions, checkPath } from "../validators.ts";
import { bytesOf } from "./files.ts";

export type SyncContents = Pick<
  typeof NodeFs,
  "readFileSync" | "writeFileSync" | "appendFileSync" | "copyFileSync"
>;

const NEW_FILE_MODE = 0o666;
/** What is asked for at a time of a file that does not say how large it is. */
const CHUNK = 65536;
/** Larger files do not fit into a Buffer of every Node (2 GiB). */
const FILE_MAX = 2 ** 31 - 1;

function isDescriptor(file: unknown): file is number {
  return Number.isInteger(file) && (file as number) >= 0 && (file as number) < 2 ** 31;
}

export function checkData(data: unknown, encoding: BufferEncoding | undefined): Uint8Array {
  if (typeof data === "string") return Buffer.from(data, encoding || "utf8");
  if (ArrayBuffer.isView(data)) return bytesOf(data);
  throw invalidArgType("data", "of type string or an instance of Buffer, TypedArray, or DataView", data);
}

function readAll(leaf: Leaf, fd: number, isOwn: boolean): Buffer {
  // Of a descriptor that is not open, it is read() that complains.
  if (!isOwn) leaf.read(fd, Buffer.alloc(0));
  const { size, isRegular } = leaf.sizeOf(fd);
  if (size > FILE_MAX) {
    const message = `File size (${size}) is greater than 2 GiB`;
    throw codedError(RangeError, "ERR_FS_FILE_TOO_LARGE", message);
  }
  if (!isRegular || size === 0) return readChunks(leaf, fd);
  const whole = uninitialized(size);
  let at = 0;
  while (at < size) {
    const got = leaf.read(fd, at === 0 ? whole : whole.subarray(at));
    if (got === 0) break;
    at += got;
  }
  return at === size ? whole : whole.subarray(0, at);
}

/** Node's own pool ends where files of 4 KiB begin; to allocate one costs as much as to read it. */
const POOL_BYTES = 1 << 16;
const POOLED_MAX = 1 << 13;

let pool = Buffer.alloc(0);
let poolUsed = 0;

/** A Buffer that holds nothing in particular. Small ones share their memory with others, as Buffer.allocUnsafe()'s. */
function uninitialized(size: number): Buffer {
  if (size > POOLED_MAX) return Buffer.allocUnsafeSlow(size);
  if (poolUsed + size > pool.length) {
    pool = Buffer.allocUnsafeSlow(POOL_BYTES);
    poolUsed = 0;
  }
  const made = pool.subarray(poolUsed, poolUsed + size);
  poolUsed += (size + 7) & -8;
  return made;
}

/** To the end, whatever the file says about its size: files of /proc have none. */
function readChunks(leaf: Leaf, fd: number): Buffer {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const got = leaf.read(fd, chunk);
    if (got === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, got));
  }
}

function writeAll(leaf: Leaf, fd: number, source: Uint8Array): void {
  let at = 0;
  while (at < source.length) at += leaf.write(fd, at === 0 ? source : source.subarray(at));
}

export function syncContents(leaf: Leaf): SyncContents {
  const readDefaults = { encoding: undefined as BufferEncoding | "buffer" | undefined, flag: "r" as unknown };
  const writeDefaults = { encoding: "utf8" as BufferEncoding | undefined, mode: NEW_FILE_MODE as unknown };

  const made = {
    readFileSync(path: unknown, options?: unknown): string | Buffer {
      const { encoding, flag } = checkOptions(options, readDefaults);
      const owned = !isDescriptor(path);
      const fd = owned ? leaf.open(checkPath(path), checkFlags(flag || "r"), NEW_FILE_MODE) : path;
      let bytes: Buffer;
      try {
        bytes = readAll(leaf, fd, owned);
      } finally {
        if (owned) leaf.close(fd);
      }
      return encoding ? bytes.toString(encoding as BufferEncoding) : bytes;
    },
    writeFileSync(path: unknown, data: unknown, options?: unknown): void {
      writeTo(path, data, "w", checkOptions(options, writeDefaults));
    },
    appendFileSync(path: unknown, data: unknown, options?: unknown): void {
      writeTo(path, data, "a", checkOptions(options, writeDefaults));
    },
    copyFileSync(src: unknown, dest: unknown, mode?: unknown): void {
      leaf.copyFile(checkPath(src, "src"), checkPath(dest, "dest"), checkBits(mode));
    },
  };

  function writeTo(
    path: unknown,
    data: unknown,
    flag: string,
    options: { encoding?: BufferEncoding | undefined; mode?: unknown; flag?: unknown; flush?: unknown },
  ): void {
    const flush = checkBoolean(options.flush ?? false, "options.flush");
    const source = checkData(data, options.encoding);
    const owned = !isDescriptor(path);
    const fd = owned
      ? leaf.open(
          checkPath(path),
          checkFlags(options.flag || flag),
          checkMode(options.mode, "mode", NEW_FILE_MODE),
        )
      : path;
    try {
      writeAll(leaf, fd, source);
      if (flush) leaf.fsync(fd);
    } finally {
      if (owned) leaf.close(fd);
    }
  }
  return made as SyncContents;
}
