import fs from "node:fs";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import * as errno from "../../assembly/abi/errno.ts";
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from "../../assembly/abi/fcntl.ts";
import { P9_QTDIR, P9_QTFILE, P9_QTSYMLINK } from "../../assembly/abi/p9.ts";
import { DT_DIR, DT_FIFO, DT_LNK, DT_REG } from "../../assembly/abi/stat.ts";
import { Memory, native, openDescriptors, owned, scratch } from "./support.ts";

const HEAD = 24;
const LISTING_BYTES = 32;
/** The bits of an inode number that a pattern leaves alone. */
const BELOW_TOP = (1n << 48n) - 1n;

interface Entry {
  qidType: number;
  path: bigint;
  offset: bigint;
  type: number;
}

let memory: Memory;
let root: string;
/** The record, and the upper bits that inode numbers have here: all files are of one file system. */
let listing: number;
let top: number;

beforeEach(() => {
  memory = new Memory();
  root = scratch();
  listing = memory.room(LISTING_BYTES);
  top = Number(inode(".") >> 48n);
  rewind();
});

/** The record of a listing from the start. */
function rewind(): void {
  memory.bytes.fill(0, listing, listing + LISTING_BYTES);
  memory.view.setUint32(listing + 20, top, true);
}

function open(): number {
  return owned(native.openat(AT_FDCWD, 0, memory.name(root), O_RDONLY | O_DIRECTORY, 0));
}

/** The entries in `length` bytes at `out`, which must end where one ends. */
function decode(out: number, length: number): Map<string, Entry> {
  const { view } = memory;
  const entries = new Map<string, Entry>();
  let at = out;
  while (at < out + length) {
    const nameLength = view.getUint16(at + 22, true);
    const name = memory.text(at + HEAD, nameLength);
    expect(entries.has(name)).toBe(false);
    entries.set(name, {
      qidType: view.getUint8(at),
      path: view.getBigUint64(at + 5, true),
      offset: view.getBigUint64(at + 13, true),
      type: view.getUint8(at + 21),
    });
    expect(view.getUint32(at + 1, true)).toBe(0);
    at += HEAD + nameLength;
  }
  expect(at).toBe(out + length);
  return entries;
}

function inode(name: string): bigint {
  return fs.lstatSync(path.join(root, name), { bigint: true }).ino;
}

function list(fd: number, capacity: number): Map<string, Entry> {
  const out = memory.room(capacity);
  const length = native.listDirectory(fd, 0, out, capacity, listing);
  expect(length).toBeGreaterThanOrEqual(0);
  return decode(out, length);
}

test("every name with its type, its inode and where to go on", () => {
  fs.mkdirSync(path.join(root, "directory"));
  fs.writeFileSync(path.join(root, "file"), "");
  fs.symlinkSync("file", path.join(root, "link"));
  expect(native.mknodat(AT_FDCWD, 0, memory.name(path.join(root, "fifo")), 0o10600, 0, 0)).toBe(0);
  const fd = open();
  const entries = list(fd, 4096);
  const types = new Map([...entries].map(([name, { qidType, type }]) => [name, [qidType, type]]));
  expect(types).toEqual(
    new Map([
      [".", [P9_QTDIR, DT_DIR]],
      ["..", [P9_QTDIR, DT_DIR]],
      ["directory", [P9_QTDIR, DT_DIR]],
      ["file", [P9_QTFILE, DT_REG]],
      ["link", [P9_QTSYMLINK, DT_LNK]],
      ["fifo", [P9_QTFILE, DT_FIFO]],
    ]),
  );
  for (const [name, entry] of entries) expect([name, entry.path]).toEqual([name, inode(name) & BELOW_TOP]);
  const last = [...entries.values()].at(-1)!.offset;
  expect(memory.view.getBigUint64(listing, true)).toBe(last);
  expect(list(fd, 4096).size).toBe(0);

  const all = [...entries.keys()];
  for (const [index, { offset }] of [...entries.values()].entries()) {
    expect(native.lseek(fd, BigInt.asIntN(64, offset), 0)).not.toBeLessThan(0);
    expect([...list(fd, 4096).keys()]).toEqual(all.slice(index + 1));
  }
});

test("whatever the room is, nothing is split, lost or told twice", () => {
  for (let length = 1; length <= 40; length++) fs.writeFileSync(path.join(root, "n".repeat(length)), "");
  fs.writeFileSync(path.join(root, "m".repeat(255)), "");
  const all = [...list(open(), 65536).keys()];
  expect(all).toHaveLength(43);
  for (const capacity of [HEAD + 255, 280, 281, 300, 333, 500, 1000, 1279, 2000]) {
    const fd = open();
    rewind();
    const found: string[] = [];
    for (let part = list(fd, capacity); part.size > 0; part = list(fd, capacity)) found.push(...part.keys());
    expect([capacity, found]).toEqual([capacity, all]);
  }
});

test("where not even one entry fits, the descriptor stays where it is", () => {
  fs.writeFileSync(path.join(root, "12345"), "");
  const fd = open();
  const all = [...list(fd, 4096).keys()];
  const out = memory.room(64);
  for (const [index, name] of all.entries()) {
    const again = open();
    rewind();
    for (const before of all.slice(0, index))
      expect([...list(again, HEAD + before.length).keys()]).toEqual([before]);
    for (const room of [0, 1, HEAD, HEAD + name.length - 1]) {
      expect(native.listDirectory(again, 0, out, room, listing)).toBe(-errno.EINVAL);
    }
    expect([...list(again, HEAD + name.length).keys()]).toEqual([name]);
  }
});

test("the pattern makes the path's upper half, and stops where it is not for an inode", () => {
  fs.writeFileSync(path.join(root, "file"), "");
  const { view } = memory;
  const pattern = 0xabcd_1234;
  view.setUint32(listing + 24, pattern, true);
  const fd = open();
  for (const [name, entry] of list(fd, 4096)) {
    expect([name, entry.path]).toEqual([name, (inode(name) & BELOW_TOP) ^ (BigInt(pattern) << 32n)]);
  }

  // The root's ".." is an inode with other upper bits: alone among the entries.
  const other = 0x7777_0000_0000_0042n;
  view.setBigUint64(listing, 0n, true);
  view.setBigUint64(listing + 8, other, true);
  view.setUint32(listing + 16, 1, true);
  native.lseek(fd, 0, 0);
  const out = memory.room(4096);
  const found: string[] = [];
  const tops: number[] = [];
  for (;;) {
    const known = view.getUint32(listing + 20, true);
    const length = native.listDirectory(fd, 0, out, 4096, listing);
    expect(length).toBeGreaterThanOrEqual(0);
    const entries = decode(out, length);
    found.push(...entries.keys());
    if (entries.has(".."))
      expect(entries.get("..")!.path).toBe((other & BELOW_TOP) ^ (BigInt(pattern) << 32n));
    const next = view.getUint32(listing + 20, true);
    if (next === known) break;
    tops.push(next);
  }
  expect(tops.filter((met) => met === 0x7777)).toEqual([0x7777]);
  expect(found.sort()).toEqual([".", "..", "file"]);
});

test("what is no directory, and no room, are errors, and nothing stays open", () => {
  const before = openDescriptors();
  const fd = open();
  const out = memory.room(4096);
  expect(native.listDirectory(fd, 0, memory.size - 8, 9, listing)).toBe(-errno.EFAULT);
  expect(native.listDirectory(fd, 0, out, 4096, memory.size - LISTING_BYTES + 1)).toBe(-errno.EFAULT);
  expect(native.listDirectory(99999, 0, out, 4096, listing)).toBe(-errno.EBADF);
  const file = path.join(root, "file");
  fs.writeFileSync(file, "");
  const regular = owned(native.openat(AT_FDCWD, 0, memory.name(file), O_RDONLY, 0));
  expect(native.listDirectory(regular, 0, out, 4096, listing)).toBe(-errno.ENOTDIR);
  fs.rmSync(root, { recursive: true });
  expect(native.listDirectory(fd, 0, out, 4096, listing)).toBe(-errno.ENOENT);
  expect(openDescriptors()).toBe(before + 2);
});
