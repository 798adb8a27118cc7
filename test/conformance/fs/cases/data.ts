// Contents: offsets, holes, appending, truncation.

import { expect } from "vitest";
import { type Check, errno, type FileUnderTest, readFile, writeFile } from "../fs-under-test.ts";

function text(file: FileUnderTest, length: number, position?: number): string {
  return Buffer.from(file.read(length, position)).toString();
}

/** Bytes that differ from block to block. */
function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + seed) & 0xff;
  return bytes;
}

function readAll(file: FileUnderTest, length: number): Buffer {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at < length) {
    const part = file.read(Math.min(65536, length - at), at);
    if (part.length === 0) break;
    parts.push(part);
    at += part.length;
  }
  return Buffer.concat(parts);
}

export function dataCases(check: Check): void {
  check("reads and writes move the offset", (fs) => {
    const file = fs.open("f", { read: true, write: true, create: true });
    expect(file.write(Buffer.from("hello "))).toBe(6);
    expect(file.write(Buffer.from("world"))).toBe(5);
    expect(text(file, 10)).toBe("");
    expect(text(file, 5, 6)).toBe("world");
    expect(file.stat().size).toBe(11n);
    file.close();
    const reader = fs.open("f", { read: true });
    expect([text(reader, 4), text(reader, 4), text(reader, 4), text(reader, 4)]).toEqual([
      "hell",
      "o wo",
      "rld",
      "",
    ]);
    reader.close();
  });

  check("positioned reads and writes leave the offset", (fs) => {
    const file = fs.open("f", { read: true, write: true, create: true });
    file.write(Buffer.from("abcdef"), 0);
    expect(text(file, 2)).toBe("ab");
    file.write(Buffer.from("XY"), 4);
    expect(text(file, 2, 0)).toBe("ab");
    expect(text(file, 10)).toBe("cdXY");
    file.close();
  });

  check("nothing is read behind the end", (fs) => {
    writeFile(fs, "f", "abc");
    const file = fs.open("f", { read: true });
    expect([text(file, 5, 1), text(file, 5, 3), text(file, 5, 1000)]).toEqual(["bc", "", ""]);
    expect(text(file, 0, 0)).toBe("");
    file.close();
  });

  check("writing nothing changes nothing", (fs) => {
    const file = fs.open("f", { write: true, create: true });
    expect(file.write(Buffer.alloc(0))).toBe(0);
    expect(file.write(Buffer.alloc(0), 100)).toBe(0);
    expect(file.stat().size).toBe(0n);
    file.close();
  });

  check("a hole reads as zeros", (fs) => {
    const file = fs.open("f", { read: true, write: true, create: true });
    file.write(Buffer.from("start"), 0);
    file.write(Buffer.from("end"), 200_000);
    expect(file.stat().size).toBe(200_003n);
    const all = readAll(file, 300_000);
    expect(all.length).toBe(200_003);
    expect(all.subarray(0, 5).toString() + all.subarray(-3).toString()).toBe("startend");
    expect(all.subarray(5, 200_000).every((byte) => byte === 0)).toBe(true);
    file.close();
  });

  check("a file may be far larger than what is stored of it", (fs) => {
    const far = 5 * 2 ** 40;
    const file = fs.open("f", { read: true, write: true, create: true });
    file.write(Buffer.from("x"), far);
    expect(file.stat().size).toBe(BigInt(far) + 1n);
    expect(text(file, 10, far)).toBe("x");
    expect(Buffer.from(file.read(4, far - 4)).equals(Buffer.alloc(4))).toBe(true);
    file.truncate(10);
    expect(text(file, 20, 0)).toBe("\0".repeat(10));
    file.close();
  });

  check(
    "a hole takes no space",
    (fs) => {
      const file = fs.open("f", { write: true, create: true });
      file.write(Buffer.from("x"), 2 ** 30);
      expect(file.stat().blocks).toBeLessThan(1000n);
      file.close();
    },
    ["blocks"],
  );

  check("what is written across blocks is read back", (fs) => {
    const file = fs.open("f", { read: true, write: true, create: true });
    const expected = Buffer.alloc(300_000);
    let seed = 1;
    for (const [at, length] of [
      [0, 4096],
      [4095, 2],
      [65_530, 20],
      [100_000, 150_000],
      [61_440, 70_000],
      [299_999, 1],
    ]) {
      const bytes = pattern(length!, seed++);
      bytes.copy(expected, at);
      expect(file.write(bytes, at)).toBe(length);
    }
    expect(readAll(file, 400_000).equals(expected)).toBe(true);
    for (const [at, length] of [
      [4090, 12],
      [65_000, 2000],
      [131_071, 3],
      [0, 65_537],
    ]) {
      const got = readAll(file, 400_000).subarray(at, at! + length!);
      expect(got.equals(expected.subarray(at, at! + length!))).toBe(true);
      expect(Buffer.from(file.read(length!, at)).equals(expected.subarray(at, at! + length!))).toBe(true);
    }
    file.close();
  });

  check("truncating cuts off and extends with zeros", (fs) => {
    const file = fs.open("f", { read: true, write: true, create: true });
    file.write(Buffer.from("0123456789"), 0);
    file.truncate(4);
    expect(file.stat().size).toBe(4n);
    expect(text(file, 20, 0)).toBe("0123");
    file.truncate(8);
    expect(text(file, 20, 0)).toBe("0123\0\0\0\0");
    file.truncate(0);
    expect(file.stat().size).toBe(0n);
    file.close();
  });

  check("what was cut off never comes back", (fs) => {
    const file = fs.open("f", { read: true, write: true, create: true });
    const bytes = pattern(200_000, 3);
    for (const cut of [1, 100, 4095, 4096, 4097, 65_535, 65_536, 65_537, 131_072, 150_001]) {
      file.write(bytes, 0);
      file.truncate(cut);
      file.truncate(200_000);
      const all = readAll(file, 200_000);
      expect(all.length).toBe(200_000);
      expect(all.subarray(0, cut).equals(bytes.subarray(0, cut))).toBe(true);
      expect(all.subarray(cut).every((byte) => byte === 0)).toBe(true);
    }
    file.close();
  });

  check("what lies between an old end and a later write is zeros", (fs) => {
    const file = fs.open("f", { read: true, write: true, create: true });
    file.write(pattern(5000, 9), 0);
    file.truncate(10);
    file.write(Buffer.from("x"), 4999);
    expect(
      readAll(file, 5000)
        .subarray(10, 4999)
        .every((byte) => byte === 0),
    ).toBe(true);
    file.close();
  });

  check("an offset behind a new end stays where it is", (fs) => {
    const file = fs.open("f", { read: true, write: true, create: true });
    file.write(Buffer.from("0123456789"));
    file.truncate(2);
    expect(text(file, 5)).toBe("");
    file.write(Buffer.from("X"));
    expect(readFile(fs, "f")).toBe(`01${"\0".repeat(8)}X`);
    file.close();
  });

  check("appending writes at the end, wherever that is", (fs) => {
    writeFile(fs, "f", "start");
    const one = fs.open("f", { write: true, append: true });
    const two = fs.open("f", { write: true, append: true });
    one.write(Buffer.from("1"));
    two.write(Buffer.from("2"));
    one.write(Buffer.from("3"));
    expect(readFile(fs, "f")).toBe("start123");
    one.truncate(2);
    two.write(Buffer.from("4"));
    expect(readFile(fs, "f")).toBe("st4");
    one.close();
    two.close();
  });

  check("appending also ignores a position, as on Linux", (fs) => {
    writeFile(fs, "f", "start");
    const file = fs.open("f", { write: true, append: true });
    file.write(Buffer.from("X"), 0);
    expect(readFile(fs, "f")).toBe("startX");
    file.close();
  });

  check("an appending file's reads begin at its start", (fs) => {
    writeFile(fs, "f", "start");
    const file = fs.open("f", { read: true, write: true, append: true });
    expect(text(file, 3)).toBe("sta");
    file.write(Buffer.from("!"));
    expect(text(file, 3)).toBe("");
    expect(text(file, 10, 0)).toBe("start!");
    file.close();
  });

  check("two descriptions see each other's writes at once", (fs) => {
    const one = fs.open("f", { read: true, write: true, create: true });
    const two = fs.open("f", { read: true, write: true });
    one.write(Buffer.from("one"), 0);
    expect(text(two, 10)).toBe("one");
    two.write(Buffer.from("two"), 0);
    expect(text(one, 10, 0)).toBe("two");
    two.truncate(1);
    expect(one.stat().size).toBe(1n);
    one.close();
    two.close();
  });

  check("syncing works on files and directories", (fs) => {
    fs.mkdir("d");
    const file = fs.open("f", { write: true, create: true });
    file.write(Buffer.from("x"));
    expect(errno(() => file.sync())).toBe("ok");
    file.close();
    const directory = fs.open("d", { read: true, directory: true });
    expect(errno(() => directory.sync())).toBe("ok");
    directory.close();
  });
}
