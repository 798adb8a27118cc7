// Reads archives that strangers made: ustar, the extended headers of pax(1), and GNU's long names. What it does not know it refuses;
// nothing of a file's size is believed before the archive was seen to be that long.

import { TAR_TYPES, type TarEntry, type TarType } from "./tar-writer.ts";

const BLOCK = 512;
/** An extended header, and a long name. */
const EXTENSION_MAX = 1n << 20n;
const NANOSECONDS = 1_000_000_000n;
const XATTR = "SCHILY.xattr.";
const SIGN_BIT = 0x80;

/** What is wrong with an archive, without its name. */
export class ArchiveError extends Error {}

/** Up to `length` bytes at `position`; fewer only at the end. */
export type ReadAt = (position: bigint, length: number) => Buffer;

export interface ReadEntry extends TarEntry {
  /** Where its bytes are. */
  readonly position: bigint;
}

/** `end`: the length of the whole archive. Errors: ArchiveError. */
export function* readTar(read: ReadAt, end: bigint): Generator<ReadEntry> {
  const global = new Map<string, Buffer>();
  let records = new Map<string, Buffer>();
  for (let at = 0n; ; ) {
    const block = read(at, BLOCK);
    if (block.length < BLOCK) throw new ArchiveError("it ends before its end");
    if (block.every((byte) => byte === 0)) return;
    checkSum(block);
    const flag = String.fromCharCode(block[156]!);
    const merged = new Map([...global, ...records]);
    const size = isExtension(flag) ? numberAt(block, 124, 12) : sizeOf(block, merged);
    const position = at + BigInt(BLOCK);
    if (size > end - position) throw new ArchiveError("a file in it is longer than the archive");
    at = position + ((size + BigInt(BLOCK) - 1n) / BigInt(BLOCK)) * BigInt(BLOCK);
    if (isExtension(flag)) {
      if (size > EXTENSION_MAX) throw new ArchiveError(`an extended header of ${size} bytes`);
      takeExtension(flag, read(position, Number(size)), flag === "g" ? global : records);
      continue;
    }
    yield { ...entryOf(block, flag, merged, size), position };
    records = new Map();
  }
}

function isExtension(flag: string): boolean {
  return flag === "x" || flag === "g" || flag === "L" || flag === "K";
}

function takeExtension(flag: string, content: Buffer, records: Map<string, Buffer>): void {
  if (flag === "L") records.set("path", upToZero(content));
  else if (flag === "K") records.set("linkpath", upToZero(content));
  else for (let at = 0; at < content.length; ) at = takeRecord(content, at, records);
}

/** Where the next one begins. */
function takeRecord(content: Buffer, at: number, records: Map<string, Buffer>): number {
  const space = content.indexOf(0x20, at);
  const digits = space < 0 ? "" : content.toString("latin1", at, space);
  const end = at + Number(digits);
  const equals = content.indexOf(0x3d, space);
  const isRecord = /^[1-9]\d{0,6}$/.test(digits) && end <= content.length && equals >= 0 && equals < end - 1;
  if (!isRecord || content[end - 1] !== 0x0a) throw new ArchiveError("an extended header that is none");
  records.set(content.toString("latin1", space + 1, equals), content.subarray(equals + 1, end - 1));
  return end;
}

function entryOf(block: Buffer, flag: string, records: ReadonlyMap<string, Buffer>, size: bigint): TarEntry {
  const type = typeOf(flag, records);
  const path = withoutSlash(records.get("path") ?? nameOf(block));
  const target = records.get("linkpath") ?? upToZero(block.subarray(157, 257));
  const isLink = type === "link" || type === "symlink";
  const xattrs = new Map<string, Buffer>();
  for (const [key, value] of records) if (key.startsWith(XATTR)) xattrs.set(key.slice(XATTR.length), value);
  return {
    path,
    type: type === "file" && (records.get("path") ?? nameOf(block)).at(-1) === 0x2f ? "directory" : type,
    mode: Number(numberAt(block, 100, 8)) & 0o7777,
    uid: Number(numberOf(records.get("uid")) ?? numberAt(block, 108, 8)),
    gid: Number(numberOf(records.get("gid")) ?? numberAt(block, 116, 8)),
    size: type === "file" ? size : 0n,
    mtimeNs: timeOf(records.get("mtime")) ?? numberAt(block, 136, 12) * NANOSECONDS,
    ...(isLink ? { target } : {}),
    xattrs,
  };
}

function typeOf(flag: string, records: ReadonlyMap<string, Buffer>): TarType {
  if ([...records.keys()].some((key) => key.startsWith("GNU.sparse.")))
    throw new ArchiveError("a sparse file");
  // Before POSIX a regular file had a zero; contiguous ones are regular to all who know no better.
  if (flag === "\0" || flag === "7") return "file";
  const found = Object.entries(TAR_TYPES).find(([, known]) => known === flag);
  if (found === undefined) throw new ArchiveError(`a file of type ${JSON.stringify(flag)}`);
  return found[0] as TarType;
}

function sizeOf(block: Buffer, records: ReadonlyMap<string, Buffer>): bigint {
  return numberOf(records.get("size")) ?? numberAt(block, 124, 12);
}

function nameOf(block: Buffer): Buffer {
  const name = upToZero(block.subarray(0, 100));
  const isPosix = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isPosix ? upToZero(block.subarray(345, 500)) : Buffer.alloc(0);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from("/"), name]);
}

function upToZero(bytes: Buffer): Buffer {
  const zero = bytes.indexOf(0);
  return zero < 0 ? bytes : bytes.subarray(0, zero);
}

function withoutSlash(path: Buffer): Buffer {
  let { length } = path;
  while (length > 1 && path[length - 1] === 0x2f) length--;
  return path.subarray(0, length);
}

/** Octal digits, or GNU's binary numbers. Errors: ArchiveError. */
function numberAt(block: Buffer, at: number, width: number): bigint {
  const field = block.subarray(at, at + width);
  if ((field[0]! & SIGN_BIT) !== 0) return binaryNumber(field);
  const digits = upToZero(field).toString("latin1").trim();
  if (!/^[0-7]*$/.test(digits)) throw new ArchiveError("a number that is none");
  return digits === "" ? 0n : BigInt(`0o${digits}`);
}

function binaryNumber(field: Buffer): bigint {
  const value = BigInt(`0x${field.toString("hex")}`) - (1n << BigInt(field.length * 8 - 1));
  if (field[0] === SIGN_BIT && value < 1n << 63n) return value;
  throw new ArchiveError("a number that is negative, or too large");
}

function numberOf(text: Buffer | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const digits = text.toString("latin1");
  if (!/^\d{1,18}$/.test(digits)) throw new ArchiveError("a number that is none");
  return BigInt(digits);
}

function timeOf(text: Buffer | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const [, sign, whole, part = ""] = /^(-?)(\d{1,12})(?:\.(\d*))?$/.exec(text.toString("latin1")) ?? [];
  if (whole === undefined) throw new ArchiveError("a time that is none");
  const time = BigInt(whole) * NANOSECONDS + BigInt(part.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -time : time;
}

function checkSum(block: Buffer): void {
  let sum = 0;
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte;
  if (numberAt(block, 148, 8) !== BigInt(sum)) throw new ArchiveError("no tar archive, or a damaged one");
}
