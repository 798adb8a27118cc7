// Timestamps: what is set stays, and what changes a file moves them.

import { expect } from "vitest";
import { type Check, errno, type FsUnderTest, writeFile } from "../fs-under-test.ts";

const BILLION = 1_000_000_000n;
/** Longer than the granularity of Linux's file times. */
const TICK_MS = 12;

function tick(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TICK_MS);
}

/** Which times of `path` a step moved. */
function moved(fs: FsUnderTest, path: string, step: () => void): string[] {
  const before = fs.lstat(path);
  tick();
  step();
  const after = fs.lstat(path);
  return (["mtime", "ctime"] as const).filter((name) => after[name] !== before[name]);
}

export function timeCases(check: Check): void {
  check("times are set to what they are told", (fs) => {
    writeFile(fs, "f");
    fs.mkdir("d");
    for (const path of ["f", "d"]) {
      fs.utimes(path, 1_000_000_000.25, 1_234_567_890.5);
      expect(fs.stat(path)).toMatchObject({
        atime: 1_000_000_000n * BILLION + BILLION / 4n,
        mtime: 1_234_567_890n * BILLION + BILLION / 2n,
      });
    }
  });

  check("times may be before 1970 or at it", (fs) => {
    writeFile(fs, "f");
    fs.utimes("f", 0, 0);
    expect(fs.stat("f")).toMatchObject({ atime: 0n, mtime: 0n });
  });

  check("a link's own times are apart from its target's", (fs) => {
    writeFile(fs, "f");
    fs.symlink("f", "l");
    fs.utimes("f", 10, 20);
    fs.lutimes("l", 30, 40);
    expect([fs.stat("f").mtime, fs.lstat("l").mtime, fs.stat("l").mtime]).toEqual([
      20n * BILLION,
      40n * BILLION,
      20n * BILLION,
    ]);
    fs.utimes("l", 50, 60);
    expect([fs.stat("f").mtime, fs.lstat("l").mtime]).toEqual([60n * BILLION, 40n * BILLION]);
    fs.symlink("no", "dangling");
    expect(errno(() => fs.utimes("dangling", 1, 1))).toBe("ENOENT");
    expect(errno(() => fs.lutimes("dangling", 1, 1))).toBe("ok");
  });

  check("a new file's times are now", (fs) => {
    const before = BigInt(Date.now()) * 1_000_000n;
    tick();
    writeFile(fs, "f");
    fs.mkdir("d");
    fs.symlink("f", "l");
    tick();
    const after = BigInt(Date.now()) * 1_000_000n;
    for (const path of ["f", "d", "l"]) {
      const { atime, mtime, ctime } = fs.lstat(path);
      for (const time of [atime, mtime, ctime]) {
        expect(time).toBeGreaterThan(before);
        expect(time).toBeLessThan(after);
      }
    }
  });

  check("setting times changes ctime", (fs) => {
    writeFile(fs, "f");
    const before = fs.stat("f").ctime;
    tick();
    fs.utimes("f", 1, 1);
    expect(fs.stat("f").ctime).toBeGreaterThan(before);
  });

  check("writing and truncating move mtime and ctime", (fs) => {
    writeFile(fs, "f", "content");
    const file = fs.open("f", { read: true, write: true });
    expect(moved(fs, "f", () => file.write(Buffer.from("x")))).toEqual(["mtime", "ctime"]);
    expect(moved(fs, "f", () => file.write(Buffer.from("x"), 100))).toEqual(["mtime", "ctime"]);
    expect(moved(fs, "f", () => file.truncate(3))).toEqual(["mtime", "ctime"]);
    expect(moved(fs, "f", () => file.truncate(3))).toEqual(["mtime", "ctime"]);
    expect(moved(fs, "f", () => file.read(3, 0))).toEqual([]);
    expect(moved(fs, "f", () => file.write(Buffer.alloc(0)))).toEqual([]);
    file.close();
    expect(moved(fs, "f", () => fs.open("f", { write: true, truncate: true }).close())).toEqual([
      "mtime",
      "ctime",
    ]);
    expect(moved(fs, "f", () => fs.open("f", { write: true, create: true }).close())).toEqual([]);
  });

  check("a change of names moves the directory's mtime and ctime", (fs) => {
    fs.mkdir("d");
    const both = ["mtime", "ctime"];
    expect(moved(fs, "d", () => writeFile(fs, "d/f"))).toEqual(both);
    expect(moved(fs, "d", () => writeFile(fs, "d/f", "more"))).toEqual([]);
    expect(moved(fs, "d", () => fs.mkdir("d/e"))).toEqual(both);
    expect(moved(fs, "d", () => fs.symlink("x", "d/l"))).toEqual(both);
    expect(moved(fs, "d", () => fs.rename("d/f", "d/g"))).toEqual(both);
    expect(moved(fs, "d", () => fs.rename("d/g", "out"))).toEqual(both);
    expect(moved(fs, "d", () => fs.rename("out", "d/in"))).toEqual(both);
    expect(moved(fs, "d", () => fs.unlink("d/in"))).toEqual(both);
    expect(moved(fs, "d", () => fs.rmdir("d/e"))).toEqual(both);
    expect(moved(fs, "d", () => errno(() => fs.rmdir("d/e")))).toEqual([]);
  });

  check(
    "a change of its names moves a file's ctime only",
    (fs) => {
      writeFile(fs, "f");
      expect(moved(fs, "f", () => fs.link("f", "g"))).toEqual(["ctime"]);
      expect(moved(fs, "f", () => fs.unlink("g"))).toEqual(["ctime"]);
      const before = fs.stat("f");
      tick();
      fs.rename("f", "h");
      expect(fs.stat("h").mtime).toBe(before.mtime);
      expect(fs.stat("h").ctime).toBeGreaterThan(before.ctime);
    },
    ["hardLinks"],
  );
}
