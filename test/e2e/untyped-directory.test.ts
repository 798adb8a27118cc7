import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { DT_DIR, DT_FIFO, DT_LNK, DT_REG } from "../../assembly/abi/stat.ts";
import { ADDON, scratch } from "../native/support.ts";

/** An ext2 as it was before records had types. */
const MAKE = `
  truncate -s 4M "$1" && mke2fs -q -t ext2 -O ^filetype "$1" && mount -o loop "$1" /mnt &&
  cd /mnt && mkdir directory && touch file && ln -s file link && mkfifo fifo`;

/** Prints name, qid type and type of each entry. */
const LIST = `
  const addon = { exports: {} };
  process.dlopen(addon, ${JSON.stringify(ADDON)});
  const native = addon.exports;
  const memory = Buffer.alloc(8192);
  native.registerMemory(0, memory);
  const [NAME, LISTING, OUT] = [0, 64, 4096];
  memory.write("/mnt\\0", NAME);
  const inode = require("fs").statSync("/mnt", { bigint: true }).ino;
  memory.writeUInt32LE(Number(inode >> 48n), LISTING + 20);
  const length = native.listDirectory(native.openat(-100, 0, NAME, 0o200000, 0), 0, OUT, 4096, LISTING);
  const entries = {};
  for (let at = OUT; at < OUT + length; ) {
    const end = at + 24 + memory.readUInt16LE(at + 22);
    entries[memory.toString("utf8", at + 24, end)] = [memory[at], memory[at + 21]];
    at = end;
  }
  console.log(JSON.stringify(entries));`;

test("a file system whose records have no types is asked for each", (context) => {
  if (process.getuid?.() !== 0) return context.skip("no right to mount here");
  const image = path.join(scratch(), "image");
  const script = `{ ${MAKE}; } >&2 || exit 99; exec "$2" -e "$3"`;
  const args = ["-m", "sh", "-c", script, "sh", image, process.execPath, LIST];
  const { status, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: 60_000 });
  if (status === 99) return context.skip(`no such file system here: ${stderr.trim()}`);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({
    ".": [0x80, DT_DIR],
    "..": [0x80, DT_DIR],
    "lost+found": [0x80, DT_DIR],
    directory: [0x80, DT_DIR],
    file: [0, DT_REG],
    link: [0x02, DT_LNK],
    fifo: [0, DT_FIFO],
  });
});
