// How much of a file there is: truncate, ftruncate, fallocate; what changes with it, and who may.

import { describe, expect, test as vitest } from "vitest";
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
} from "../../../../assembly/abi/data.ts";
import {
  EACCES,
  EBADF,
  EFBIG,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  EOPNOTSUPP,
} from "../../../../assembly/abi/errno.ts";
import {
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls, type Stat } from "../../../support/sys/calls.ts";
import { type Argument, type Capability, skipWithout, type Target } from "../../../support/sys/target.ts";

const USER = { uid: 1000, gid: 1000 };

export function spaceCases(make: () => Target): void {
  type Call = (number: number, ...args: readonly Argument[]) => number;
  const test = (
    name: string,
    run: (sys: Calls, fd: number, call: Call, as: () => Calls) => void,
    needed?: Capability,
  ) =>
    vitest(name, (context) => {
      const target = make();
      if (needed !== undefined) skipWithout(target, needed, context);
      const sys = new Calls(target.process());
      const fd = sys.open("file", O_CREAT | O_RDWR, 0o644);
      try {
        run(
          sys,
          fd,
          (number, ...args) => sys.process.syscall(number, ...args),
          () => new Calls(target.process(USER)),
        );
      } finally {
        target.end();
      }
    });
  const statOf = (sys: Calls, path = "file") => sys.stat(path) as Stat;

  describe("truncate and ftruncate", () => {
    test("cut a file and extend it by zeros", (sys, fd, call) => {
      sys.write(fd, "abcdef");
      expect(call(nr.SYS_truncate, "file", 3)).toBe(0);
      expect(call(nr.SYS_ftruncate, fd, 5)).toBe(0);
      expect(sys.pread(fd, 10, 0)).toEqual(Buffer.from("abc\0\0"));
      expect(call(nr.SYS_ftruncate, fd, 10000)).toBe(0);
      expect(call(nr.SYS_truncate, "file", 4097)).toBe(0);
      expect(statOf(sys)).toMatchObject({ size: 4097 });
      expect(sys.pread(fd, 5000, 0)).toHaveLength(4097);
    });

    test("change times, even when the size stays", (sys, fd, call) => {
      sys.write(fd, "abc");
      const past = () => {
        const times = Buffer.alloc(32);
        times.writeBigInt64LE(1000n, 0);
        times.writeBigInt64LE(1000n, 16);
        return call(nr.SYS_utimensat, -100, "file", times, 0);
      };
      expect(past()).toBe(0);
      call(nr.SYS_ftruncate, fd, 3);
      expect(statOf(sys).mtime).toBeGreaterThan(1000_000_000_000n);
      past();
      call(nr.SYS_truncate, "file", 3);
      expect(statOf(sys).mtime).toBeGreaterThan(1000_000_000_000n);
      past();
      call(nr.SYS_truncate, "file", 2);
      expect(statOf(sys).mtime).toBeGreaterThan(1000_000_000_000n);
      call(nr.SYS_truncate, "file", 0);
      past();
      sys.close(sys.open("file", O_WRONLY | O_TRUNC));
      expect(statOf(sys).mtime).toBeGreaterThan(1000_000_000_000n);
    });

    test("tell errors in Linux's order", (sys, fd, call) => {
      sys.mkdir("directory");
      sys.symlink("file", "link");
      expect(call(nr.SYS_truncate, "missing", -1)).toBe(-EINVAL);
      expect(call(nr.SYS_truncate, "missing", 0)).toBe(-ENOENT);
      expect(call(nr.SYS_truncate, "file/", 0)).toBe(-ENOTDIR);
      expect(call(nr.SYS_truncate, "directory", 0)).toBe(-EISDIR);
      expect(call(nr.SYS_truncate, "link", 4)).toBe(0);
      expect(statOf(sys).size).toBe(4);
      expect(call(nr.SYS_ftruncate, 999, -1)).toBe(-EINVAL);
      expect(call(nr.SYS_ftruncate, 999, 0)).toBe(-EBADF);
      expect(call(nr.SYS_ftruncate, sys.open("file", O_PATH), 0)).toBe(-EBADF);
      expect(call(nr.SYS_ftruncate, sys.open("file", O_RDONLY), 0)).toBe(-EINVAL);
      expect(call(nr.SYS_ftruncate, sys.open(".", O_DIRECTORY), 0)).toBe(-EINVAL);
      expect(call(nr.SYS_ftruncate, fd, 0)).toBe(0);
    });

    test("need write permission by path, and a descriptor that has it otherwise", (sys, _fd, call, as) => {
      const user = as();
      expect(user.process.syscall(nr.SYS_truncate, "file", 0)).toBe(-EACCES);
      sys.process.syscall(nr.SYS_umask, 0);
      const shared = sys.open("shared", O_CREAT | O_RDWR, 0o666);
      expect(shared).toBeGreaterThanOrEqual(0);
      expect(user.process.syscall(nr.SYS_truncate, "shared", 9)).toBe(0);
      expect(call(nr.SYS_ftruncate, shared, 8)).toBe(0);
    });
  });

  describe("set-id bits", () => {
    const suid = (sys: Calls, path: string) => sys.process.syscall(nr.SYS_chmod, path, 0o6777) === 0;
    const mode = (sys: Calls, path: string) => statOf(sys, path).mode & 0o7777;

    test("go with a write, a truncation or an allocation of an unprivileged program", (sys, _fd, _call, as) => {
      const user = as();
      expect(suid(sys, "file")).toBe(true);
      const fd = user.open("file", O_WRONLY);
      expect(user.write(fd, "")).toBe(0);
      expect(mode(sys, "file")).toBe(0o6777);
      user.write(fd, "x");
      expect(mode(sys, "file")).toBe(0o777);
      suid(sys, "file");
      user.process.syscall(nr.SYS_ftruncate, fd, 0);
      expect(mode(sys, "file")).toBe(0o777);
      suid(sys, "file");
      user.process.syscall(nr.SYS_truncate, "file", 10);
      expect(mode(sys, "file")).toBe(0o777);
      suid(sys, "file");
      user.process.syscall(nr.SYS_pwritev, fd, [Buffer.from("x")], 1, 0);
      expect(mode(sys, "file")).toBe(0o777);
    });

    vitest("stay with a privileged one's", () => {
      const target = make();
      const sys = new Calls(target.process());
      const fd = sys.open("file", O_CREAT | O_RDWR, 0o644);
      suid(sys, "file");
      sys.write(fd, "x");
      sys.process.syscall(nr.SYS_ftruncate, fd, 0);
      expect(mode(sys, "file")).toBe(0o6777);
      target.end();
    });
  });

  describe("fallocate", () => {
    test("tells errors in Linux's order", (sys, fd, call) => {
      const reader = sys.open("file", O_RDONLY);
      const fallocate = (...args: Argument[]) => call(nr.SYS_fallocate, ...args);
      expect(fallocate(999, 0x1000, -1, 0)).toBe(-EBADF);
      expect(fallocate(sys.open("file", O_PATH), 0, 0, 1)).toBe(-EBADF);
      expect(fallocate(reader, 0x1000, -1, 1)).toBe(-EINVAL);
      expect(fallocate(reader, 0x1000, 0, 0)).toBe(-EINVAL);
      expect(fallocate(reader, 0x1000, 0, 1)).toBe(-EOPNOTSUPP);
      expect(fallocate(reader, FALLOC_FL_PUNCH_HOLE, 0, 1)).toBe(-EOPNOTSUPP);
      expect(fallocate(reader, 0, 0, 1)).toBe(-EBADF);
      expect(fallocate(sys.open(".", O_DIRECTORY), 0, 0, 1)).toBe(-EBADF);
      expect(fallocate(fd, 0, 2 ** 62, 2 ** 62)).toBe(-EFBIG);
      expect(fallocate(fd, FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_PUNCH_HOLE, 0, 1)).toBe(-EOPNOTSUPP);
      expect(statOf(sys).size).toBe(0);
    });

    test("extends a file, never shortens it, and keeps the size when told to", (sys, fd, call) => {
      sys.write(fd, "abc");
      expect(call(nr.SYS_fallocate, fd, 0, 0, 2)).toBe(0);
      expect(statOf(sys).size).toBe(3);
      expect(call(nr.SYS_fallocate, fd, 0, 2, 10)).toBe(0);
      expect(statOf(sys).size).toBe(12);
      expect(sys.pread(fd, 20, 0)).toEqual(Buffer.from("abc\0\0\0\0\0\0\0\0\0"));
      const keeps = call(nr.SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 100000);
      expect(keeps).toBe(0);
      expect(statOf(sys)).toMatchObject({ size: 12 });
      expect(statOf(sys).blocks).toBeGreaterThanOrEqual(196);
    });

    test("punches holes that read as zeros", (sys, fd, call) => {
      sys.write(fd, Buffer.alloc(20000, "x"));
      const punched = call(nr.SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 15000);
      expect(punched).toBe(0);
      const bytes = sys.pread(fd, 20000, 0) as Buffer;
      expect(bytes.subarray(0, 100)).toEqual(Buffer.alloc(100, "x"));
      expect(bytes.subarray(100, 15100)).toEqual(Buffer.alloc(15000));
      expect(bytes.subarray(15100)).toEqual(Buffer.alloc(4900, "x"));
      expect(statOf(sys).size).toBe(20000);
    });
  });
}
