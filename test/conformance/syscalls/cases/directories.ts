// Listing directories, and where a process is.

import { describe, expect, test } from "vitest";
import {
  EACCES,
  EBADF,
  EFAULT,
  EINVAL,
  ENOENT,
  ENOTDIR,
  EPERM,
  ERANGE,
} from "../../../../assembly/abi/errno.ts";
import { O_CREAT, O_DIRECTORY, O_PATH, O_RDONLY, O_WRONLY } from "../../../../assembly/abi/fcntl.ts";
import { DT_DIR, DT_FIFO, DT_LNK, DT_REG } from "../../../../assembly/abi/stat.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls } from "../../../support/sys/calls.ts";
import { type Capability, type Process, skipWithout, type Target } from "../../../support/sys/target.ts";

const USER = { uid: 1000, gid: 1000 };
/** An address that no process has. */
const BAD = 1;

interface Entry {
  readonly name: string;
  readonly ino: number;
  readonly type: number;
  /** Where the next entry begins. */
  readonly next: number;
}

/** Entries of one call, or -errno. */
function getdents(process: Process, fd: number, size = 4096): Entry[] | number {
  const bytes = Buffer.alloc(size);
  const got = process.syscall(nr.SYS_getdents64, fd, bytes, size);
  if (got < 0) return got;
  const entries: Entry[] = [];
  for (let at = 0; at < got; at += bytes.readUInt16LE(at + 16)) {
    entries.push({
      ino: Number(bytes.readBigUInt64LE(at)),
      next: Number(bytes.readBigInt64LE(at + 8)),
      type: bytes[at + 18]!,
      name: bytes.toString("utf8", at + 19, bytes.indexOf(0, at + 19)),
    });
  }
  return entries;
}

function listAll(process: Process, fd: number, size = 4096): Entry[] {
  const all: Entry[] = [];
  for (;;) {
    const some = getdents(process, fd, size);
    if (typeof some === "number") throw new Error(`getdents64: ${some}`);
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function names(entries: readonly Entry[]): string[] {
  return entries.map(({ name }) => name).sort();
}

function getcwd(process: Process, size = 4096): string | number {
  const bytes = Buffer.alloc(size);
  const got = process.syscall(nr.SYS_getcwd, bytes, size);
  return got < 0 ? got : bytes.toString("utf8", 0, got - 1);
}

export function directoryCases(make: () => Target): void {
  function run(
    name: string,
    body: (process: Process, sys: Calls, target: Target) => void,
    needed?: Capability,
  ): void {
    test(name, (context) => {
      const target = make();
      if (needed !== undefined) skipWithout(target, needed, context);
      const process = target.process();
      body(process, new Calls(process), target);
      target.end();
    });
  }
  const file = (sys: Calls, name: string): void => {
    sys.close(sys.open(name, O_CREAT | O_WRONLY, 0o644));
  };
  const many = (sys: Calls, count: number): string[] => {
    const made = Array.from({ length: count }, (_, index) => `name-${String(index).padStart(4, "0")}`);
    for (const name of made) file(sys, `dir/${name}`);
    return made;
  };

  describe("getdents64", () => {
    run("lists dot, dot-dot, and names with their types and inode numbers", (process, sys) => {
      sys.mkdir("dir");
      file(sys, "dir/file");
      sys.mkdir("dir/below");
      sys.symlink("x", "dir/link");
      process.syscall(nr.SYS_mknod, "dir/fifo", 0o010644, 0);
      const entries = listAll(process, sys.open("dir", O_RDONLY | O_DIRECTORY));
      expect(names(entries)).toEqual([".", "..", "below", "fifo", "file", "link"]);
      const types = new Map(entries.map(({ name, type }) => [name, type]));
      expect(types.get(".")).toBe(DT_DIR);
      expect(types.get("below")).toBe(DT_DIR);
      expect(types.get("file")).toBe(DT_REG);
      expect(types.get("link")).toBe(DT_LNK);
      expect(types.get("fifo")).toBe(DT_FIFO);
      for (const { name, ino } of entries.filter(({ name }) => name !== "..")) {
        expect(sys.stat(`dir/${name}`, 0x100)).toMatchObject({ ino });
      }
    });
    run("gives every name once, whatever the buffer's size", (process, sys) => {
      sys.mkdir("dir");
      const made = many(sys, 120);
      for (const size of [64, 300, 4096]) {
        const fd = sys.open("dir", O_RDONLY);
        expect(names(listAll(process, fd, size))).toEqual([".", "..", ...made]);
        sys.close(fd);
      }
    });
    run("says nothing at the end, again and again", (process, sys) => {
      const fd = sys.open(".", O_RDONLY);
      listAll(process, fd);
      expect(getdents(process, fd)).toEqual([]);
      expect(getdents(process, fd)).toEqual([]);
    });
    run("refuses a buffer that is too small for the next name", (process, sys) => {
      sys.mkdir("dir");
      file(sys, `dir/${"n".repeat(255)}`);
      const fd = sys.open("dir", O_RDONLY);
      expect(getdents(process, fd, 0)).toBe(-EINVAL);
      expect(getdents(process, fd, 23)).toBe(-EINVAL);
      const seen = new Set<string>();
      for (let some = getdents(process, fd, 48); typeof some !== "number"; some = getdents(process, fd, 48)) {
        for (const { name } of some) seen.add(name);
        if (some.length === 0) break;
      }
      expect(names(listAll(process, fd)).length + seen.size).toBe(3);
    });
    run("begins anew at zero, as often as wanted", (process, sys) => {
      sys.mkdir("dir");
      many(sys, 20);
      const fd = sys.open("dir", O_RDONLY);
      const all = listAll(process, fd);
      expect(process.syscall(nr.SYS_lseek, fd, 0, 0)).toBe(0);
      expect(listAll(process, fd)).toEqual(all);
      expect(process.syscall(nr.SYS_lseek, fd, 0, 0)).toBe(0);
      expect(listAll(process, fd)).toEqual(all);
    });
    run(
      "goes on at the place that an entry told",
      (process, sys) => {
        sys.mkdir("dir");
        many(sys, 20);
        const fd = sys.open("dir", O_RDONLY);
        const all = listAll(process, fd);
        for (const at of [9, 0, 21, 20]) {
          const place = all[at]!.next;
          expect(process.syscall(nr.SYS_lseek, fd, place, 0)).toBe(place);
          expect(listAll(process, fd)).toEqual(all.slice(at + 1));
        }
      },
      "places of entries that JavaScript can hold",
    );
    run("keeps every name that stays while others are removed", (process, sys) => {
      sys.mkdir("dir");
      const made = many(sys, 60);
      const fd = sys.open("dir", O_RDONLY);
      const seen: string[] = [];
      for (;;) {
        const some = getdents(process, fd, 120);
        if (typeof some === "number" || some.length === 0) break;
        for (const { name } of some) {
          seen.push(name);
          if (name.startsWith("name")) expect(sys.unlink(`dir/${name}`)).toBe(0);
        }
      }
      expect(seen.sort()).toEqual([".", "..", ...made]);
      expect(sys.rmdir("dir")).toBe(0);
    });
    run("of what is no directory, or only a place, is refused", (process, sys) => {
      file(sys, "file");
      expect(getdents(process, sys.open("file", O_RDONLY))).toBe(-ENOTDIR);
      expect(getdents(process, sys.open(".", O_PATH))).toBe(-EBADF);
      expect(getdents(process, 99)).toBe(-EBADF);
      expect(process.syscall(nr.SYS_getdents64, sys.open(".", O_RDONLY), BAD, 4096)).toBe(-EFAULT);
    });
    run("of a removed directory is no such file", (process, sys) => {
      sys.mkdir("dir");
      const fd = sys.open("dir", O_RDONLY);
      expect(sys.rmdir("dir")).toBe(0);
      expect(getdents(process, fd)).toBe(-ENOENT);
    });
    run("has an older form with the type in the last byte", (process, sys) => {
      sys.mkdir("dir");
      file(sys, "dir/abc");
      const fd = sys.open("dir", O_RDONLY);
      const bytes = Buffer.alloc(4096);
      const got = process.syscall(nr.SYS_getdents, fd, bytes, 4096);
      const found = new Map<string, number>();
      for (let at = 0; at < got; at += bytes.readUInt16LE(at + 16)) {
        const length = bytes.readUInt16LE(at + 16);
        found.set(bytes.toString("utf8", at + 18, bytes.indexOf(0, at + 18)), bytes[at + length - 1]!);
        expect(length % 8).toBe(0);
      }
      expect(found.get("abc")).toBe(DT_REG);
      expect(found.get("..")).toBe(DT_DIR);
      expect(found.size).toBe(3);
    });
  });

  describe("the working directory", () => {
    run("has a path from the root", (process, sys) => {
      sys.mkdir("a");
      sys.mkdir("a/b");
      expect(process.syscall(nr.SYS_chdir, "a/b")).toBe(0);
      expect(getcwd(process)).toBe("/a/b");
      expect(process.syscall(nr.SYS_chdir, "..")).toBe(0);
      expect(getcwd(process)).toBe("/a");
      expect(process.syscall(nr.SYS_chdir, "../../..")).toBe(0);
      expect(getcwd(process)).toBe("/");
    });
    run("goes with its directory when that is moved", (process, sys) => {
      sys.mkdir("a");
      process.syscall(nr.SYS_chdir, "a");
      expect(sys.rename("/a", "/b")).toBe(0);
      expect(getcwd(process)).toBe("/b");
    });
    run("needs room for its path and the NUL", (process, sys) => {
      sys.mkdir("abc");
      process.syscall(nr.SYS_chdir, "abc");
      expect(getcwd(process, 5)).toBe("/abc");
      expect(getcwd(process, 4)).toBe(-ERANGE);
      expect(getcwd(process, 0)).toBe(-ERANGE);
      expect(process.syscall(nr.SYS_getcwd, BAD, 100)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_getcwd, BAD, 2)).toBe(-ERANGE);
    });
    run("that was removed has no path, and nothing is made in it", (process, sys) => {
      sys.mkdir("dir");
      process.syscall(nr.SYS_chdir, "dir");
      expect(sys.rmdir("/dir")).toBe(0);
      expect(getcwd(process)).toBe(-ENOENT);
      expect(sys.open("file", O_CREAT)).toBe(-ENOENT);
      expect(sys.mkdir("below")).toBe(-ENOENT);
      expect(sys.stat("../dir")).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_chdir, "..")).toBe(0);
      expect(getcwd(process)).toBe("/");
    });
    run(
      "that was removed counts no names",
      (process, sys) => {
        sys.mkdir("dir");
        process.syscall(nr.SYS_chdir, "dir");
        expect(sys.rmdir("/dir")).toBe(0);
        expect(sys.stat(".")).toMatchObject({ nlink: 0 });
      },
      "counts of directories",
    );
    run("must be a directory that may be searched", (process, sys, target) => {
      sys.mkdir("closed", 0o700);
      file(sys, "file");
      const user = target.process(USER);
      expect(user.syscall(nr.SYS_chdir, "closed")).toBe(-EACCES);
      expect(user.syscall(nr.SYS_chdir, "file")).toBe(-ENOTDIR);
      expect(user.syscall(nr.SYS_chdir, "nothing")).toBe(-ENOENT);
      expect(user.syscall(nr.SYS_chdir, "")).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_chdir, BAD)).toBe(-EFAULT);
    });
    run("can be a descriptor, even one opened with O_PATH", (process, sys) => {
      sys.mkdir("dir", 0o711);
      file(sys, "file");
      expect(process.syscall(nr.SYS_fchdir, sys.open("dir", O_PATH))).toBe(0);
      expect(getcwd(process)).toBe("/dir");
      expect(process.syscall(nr.SYS_fchdir, sys.open("/file", O_RDONLY))).toBe(-ENOTDIR);
      expect(process.syscall(nr.SYS_fchdir, 99)).toBe(-EBADF);
    });
    run("by descriptor needs the right to search, too", (_, sys, target) => {
      sys.mkdir("dir", 0o744);
      const user = target.process(USER);
      const fd = new Calls(user).open("dir", O_RDONLY);
      expect(user.syscall(nr.SYS_fchdir, fd)).toBe(-EACCES);
    });
  });

  describe("chroot", () => {
    run("makes a directory the root that dot-dot does not leave", (process, sys) => {
      sys.mkdir("jail");
      sys.mkdir("jail/inside");
      file(sys, "outside");
      expect(process.syscall(nr.SYS_chroot, "jail")).toBe(0);
      expect(process.syscall(nr.SYS_chdir, "/")).toBe(0);
      expect(sys.stat("/inside")).toMatchObject({ nlink: 2 });
      expect(sys.stat("../../outside")).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_chdir, "inside/../..")).toBe(0);
      expect(getcwd(process)).toBe("/");
    });
    run("leaves the working directory outside, whose path is unreachable", (process, sys) => {
      sys.mkdir("jail");
      sys.mkdir("elsewhere");
      process.syscall(nr.SYS_chdir, "elsewhere");
      expect(process.syscall(nr.SYS_chroot, "../jail")).toBe(0);
      expect(getcwd(process)).toMatch(/^\(unreachable\)\/.*elsewhere$/);
      expect(sys.stat("../jail")).toMatchObject({ nlink: 2 });
    });
    run("holds absolute links inside", (process, sys) => {
      sys.mkdir("jail");
      file(sys, "jail/target");
      sys.symlink("/target", "jail/link");
      expect(sys.stat("jail/link")).toBe(-ENOENT);
      process.syscall(nr.SYS_chroot, "jail");
      expect(sys.stat("/link")).toMatchObject({ size: 0 });
    });
    run("is root's, and asks for the path first", (_, sys, target) => {
      sys.mkdir("dir");
      sys.mkdir("closed", 0o700);
      file(sys, "file");
      const user = target.process(USER);
      expect(user.syscall(nr.SYS_chroot, "dir")).toBe(-EPERM);
      expect(user.syscall(nr.SYS_chroot, "nothing")).toBe(-ENOENT);
      expect(user.syscall(nr.SYS_chroot, "file")).toBe(-ENOTDIR);
      expect(user.syscall(nr.SYS_chroot, "closed")).toBe(-EACCES);
    });
  });
}
