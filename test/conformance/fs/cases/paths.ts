// Path resolution, and which error comes first.

import { expect } from "vitest";
import { type Check, errno, type FsUnderTest, readFile, tryOpen, writeFile } from "../fs-under-test.ts";

/** d/e/f, g, and links. */
function tree(fs: FsUnderTest): void {
  fs.mkdir("d");
  fs.mkdir("d/e");
  writeFile(fs, "d/e/f", "f");
  writeFile(fs, "g", "g");
}

const LONG = "n".repeat(256);

export function pathCases(check: Check): void {
  check("slashes and dots do not matter", (fs) => {
    tree(fs);
    const { ino } = fs.stat("d/e/f");
    for (const path of ["d//e///f", "./d/./e/./f", "d/../d/e/f", "d/e/../../d/e/f", "d/./e/../e/./f"]) {
      expect(fs.stat(path).ino).toBe(ino);
    }
  });

  check("an empty path is ENOENT", (fs) => {
    expect(errno(() => fs.stat(""))).toBe("ENOENT");
    expect(errno(() => fs.mkdir(""))).toBe("ENOENT");
    expect(errno(() => tryOpen(fs, "", { write: true, create: true }))).toBe("ENOENT");
    expect(errno(() => fs.unlink(""))).toBe("ENOENT");
    expect(errno(() => fs.rmdir(""))).toBe("ENOENT");
    expect(errno(() => fs.readlink(""))).toBe("ENOENT");
  });

  check("what is missing on the way is ENOENT, also when .. would lead back", (fs) => {
    tree(fs);
    for (const path of ["no", "no/x", "no/..", "no/../g", "no/.", "no/"]) {
      expect(errno(() => fs.stat(path))).toBe("ENOENT");
    }
  });

  check("a file on the way is ENOTDIR", (fs) => {
    tree(fs);
    for (const path of ["g/x", "g/..", "g/.", "g/", "g//", "g/no/x", "d/e/f/../f"]) {
      expect(errno(() => fs.stat(path))).toBe("ENOTDIR");
    }
  });

  check("every call refuses a file as a directory", (fs) => {
    tree(fs);
    expect(errno(() => fs.mkdir("g/x"))).toBe("ENOTDIR");
    expect(errno(() => fs.rmdir("g/x"))).toBe("ENOTDIR");
    expect(errno(() => fs.unlink("g/x"))).toBe("ENOTDIR");
    expect(errno(() => fs.symlink("t", "g/x"))).toBe("ENOTDIR");
    expect(errno(() => fs.link("d/e/f", "g/x"))).toBe("ENOTDIR");
    expect(errno(() => fs.link("g/x", "y"))).toBe("ENOTDIR");
    expect(errno(() => fs.rename("g/x", "y"))).toBe("ENOTDIR");
    expect(errno(() => fs.rename("d/e/f", "g/x"))).toBe("ENOTDIR");
    expect(errno(() => fs.readlink("g/x"))).toBe("ENOTDIR");
    expect(errno(() => fs.readdir("g/x"))).toBe("ENOTDIR");
    expect(errno(() => tryOpen(fs, "g/x", { read: true }))).toBe("ENOTDIR");
    expect(errno(() => tryOpen(fs, "g/x", { write: true, create: true }))).toBe("ENOTDIR");
    expect(errno(() => fs.utimes("g/x", 1, 1))).toBe("ENOTDIR");
  });

  check("every call refuses what is missing", (fs) => {
    tree(fs);
    expect(errno(() => fs.mkdir("no/x"))).toBe("ENOENT");
    expect(errno(() => fs.rmdir("no"))).toBe("ENOENT");
    expect(errno(() => fs.unlink("no"))).toBe("ENOENT");
    expect(errno(() => fs.symlink("t", "no/x"))).toBe("ENOENT");
    expect(errno(() => fs.link("no", "y"))).toBe("ENOENT");
    expect(errno(() => fs.link("g", "no/y"))).toBe("ENOENT");
    expect(errno(() => fs.rename("no", "y"))).toBe("ENOENT");
    expect(errno(() => fs.rename("g", "no/y"))).toBe("ENOENT");
    expect(errno(() => fs.readlink("no"))).toBe("ENOENT");
    expect(errno(() => fs.readdir("no"))).toBe("ENOENT");
    expect(errno(() => tryOpen(fs, "no", { read: true }))).toBe("ENOENT");
    expect(errno(() => tryOpen(fs, "no/x", { write: true, create: true }))).toBe("ENOENT");
    expect(errno(() => fs.utimes("no", 1, 1))).toBe("ENOENT");
  });

  check("links are followed relative to where they lie", (fs) => {
    tree(fs);
    fs.symlink("../g", "d/up");
    fs.symlink("e", "d/down");
    fs.symlink("up", "d/twice");
    expect(readFile(fs, "d/up")).toBe("g");
    expect(readFile(fs, "d/down/f")).toBe("f");
    expect(readFile(fs, "d/twice")).toBe("g");
    expect(readFile(fs, "d/down/../up")).toBe("g");
  });

  check(".. behind a link is the parent of where it led", (fs) => {
    tree(fs);
    fs.mkdir("other");
    fs.symlink("../d/e", "other/l");
    expect(fs.stat("other/l/..").ino).toBe(fs.stat("d").ino);
  });

  check("a dangling link is ENOENT when followed", (fs) => {
    fs.symlink("no", "l");
    expect(fs.lstat("l").type).toBe("symlink");
    expect(errno(() => fs.stat("l"))).toBe("ENOENT");
    expect(errno(() => fs.stat("l/"))).toBe("ENOENT");
    expect(errno(() => fs.stat("l/x"))).toBe("ENOENT");
    expect(errno(() => fs.readdir("l"))).toBe("ENOENT");
  });

  check("a trailing slash follows a link and wants a directory", (fs) => {
    tree(fs);
    fs.symlink("d/e", "to-directory");
    fs.symlink("g", "to-file");
    expect(fs.lstat("to-directory").type).toBe("symlink");
    expect(fs.lstat("to-directory/").type).toBe("directory");
    expect(fs.lstat("to-directory/.").type).toBe("directory");
    expect(errno(() => fs.lstat("to-file/"))).toBe("ENOTDIR");
    expect(errno(() => fs.readlink("to-directory/"))).toBe("EINVAL");
    expect(errno(() => fs.readlink("to-file/"))).toBe("ENOTDIR");
  });

  check("a slash at the end of a link's text wants a directory", (fs) => {
    tree(fs);
    fs.symlink("g/", "file");
    fs.symlink("d/e//", "directory");
    fs.symlink("no/", "nothing");
    expect(errno(() => fs.stat("file"))).toBe("ENOTDIR");
    expect(errno(() => tryOpen(fs, "file", { read: true }))).toBe("ENOTDIR");
    expect(fs.stat("directory").type).toBe("directory");
    expect(readFile(fs, "directory/f")).toBe("f");
    expect(errno(() => fs.stat("nothing"))).toBe("ENOENT");
    expect(errno(() => tryOpen(fs, "nothing", { write: true, create: true }))).toBe("EISDIR");
  });

  check("forty links are followed, forty-one are ELOOP", (fs) => {
    writeFile(fs, "file", "x");
    fs.symlink("file", "l40");
    for (let i = 39; i >= 0; i--) fs.symlink(`l${i + 1}`, `l${i}`);
    expect(readFile(fs, "l1")).toBe("x");
    expect(errno(() => fs.stat("l0"))).toBe("ELOOP");
    expect(fs.lstat("l0").type).toBe("symlink");
  });

  check("the budget of links is one for the whole path", (fs) => {
    writeFile(fs, "file", "x");
    fs.symlink(".", "dot");
    expect(readFile(fs, `${"dot/".repeat(40)}file`)).toBe("x");
    expect(errno(() => fs.stat(`${"dot/".repeat(41)}file`))).toBe("ELOOP");
  });

  check("a loop is ELOOP for every call that follows it", (fs) => {
    fs.symlink("b", "a");
    fs.symlink("a", "b");
    expect(errno(() => fs.stat("a"))).toBe("ELOOP");
    expect(errno(() => fs.stat("a/x"))).toBe("ELOOP");
    expect(errno(() => fs.lstat("a/"))).toBe("ELOOP");
    expect(errno(() => fs.mkdir("a/x"))).toBe("ELOOP");
    expect(errno(() => fs.unlink("a/x"))).toBe("ELOOP");
    expect(errno(() => fs.rename("a/x", "y"))).toBe("ELOOP");
    expect(errno(() => fs.readdir("a"))).toBe("ELOOP");
    expect(errno(() => tryOpen(fs, "a", { read: true }))).toBe("ELOOP");
    expect(errno(() => tryOpen(fs, "a", { write: true, create: true }))).toBe("ELOOP");
    expect(errno(() => fs.utimes("a", 1, 1))).toBe("ELOOP");
    expect(errno(() => fs.unlink("a"))).toBe("ok");
  });

  check("a name has at most 255 bytes", (fs) => {
    const most = LONG.slice(1);
    writeFile(fs, most, "x");
    expect(readFile(fs, most)).toBe("x");
    expect(errno(() => fs.stat(LONG))).toBe("ENAMETOOLONG");
    expect(errno(() => fs.stat(`${LONG}/x`))).toBe("ENAMETOOLONG");
    expect(errno(() => fs.mkdir(LONG))).toBe("ENAMETOOLONG");
    expect(errno(() => fs.rmdir(LONG))).toBe("ENAMETOOLONG");
    expect(errno(() => fs.unlink(LONG))).toBe("ENAMETOOLONG");
    expect(errno(() => fs.symlink("t", LONG))).toBe("ENAMETOOLONG");
    expect(errno(() => fs.link(most, LONG))).toBe("ENAMETOOLONG");
    expect(errno(() => fs.rename(most, LONG))).toBe("ENAMETOOLONG");
    expect(errno(() => fs.rename(LONG, "y"))).toBe("ENAMETOOLONG");
    expect(errno(() => tryOpen(fs, LONG, { write: true, create: true }))).toBe("ENAMETOOLONG");
  });

  check("a name's length is counted in bytes", (fs) => {
    const most = "é".repeat(127);
    fs.mkdir(most);
    expect(fs.stat(most).type).toBe("directory");
    expect(errno(() => fs.mkdir(`${most}éé`))).toBe("ENAMETOOLONG");
  });

  check("a path has at most 4,095 bytes", (fs) => {
    writeFile(fs, "file", "x");
    expect(readFile(fs, `${"./".repeat(2045)}/file`)).toBe("x");
    expect(errno(() => fs.stat(`${"./".repeat(2046)}file`))).toBe("ENAMETOOLONG");
    expect(errno(() => fs.mkdir(`${"./".repeat(2046)}made`))).toBe("ENAMETOOLONG");
  });

  check("a file is found before a name behind it is too long", (fs) => {
    tree(fs);
    expect(errno(() => fs.stat(`g/${LONG}`))).toBe("ENOTDIR");
    expect(errno(() => fs.stat(`no/${LONG}`))).toBe("ENOENT");
    expect(errno(() => fs.stat(`${LONG}/../g`))).toBe("ENAMETOOLONG");
  });

  check("names are bytes and case matters", (fs) => {
    for (const name of ["a", "A", "ä", "a ", " ", "\n", "...", "-", "a\\b", "*"]) writeFile(fs, name, name);
    for (const name of ["a", "A", "ä", "a ", " ", "\n", "...", "-", "a\\b", "*"])
      expect(readFile(fs, name)).toBe(name);
  });
}
