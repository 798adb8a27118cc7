// unlink(2) and rmdir(2).

import { expect } from "vitest";
import { type Check, errno, names, readFile, tryOpen, writeFile } from "../fs-under-test.ts";

export function removeCases(check: Check): void {
  check("unlink removes files and links, not what they lead to", (fs) => {
    writeFile(fs, "f", "x");
    fs.symlink("f", "l");
    fs.symlink("no", "dangling");
    fs.unlink("l");
    fs.unlink("dangling");
    expect(names(fs, ".")).toEqual(["f"]);
    fs.unlink("f");
    expect(names(fs, ".")).toEqual([]);
    expect(errno(() => fs.unlink("f"))).toBe("ENOENT");
  });

  check("unlink refuses directories", (fs) => {
    fs.mkdir("d");
    for (const path of ["d", "d/", "d/.", "d/..", "."]) expect(errno(() => fs.unlink(path))).toBe("EISDIR");
    fs.symlink("d", "l");
    expect(errno(() => fs.unlink("l/"))).toBe("ENOTDIR");
    expect(errno(() => fs.unlink("l"))).toBe("ok");
  });

  check("unlink and a trailing slash", (fs) => {
    writeFile(fs, "f");
    expect(errno(() => fs.unlink("f/"))).toBe("ENOTDIR");
    expect(errno(() => fs.unlink("no/"))).toBe("ENOENT");
    expect(fs.stat("f").type).toBe("file");
  });

  check("rmdir removes an empty directory", (fs) => {
    fs.mkdir("d");
    fs.mkdir("e");
    fs.rmdir("d");
    fs.rmdir("e/");
    expect(names(fs, ".")).toEqual([]);
  });

  check("rmdir refuses a directory that is not empty", (fs) => {
    fs.mkdir("d");
    writeFile(fs, "d/f");
    expect(errno(() => fs.rmdir("d"))).toBe("ENOTEMPTY");
    fs.unlink("d/f");
    fs.symlink("no", "d/l");
    expect(errno(() => fs.rmdir("d"))).toBe("ENOTEMPTY");
    fs.unlink("d/l");
    expect(errno(() => fs.rmdir("d"))).toBe("ok");
  });

  check("rmdir refuses what is no directory", (fs) => {
    writeFile(fs, "f");
    fs.mkdir("d");
    fs.symlink("d", "l");
    for (const path of ["f", "f/", "l", "l/"]) expect(errno(() => fs.rmdir(path))).toBe("ENOTDIR");
  });

  check("rmdir refuses dots", (fs) => {
    fs.mkdir("d");
    fs.mkdir("d/e");
    expect(errno(() => fs.rmdir("."))).toBe("EINVAL");
    expect(errno(() => fs.rmdir("d/."))).toBe("EINVAL");
    expect(errno(() => fs.rmdir("d/./"))).toBe("EINVAL");
    expect(errno(() => fs.rmdir("d/.."))).toBe("ENOTEMPTY");
    expect(errno(() => fs.rmdir("d/e/.."))).toBe("ENOTEMPTY");
  });

  check(
    "an open directory that was removed takes nothing any more",
    (fs) => {
      fs.mkdir("d");
      const directory = fs.open("d", { read: true, directory: true });
      fs.rmdir("d");
      expect(directory.stat().nlink).toBe(0n);
      expect(errno(() => writeFile(fs, "d/f"))).toBe("ENOENT");
      directory.close();
    },
    ["directoryLinks"],
  );

  check("a name can be used again at once", (fs) => {
    for (let round = 0; round < 3; round++) {
      writeFile(fs, "x", "file");
      expect(readFile(fs, "x")).toBe("file");
      fs.unlink("x");
      expect(errno(() => tryOpen(fs, "x", { read: true }))).toBe("ENOENT");
      fs.mkdir("x");
      writeFile(fs, "x/y");
      fs.unlink("x/y");
      fs.rmdir("x");
      expect(errno(() => fs.stat("x"))).toBe("ENOENT");
      fs.symlink("x", "x");
      fs.unlink("x");
    }
  });

  check("a new directory does not show what was in an old one of its name", (fs) => {
    fs.mkdir("d");
    writeFile(fs, "d/f");
    expect(errno(() => fs.stat("d/no"))).toBe("ENOENT");
    fs.unlink("d/f");
    fs.rmdir("d");
    fs.mkdir("d");
    expect(errno(() => fs.stat("d/f"))).toBe("ENOENT");
    writeFile(fs, "d/no");
    expect(fs.stat("d/no").type).toBe("file");
  });
}
