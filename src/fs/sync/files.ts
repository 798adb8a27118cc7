// Open files, synchronously.

import type * as NodeFs from "node:fs";
import { invalidArgType, invalidArgValue, outOfRange } from "../argument-error.ts";
import type { Leaf } from "../leaf/leaf.ts";
import { AT_OFFSET } from "../leaf/transfers.ts";
import { checkFd, checkFlags, checkInteger, checkMode, checkObject, checkPath } from "../validators.ts";

export type SyncFiles = Pick<
  typeof NodeFs,
  | "openSync"
  | "closeSync"
  | "readSync"
  | "writeSync"
  | "readvSync"
  | "writevSync"
  | "fsyncSync"
  | "fdatasyncSync"
  | "ftruncateSync"
  | "truncateSync"
>;

const NEW_FILE_MODE = 0o666;
const BUFFER = "an instance of Buffer, TypedArray, or DataView";

/** The bytes of any view. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  if (view instanceof Uint8Array) return view;
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** A place in a file: whole numbers; what is no number, or negative, is the descriptor's own. */
export function checkPosition(position: unknown): number {
  if (position === undefined || position === null) return AT_OFFSET;
  if (typeof position === "bigint") {
    const most = 2n ** 63n - 1n;
    if (position < -most - 1n || position > most)
      throw outOfRange("position", `>= ${-most - 1n} && <= ${most}`, position);
    return position < 0n ? AT_OFFSET : Number(position);
  }
  if (typeof position !== "number") throw invalidArgType("position", "of type bigint or integer", position);
  return checkInteger(position, "position", AT_OFFSET);
}

/** The part of a buffer that a call reads into. */
export interface ReadSpan {
  readonly target: Uint8Array;
  readonly position: number;
}

interface ReadOptions {
  offset?: unknown;
  length?: unknown;
  position?: unknown;
}

/** The arguments of read() behind the descriptor: (buffer, offset, length, position), or (buffer, options). */
export function checkRead(
  buffer: unknown,
  offsetOrOptions?: unknown,
  lengthGiven?: unknown,
  positionGiven?: unknown,
): ReadSpan {
  if (!ArrayBuffer.isView(buffer)) throw invalidArgType("buffer", BUFFER, buffer);
  let offset = offsetOrOptions;
  let length = lengthGiven;
  let position = positionGiven;
  if (typeof offsetOrOptions === "object" && offsetOrOptions !== null) {
    const options = offsetOrOptions as ReadOptions;
    ({ offset, length, position } = {
      length: undefined,
      position: undefined,
      offset: undefined,
      ...options,
    });
  }
  const start = offset === undefined || offset === null ? 0 : checkInteger(offset, "offset", 0);
  const all = buffer.byteLength;
  const wanted = length === undefined ? all - start : (length as number) | 0;
  if (wanted === 0) return { target: bytesOf(buffer).subarray(0, 0), position: AT_OFFSET };
  if (all === 0) throw invalidArgValue("buffer", buffer, "is empty and cannot be written");
  if (wanted < 0) throw outOfRange("length", ">= 0", wanted);
  if (wanted > all - start) throw outOfRange("length", `<= ${all - start}`, wanted);
  const bytes = bytesOf(buffer);
  const target = start === 0 && wanted === all ? bytes : bytes.subarray(start, start + wanted);
  return { target, position: checkPosition(position) };
}

/** How a text is to be written; what is no encoding is UTF-8. Errors: ERR_INVALID_ARG_VALUE for half a byte. */
function checkTextEncoding(text: string, given: unknown): BufferEncoding {
  const encoding = Buffer.isEncoding(given as string) ? (given as BufferEncoding) : "utf8";
  if (encoding.toLowerCase() === "hex" && text.length % 2 !== 0)
    throw invalidArgValue("encoding", given, `is invalid for data of length ${text.length}`);
  return encoding;
}

export interface WriteSpan {
  readonly source: Uint8Array;
  readonly position: number;
}

/** The arguments of write() behind the descriptor: (buffer, offset, length, position), (buffer, options), (text, position, encoding). */
export function checkWrite(
  buffer: unknown,
  offsetOrOptions?: unknown,
  lengthGiven?: unknown,
  positionGiven?: unknown,
): WriteSpan {
  if (typeof buffer === "string") {
    const source = Buffer.from(buffer, checkTextEncoding(buffer, lengthGiven));
    const at = typeof offsetOrOptions === "number" ? offsetOrOptions : AT_OFFSET;
    return { source, position: at };
  }
  if (!ArrayBuffer.isView(buffer)) throw invalidArgType("buffer", `of type string or ${BUFFER}`, buffer);
  let offset = offsetOrOptions;
  let length = lengthGiven;
  let position = positionGiven;
  if (typeof offsetOrOptions === "object" && offsetOrOptions !== null) {
    const options = offsetOrOptions as ReadOptions;
    ({ offset, length, position } = {
      length: undefined,
      position: undefined,
      offset: undefined,
      ...options,
    });
  }
  const all = buffer.byteLength;
  const start = offset === undefined || offset === null ? 0 : checkInteger(offset, "offset", 0);
  if (start > all) throw outOfRange("offset", `<= ${all}`, start);
  const wanted = typeof length === "number" ? length : all - start;
  if (wanted > all - start) throw outOfRange("length", `<= ${all - start}`, wanted);
  if (wanted < 0) throw outOfRange("length", ">= 0", wanted);
  checkInteger(wanted, "length", 0, 2 ** 31 - 1);
  const bytes = bytesOf(buffer);
  const source = start === 0 && wanted === all ? bytes : bytes.subarray(start, start + wanted);
  return { source, position: typeof position === "number" && position >= 0 ? position : AT_OFFSET };
}

/** Buffers of readv() and writev(). */
export function checkBuffers(buffers: unknown): Uint8Array[] {
  const views = Array.isArray(buffers) && buffers.every((each) => ArrayBuffer.isView(each));
  if (!views) throw invalidArgType("buffers", "an ArrayBufferView[]", buffers);
  return (buffers as ArrayBufferView[]).map(bytesOf);
}

export function syncFiles(leaf: Leaf): SyncFiles {
  const made = {
    openSync(path: unknown, flags?: unknown, mode?: unknown): number {
      const bits = mode === undefined ? NEW_FILE_MODE : checkMode(mode, "mode", NEW_FILE_MODE);
      return leaf.open(checkPath(path), checkFlags(flags), bits);
    },
    closeSync(fd: unknown): void {
      leaf.close(checkFd(fd));
    },
    readSync(fd: unknown, buffer: unknown, ...rest: unknown[]): number {
      const checked = checkFd(fd);
      const [offset, length, position] = rest;
      // A third argument without a fourth is the options.
      if (ArrayBuffer.isView(buffer) && rest.length === 1 && offset !== undefined && offset !== null)
        checkObject(offset);
      const span = checkRead(buffer, offset, length, position);
      return span.target.length === 0 ? 0 : leaf.read(checked, span.target, span.position);
    },
    writeSync(fd: unknown, buffer: unknown, offset?: unknown, length?: unknown, position?: unknown): number {
      const checked = checkFd(fd);
      const span = checkWrite(buffer, offset, length, position);
      return leaf.write(checked, span.source, span.position);
    },
    readvSync(fd: unknown, buffers: unknown, position?: unknown): number {
      const at = typeof position === "number" ? position : AT_OFFSET;
      return leaf.readv(checkFd(fd), checkBuffers(buffers), at);
    },
    writevSync(fd: unknown, buffers: unknown, position?: unknown): number {
      const checked = checkFd(fd);
      const sources = checkBuffers(buffers);
      if (sources.length === 0) return 0;
      return leaf.writev(checked, sources, typeof position === "number" ? position : AT_OFFSET);
    },
    fsyncSync(fd: unknown): void {
      leaf.fsync(checkFd(fd));
    },
    fdatasyncSync(fd: unknown): void {
      leaf.fdatasync(checkFd(fd));
    },
    ftruncateSync(fd: unknown, len: unknown = 0): void {
      leaf.ftruncate(checkFd(fd), Math.max(0, checkInteger(len, "len")));
    },
    truncateSync(path: unknown, len?: unknown): void {
      const length = len === undefined ? 0 : len;
      if (typeof path === "number") {
        made.ftruncateSync(path, length);
        return;
      }
      const fd = made.openSync(path, "r+");
      try {
        made.ftruncateSync(fd, length);
      } finally {
        made.closeSync(fd);
      }
    },
  };
  return made as SyncFiles;
}
