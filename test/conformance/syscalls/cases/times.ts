// What moves a file's times and set-id bits that is easily missed where a server or a host keeps them.

import { describe, expect, test as vitest } from "vitest";
import {
  AT_FDCWD,
  O_CREAT,
  O_DIRECTORY,
  O_NOATIME,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import { S_IFIFO } from "../../../../assembly/abi/stat.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls, type Stat } from "../../../support/sys/calls.ts";
import { skipWithout, type Target } from "../../../support/sys/target.ts";

const USER = { uid: 1000, gid: 1000 };
const F_SETFL = 4;
const AT_SYMLINK_NOFOLLOW = 0x100;
/** A time long past. */
const OLD = 1_000_000_000n;
/** Linux's clock for files moves every 10 ms at the worst. */
const COARSE_MS = 25;

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, COARSE_MS);
}

/** Sets both times of `path` itself to OLD seconds. */
function age(sys: Calls, path: string): void {
  const times = Buffer.alloc(32);
  times.writeBigInt64LE(OLD, 0);
  times.writeBigInt64LE(OLD, 16);
  expect(sys.process.syscall(nr.SYS_utimensat, AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)).toBe(0);
}

const OLD_NS = OLD * 1_000_000_000n;

export function timesCases(make: () => Target): void {
  const test = (name: string, run: (sys: Calls, as: () => Calls) => void) =>
    vitest(name, () => {
      const target = make();
      try {
        run(new Calls(target.process()), () => new Calls(target.process(USER)));
      } finally {
        target.end();
      }
    });
  /** A case for trees whose files are told of uses that move no data through them. */
  const useTest = (name: string, run: (sys: Calls) => void) =>
    vitest(name, (context) => {
      const target = make();
      skipWithout(target, "times of use", context);
      try {
        run(new Calls(target.process()));
      } finally {
        target.end();
      }
    });
  const statOf = (sys: Calls, path: string) => sys.stat(path, AT_SYMLINK_NOFOLLOW) as Stat;

  describe("the access time", () => {
    test("stays with O_NOATIME, given to open(2) or to F_SETFL", (sys) => {
      const fd = sys.open("file", O_CREAT | O_RDWR, 0o644);
      sys.write(fd, "text");
      age(sys, "file");
      const quiet = sys.open("file", O_RDONLY | O_NOATIME);
      expect(sys.read(quiet, 4)).toEqual(Buffer.from("text"));
      expect(statOf(sys, "file").atime).toBe(OLD_NS);
      expect(sys.process.syscall(nr.SYS_fcntl, fd, F_SETFL, O_NOATIME)).toBe(0);
      expect(sys.pread(fd, 4, 0)).toEqual(Buffer.from("text"));
      expect(statOf(sys, "file").atime).toBe(OLD_NS);
      sys.mkdir("directory");
      age(sys, "directory");
      const directory = sys.open("directory", O_DIRECTORY | O_NOATIME);
      expect(sys.process.syscall(nr.SYS_getdents64, directory, Buffer.alloc(1000), 1000)).toBeGreaterThan(0);
      expect(statOf(sys, "directory").atime).toBe(OLD_NS);
    });

    test("moves when O_NOATIME is taken back", (sys) => {
      const fd = sys.open("file", O_CREAT | O_RDWR | O_NOATIME, 0o644);
      sys.write(fd, "text");
      age(sys, "file");
      expect(sys.process.syscall(nr.SYS_fcntl, fd, F_SETFL, 0)).toBe(0);
      expect(sys.pread(fd, 4, 0)).toEqual(Buffer.from("text"));
      expect(statOf(sys, "file").atime).toBeGreaterThan(OLD_NS);
    });

    test("of a directory and a link moves at each use, though what they hold is known", (sys) => {
      sys.mkdir("directory");
      sys.symlink("directory", "link");
      const fd = sys.open("directory", O_DIRECTORY);
      const list = () => sys.process.syscall(nr.SYS_getdents64, fd, Buffer.alloc(1000), 1000);
      expect(list()).toBeGreaterThan(0);
      expect(sys.readlink("link")).toBe("directory");
      age(sys, "directory");
      age(sys, "link");
      // At the end nothing is listed, which is a use all the same.
      expect(list()).toBe(0);
      expect(statOf(sys, "directory").atime).toBeGreaterThan(OLD_NS);
      expect(sys.readlink("link")).toBe("directory");
      expect(statOf(sys, "link").atime).toBeGreaterThan(OLD_NS);
    });

    test("of a directory moves when a sendfile(2) from it is tried, but not with O_NOATIME", (sys) => {
      const target = sys.open("file", O_CREAT | O_RDWR, 0o644);
      sys.mkdir("directory");
      age(sys, "directory");
      const quiet = sys.open("directory", O_DIRECTORY | O_NOATIME);
      sys.process.syscall(nr.SYS_sendfile, target, quiet, null, 0);
      expect(statOf(sys, "directory").atime).toBe(OLD_NS);
      const directory = sys.open("directory", O_DIRECTORY);
      sys.process.syscall(nr.SYS_sendfile, target, directory, null, 0);
      expect(statOf(sys, "directory").atime).toBeGreaterThan(OLD_NS);
    });

    useTest("of a file moves when it is copied from, but not with O_NOATIME", (sys) => {
      const target = sys.open("target", O_CREAT | O_RDWR, 0o644);
      const fd = sys.open("file", O_CREAT | O_RDWR, 0o644);
      sys.write(fd, "text");
      age(sys, "file");
      expect(statOf(sys, "file").atime).toBe(OLD_NS);
      const copy = (from: number) =>
        sys.process.syscall(nr.SYS_copy_file_range, from, null, target, null, 4, 0);
      expect(copy(sys.open("file", O_RDONLY | O_NOATIME))).toBe(4);
      expect(statOf(sys, "file").atime).toBe(OLD_NS);
      const reader = sys.open("file", O_RDONLY);
      expect(sys.process.syscall(nr.SYS_fcntl, reader, F_SETFL, O_NOATIME)).toBe(0);
      expect(copy(reader)).toBe(4);
      expect(statOf(sys, "file").atime).toBe(OLD_NS);
      expect(copy(sys.open("file", O_RDONLY))).toBe(4);
      expect(statOf(sys, "file").atime).toBeGreaterThan(OLD_NS);
    });

    test("of a file moves when it is read at its end, but not when no bytes are asked for by a vector", (sys) => {
      const fd = sys.open("file", O_CREAT | O_RDWR, 0o644);
      age(sys, "file");
      expect(sys.process.syscall(nr.SYS_readv, fd, [Buffer.alloc(0)], 1)).toBe(0);
      expect(statOf(sys, "file").atime).toBe(OLD_NS);
      expect(sys.read(fd, 1)).toEqual(Buffer.alloc(0));
      expect(statOf(sys, "file").atime).toBeGreaterThan(OLD_NS);
    });

    test("of a file that was changed since moves when it is used", (sys) => {
      const target = sys.open("target", O_CREAT | O_RDWR, 0o644);
      const fd = sys.open("file", O_CREAT | O_RDWR, 0o644);
      const times = Buffer.alloc(32);
      times.writeBigInt64LE(OLD, 0);
      times.writeBigInt64LE(OLD - 1n, 16);
      expect(sys.process.syscall(nr.SYS_utimensat, AT_FDCWD, "file", times, 0)).toBe(0);
      expect(statOf(sys, "file").atime).toBe(OLD_NS);
      sys.write(fd, "text");
      // Nothing is read: only that it was used is new.
      expect(sys.process.syscall(nr.SYS_sendfile, target, fd, null, 0)).toBe(0);
      expect(statOf(sys, "file").atime).toBeGreaterThan(OLD_NS);
    });

    test("of a file moves when a sendfile(2) of nothing is asked for", (sys) => {
      const target = sys.open("target", O_CREAT | O_RDWR, 0o644);
      const fd = sys.open("file", O_CREAT | O_RDWR, 0o644);
      age(sys, "file");
      expect(sys.process.syscall(nr.SYS_sendfile, target, fd, null, 0)).toBe(0);
      expect(statOf(sys, "file").atime).toBeGreaterThan(OLD_NS);
    });
  });

  useTest("a FIFO's times move when it is used", (sys) => {
    expect(sys.process.syscall(nr.SYS_mknodat, AT_FDCWD, "fifo", S_IFIFO | 0o644, 0)).toBe(0);
    const reader = sys.open("fifo", O_RDONLY | O_NONBLOCK);
    const writer = sys.open("fifo", O_WRONLY | O_NONBLOCK);
    age(sys, "fifo");
    expect(sys.write(writer, "text")).toBe(4);
    const written = statOf(sys, "fifo");
    expect(written.mtime).toBeGreaterThan(OLD_NS);
    expect(written.ctime).toBeGreaterThanOrEqual(written.mtime);
    expect(written.atime).toBe(OLD_NS);
    expect(sys.read(reader, 4)).toEqual(Buffer.from("text"));
    expect(statOf(sys, "fifo").atime).toBeGreaterThan(OLD_NS);
    age(sys, "fifo");
    expect(statOf(sys, "fifo")).toMatchObject({ atime: OLD_NS, mtime: OLD_NS });
  });

  test("a chown to nobody else moves ctime", (sys) => {
    sys.mkdir("directory");
    const before = statOf(sys, "directory");
    pause();
    expect(sys.process.syscall(nr.SYS_chown, "directory", -1, -1)).toBe(0);
    expect(statOf(sys, "directory").ctime).toBeGreaterThan(before.ctime);
  });

  test("a size that stays moves mtime by ftruncate(2)", (sys) => {
    const fd = sys.open("file", O_CREAT | O_RDWR, 0o644);
    age(sys, "file");
    expect(sys.process.syscall(nr.SYS_ftruncate, fd, 0)).toBe(0);
    expect(statOf(sys, "file").mtime).toBeGreaterThan(OLD_NS);
  });

  describe("set-id bits", () => {
    test("of a new FIFO are kept for its owner", (_sys, as) => {
      const user = as();
      expect(user.process.syscall(nr.SYS_mknodat, AT_FDCWD, "fifo", S_IFIFO | 0o6755, 0)).toBe(0);
      expect(statOf(user, "fifo")).toMatchObject({ mode: S_IFIFO | 0o6755, uid: 1000, gid: 1000 });
    });

    test("go when somebody without privilege copies into the file, and only if there is something to copy", (sys, as) => {
      const from = sys.open("from", O_CREAT | O_RDWR, 0o644);
      sys.write(from, "text");
      sys.open("to", O_CREAT | O_RDWR, 0o777);
      sys.process.syscall(nr.SYS_chmod, "to", 0o6777);
      const user = as();
      const source = user.open("from");
      const target = user.open("to", O_RDWR);
      const copy = (offset: bigint) => {
        const position = Buffer.alloc(8);
        position.writeBigInt64LE(offset);
        return user.process.syscall(nr.SYS_copy_file_range, source, position, target, null, 10, 0);
      };
      expect(copy(100n)).toBe(0);
      expect(statOf(sys, "to").mode & 0o7777).toBe(0o6777);
      expect(copy(0n)).toBe(4);
      expect(statOf(sys, "to").mode & 0o7777).toBe(0o777);
    });
  });
}
