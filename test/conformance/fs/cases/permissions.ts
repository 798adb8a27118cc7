// Who may do what. User 0 has every capability, the others none.

import { expect } from "vitest";
import { type Check, errno, readFile, tryOpen, writeFile } from "../fs-under-test.ts";

const USER = 1000;
const OTHER = 2000;
const OPEN = 0o000;
const USUAL = 0o022;
const CLOSED = 0o077;

export function permissionCases(check: Check): void {
  check(
    "a directory of mode 0700 is closed to others",
    (fs) => {
      fs.as(0, CLOSED, () => {
        fs.mkdir("d");
        writeFile(fs, "d/f");
      });
      fs.as(USER, USUAL, () => {
        expect(fs.stat("d").type).toBe("directory");
        for (const path of ["d/f", "d/no", "d/.", "d/..", "d/f/x"])
          expect(errno(() => fs.stat(path))).toBe("EACCES");
        expect(errno(() => fs.readdir("d"))).toBe("EACCES");
        expect(errno(() => tryOpen(fs, "d/f", { read: true }))).toBe("EACCES");
        expect(errno(() => tryOpen(fs, "d/new", { write: true, create: true }))).toBe("EACCES");
        expect(errno(() => fs.mkdir("d/new"))).toBe("EACCES");
        expect(errno(() => fs.unlink("d/f"))).toBe("EACCES");
        expect(errno(() => fs.unlink("d/no"))).toBe("EACCES");
      });
    },
    ["users"],
  );

  check(
    "a directory of mode 0755 may be read but not changed by others",
    (fs) => {
      fs.as(0, USUAL, () => {
        fs.mkdir("d");
        fs.mkdir("d/sub");
        writeFile(fs, "d/f", "x");
      });
      fs.as(USER, USUAL, () => {
        expect(fs.readdir("d").length).toBe(2);
        expect(readFile(fs, "d/f")).toBe("x");
        expect(errno(() => tryOpen(fs, "d/f", { write: true }))).toBe("EACCES");
        expect(errno(() => tryOpen(fs, "d/f", { read: true, write: true }))).toBe("EACCES");
        expect(errno(() => tryOpen(fs, "d/f", { write: true, truncate: true }))).toBe("EACCES");
        expect(errno(() => tryOpen(fs, "d/f", { read: true, create: true }))).toBe("ok");
        expect(errno(() => tryOpen(fs, "d/new", { write: true, create: true }))).toBe("EACCES");
        expect(errno(() => fs.mkdir("d/new"))).toBe("EACCES");
        expect(errno(() => fs.symlink("x", "d/new"))).toBe("EACCES");
        expect(errno(() => fs.unlink("d/f"))).toBe("EACCES");
        expect(errno(() => fs.rmdir("d/sub"))).toBe("EACCES");
        expect(errno(() => fs.rename("d/f", "d/g"))).toBe("EACCES");
        expect(errno(() => fs.utimes("d/f", 1, 1))).toBe("EPERM");
      });
      expect(readFile(fs, "d/f")).toBe("x");
    },
    ["users"],
  );

  check(
    "what is there or missing comes before permission to change",
    (fs) => {
      fs.mkdir("d");
      fs.mkdir("d/sub");
      writeFile(fs, "d/f");
      fs.as(USER, USUAL, () => {
        expect(errno(() => fs.mkdir("d/f"))).toBe("EEXIST");
        expect(errno(() => fs.symlink("x", "d/f"))).toBe("EEXIST");
        expect(errno(() => fs.unlink("d/no"))).toBe("ENOENT");
        expect(errno(() => fs.rmdir("d/no"))).toBe("ENOENT");
        expect(errno(() => fs.unlink("d/sub"))).toBe("EACCES");
        expect(errno(() => fs.rmdir("d/f"))).toBe("EACCES");
        expect(errno(() => fs.rename("d/no", "d/x"))).toBe("ENOENT");
        expect(errno(() => fs.rename("d/f", "d/f"))).toBe("ok");
        expect(errno(() => tryOpen(fs, "d/f", { write: true, create: true, exclusive: true }))).toBe(
          "EEXIST",
        );
        expect(errno(() => tryOpen(fs, "d/new/", { write: true, create: true }))).toBe("EISDIR");
        expect(errno(() => tryOpen(fs, "d", { write: true }))).toBe("EISDIR");
      });
    },
    ["users"],
  );

  check(
    "a file of mode 0600 is its owner's",
    (fs) => {
      fs.as(0, OPEN, () => fs.mkdir("open"));
      fs.as(USER, CLOSED, () => writeFile(fs, "open/f", "mine"));
      fs.as(USER, CLOSED, () => expect(readFile(fs, "open/f")).toBe("mine"));
      fs.as(OTHER, USUAL, () => {
        expect(errno(() => tryOpen(fs, "open/f", { read: true }))).toBe("EACCES");
        expect(errno(() => tryOpen(fs, "open/f", { write: true }))).toBe("EACCES");
        expect(fs.stat("open/f").size).toBe(4n);
        expect(errno(() => fs.rename("open/f", "open/g"))).toBe("ok");
        expect(errno(() => fs.unlink("open/g"))).toBe("ok");
      });
    },
    ["users"],
  );

  check(
    "user 0 may do everything",
    (fs) => {
      fs.as(0, OPEN, () => fs.mkdir("open"));
      fs.as(USER, CLOSED, () => {
        fs.mkdir("open/d");
        writeFile(fs, "open/d/f", "x");
      });
      fs.as(0, USUAL, () => {
        expect(readFile(fs, "open/d/f")).toBe("x");
        writeFile(fs, "open/d/f", "y");
        fs.utimes("open/d/f", 1, 1);
        fs.rename("open/d/f", "open/d/g");
        fs.unlink("open/d/g");
        fs.rmdir("open/d");
      });
    },
    ["users"],
  );

  check(
    "the owner's bits count for the owner, even where others have more",
    (fs) => {
      fs.as(0, OPEN, () => fs.mkdir("open"));
      fs.as(USER, 0o700, () => writeFile(fs, "open/f"));
      fs.as(USER, USUAL, () => expect(errno(() => tryOpen(fs, "open/f", { read: true }))).toBe("EACCES"));
      fs.as(OTHER, USUAL, () => expect(errno(() => tryOpen(fs, "open/f", { read: true }))).toBe("ok"));
    },
    ["users"],
  );

  check(
    "whoever makes a file may write it through that descriptor",
    (fs) => {
      fs.as(0, OPEN, () => fs.mkdir("open"));
      fs.as(USER, 0o777, () => {
        const file = fs.open("open/f", { read: true, write: true, create: true });
        expect(file.write(Buffer.from("x"))).toBe(1);
        file.close();
        expect(errno(() => tryOpen(fs, "open/f", { read: true }))).toBe("EACCES");
      });
    },
    ["users"],
  );

  check(
    "permission is checked at open and not later",
    (fs) => {
      fs.as(0, OPEN, () => fs.mkdir("open"));
      writeFile(fs, "open/f", "x");
      const file = fs.open("open/f", { read: true, write: true });
      fs.rename("open", "closed");
      expect(file.write(Buffer.from("y"))).toBe(1);
      expect(file.stat().size).toBe(1n);
      file.close();
    },
    ["users"],
  );

  check(
    "times are the owner's to set",
    (fs) => {
      fs.as(0, OPEN, () => fs.mkdir("open"));
      fs.as(USER, OPEN, () => writeFile(fs, "open/f"));
      fs.as(USER, OPEN, () => fs.utimes("open/f", 10, 20));
      fs.as(OTHER, OPEN, () => expect(errno(() => fs.utimes("open/f", 1, 1))).toBe("EPERM"));
      expect(fs.stat("open/f").mtime).toBe(20_000_000_000n);
    },
    ["users"],
  );

  check(
    "a directory needs to be writable itself to get another ..",
    (fs) => {
      fs.as(0, OPEN, () => {
        fs.mkdir("one");
        fs.mkdir("two");
      });
      fs.as(0, USUAL, () => fs.mkdir("one/d"));
      fs.as(USER, USUAL, () => {
        expect(errno(() => fs.rename("one/d", "one/e"))).toBe("ok");
        expect(errno(() => fs.rename("one/e", "two/e"))).toBe("EACCES");
      });
    },
    ["users"],
  );

  check(
    "a link leads only where its reader may go",
    (fs) => {
      fs.as(0, CLOSED, () => {
        fs.mkdir("d");
        writeFile(fs, "d/f");
      });
      fs.symlink("d/f", "l");
      fs.as(USER, USUAL, () => {
        expect(fs.readlink("l")).toBe("d/f");
        expect(errno(() => fs.stat("l"))).toBe("EACCES");
        expect(errno(() => tryOpen(fs, "l", { read: true }))).toBe("EACCES");
      });
    },
    ["users"],
  );

  check(
    "modes are what chmod says",
    (fs) => {
      writeFile(fs, "f");
      fs.mkdir("d");
      for (const mode of [0o000, 0o644, 0o4755, 0o2711, 0o1777]) {
        fs.chmod("f", mode);
        fs.chmod("d", mode);
        expect([fs.stat("f").mode, fs.stat("d").mode]).toEqual([mode, mode]);
      }
    },
    ["chmod"],
  );
}
