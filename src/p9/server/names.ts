// Names that are no names: "." and "..".

import type { Decoder } from "./decoder.ts";

const DOT = 0x2e;

/** 1 for ".", 2 for "..", 0 for any other name of `length` bytes at `name`. */
export function countDots(bytes: Uint8Array, name: number, length: number): number {
  if (length > 2 || bytes[name] !== DOT) return 0;
  if (length === 1) return 1;
  return bytes[name + 1] === DOT ? 2 : 0;
}

/** As Decoder.name(), for an entry that is to be made, removed or renamed: "." and ".." are `dotError`. */
export function entryName(request: Decoder, bytes: Uint8Array, to: number, dotError: number): number {
  const length = request.name(to);
  return length > 0 && countDots(bytes, to, length) > 0 ? -dotError : length;
}

/** Writes a node's name at `to`, with a NUL. Returns its length. */
export function putName(bytes: Uint8Array, name: Uint8Array, to: number): number {
  bytes.set(name, to);
  bytes[to + name.length] = 0;
  return name.length;
}
