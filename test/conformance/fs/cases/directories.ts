// mkdir(2) and reading directories.

import { expect } from "vitest";
import { type Check, errno, names, writeFile } from "../fs-under-test.ts";

export function directoryCases(check: Check): void {
  check("a new directory is empty", (fs) => {
    fs.mkdir("d");
    expect(fs.stat("d").type).toBe("directory");
    expect(fs.readdir("d")).toEqual([]);
  });

  check("mkdir takes a trailing slash", (fs) => {
    fs.mkdir("d/");
    fs.mkdir("d/e///");
    expect(fs.stat("d/e").type).toBe("directory");
  });

  check("mkdir refuses whatever is there", (fs) => {
    fs.mkdir("d");
    writeFile(fs, "f");
    fs.symlink("no", "l");
    for (const path of ["d", "d/", "f", "l", "d/.", "d/..", "."]) {
      expect(errno(() => fs.mkdir(path))).toBe("EEXIST");
    }
    expect(errno(() => fs.mkdir("f/"))).toBe("EEXIST");
    expect(errno(() => fs.mkdir("l/"))).toBe("EEXIST");
    expect(errno(() => fs.stat("no"))).toBe("ENOENT");
  });

  check(
    "a directory's link count tells its subdirectories",
    (fs) => {
      fs.mkdir("d");
      expect(fs.stat("d").nlink).toBe(2n);
      fs.mkdir("d/a");
      fs.mkdir("d/b");
      writeFile(fs, "d/f");
      expect(fs.stat("d").nlink).toBe(4n);
      fs.rmdir("d/a");
      expect(fs.stat("d").nlink).toBe(3n);
      fs.mkdir("e");
      fs.rename("d/b", "e/b");
      expect([fs.stat("d").nlink, fs.stat("e").nlink]).toEqual([2n, 3n]);
    },
    ["directoryLinks"],
  );

  check("a listing has every name with its type", (fs) => {
    fs.mkdir("d");
    fs.mkdir("d/sub");
    writeFile(fs, "d/file");
    fs.symlink("no", "d/link");
    expect(new Map(fs.readdir("d"))).toEqual(
      new Map([
        ["sub", "directory"],
        ["file", "file"],
        ["link", "symlink"],
      ]),
    );
  });

  check("a listing follows a link to a directory", (fs) => {
    fs.mkdir("d");
    writeFile(fs, "d/f");
    fs.symlink("d", "l");
    expect(names(fs, "l")).toEqual(["f"]);
    expect(names(fs, "l/")).toEqual(["f"]);
  });

  check("only directories are listed", (fs) => {
    writeFile(fs, "f");
    fs.symlink("f", "l");
    expect(errno(() => fs.readdir("f"))).toBe("ENOTDIR");
    expect(errno(() => fs.readdir("l"))).toBe("ENOTDIR");
  });

  check("a large directory is listed whole and once", (fs) => {
    fs.mkdir("d");
    const expected = Array.from({ length: 3000 }, (_, i) => `name-${i}`);
    for (const name of expected) writeFile(fs, `d/${name}`);
    expect(names(fs, "d")).toEqual(expected.toSorted());
    for (const name of expected.slice(0, 1500)) fs.unlink(`d/${name}`);
    expect(names(fs, "d")).toEqual(expected.slice(1500).toSorted());
    for (const name of expected.slice(1500)) fs.unlink(`d/${name}`);
    expect(names(fs, "d")).toEqual([]);
    fs.rmdir("d");
  });

  check("long names are listed", (fs) => {
    fs.mkdir("d");
    const expected = Array.from({ length: 40 }, (_, i) => String(i).padStart(255, "x"));
    for (const name of expected) fs.mkdir(`d/${name}`);
    expect(names(fs, "d")).toEqual(expected.toSorted());
  });

  check("a listing shows what changed a moment ago", (fs) => {
    fs.mkdir("d");
    writeFile(fs, "d/a");
    expect(names(fs, "d")).toEqual(["a"]);
    fs.rename("d/a", "d/b");
    expect(names(fs, "d")).toEqual(["b"]);
    writeFile(fs, "c");
    fs.rename("c", "d/c");
    fs.unlink("d/b");
    fs.symlink("x", "d/s");
    expect(names(fs, "d")).toEqual(["c", "s"]);
  });

  check("deep trees can be built and taken down", (fs) => {
    let path = "d";
    fs.mkdir(path);
    for (let i = 0; i < 200; i++) {
      path += "/d";
      fs.mkdir(path);
    }
    writeFile(fs, `${path}/f`);
    expect(fs.stat(`${path}/f`).type).toBe("file");
    fs.unlink(`${path}/f`);
    for (; path !== ""; path = path.slice(0, -2)) fs.rmdir(path);
    expect(errno(() => fs.stat("d"))).toBe("ENOENT");
  });
}
