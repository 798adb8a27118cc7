// rename(2): every kind of file onto every kind.

import { expect } from "vitest";
import { type Check, errno, type FsUnderTest, names, readFile, writeFile } from "../fs-under-test.ts";

type Kind = "file" | "symlink" | "empty" | "full" | "missing";

function make(fs: FsUnderTest, kind: Kind, path: string): void {
  if (kind === "file") writeFile(fs, path, path);
  if (kind === "symlink") fs.symlink("nowhere", path);
  if (kind === "empty" || kind === "full") fs.mkdir(path);
  if (kind === "full") writeFile(fs, `${path}/inside`);
}

const KINDS: readonly Kind[] = ["file", "symlink", "empty", "full", "missing"];

/** What Linux says to rename(row, column). */
function expected(from: Kind, to: Kind): string {
  if (from === "missing") return "ENOENT";
  const fromDirectory = from === "empty" || from === "full";
  if (to === "missing") return "ok";
  if (fromDirectory) return to === "empty" ? "ok" : to === "full" ? "ENOTEMPTY" : "ENOTDIR";
  return to === "empty" || to === "full" ? "EISDIR" : "ok";
}

export function renameCases(check: Check): void {
  for (const from of KINDS) {
    for (const to of KINDS) {
      for (const place of ["", "d/"]) {
        const where = place === "" ? "in one directory" : "into another directory";
        check(`${from} to ${to}, ${where}: ${expected(from, to)}`, (fs) => {
          fs.mkdir("d");
          make(fs, from, "a");
          make(fs, to, `${place}b`);
          const ino = from === "missing" ? undefined : fs.lstat("a").ino;
          expect(errno(() => fs.rename("a", `${place}b`))).toBe(expected(from, to));
          if (expected(from, to) === "ok") {
            expect(fs.lstat(`${place}b`).ino).toBe(ino);
            expect(errno(() => fs.lstat("a"))).toBe("ENOENT");
            expect(names(fs, ".")).toEqual(place === "" ? ["b", "d"] : ["d"]);
            if (from === "full") expect(names(fs, `${place}b`)).toEqual(["inside"]);
          } else {
            if (ino !== undefined) expect(fs.lstat("a").ino).toBe(ino);
            if (to === "file") expect(readFile(fs, `${place}b`)).toBe(`${place}b`);
          }
        });
      }
    }
  }

  check("a file onto itself stays", (fs) => {
    writeFile(fs, "f", "x");
    fs.mkdir("d");
    expect(errno(() => fs.rename("f", "f"))).toBe("ok");
    expect(errno(() => fs.rename("d", "d"))).toBe("ok");
    expect(errno(() => fs.rename("d", "./d/"))).toBe("ok");
    expect(readFile(fs, "f")).toBe("x");
  });

  check(
    "one name of a file onto another of it: both stay",
    (fs) => {
      writeFile(fs, "a", "x");
      fs.mkdir("d");
      fs.link("a", "b");
      fs.link("a", "d/c");
      expect(errno(() => fs.rename("a", "b"))).toBe("ok");
      expect(errno(() => fs.rename("a", "d/c"))).toBe("ok");
      expect([names(fs, "."), names(fs, "d")]).toEqual([["a", "b", "d"], ["c"]]);
      expect(fs.stat("a").nlink).toBe(3n);
    },
    ["hardLinks"],
  );

  check(
    "replacing one of several names lowers the link count",
    (fs) => {
      writeFile(fs, "a", "old");
      fs.link("a", "b");
      writeFile(fs, "new", "new");
      fs.rename("new", "b");
      expect([readFile(fs, "a"), readFile(fs, "b")]).toEqual(["old", "new"]);
      expect([fs.stat("a").nlink, fs.stat("b").nlink]).toEqual([1n, 1n]);
    },
    ["hardLinks"],
  );

  check("a directory into itself is EINVAL", (fs) => {
    fs.mkdir("d");
    fs.mkdir("d/e");
    fs.mkdir("d/e/f");
    expect(errno(() => fs.rename("d", "d/x"))).toBe("EINVAL");
    expect(errno(() => fs.rename("d", "d/e"))).toBe("EINVAL");
    expect(errno(() => fs.rename("d", "d/e/x"))).toBe("EINVAL");
    expect(errno(() => fs.rename("d", "d/e/f"))).toBe("EINVAL");
    expect(errno(() => fs.rename("d", "d/no/x"))).toBe("ENOENT");
    expect(names(fs, "d")).toEqual(["e"]);
  });

  check("a directory onto one above it is ENOTEMPTY", (fs) => {
    fs.mkdir("d");
    fs.mkdir("d/e");
    fs.mkdir("d/e/f");
    writeFile(fs, "d/e/g");
    expect(errno(() => fs.rename("d/e", "d"))).toBe("ENOTEMPTY");
    expect(errno(() => fs.rename("d/e/f", "d"))).toBe("ENOTEMPTY");
    expect(errno(() => fs.rename("d/e/g", "d"))).toBe("ENOTEMPTY");
  });

  check("dots are EBUSY", (fs) => {
    fs.mkdir("d");
    fs.mkdir("d/e");
    expect(errno(() => fs.rename("d/.", "x"))).toBe("EBUSY");
    expect(errno(() => fs.rename("d/..", "x"))).toBe("EBUSY");
    expect(errno(() => fs.rename("d", "d/."))).toBe("EBUSY");
    expect(errno(() => fs.rename("d/e", "d/.."))).toBe("EBUSY");
    expect(errno(() => fs.rename(".", "x"))).toBe("EBUSY");
    expect(errno(() => fs.rename("no", "."))).toBe("EBUSY");
    expect(errno(() => fs.rename("no/x", "d/."))).toBe("ENOENT");
  });

  check("a trailing slash is for directories", (fs) => {
    writeFile(fs, "f");
    fs.mkdir("d");
    expect(errno(() => fs.rename("f/", "x"))).toBe("ENOTDIR");
    expect(errno(() => fs.rename("f", "x/"))).toBe("ENOTDIR");
    expect(errno(() => fs.rename("no/", "x"))).toBe("ENOENT");
    expect(errno(() => fs.rename("d/", "x/"))).toBe("ok");
    expect(errno(() => fs.rename("x", "y//"))).toBe("ok");
    writeFile(fs, "g");
    expect(errno(() => fs.rename("f", "g/"))).toBe("ENOTDIR");
    expect(errno(() => fs.rename("f", "y/"))).toBe("ENOTDIR");
    expect(errno(() => fs.rename("y", "g/"))).toBe("ENOTDIR");
  });

  check("a link is moved itself, and replaced itself", (fs) => {
    writeFile(fs, "f", "f");
    fs.mkdir("d");
    fs.symlink("f", "l");
    fs.symlink("d", "ld");
    fs.rename("l", "m");
    expect(fs.readlink("m")).toBe("f");
    writeFile(fs, "g", "g");
    fs.rename("g", "ld");
    expect(readFile(fs, "ld")).toBe("g");
    expect(names(fs, "d")).toEqual([]);
    fs.symlink("d", "into");
    fs.rename("f", "into/moved");
    expect(names(fs, "d")).toEqual(["moved"]);
  });

  check("a link with a slash is no directory here", (fs) => {
    fs.mkdir("d");
    fs.mkdir("e");
    fs.symlink("d", "l");
    expect(errno(() => fs.rename("l/", "x"))).toBe("ENOTDIR");
    expect(errno(() => fs.rename("e", "l/"))).toBe("ENOTDIR");
    expect(names(fs, ".")).toEqual(["d", "e", "l"]);
  });

  check("what lies below moves along", (fs) => {
    fs.mkdir("a");
    fs.mkdir("a/b");
    writeFile(fs, "a/b/c", "c");
    fs.mkdir("d");
    expect(errno(() => fs.stat("d/e/b/c"))).toBe("ENOENT");
    fs.rename("a", "d/e");
    expect(readFile(fs, "d/e/b/c")).toBe("c");
    expect(errno(() => fs.stat("a/b/c"))).toBe("ENOENT");
    expect(fs.stat("d/e/..").ino).toBe(fs.stat("d").ino);
    expect(fs.stat("d/e/b/../..").ino).toBe(fs.stat("d").ino);
    fs.rename("d/e", "a");
    expect(readFile(fs, "a/b/c")).toBe("c");
    expect(fs.stat("a/b").ino).not.toBe(fs.stat("d").ino);
  });

  check("two directories can change places in three steps", (fs) => {
    fs.mkdir("a");
    writeFile(fs, "a/one");
    fs.mkdir("b");
    writeFile(fs, "b/two");
    fs.rename("a", "tmp");
    fs.rename("b", "a");
    fs.rename("tmp", "b");
    expect([names(fs, "a"), names(fs, "b")]).toEqual([["two"], ["one"]]);
  });

  check("a file that is replaced while open stays readable", (fs) => {
    writeFile(fs, "a", "old");
    writeFile(fs, "b", "new");
    const file = fs.open("a", { read: true });
    fs.rename("b", "a");
    expect(Buffer.from(file.read(10)).toString()).toBe("old");
    expect(file.stat().nlink).toBe(0n);
    file.close();
    expect(readFile(fs, "a")).toBe("new");
  });
}
