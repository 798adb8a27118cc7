// What is measured: each operation is what a client does for one call of a program's, some messages one after the other.

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { countEntries, frame, RLERROR } from "./client.mjs";

const TAG = 1;
const ROOT = 0;
const FID = 1;
/** Stay open throughout. */
const FILE = 2;
const WRITTEN = 3;
const DIRECTORY = 4;
const DEEP = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "file"];
const ENTRIES = 1000;
const BLOCK = 4096;
const O_RDONLY = 0;
const O_RDWR = 2;
const MASK_BASIC = 0x7ff;
/** Between a message's size and the data in it: what Linux's client keeps free (P9_IOHDRSZ). */
const IO_HEADER = 24;
const MIB = 1 << 20;

/** Fills the directory that is served. */
export function makeTree(folder) {
  const deep = path.join(folder, ...DEEP.slice(0, -1));
  mkdirSync(deep, { recursive: true });
  writeFileSync(path.join(deep, "file"), "deep");
  mkdirSync(path.join(folder, "dir"));
  writeFileSync(path.join(folder, "dir", "file"), Buffer.alloc(BLOCK, "x"));
  writeFileSync(path.join(folder, "large"), Buffer.alloc(MIB, "y"));
  writeFileSync(path.join(folder, "written"), "");
  mkdirSync(path.join(folder, "new"));
  mkdirSync(path.join(folder, "many"));
  for (let i = 0; i < ENTRIES; i++) writeFileSync(path.join(folder, "many", `entry-${i}`), "");
}

const walk = (fid, newfid, names) =>
  frame(
    110,
    TAG,
    ["u32", fid],
    ["u32", newfid],
    ["u16", names.length],
    ...names.map((name) => ["text", name]),
  );
const getattr = (fid) => frame(24, TAG, ["u32", fid], ["u64", MASK_BASIC]);
const clunk = (fid) => frame(120, TAG, ["u32", fid]);
const lopen = (fid, flags) => frame(12, TAG, ["u32", fid], ["u32", flags]);
const read = (fid, offset, count) => frame(116, TAG, ["u32", fid], ["u64", offset], ["u32", count]);
const write = (fid, offset, data) =>
  frame(118, TAG, ["u32", fid], ["u64", offset], ["u32", data.length], ["bytes", data]);
const readdir = (fid, cookie, count) => frame(40, TAG, ["u32", fid], ["u64", cookie], ["u32", count]);

/**
 * The operations on an attached client, prepared: { name, small, run, count } each. `small`: the time is that of messages, and not of bytes or of
 * the host's own getdents64. Throws when a reply is not what it must be.
 */
export function prepare(client, messageSize) {
  const message = (bytes, expected) => client.prepare(bytes, expected);
  const block = Buffer.alloc(BLOCK, "z");
  const data = messageSize - IO_HEADER;
  client.once(walk(ROOT, FILE, ["large"]));
  client.once(lopen(FILE, O_RDONLY));
  client.once(walk(ROOT, WRITTEN, ["written"]));
  client.once(lopen(WRITTEN, O_RDWR));
  expect(client.once(getattr(FILE)), 160, "Rgetattr's length");
  expect(client.view.getUint32(56, true), MIB, "the file's size");
  expect(client.once(read(FILE, 0, data)), data + 11, "Rread's length");
  expect(client.view.getUint8(11), "y".charCodeAt(0), "the byte that was read");
  client.once(walk(ROOT, FID, DEEP));
  expect(client.view.getUint16(7, true), DEEP.length, "the walk's length");
  client.once(clunk(FID));

  const clunkFid = message(clunk(FID));
  const sequence = (name, count, ...requests) => ({ name, small: true, count, run: each(client, requests) });
  const create = frame(14, TAG, ["u32", FID], ["text", "made"], ["u32", O_RDWR], ["u32", 0o644], ["u32", 0]);
  client.once(walk(ROOT, DIRECTORY, ["new"]));
  return [
    sequence("getattr", 12_000, message(getattr(FILE))),
    sequence(
      "walk 2 names, getattr, clunk",
      4_000,
      message(walk(ROOT, FID, ["dir", "file"])),
      message(getattr(FID)),
      clunkFid,
    ),
    sequence(
      "walk 8 names, getattr, clunk",
      4_000,
      message(walk(ROOT, FID, DEEP)),
      message(getattr(FID)),
      clunkFid,
    ),
    sequence(
      "walk, open, read 4 KiB, clunk",
      4_000,
      message(walk(ROOT, FID, ["dir", "file"])),
      message(lopen(FID, O_RDONLY)),
      message(read(FID, 0, BLOCK)),
      clunkFid,
    ),
    sequence("read 4 KiB", 12_000, message(read(FILE, 0, BLOCK))),
    sequence("write 4 KiB", 12_000, message(write(WRITTEN, 0, block))),
    { ...sequence("read 64 KiB", 4_000, message(read(FILE, 0, data))), small: false },
    { name: `readdir of ${ENTRIES}`, small: false, count: 400, run: list(client, data) },
    sequence(
      "create, write 4 KiB, clunk, unlink",
      1_000,
      message(walk(DIRECTORY, FID, [])),
      message(create),
      message(write(FID, 0, block)),
      clunkFid,
      // diod 1.0 has no Tunlinkat; Linux's client does this then.
      message(walk(DIRECTORY, FID, ["made"])),
      message(frame(122, TAG, ["u32", FID])),
    ),
    // Last, because diod keeps something of every walk that fails and is slower for it afterwards.
    sequence("walk to a missing name", 4_000, message(walk(ROOT, FID, ["none"]), RLERROR)),
  ];
}

function each(client, requests) {
  return () => {
    for (const request of requests) client.call(request);
  };
}

/** Opens a directory, reads it to its end, and closes it. */
function list(client, room) {
  const start = client.prepare(walk(ROOT, FID, ["many"]));
  const open = client.prepare(lopen(FID, O_RDONLY));
  const first = client.prepare(readdir(FID, 0, room));
  const next = client.prepare(readdir(FID, 0, room));
  const close = client.prepare(clunk(FID));
  // A client decodes the entries: only the last one's cookie is needed to go on, and it is the same each time.
  let total = 0;
  const cookies = [];
  client.call(start);
  client.call(open);
  client.call(first);
  for (;;) {
    const { entries, cookie } = countEntries(client);
    if (entries === 0) break;
    total += entries;
    cookies.push(cookie);
    client.view.setBigUint64(next.at + 11, cookie, true);
    client.call(next);
  }
  client.call(close);
  // "." and ".." are among them.
  expect(total, ENTRIES + 2, "the number of entries");
  return () => {
    client.call(start);
    client.call(open);
    client.call(first);
    for (const cookie of cookies) {
      client.view.setBigUint64(next.at + 11, cookie, true);
      client.call(next);
    }
    client.call(close);
  };
}

function expect(value, wanted, what) {
  if (value !== wanted) throw new Error(`${what} is ${value}, not ${wanted}`);
}
