// memfd_create and seals.

import { describe, expect, test } from "vitest";
import { EFAULT, EINVAL, EPERM } from "../../../../assembly/abi/errno.ts";
import {
  F_ADD_SEALS,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  FD_CLOEXEC,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_NOEXEC_SEAL,
  O_LARGEFILE,
  O_RDWR,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import type { Stat } from "../../../support/sys/calls.ts";
import { DescriptorCalls } from "../../../support/sys/descriptor-calls.ts";
import type { Target } from "../../../support/sys/target.ts";

const PAGE = 4096;

export function memfdCases(make: () => Target): void {
  function run(body: (sys: DescriptorCalls, truncate: (fd: number, size: number) => number) => void) {
    return () => {
      const target = make();
      const sys = new DescriptorCalls(target.process());
      body(sys, (fd, size) => sys.process.syscall(nr.SYS_ftruncate, fd, size));
      target.end();
    };
  }

  describe("memfd_create", () => {
    test(
      "makes a file without a name, in memory",
      run((sys) => {
        const fd = sys.memfd("some file", MFD_CLOEXEC);
        expect(sys.fcntl(fd, F_GETFD)).toBe(FD_CLOEXEC);
        expect(sys.fcntl(fd, F_GETFL)).toBe(O_RDWR | O_LARGEFILE);
        expect(sys.write(fd, "content")).toBe(7);
        expect(sys.pread(fd, 100, 3)).toEqual(Buffer.from("tent"));
        expect(sys.fstat(fd)).toMatchObject({ size: 7, mode: 0o100777, nlink: 0, uid: 0 });
        const other = sys.memfd("some file");
        expect(sys.fcntl(other, F_GETFD)).toBe(0);
        expect(sys.fstat(other)).toMatchObject({ size: 0 });
      }),
    );

    test(
      "takes names of up to 249 bytes",
      run((sys) => {
        expect(sys.memfd("")).toBeGreaterThanOrEqual(0);
        expect(sys.memfd("x".repeat(249))).toBeGreaterThanOrEqual(0);
        expect(sys.memfd("x".repeat(250))).toBe(-EINVAL);
        expect(sys.memfd("a/b\n")).toBeGreaterThanOrEqual(0);
        expect(sys.process.syscall(nr.SYS_memfd_create, 8, 0)).toBe(-EFAULT);
        expect(sys.memfd("x", 0x20)).toBe(-EINVAL);
        expect(sys.memfd("x", MFD_EXEC | MFD_NOEXEC_SEAL)).toBe(-EINVAL);
        expect(sys.process.syscall(nr.SYS_memfd_create, 8, 0x20)).toBe(-EINVAL);
      }),
    );
  });

  describe("a memory file", () => {
    test(
      "is accessed by each read, whatever its times are",
      run((sys) => {
        const fd = sys.memfd("m");
        const times = Buffer.alloc(32);
        times.writeBigInt64LE(4_000_000_000n, 0);
        times.writeBigInt64LE(1000n, 16);
        expect(sys.process.syscall(nr.SYS_utimensat, fd, null, times, 0)).toBe(0);
        expect(sys.read(fd, 10)).toEqual(Buffer.alloc(0));
        expect((sys.fstat(fd) as Stat).atime).toBeLessThan(4_000_000_000_000_000_000n);
      }),
    );
  });

  describe("seals", () => {
    test(
      "are allowed only where they were asked for",
      run((sys) => {
        const plain = sys.memfd("plain");
        expect(sys.fcntl(plain, F_GET_SEALS)).toBe(F_SEAL_SEAL);
        expect(sys.fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE)).toBe(-EPERM);
        expect(sys.fcntl(plain, F_ADD_SEALS, 0x100)).toBe(-EINVAL);
        const fd = sys.memfd("sealing", MFD_ALLOW_SEALING);
        expect(sys.fcntl(fd, F_GET_SEALS)).toBe(0);
        expect(sys.fcntl(fd, F_ADD_SEALS, F_SEAL_GROW)).toBe(0);
        expect(sys.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL)).toBe(0);
        expect(sys.fcntl(fd, F_GET_SEALS)).toBe(F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
        expect(sys.fcntl(fd, F_ADD_SEALS, 0)).toBe(-EPERM);
        const [reader, writer] = sys.pipe();
        expect(sys.fcntl(reader, F_GET_SEALS)).toBe(-EINVAL);
        expect(sys.fcntl(reader, F_ADD_SEALS, 0)).toBe(-EPERM);
        expect(sys.fcntl(writer, F_ADD_SEALS, 0)).toBe(-EINVAL);
      }),
    );
  });
}

/** What each seal refuses. */
export function sealCases(make: () => Target): void {
  function run(body: (sys: DescriptorCalls, truncate: (fd: number, size: number) => number) => void) {
    return () => {
      const target = make();
      const sys = new DescriptorCalls(target.process());
      body(sys, (fd, size) => sys.process.syscall(nr.SYS_ftruncate, fd, size));
      target.end();
    };
  }

  describe("a seal", () => {
    test(
      "F_SEAL_WRITE and F_SEAL_FUTURE_WRITE refuse writes",
      run((sys, truncate) => {
        for (const seal of [F_SEAL_WRITE, F_SEAL_FUTURE_WRITE]) {
          const fd = sys.memfd("m", MFD_ALLOW_SEALING);
          sys.write(fd, "content");
          expect(sys.fcntl(fd, F_ADD_SEALS, seal)).toBe(0);
          expect(sys.write(fd, "x")).toBe(-EPERM);
          expect(sys.pwrite(fd, "x", 0)).toBe(-EPERM);
          expect(sys.write(fd, "")).toBe(0);
          expect(truncate(fd, 3)).toBe(0);
          expect(truncate(fd, 30)).toBe(0);
          expect(sys.pread(fd, 4, 0)).toEqual(Buffer.from("con\0"));
        }
      }),
    );

    test(
      "F_SEAL_GROW lets a file be written as far as whole pages of it go",
      run((sys, truncate) => {
        const fd = sys.memfd("m", MFD_ALLOW_SEALING);
        expect(truncate(fd, PAGE + 10)).toBe(0);
        expect(sys.fcntl(fd, F_ADD_SEALS, F_SEAL_GROW)).toBe(0);
        expect(sys.pwrite(fd, "abc", PAGE + 7)).toBe(3);
        expect(sys.pwrite(fd, "abcd", PAGE + 7)).toBe(-EPERM);
        expect(sys.pwrite(fd, "x", PAGE + 10)).toBe(-EPERM);
        expect(truncate(fd, PAGE + 11)).toBe(-EPERM);
        expect(truncate(fd, 5)).toBe(0);
        expect(truncate(fd, PAGE)).toBe(-EPERM);
        expect(sys.fstat(fd)).toMatchObject({ size: 5 });
      }),
    );

    test(
      "F_SEAL_SHRINK keeps the size from getting smaller",
      run((sys, truncate) => {
        const fd = sys.memfd("m", MFD_ALLOW_SEALING);
        sys.write(fd, "content");
        expect(sys.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)).toBe(0);
        expect(truncate(fd, 6)).toBe(-EPERM);
        expect(truncate(fd, 7)).toBe(0);
        expect(truncate(fd, 8)).toBe(0);
        expect(sys.write(fd, "more")).toBe(4);
      }),
    );

    test(
      "F_SEAL_GROW refuses an allocation behind the end, F_SEAL_WRITE a hole",
      run((sys, truncate) => {
        const allocate = (fd: number, mode: number, offset: number, length: number) =>
          sys.process.syscall(nr.SYS_fallocate, fd, mode, offset, length);
        const fd = sys.memfd("m", MFD_ALLOW_SEALING);
        truncate(fd, 2 * PAGE);
        sys.fcntl(fd, F_ADD_SEALS, F_SEAL_GROW);
        expect(allocate(fd, 0, 0, 2 * PAGE)).toBe(0);
        expect(allocate(fd, 0, PAGE, PAGE + 1)).toBe(-EPERM);
        expect(allocate(fd, 3, 0, PAGE)).toBe(0);
        sys.fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE);
        expect(allocate(fd, 3, 0, PAGE)).toBe(-EPERM);
      }),
    );

    test(
      "F_SEAL_EXEC keeps the mode's execution bits",
      run((sys) => {
        const chmod = (fd: number, mode: number) => sys.process.syscall(nr.SYS_fchmod, fd, mode);
        const fd = sys.memfd("m", MFD_NOEXEC_SEAL);
        expect(sys.fcntl(fd, F_GET_SEALS)).toBe(F_SEAL_EXEC);
        expect(sys.fstat(fd)).toMatchObject({ mode: 0o100666 });
        expect(chmod(fd, 0o755)).toBe(-EPERM);
        expect(chmod(fd, 0o600)).toBe(0);
        const program = sys.memfd("m", MFD_ALLOW_SEALING | MFD_EXEC);
        expect(sys.fcntl(program, F_ADD_SEALS, F_SEAL_EXEC)).toBe(0);
        const seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC;
        expect(sys.fcntl(program, F_GET_SEALS)).toBe(seals);
        expect(chmod(program, 0o666)).toBe(-EPERM);
        expect(chmod(program, 0o711)).toBe(0);
      }),
    );
  });
}
