// link(2), symlink(2), readlink(2).

import { expect } from "vitest";
import { type Check, errno, readFile, writeFile } from "../fs-under-test.ts";

export function linkCases(check: Check): void {
  check(
    "a hard link is another name of the file",
    (fs) => {
      writeFile(fs, "a", "content");
      fs.mkdir("d");
      fs.link("a", "d/b");
      expect(fs.stat("d/b").ino).toBe(fs.stat("a").ino);
      expect([fs.stat("a").nlink, fs.stat("d/b").nlink]).toEqual([2n, 2n]);
      writeFile(fs, "d/b", "changed");
      expect(readFile(fs, "a")).toBe("changed");
      fs.unlink("a");
      expect(readFile(fs, "d/b")).toBe("changed");
      expect(fs.stat("d/b").nlink).toBe(1n);
    },
    ["hardLinks"],
  );

  check(
    "link refuses a name that is taken",
    (fs) => {
      writeFile(fs, "a");
      writeFile(fs, "b");
      fs.mkdir("d");
      fs.symlink("no", "l");
      for (const path of ["a", "b", "d", "l", "d/.", "d/..", "d/"]) {
        expect(errno(() => fs.link("a", path))).toBe("EEXIST");
      }
      expect(fs.stat("a").nlink).toBe(1n);
    },
    ["hardLinks"],
  );

  check(
    "directories have no hard links",
    (fs) => {
      fs.mkdir("d");
      expect(errno(() => fs.link("d", "e"))).toBe("EPERM");
      expect(errno(() => fs.link("d", "d/e"))).toBe("EPERM");
      expect(errno(() => fs.link(".", "e"))).toBe("EPERM");
      expect(errno(() => fs.link("d", "d"))).toBe("EEXIST");
    },
    ["hardLinks"],
  );

  check(
    "link and a trailing slash",
    (fs) => {
      writeFile(fs, "a");
      expect(errno(() => fs.link("a/", "b"))).toBe("ENOTDIR");
      expect(errno(() => fs.link("a", "b/"))).toBe("ENOENT");
      expect(errno(() => fs.link("a", "a/"))).toBe("EEXIST");
    },
    ["hardLinks"],
  );

  check(
    "link names the symbolic link itself",
    (fs) => {
      writeFile(fs, "f");
      fs.symlink("f", "l");
      fs.symlink("no", "dangling");
      fs.link("l", "l2");
      fs.link("dangling", "dangling2");
      expect(fs.lstat("l2")).toMatchObject({ type: "symlink", nlink: 2n, ino: fs.lstat("l").ino });
      expect(fs.readlink("dangling2")).toBe("no");
      expect(fs.stat("f").nlink).toBe(1n);
    },
    ["hardLinks"],
  );

  check(
    "a missing file comes before a taken name",
    (fs) => {
      writeFile(fs, "taken");
      expect(errno(() => fs.link("no", "taken"))).toBe("ENOENT");
      expect(errno(() => fs.link("no", "also/no"))).toBe("ENOENT");
      expect(errno(() => fs.link("taken/x", "also/no"))).toBe("ENOTDIR");
    },
    ["hardLinks"],
  );

  check("a symbolic link's text is kept as it is", (fs) => {
    const targets = ["x", "no/such/file", "./a//b/", "..", " ", "é", "t".repeat(4095)];
    for (const [index, target] of targets.entries()) {
      fs.symlink(target, `l${index}`);
      expect(fs.readlink(`l${index}`)).toBe(target);
      expect(fs.lstat(`l${index}`)).toMatchObject({
        type: "symlink",
        size: BigInt(Buffer.byteLength(target)),
        nlink: 1n,
      });
    }
  });

  check("symlink refuses an empty text and one that is too long", (fs) => {
    expect(errno(() => fs.symlink("", "l"))).toBe("ENOENT");
    expect(errno(() => fs.symlink("t".repeat(4096), "l"))).toBe("ENAMETOOLONG");
    expect(errno(() => fs.lstat("l"))).toBe("ENOENT");
  });

  check("symlink refuses a name that is taken", (fs) => {
    writeFile(fs, "f");
    fs.mkdir("d");
    fs.symlink("no", "l");
    for (const path of ["f", "d", "l", "d/", "d/.", "d/.."]) {
      expect(errno(() => fs.symlink("x", path))).toBe("EEXIST");
    }
    expect(errno(() => fs.symlink("x", "new/"))).toBe("ENOENT");
    expect(fs.readlink("l")).toBe("no");
  });

  check("only symbolic links are read as such", (fs) => {
    writeFile(fs, "f");
    fs.mkdir("d");
    expect(errno(() => fs.readlink("f"))).toBe("EINVAL");
    expect(errno(() => fs.readlink("d"))).toBe("EINVAL");
    expect(errno(() => fs.readlink("."))).toBe("EINVAL");
  });
}
