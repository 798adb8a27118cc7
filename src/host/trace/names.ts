// The names of WASI's numbers, from the constants themselves.

import * as errno from "../../../assembly/abi/errno.ts";
import * as wasi from "../../../assembly/abi/wasi.ts";
import type { Value } from "../../trace/value.ts";

type Names = ReadonlyMap<number, string>;

/** The constants whose names begin with `prefix`, without their first `cut` characters: by their values, in the order of these. */
function namesOf(constants: object, prefix: string, cut = 0): Names {
  const found = new Map<number, string>();
  for (const [name, value] of Object.entries(constants) as [string, number][]) {
    if (name.startsWith(prefix) && !name.endsWith("_ALL")) found.set(value, name.slice(cut));
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

const WASI_ERRNO = namesOf(wasi, "WASI_E", "WASI_".length);
const LINUX_ERRNO = namesOf(errno, "E");
const FILETYPES = namesOf(wasi, "FILETYPE_");
const WHENCE = namesOf(wasi, "WHENCE_");
const CLOCKS = namesOf(wasi, "CLOCK_");
const EVENTTYPES = namesOf(wasi, "EVENTTYPE_");
const RIGHTS = namesOf(wasi, "RIGHT_", "RIGHT_".length);
const PREOPENTYPES = namesOf(wasi, "PREOPENTYPE_");
/** In the order of their numbers; the kernel has no constants for them, as it takes them all alike. */
const ADVICE: Names = new Map(
  ["NORMAL", "SEQUENTIAL", "RANDOM", "WILLNEED", "DONTNEED", "NOREUSE"].map((name, value) => [
    value,
    `ADVICE_${name}`,
  ]),
);
/** Above half of them it is shorter to say which are missing. */
const RIGHTS_MANY = RIGHTS.size / 2;

/** "ENOENT", or the number itself. */
export function wasiErrnoName(value: number): string {
  return WASI_ERRNO.get(value) ?? `${value}`;
}

/** The WASI name of a Linux errno: EOPNOTSUPP is the only one that has another. */
export function wasiNameOfLinux(value: number): string | undefined {
  const name = LINUX_ERRNO.get(value);
  return name === "EOPNOTSUPP" ? "ENOTSUP" : name;
}

function nameIn(names: Names, value: number): Value {
  return { name: names.get(value) ?? `${value}` };
}

export const filetypeValue = (value: number): Value => nameIn(FILETYPES, value);
export const whenceValue = (value: number): Value => nameIn(WHENCE, value);
export const clockValue = (value: number): Value => nameIn(CLOCKS, value);
export const adviceValue = (value: number): Value => nameIn(ADVICE, value);
export const eventtypeValue = (value: number): Value => nameIn(EVENTTYPES, value);
export const preopentypeValue = (value: number): Value => nameIn(PREOPENTYPES, value);
export const errnoValue = (value: number): Value => ({ name: wasiErrnoName(value) });

function flagsOf(names: Names): (value: number) => Value {
  return (value) => {
    const flags = [...names].filter(([bit]) => value & bit).map(([, name]) => name);
    const rest = [...names.keys()].reduce((left, bit) => left & ~bit, value) >>> 0;
    return { flags: rest === 0 ? flags : [...flags, `0x${rest.toString(16)}`] };
  };
}

export const lookupflagsValue = flagsOf(namesOf(wasi, "LOOKUP_"));
export const oflagsValue = flagsOf(namesOf(wasi, "OFLAGS_"));
export const fdflagsValue = flagsOf(namesOf(wasi, "FDFLAGS_"));
export const fstflagsValue = flagsOf(namesOf(wasi, "FSTFLAGS_"));
export const subclockflagsValue = flagsOf(namesOf(wasi, "SUBCLOCKFLAGS_"));
export const eventrwflagsValue = flagsOf(namesOf(wasi, "EVENTRWFLAGS_"));

/** The names of the rights in a mask. */
export function rightNames(value: bigint): string[] {
  const names: string[] = [];
  let rest = BigInt.asUintN(64, value);
  for (const [bit, name] of RIGHTS) {
    if (!(rest & BigInt(bit))) continue;
    names.push(name);
    rest &= ~BigInt(bit);
  }
  return rest === 0n ? names : [...names, `0x${rest.toString(16)}`];
}

export function rightsValue(value: bigint): Value {
  const missing = rightNames(BigInt(wasi.RIGHTS_ALL) & ~value);
  const unknown = BigInt.asUintN(64, value) & ~BigInt(wasi.RIGHTS_ALL);
  if (unknown !== 0n || RIGHTS.size - missing.length <= RIGHTS_MANY) return { flags: rightNames(value) };
  return missing.length === 0 ? { flags: ["RIGHTS_ALL"] } : { flags: ["RIGHTS_ALL"], without: missing };
}
