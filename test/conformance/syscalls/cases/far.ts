// Offsets and sizes that no double holds, up to the largest of Linux, on file systems whose files may be that large.

import { describe, expect, test as vitest } from "vitest";
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  RWF_APPEND,
  SEEK_DATA,
  SEEK_HOLE,
} from "../../../../assembly/abi/data.ts";
import { EAGAIN, EFBIG, EINVAL } from "../../../../assembly/abi/errno.ts";
import {
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_WRLCK,
  O_APPEND,
  O_CREAT,
  O_RDWR,
  SEEK_CUR,
  SEEK_SET,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { DescriptorCalls, lockBytes } from "../../../support/sys/descriptor-calls.ts";
import type { Target } from "../../../support/sys/target.ts";

const FAR = 2 ** 60;
/** As near to the largest offset as a double gets. */
const LARGEST = 2 ** 63 - 1024;
const MAX = 2n ** 63n - 1n;
const STAT_SIZE = 144;

export function farCases(make: () => Target): void {
  type Call = DescriptorCalls["process"]["syscall"];
  const test = (name: string, run: (sys: DescriptorCalls, fd: number, call: Call) => void) =>
    vitest(name, () => {
      const target = make();
      const sys = new DescriptorCalls(target.process());
      try {
        run(sys, sys.open("file", O_CREAT | O_RDWR), (number, ...args) =>
          sys.process.syscall(number, ...args),
        );
      } finally {
        target.end();
      }
    });
  const sizeOf = (call: Call, fd: number) => {
    const stat = Buffer.alloc(STAT_SIZE);
    expect(call(nr.SYS_fstat, fd, stat)).toBe(0);
    return stat.readBigInt64LE(48);
  };
  /** Moves to an offset that is given in two steps. */
  const goTo = (sys: DescriptorCalls, fd: number, from: number, more: number) => {
    sys.seek(fd, from, SEEK_SET);
    sys.seek(fd, more, SEEK_CUR);
  };
  const text = (sys: DescriptorCalls, fd: number, length = 100) => `${sys.read(fd, length)}`;

  describe("an offset of more than 2^53", () => {
    test("is that of a byte", (sys, fd, call) => {
      goTo(sys, fd, FAR, 3);
      expect(sys.write(fd, "abc")).toBe(3);
      expect(call(nr.SYS_writev, fd, [Buffer.from("de"), Buffer.from("f")], 2)).toBe(3);
      expect(sizeOf(call, fd)).toBe(BigInt(FAR) + 9n);
      goTo(sys, fd, FAR, 4);
      expect(text(sys, fd)).toBe("bcdef");
      goTo(sys, fd, FAR, 4);
      const spans = [Buffer.alloc(2), Buffer.alloc(10)];
      expect(call(nr.SYS_readv, fd, spans, 2)).toBe(5);
      expect(`${spans[0]}`).toBe("bc");
      expect(`${sys.pread(fd, 4, FAR)}`).toBe("\0\0\0a");
      expect(sys.pread(fd, 10, FAR + 1024)).toHaveLength(0);
    });

    test("of data and of holes is found", (sys, fd) => {
      goTo(sys, fd, FAR, 5 * 4096 + 7);
      sys.write(fd, "data");
      sys.seek(fd, 0, SEEK_DATA);
      expect(text(sys, fd, 11)).toBe("\0\0\0\0\0\0\0data");
      expect(sys.seek(fd, 0, SEEK_HOLE)).toBe(0);
      sys.seek(fd, FAR + 5 * 4096, SEEK_DATA);
      sys.seek(fd, 7, SEEK_CUR);
      expect(text(sys, fd)).toBe("data");
    });

    test("is where space is taken and given back", (sys, fd, call) => {
      expect(call(nr.SYS_fallocate, fd, 0, FAR, 4099)).toBe(0);
      expect(sizeOf(call, fd)).toBe(BigInt(FAR) + 4099n);
      expect(sys.pwrite(fd, "abcd", FAR)).toBe(4);
      expect(call(nr.SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FAR, 2)).toBe(0);
      expect(`${sys.pread(fd, 4, FAR)}`).toBe("\0\0cd");
      expect(call(nr.SYS_fallocate, fd, 0, LARGEST, 1024)).toBe(-EFBIG);
    });

    test("is where data is copied from and to", (sys, fd, call) => {
      const other = sys.open("other", O_CREAT | O_RDWR);
      goTo(sys, fd, FAR, 1);
      sys.write(fd, "abcdef");
      goTo(sys, fd, FAR, 3);
      goTo(sys, other, FAR, 9);
      expect(call(nr.SYS_copy_file_range, fd, null, other, null, 100, 0)).toBe(4);
      expect(sizeOf(call, other)).toBe(BigInt(FAR) + 13n);
      goTo(sys, other, FAR, 8);
      expect(text(sys, other)).toBe("\0cdef");
      goTo(sys, fd, FAR, 1);
      expect(call(nr.SYS_sendfile, other, fd, null, 3)).toBe(3);
      goTo(sys, other, FAR, 13);
      expect(text(sys, other)).toBe("abc");
    });

    test("bounds a lock", (sys, fd) => {
      const other = sys.open("file", O_RDWR);
      const lock = { type: F_WRLCK, start: BigInt(FAR) + 1n, length: 3n };
      expect(sys.setLock(fd, lock, F_OFD_SETLK)).toBe(0);
      expect(sys.setLock(other, { ...lock, start: BigInt(FAR) + 4n }, F_OFD_SETLK)).toBe(0);
      expect(sys.setLock(other, { ...lock, start: BigInt(FAR) + 3n }, F_OFD_SETLK)).toBe(-EAGAIN);
      expect(sys.setLock(other, { ...lock, start: BigInt(FAR), length: 1 }, F_OFD_SETLK)).toBe(0);
      const bytes = lockBytes({ type: F_WRLCK, start: BigInt(FAR), length: 0 });
      expect(sys.process.syscall(nr.SYS_fcntl, other, F_OFD_GETLK, bytes)).toBe(0);
      expect(bytes.readBigInt64LE(8)).toBe(BigInt(FAR) + 1n);
      expect(bytes.readBigInt64LE(16)).toBe(3n);
      expect(sys.setLock(fd, { type: F_WRLCK, start: MAX, length: 1n }, F_OFD_SETLK)).toBe(0);
      expect(sys.setLock(other, { type: F_WRLCK, start: MAX, length: 0 }, F_OFD_SETLK)).toBe(-EAGAIN);
    });
  });

  describe("the largest size", () => {
    test("is reached by truncation", (sys, fd, call) => {
      expect(call(nr.SYS_ftruncate, fd, LARGEST)).toBe(0);
      expect(sizeOf(call, fd)).toBe(BigInt(LARGEST));
      expect(call(nr.SYS_truncate, "file", FAR)).toBe(0);
      expect(sizeOf(call, fd)).toBe(BigInt(FAR));
      expect(`${sys.pread(fd, 3, FAR - 1024)}`).toBe("\0\0\0");
    });

    test("is where copies end", (sys, fd, call) => {
      const other = sys.open("other", O_CREAT | O_RDWR);
      sys.write(fd, "abcdef");
      goTo(sys, other, LARGEST, 1020);
      sys.seek(fd, 0, SEEK_SET);
      expect(call(nr.SYS_copy_file_range, fd, null, other, null, 100, 0)).toBe(3);
      expect(sizeOf(call, other)).toBe(MAX);
      expect(call(nr.SYS_copy_file_range, fd, null, other, null, 100, 0)).toBe(-EFBIG);
    });

    test("leaves an appending write no room, and the offset where it was", (sys, fd, call) => {
      goTo(sys, fd, LARGEST, 1021);
      expect(sys.write(fd, "ab")).toBe(2);
      expect(sys.seek(fd, 1, SEEK_SET)).toBe(1);
      expect(call(nr.SYS_pwritev2, fd, [Buffer.from("c")], 1, -1, 0, RWF_APPEND)).toBe(-EFBIG);
      expect(sys.seek(fd, 0, SEEK_CUR)).toBe(1);
    });

    test("is where writes end", (sys, fd, call) => {
      goTo(sys, fd, LARGEST, 1021);
      expect(sys.write(fd, "abc")).toBe(-EINVAL);
      expect(sys.write(fd, "ab")).toBe(2);
      expect(sizeOf(call, fd)).toBe(MAX);
      expect(sys.write(fd, "c")).toBe(-EINVAL);
      goTo(sys, fd, LARGEST, 1021);
      expect(sys.read(fd, 3)).toBe(-EINVAL);
      expect(text(sys, fd, 2)).toBe("ab");
    });

    test("cuts what is appended", (sys, fd, call) => {
      goTo(sys, fd, LARGEST, 1020);
      sys.write(fd, "a");
      const end = sys.open("file", O_RDWR | O_APPEND);
      expect(sys.write(end, "bcdef")).toBe(2);
      expect(sizeOf(call, fd)).toBe(MAX);
      sys.seek(end, 0, SEEK_SET);
      expect(sys.write(end, "x")).toBe(-EFBIG);
      goTo(sys, fd, LARGEST, 1020);
      expect(text(sys, fd, 3)).toBe("abc");
    });
  });
}
