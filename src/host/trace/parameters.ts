// What the parameters of preview1's functions are, and how each is read from its arguments.
//
// A parameter is read when the call begins, or, if the call writes it, when it has returned without an error; until then it is an
// address. What is read is bounded, whatever lengths and counts the guest gives.

import { PATH_MAX } from "../../../assembly/abi/limits.ts";
import { SIZEOF_IOVEC } from "../../../assembly/abi/wasi.ts";
import { intValue, type Text, type Value } from "../../trace/value.ts";
import type { GuestMemory } from "./guest-memory.ts";
import * as names from "./names.ts";

/** As WebAssembly passes them: i32 as a signed number, i64 as a bigint. */
export type Argument = number | bigint;

export interface CallSite {
  readonly memory: GuestMemory;
  readonly args: readonly Argument[];
  /** The path that a descriptor stands for now; undefined when it is closed. */
  fdPath(fd: number): Text | undefined;
}

export interface Parameter {
  readonly name: string;
  /** How many arguments it takes: a path is an address and a length. */
  readonly words: number;
  /** The call writes it. */
  readonly out: boolean;
  /** `at`: the index of its first argument. */
  read(site: CallSite, at: number): Value;
}

/** Bytes of a buffer, as many as strace(1) shows. */
const SHOWN_BYTES = 32;
/** Entries of an array, and bytes of a string that ends with NUL. */
const SHOWN_ITEMS = 16;
const SHOWN_STRING = 256;
const WORD = 4;

/** An argument as u32. */
export function word(site: CallSite, at: number): number {
  return Number(site.args[at] ?? 0) >>> 0;
}

function wide(site: CallSite, at: number): bigint {
  return BigInt(site.args[at] ?? 0);
}

function plain(name: string, show: (value: number) => Value): Parameter {
  return { name, words: 1, out: false, read: (site, at) => show(word(site, at)) };
}

function written(name: string, read: Parameter["read"]): Parameter {
  return { name, words: 1, out: true, read };
}

export function fdValue(site: CallSite, fd: number): Value {
  const path = site.fdPath(fd);
  return path === undefined ? { fd } : { fd, path };
}

/** The first `count` entries of an array at `address`, at most SHOWN_ITEMS; the address when they are not all there. */
export function array(
  site: CallSite,
  address: number,
  count: number,
  size: number,
  show: (at: number) => Value,
): Value {
  if (!site.memory.has(address, count * size)) return { address };
  const shown = Math.min(count, SHOWN_ITEMS);
  const list = Array.from({ length: shown }, (_, index) => show(address + index * size));
  return shown < count ? { list, more: true } : { list };
}

export const u32 = (name: string): Parameter => plain(name, (value) => value);
export const address = (name: string): Parameter => plain(name, (value) => ({ address: value }));
export const fd = (name = "fd"): Parameter => ({
  name,
  words: 1,
  out: false,
  read: (site, at) => fdValue(site, word(site, at)),
});
/** A signed number of 64 bits: an offset. */
export const i64 = (name: string): Parameter => ({
  name,
  words: 1,
  out: false,
  read: (site, at) => intValue(BigInt.asIntN(64, wide(site, at))),
});
export const u64 = (name: string): Parameter => ({
  name,
  words: 1,
  out: false,
  read: (site, at) => intValue(BigInt.asUintN(64, wide(site, at))),
});
export const rights = (name: string): Parameter => ({
  name,
  words: 1,
  out: false,
  read: (site, at) => names.rightsValue(BigInt.asUintN(64, wide(site, at))),
});
export const lookupflags = plain("lookupflags", names.lookupflagsValue);
export const oflags = plain("oflags", names.oflagsValue);
export const fdflags = plain("fdflags", names.fdflagsValue);
export const fstflags = plain("fst_flags", names.fstflagsValue);
export const whence = plain("whence", names.whenceValue);
export const clock = plain("id", names.clockValue);
export const advice = plain("advice", names.adviceValue);

/** An address and a length. */
export const path = (name = "path"): Parameter => ({
  name,
  words: 2,
  out: false,
  read: (site, at) => site.memory.text(word(site, at), word(site, at + 1), PATH_MAX),
});

export const outFd = written("opened_fd", (site, at) =>
  site.memory.cell(word(site, at), (value) => fdValue(site, value)),
);
export const outU32 = (name: string): Parameter =>
  written(name, (site, at) => site.memory.cell(word(site, at), (value) => value));
export const outU64 = (name: string): Parameter =>
  written(name, (site, at) => {
    const address = word(site, at);
    return site.memory.has(address, 8) ? { list: [intValue(site.memory.u64(address))] } : { address };
  });

/** A buffer whose length is the next argument, and of which the call filled what the cell at argument `used` says. */
export const outBuffer = (name: string, used: number | undefined): Parameter =>
  written(name, (site, at) => {
    const length = used === undefined ? word(site, at + 1) : usedOf(site, used, word(site, at + 1));
    return site.memory.text(word(site, at), length, SHOWN_BYTES);
  });

function usedOf(site: CallSite, cell: number, most: number): number {
  const address = word(site, cell);
  return site.memory.has(address, WORD) ? Math.min(site.memory.u32(address), most) : 0;
}

/** The buffers of a write: an address, and a count in the next argument. */
export const ciovs: Parameter = {
  name: "iovs",
  words: 1,
  out: false,
  read: (site, at) => iovsValue(site, at, Number.MAX_SAFE_INTEGER),
};

/** Those of a read, which filled what the cell at argument `used` says. */
export const iovs = (used: number): Parameter =>
  written("iovs", (site, at) => iovsValue(site, at, usedOf(site, used, Number.MAX_SAFE_INTEGER)));

function iovsValue(site: CallSite, at: number, filled: number): Value {
  const { memory } = site;
  let left = filled;
  return array(site, word(site, at), word(site, at + 1), SIZEOF_IOVEC, (entry) => {
    const length = memory.u32(entry + WORD);
    const bytes = Math.min(length, left);
    left -= bytes;
    return { fields: { buf: memory.text(memory.u32(entry), bytes, SHOWN_BYTES), buf_len: length } };
  });
}

/** Pointers to strings that end with NUL: `count` says how many there are. */
export const outStrings = (name: string, count: number): Parameter =>
  written(name, (site, at) =>
    array(site, word(site, at), count, WORD, (entry) => stringAt(site.memory, site.memory.u32(entry))),
  );

function stringAt(memory: GuestMemory, at: number): Value {
  let length = 0;
  while (length < SHOWN_STRING && memory.has(at + length, 1) && memory.u8(at + length) !== 0) length++;
  if (!memory.has(at + length, 1)) return { address: at };
  return memory.text(at, memory.u8(at + length) === 0 ? length : length + 1, SHOWN_STRING);
}

/** A structure of `size` bytes. */
export const outStruct = (
  name: string,
  size: number,
  show: (memory: GuestMemory, at: number) => Readonly<Record<string, Value>>,
): Parameter =>
  written(name, (site, at) => {
    const address = word(site, at);
    return site.memory.has(address, size) ? { fields: show(site.memory, address) } : { address };
  });
