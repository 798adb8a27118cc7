// open(2): flags and what they meet.

import { expect } from "vitest";
import { type Check, errno, readFile, tryOpen, writeFile } from "../fs-under-test.ts";

export function openCases(check: Check): void {
  check("what is missing is made only when asked", (fs) => {
    expect(errno(() => tryOpen(fs, "f", { read: true }))).toBe("ENOENT");
    expect(errno(() => tryOpen(fs, "f", { write: true }))).toBe("ENOENT");
    expect(errno(() => tryOpen(fs, "f", { write: true, truncate: true }))).toBe("ENOENT");
    expect(errno(() => tryOpen(fs, "f", { write: true, create: true }))).toBe("ok");
    expect(fs.stat("f")).toMatchObject({ type: "file", size: 0n, nlink: 1n });
  });

  check("creating what is there opens it, unless it is exclusive", (fs) => {
    writeFile(fs, "f", "content");
    expect(errno(() => tryOpen(fs, "f", { write: true, create: true }))).toBe("ok");
    expect(errno(() => tryOpen(fs, "f", { read: true, create: true }))).toBe("ok");
    expect(readFile(fs, "f")).toBe("content");
    expect(errno(() => tryOpen(fs, "f", { write: true, create: true, exclusive: true }))).toBe("EEXIST");
  });

  check("a file may be made by an open for reading", (fs) => {
    tryOpen(fs, "f", { read: true, create: true });
    expect(fs.stat("f").type).toBe("file");
  });

  check("truncating empties a file and keeps it the same file", (fs) => {
    writeFile(fs, "f", "content");
    const { ino } = fs.stat("f");
    tryOpen(fs, "f", { write: true, truncate: true });
    expect(fs.stat("f")).toMatchObject({ size: 0n, ino });
  });

  check("a refused exclusive open does not truncate", (fs) => {
    writeFile(fs, "f", "content");
    expect(
      errno(() => tryOpen(fs, "f", { write: true, create: true, exclusive: true, truncate: true })),
    ).toBe("EEXIST");
    expect(readFile(fs, "f")).toBe("content");
  });

  check("directories open for reading only", (fs) => {
    fs.mkdir("d");
    expect(errno(() => tryOpen(fs, "d", { read: true }))).toBe("ok");
    expect(errno(() => tryOpen(fs, "d", { read: true, directory: true }))).toBe("ok");
    expect(errno(() => tryOpen(fs, "d", { write: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "d", { read: true, write: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "d", { write: true, truncate: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "d", { write: true, directory: true }))).toBe("EISDIR");
  });

  check("a directory cannot be created by open", (fs) => {
    fs.mkdir("d");
    expect(errno(() => tryOpen(fs, "d", { write: true, create: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "d", { read: true, create: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "d", { write: true, create: true, exclusive: true }))).toBe("EEXIST");
    expect(errno(() => tryOpen(fs, "d/", { write: true, create: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "d/", { write: true, create: true, exclusive: true }))).toBe("EISDIR");
  });

  check("creating dots and names with a slash is EISDIR", (fs) => {
    fs.mkdir("d");
    expect(errno(() => tryOpen(fs, ".", { write: true, create: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "d/.", { write: true, create: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "d/..", { write: true, create: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "d/.", { write: true, create: true, exclusive: true }))).toBe("EEXIST");
    expect(errno(() => tryOpen(fs, "d/..", { read: true, create: true, exclusive: true }))).toBe("EEXIST");
    expect(errno(() => tryOpen(fs, "new/", { write: true, create: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "d/new/", { write: true, create: true }))).toBe("EISDIR");
    expect(errno(() => fs.stat("new"))).toBe("ENOENT");
  });

  check("an existing file with a slash is EISDIR to create and ENOTDIR to open", (fs) => {
    writeFile(fs, "f");
    expect(errno(() => tryOpen(fs, "f/", { write: true, create: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "f/", { read: true }))).toBe("ENOTDIR");
    expect(errno(() => tryOpen(fs, "f/", { write: true }))).toBe("ENOTDIR");
  });

  check("what is to be a directory must be one", (fs) => {
    writeFile(fs, "f");
    fs.mkdir("d");
    fs.symlink("d", "to-directory");
    fs.symlink("f", "to-file");
    expect(errno(() => tryOpen(fs, "f", { read: true, directory: true }))).toBe("ENOTDIR");
    expect(errno(() => tryOpen(fs, "no", { read: true, directory: true }))).toBe("ENOENT");
    expect(errno(() => tryOpen(fs, "to-directory", { read: true, directory: true }))).toBe("ok");
    expect(errno(() => tryOpen(fs, "to-file", { read: true, directory: true }))).toBe("ENOTDIR");
  });

  check("links are followed unless that is refused", (fs) => {
    writeFile(fs, "f", "content");
    fs.mkdir("d");
    fs.symlink("f", "l");
    fs.symlink("d", "ld");
    expect(readFile(fs, "l")).toBe("content");
    expect(errno(() => tryOpen(fs, "l", { read: true, nofollow: true }))).toBe("ELOOP");
    expect(errno(() => tryOpen(fs, "l", { write: true, truncate: true, nofollow: true }))).toBe("ELOOP");
    expect(errno(() => tryOpen(fs, "ld", { read: true, nofollow: true }))).toBe("ELOOP");
    expect(errno(() => tryOpen(fs, "ld", { read: true, directory: true, nofollow: true }))).toBe("ENOTDIR");
    expect(errno(() => tryOpen(fs, "ld/", { read: true, nofollow: true }))).toBe("ok");
    expect(errno(() => tryOpen(fs, "f", { read: true, nofollow: true }))).toBe("ok");
    expect(readFile(fs, "f")).toBe("content");
  });

  check("a link is followed to what it is to create", (fs) => {
    fs.mkdir("d");
    fs.symlink("d/new", "l");
    fs.symlink("l", "ll");
    expect(errno(() => tryOpen(fs, "ll", { write: true, create: true, nofollow: true }))).toBe("ELOOP");
    expect(errno(() => tryOpen(fs, "ll", { write: true, create: true, exclusive: true }))).toBe("EEXIST");
    expect(errno(() => fs.stat("d/new"))).toBe("ENOENT");
    expect(errno(() => tryOpen(fs, "ll", { write: true, create: true }))).toBe("ok");
    expect(fs.stat("d/new").type).toBe("file");
    expect(fs.lstat("l").type).toBe("symlink");
  });

  check("a link to a missing directory creates nothing", (fs) => {
    fs.symlink("no/new", "l");
    expect(errno(() => tryOpen(fs, "l", { write: true, create: true }))).toBe("ENOENT");
    fs.symlink(".", "dot");
    expect(errno(() => tryOpen(fs, "dot", { write: true, create: true }))).toBe("EISDIR");
    expect(errno(() => tryOpen(fs, "dot", { write: true, create: true, exclusive: true }))).toBe("EEXIST");
  });

  check("reading and writing need the mode they were opened with", (fs) => {
    writeFile(fs, "f", "content");
    const reader = fs.open("f", { read: true });
    expect(errno(() => reader.write(Buffer.from("x")))).toBe("EBADF");
    expect(errno(() => reader.write(Buffer.from("x"), 0))).toBe("EBADF");
    reader.close();
    const writer = fs.open("f", { write: true });
    expect(errno(() => writer.read(1))).toBe("EBADF");
    expect(errno(() => writer.read(1, 0))).toBe("EBADF");
    writer.close();
    expect(readFile(fs, "f")).toBe("content");
  });

  check("a closed file is EBADF", (fs) => {
    writeFile(fs, "f");
    const file = fs.open("f", { read: true });
    file.close();
    expect(errno(() => file.read(1))).toBe("EBADF");
    expect(errno(() => file.stat())).toBe("EBADF");
    expect(errno(() => file.close())).toBe("EBADF");
  });

  check("an open file is the file, whatever its name becomes", (fs) => {
    writeFile(fs, "f", "first");
    const file = fs.open("f", { read: true, write: true });
    const { ino } = file.stat();
    fs.rename("f", "g");
    writeFile(fs, "f", "second");
    expect(file.stat().ino).toBe(ino);
    expect(Buffer.from(file.read(10)).toString()).toBe("first");
    fs.unlink("g");
    expect(file.stat()).toMatchObject({ nlink: 0n, size: 5n });
    file.write(Buffer.from("FIRST"), 0);
    expect(Buffer.from(file.read(10, 0)).toString()).toBe("FIRST");
    file.close();
    expect(readFile(fs, "f")).toBe("second");
  });
}
