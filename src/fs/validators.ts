// What node:fs asks of arguments before it calls anything: paths, descriptors, modes, flags, options.

import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import {
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_SYNC,
  O_TRUNC,
  O_WRONLY,
} from "../../assembly/abi/fcntl.ts";
import { codedError, invalidArgType, invalidArgValue, outOfRange, received } from "./argument-error.ts";

/** A path that was looked at: text, or bytes. */
export type CheckedPath = string | Uint8Array;

const INT32_MAX = 2147483647;
const UINT32_MAX = 4294967295;
const BITS_END = 8;

function isUrl(value: unknown): value is URL {
  const url = value as { href?: unknown; protocol?: unknown; auth?: unknown; path?: unknown } | null;
  return Boolean(url?.href && url.protocol && url.auth === undefined && url.path === undefined);
}

/** Takes strings, bytes and file: URLs. Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE for a NUL in it; those of URLs. */
export function checkPath(path: unknown, name = "path"): CheckedPath {
  if (typeof path === "string") {
    if (path.includes("\0")) throw hasNul(name, path);
    return path;
  }
  if (path instanceof Uint8Array) {
    if (path.includes(0)) throw hasNul(name, path);
    return path;
  }
  if (isUrl(path)) return checkPath(fileURLToPath(path, { windows: false } as never), name);
  throw invalidArgType(name, "of type string or an instance of Buffer or URL", path);
}

function hasNul(name: string, path: unknown): Error {
  return invalidArgValue(name, path, "must be a string, Uint8Array, or URL without null bytes");
}

export function checkInteger(
  value: unknown,
  name: string,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== "number") throw invalidArgType(name, "of type number", value);
  if (!Number.isInteger(value)) throw outOfRange(name, "an integer", value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
  return value;
}

export function checkInt32(value: unknown, name: string, min = -INT32_MAX - 1, max = INT32_MAX): number {
  return checkInteger(value, name, min, max);
}

export function checkUint32(value: unknown, name: string): number {
  return checkInteger(value, name, 0, UINT32_MAX);
}

export function checkBoolean(value: unknown, name: string): boolean {
  if (typeof value !== "boolean") throw invalidArgType(name, "of type boolean", value);
  return value;
}

export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== "function") throw invalidArgType(name, "of type function", value);
}

export function checkFd(fd: unknown): number {
  if (typeof fd !== "number") throw notDescriptor(fd);
  // Minus zero is a descriptor, too.
  return checkInteger(fd, "fd", 0, INT32_MAX) + 0;
}

/** Node looks at descriptors in C++, which shows what it received a little differently. */
function notDescriptor(fd: unknown): Error {
  let shown = received(fd);
  if (typeof fd === "function") shown = "function";
  else if (typeof fd === "bigint") shown = `type bigint (${fd})`;
  else if (typeof fd === "string") shown = `type string (${inspect(fd)})`;
  const message = `The "fd" argument must be of type number. Received ${shown}`;
  return codedError(TypeError, "ERR_INVALID_ARG_TYPE", message);
}

/** Modes of access() and copyFile(): bits up to 7; a fraction is cut. Nothing is 0. */
export function checkBits(mode: unknown): number {
  if (mode === undefined || mode === null) return 0;
  if (typeof mode !== "number")
    throw codedError(TypeError, "ERR_INVALID_ARG_TYPE", "mode must be int32 or null/undefined");
  if (!Number.isFinite(mode)) throw codedError(RangeError, "ERR_OUT_OF_RANGE", "mode is out of range");
  if (mode < 0 || mode >= BITS_END)
    throw codedError(RangeError, "ERR_OUT_OF_RANGE", `mode is out of range: >= 0 && <= ${BITS_END - 1}`);
  return Math.trunc(mode);
}

/** -1 leaves an owner as it is. */
export function checkId(id: unknown, name: string): number {
  return checkInteger(id, name, -1, UINT32_MAX);
}

/** A number, or octal digits. `otherwise` stands for undefined and null. */
export function checkMode(mode: unknown, name: string, otherwise?: number): number {
  const value = mode ?? otherwise;
  if (typeof value !== "string") return checkUint32(value, name);
  if (!/^[0-7]+$/.test(value))
    throw invalidArgValue(name, value, "must be a 32-bit unsigned integer or an octal string");
  return checkUint32(Number.parseInt(value, 8), name);
}

const FLAGS: ReadonlyMap<string, number> = new Map([
  ["r", O_RDONLY],
  ["rs", O_RDONLY | O_SYNC],
  ["sr", O_RDONLY | O_SYNC],
  ["r+", O_RDWR],
  ["rs+", O_RDWR | O_SYNC],
  ["sr+", O_RDWR | O_SYNC],
  ["w", O_TRUNC | O_CREAT | O_WRONLY],
  ["wx", O_TRUNC | O_CREAT | O_WRONLY | O_EXCL],
  ["xw", O_TRUNC | O_CREAT | O_WRONLY | O_EXCL],
  ["w+", O_TRUNC | O_CREAT | O_RDWR],
  ["wx+", O_TRUNC | O_CREAT | O_RDWR | O_EXCL],
  ["xw+", O_TRUNC | O_CREAT | O_RDWR | O_EXCL],
  ["a", O_APPEND | O_CREAT | O_WRONLY],
  ["ax", O_APPEND | O_CREAT | O_WRONLY | O_EXCL],
  ["xa", O_APPEND | O_CREAT | O_WRONLY | O_EXCL],
  ["as", O_APPEND | O_CREAT | O_WRONLY | O_SYNC],
  ["sa", O_APPEND | O_CREAT | O_WRONLY | O_SYNC],
  ["a+", O_APPEND | O_CREAT | O_RDWR],
  ["ax+", O_APPEND | O_CREAT | O_RDWR | O_EXCL],
  ["xa+", O_APPEND | O_CREAT | O_RDWR | O_EXCL],
  ["as+", O_APPEND | O_CREAT | O_RDWR | O_SYNC],
  ["sa+", O_APPEND | O_CREAT | O_RDWR | O_SYNC],
]);

/** Open flags as a number or as text ("wx+"); none is "r". */
export function checkFlags(flags: unknown, name = "flags"): number {
  if (flags === undefined || flags === null) return O_RDONLY;
  if (typeof flags === "number") return checkInt32(flags, name);
  const known = typeof flags === "string" ? FLAGS.get(flags) : undefined;
  if (known === undefined) throw invalidArgValue(name, flags);
  return known;
}

/** An encoding of Buffer, "buffer", or nothing. */
export function checkEncoding(encoding: unknown): BufferEncoding | "buffer" | undefined | null {
  if (encoding && encoding !== "buffer" && !Buffer.isEncoding(encoding as string))
    throw invalidArgValue("encoding", encoding, "is invalid encoding");
  return encoding as BufferEncoding | "buffer" | undefined | null;
}

/** The options of a call, which may be given as a mere encoding. A function in their place is the callback of the next form. */
export function checkOptions<T extends object>(options: unknown, defaults: T): T & Record<string, unknown> {
  if (options === undefined || options === null || typeof options === "function")
    return defaults as T & Record<string, unknown>;
  if (typeof options === "string") {
    checkEncoding(options);
    return { ...defaults, encoding: options };
  }
  if (typeof options !== "object") throw invalidArgType("options", "one of type string or object", options);
  const all = { ...defaults, ...options } as T & Record<string, unknown>;
  checkEncoding(all.encoding);
  if (all.signal !== undefined) checkSignal(all.signal, "options.signal");
  return all;
}

function checkSignal(signal: unknown, name: string): void {
  if (signal === null || typeof signal !== "object" || !("aborted" in signal))
    throw invalidArgType(name, "an instance of AbortSignal", signal);
}

/** Options that are an object or nothing. */
export function checkObject(options: unknown, name = "options"): void {
  if (options === null || typeof options !== "object" || Array.isArray(options))
    throw invalidArgType(name, "of type object", options);
}
