// Reading and writing: vectors, positions, flags, offsets, copies inside the kernel, and errors in Linux's order.

import { describe, expect, test as vitest } from "vitest";
import {
  POSIX_FADV_NOREUSE,
  RWF_APPEND,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOAPPEND,
  RWF_NOWAIT,
  RWF_SYNC,
  SEEK_DATA,
  SEEK_HOLE,
  SYNC_FILE_RANGE_WAIT_AFTER,
  SYNC_FILE_RANGE_WAIT_BEFORE,
  SYNC_FILE_RANGE_WRITE,
} from "../../../../assembly/abi/data.ts";
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EISDIR,
  ENXIO,
  EOPNOTSUPP,
  EOVERFLOW,
} from "../../../../assembly/abi/errno.ts";
import {
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls, type Stat } from "../../../support/sys/calls.ts";
import { type Argument, type Capability, skipWithout, type Target } from "../../../support/sys/target.ts";

/** Near the largest offset; a double cannot be nearer. */
const LARGEST = 2 ** 63 - 1024;
/** An address that no program can have, and one where nothing is. */
const UNADDRESSABLE = 2 ** 50;
const NOWHERE = 8;

export function dataCases(make: () => Target): void {
  const test = (name: string, run: (sys: Calls, fd: number, call: Call) => void, needed?: Capability) =>
    vitest(name, (context) => {
      const target = make();
      if (needed !== undefined) skipWithout(target, needed, context);
      const sys = new Calls(target.process());
      const fd = sys.open("file", O_CREAT | O_RDWR, 0o644);
      const call: Call = (number, ...args) => sys.process.syscall(number, ...args);
      try {
        run(sys, fd, call);
      } finally {
        target.end();
      }
    });
  type Call = (number: number, ...args: readonly Argument[]) => number;
  const spans = (...lengths: number[]) => lengths.map((length) => Buffer.alloc(length));
  const texts = (...all: string[]) => all.map((text) => Buffer.from(text));
  const offsetOf = (call: Call, fd: number) => call(nr.SYS_lseek, fd, 0, SEEK_CUR);
  const content = (sys: Calls, fd: number) => (sys.pread(fd, 100, 0) as Buffer).toString("latin1");

  describe("a vector", () => {
    test("is gathered and scattered in order, past empty spans", (_sys, fd, call) => {
      expect(call(nr.SYS_writev, fd, texts("one", "", "two"), 3)).toBe(6);
      expect(offsetOf(call, fd)).toBe(6);
      const into = spans(2, 0, 3, 10);
      expect(call(nr.SYS_preadv, fd, into, 4, 0)).toBe(6);
      expect(into.map(String)).toEqual(["on", "", "etw", `o${"\0".repeat(9)}`]);
      expect(call(nr.SYS_readv, fd, into, 4)).toBe(0);
      expect(call(nr.SYS_pwritev, fd, texts("x", "y"), 2, 1)).toBe(2);
      expect(offsetOf(call, fd)).toBe(6);
      call(nr.SYS_lseek, fd, 1, SEEK_SET);
      expect(call(nr.SYS_readv, fd, into.slice(0, 1), 1)).toBe(2);
      expect(String(into[0])).toBe("xy");
      expect(offsetOf(call, fd)).toBe(3);
    });

    test("has at most 1024 spans", (_sys, fd, call) => {
      expect(call(nr.SYS_writev, fd, texts(...new Array(1024).fill("a")), 1024)).toBe(1024);
      expect(call(nr.SYS_writev, fd, texts(...new Array(1025).fill("a")), 1025)).toBe(-EINVAL);
      expect(call(nr.SYS_writev, fd, texts("a"), -1)).toBe(-EINVAL);
      expect(call(nr.SYS_readv, fd, null, 0)).toBe(0);
      expect(call(nr.SYS_readv, fd, null, 1)).toBe(-EFAULT);
    });

    /** An array of struct iovec as bytes. */
    const raw = (...entries: [base: number, length: number][]) => {
      const bytes = Buffer.alloc(entries.length * 16);
      for (const [index, [base, length]] of entries.entries()) {
        bytes.writeBigUInt64LE(BigInt(base), index * 16);
        bytes.writeBigInt64LE(BigInt(length), index * 16 + 8);
      }
      return bytes;
    };

    test("with a bad span is an error before anything is moved, or at the bad address", (sys, fd, call) => {
      expect(call(nr.SYS_writev, fd, raw([0, -1]), 1)).toBe(-EINVAL);
      expect(call(nr.SYS_writev, fd, raw([UNADDRESSABLE, 1]), 1)).toBe(-EFAULT);
      expect(call(nr.SYS_writev, fd, raw([NOWHERE, 1]), 1)).toBe(-EFAULT);
      expect(call(nr.SYS_writev, fd, raw([NOWHERE, 0]), 1)).toBe(0);
      expect(call(nr.SYS_readv, fd, raw([NOWHERE, 10]), 1)).toBe(0);
      sys.pwrite(fd, "abc", 0);
      expect(call(nr.SYS_preadv, fd, raw([NOWHERE, 10]), 1, 0)).toBe(-EFAULT);
      expect(call(nr.SYS_preadv, fd, raw([NOWHERE, 0], [NOWHERE, 2]), 2, 0)).toBe(-EFAULT);
      expect(content(sys, fd)).toBe("abc");
    });

    test("tells errors in Linux's order", (sys, _fd, call) => {
      const writer = sys.open("file", O_WRONLY);
      expect(call(nr.SYS_readv, 999, null, 2000)).toBe(-EBADF);
      expect(call(nr.SYS_readv, writer, null, 2000)).toBe(-EBADF);
      expect(call(nr.SYS_readv, writer, null, 0)).toBe(-EBADF);
      expect(call(nr.SYS_preadv, 999, null, 0, -5)).toBe(-EINVAL);
      expect(call(nr.SYS_preadv, 999, null, 0, 0)).toBe(-EBADF);
      expect(call(nr.SYS_preadv2, writer, null, 0, 0, 0, 0x4000)).toBe(-EBADF);
    });
  });

  describe("preadv2 and pwritev2", () => {
    test("take a position of -1 for the offset", (sys, fd, call) => {
      expect(call(nr.SYS_pwritev2, fd, texts("abcdef"), 1, -1, 0, 0)).toBe(6);
      expect(offsetOf(call, fd)).toBe(6);
      expect(call(nr.SYS_pwritev2, fd, texts("X"), 1, 2, 0, RWF_DSYNC)).toBe(1);
      expect(call(nr.SYS_pwritev2, fd, texts("Y"), 1, 3, 0, RWF_SYNC | RWF_HIPRI)).toBe(1);
      expect(offsetOf(call, fd)).toBe(6);
      const into = spans(3);
      expect(call(nr.SYS_preadv2, fd, into, 1, 1, 0, RWF_HIPRI)).toBe(3);
      expect(String(into[0])).toBe("bXY");
      expect(call(nr.SYS_preadv2, fd, into, 1, -1, 0, 0)).toBe(0);
      expect(call(nr.SYS_preadv2, fd, into, 1, -2, 0, 0)).toBe(-EINVAL);
      expect(content(sys, fd)).toBe("abXYef");
    });

    test("give flags to no file that takes its buffers one by one", (_sys, _fd, call) => {
      const watches = call(nr.SYS_inotify_init1, O_NONBLOCK);
      expect(call(nr.SYS_preadv2, watches, spans(100), 1, -1, 0, RWF_APPEND)).toBe(-EOPNOTSUPP);
      expect(call(nr.SYS_preadv2, watches, spans(100), 1, -1, 0, RWF_HIPRI)).toBe(-EAGAIN);
      const counter = call(nr.SYS_eventfd2, 0, O_NONBLOCK);
      expect(call(nr.SYS_preadv2, counter, spans(8), 1, -1, 0, RWF_SYNC)).toBe(-EAGAIN);
      const one = [Buffer.alloc(8, 1)];
      expect(call(nr.SYS_pwritev2, counter, one, 1, -1, 0, RWF_SYNC)).toBe(-EOPNOTSUPP);
      expect(call(nr.SYS_pwritev2, counter, one, 1, -1, 0, 0)).toBe(8);
    });

    test("do not wait for a pipe when told so", (_sys, _fd, call) => {
      const ends = Buffer.alloc(8);
      expect(call(nr.SYS_pipe2, ends, 0)).toBe(0);
      const [reader, writer] = [ends.readInt32LE(0), ends.readInt32LE(4)];
      expect(call(nr.SYS_preadv2, reader, spans(3), 1, -1, 0, RWF_NOWAIT)).toBe(-EAGAIN);
      expect(call(nr.SYS_pwritev2, writer, texts("abc"), 1, -1, 0, RWF_NOWAIT)).toBe(3);
      expect(call(nr.SYS_preadv2, reader, spans(3), 1, -1, 0, RWF_NOWAIT)).toBe(3);
    });

    test("append, or not, as their flags say", (sys, fd, call) => {
      sys.write(fd, "abc");
      call(nr.SYS_lseek, fd, 1, SEEK_SET);
      expect(call(nr.SYS_pwritev2, fd, texts("d"), 1, 0, 0, RWF_APPEND)).toBe(1);
      expect(offsetOf(call, fd)).toBe(1);
      expect(call(nr.SYS_pwritev2, fd, texts("e"), 1, -1, 0, RWF_APPEND)).toBe(1);
      expect(offsetOf(call, fd)).toBe(5);
      const appending = sys.open("file", O_WRONLY | O_APPEND);
      expect(call(nr.SYS_pwritev2, appending, texts("f"), 1, 0, 0, 0)).toBe(1);
      expect(call(nr.SYS_pwritev2, appending, texts("g"), 1, 0, 0, RWF_APPEND | RWF_NOAPPEND)).toBe(-EINVAL);
      expect(content(sys, fd)).toBe("abcdef");
    });

    test(
      "do not append to a file that was opened to append, when told so",
      (sys, fd, call) => {
        sys.write(fd, "abc");
        const appending = sys.open("file", O_WRONLY | O_APPEND);
        expect(call(nr.SYS_pwritev2, appending, texts("X"), 1, 0, 0, RWF_NOAPPEND)).toBe(1);
        expect(call(nr.SYS_pwritev2, appending, texts("d"), 1, 0, 0, 0)).toBe(1);
        expect(call(nr.SYS_pwritev2, appending, texts("Y"), 1, 1, 0, RWF_NOAPPEND)).toBe(1);
        expect(content(sys, fd)).toBe("XYcd");
      },
      "writes that do not append",
    );

    test("refuse unknown flags, but not for nothing", (_sys, fd, call) => {
      expect(call(nr.SYS_preadv2, fd, spans(1), 1, 0, 0, 0x4000)).toBe(-EOPNOTSUPP);
      expect(call(nr.SYS_pwritev2, fd, spans(1), 1, 0, 0, 0x4000)).toBe(-EOPNOTSUPP);
      expect(call(nr.SYS_pwritev2, fd, spans(0), 1, 0, 0, 0x4000)).toBe(0);
      expect(call(nr.SYS_preadv2, fd, spans(2000), 1, LARGEST, 0, 0x4000)).toBe(-EINVAL);
      expect(call(nr.SYS_pwritev2, fd, spans(2000), 1, LARGEST, 0, 0x4000)).toBe(-EINVAL);
    });
  });

  describe("read and write", () => {
    test("move nothing for a count of zero, wherever in a program the buffer is", (sys, fd, call) => {
      // Whether such a read is an access is for the file system to say.
      const { atime: _, ...before } = sys.fstat(fd) as Stat;
      expect(call(nr.SYS_read, fd, null, 0)).toBe(0);
      expect(call(nr.SYS_write, fd, null, 0)).toBe(0);
      expect(call(nr.SYS_write, fd, UNADDRESSABLE, 0)).toBe(-EFAULT);
      expect(call(nr.SYS_pwrite64, fd, null, 0, 100)).toBe(0);
      expect(sys.fstat(fd)).toMatchObject(before);
    });

    test("find a bad buffer only when bytes are to be moved", (sys, fd, call) => {
      expect(call(nr.SYS_read, fd, null, 10)).toBe(0);
      expect(call(nr.SYS_read, fd, UNADDRESSABLE, 10)).toBe(-EFAULT);
      expect(call(nr.SYS_write, fd, null, 10)).toBe(-EFAULT);
      sys.write(fd, "abc");
      expect(call(nr.SYS_pread64, fd, null, 10, 0)).toBe(-EFAULT);
      expect(call(nr.SYS_pread64, fd, null, 10, 3)).toBe(0);
      expect(offsetOf(call, fd)).toBe(3);
    });

    test("cut a count that is too large", (sys, fd, call) => {
      sys.write(fd, "abc");
      const bytes = Buffer.alloc(16);
      expect(call(nr.SYS_pread64, fd, bytes, 2 ** 40, 0)).toBe(3);
      expect(bytes.toString("latin1", 0, 3)).toBe("abc");
      expect(call(nr.SYS_pread64, fd, bytes, -1, 0)).toBe(-EFAULT);
    });

    test("append at the end wherever the offset is, and pwrite too", (sys, fd, call) => {
      const appending = sys.open("file", O_RDWR | O_APPEND);
      sys.write(fd, "abc");
      expect(sys.write(appending, "de")).toBe(2);
      expect(offsetOf(call, appending)).toBe(5);
      expect(sys.pwrite(appending, "f", 0)).toBe(1);
      expect(offsetOf(call, appending)).toBe(5);
      expect(content(sys, fd)).toBe("abcdef");
    });

    test("are told by the descriptor what they may", (sys, _fd, call) => {
      const reader = sys.open("file", O_RDONLY);
      const writer = sys.open("file", O_WRONLY);
      const place = sys.open("file", O_PATH);
      const directory = sys.open(".", O_DIRECTORY);
      expect(sys.write(reader, "x")).toBe(-EBADF);
      expect(call(nr.SYS_write, reader, null, 5)).toBe(-EBADF);
      expect(sys.read(writer, 1)).toBe(-EBADF);
      expect(sys.read(place, 1)).toBe(-EBADF);
      expect(sys.write(place, "x")).toBe(-EBADF);
      expect(sys.read(directory, 1)).toBe(-EISDIR);
      expect(sys.pread(directory, 1, 0)).toBe(-EISDIR);
      expect(sys.write(directory, "x")).toBe(-EBADF);
      expect(sys.pread(999, 1, -1)).toBe(-EINVAL);
      expect(sys.pread(999, 1, 0)).toBe(-EBADF);
    });

    test("go to no position behind the largest", (sys, fd, call) => {
      expect(sys.pread(fd, 1, LARGEST)).toEqual(Buffer.alloc(0));
      expect(sys.pread(fd, 2000, LARGEST)).toBe(-EINVAL);
      expect(sys.pwrite(fd, Buffer.alloc(2000), LARGEST)).toBe(-EINVAL);
      expect(call(nr.SYS_preadv, fd, spans(2000), 1, LARGEST)).toBe(-EINVAL);
    });

    test("leave zeros between the old end and what was written", (sys, fd) => {
      sys.pwrite(fd, "abc", 0);
      sys.pwrite(fd, "x", 10000);
      expect(sys.fstat(fd)).toMatchObject({ size: 10001 });
      expect(sys.pread(fd, 10001, 0)).toEqual(
        Buffer.concat([Buffer.from("abc"), Buffer.alloc(9997), Buffer.from("x")]),
      );
    });
  });

  describe("lseek", () => {
    test("counts from the start, the offset and the end", (sys, fd, call) => {
      sys.write(fd, "abcdef");
      expect(call(nr.SYS_lseek, fd, 2, SEEK_SET)).toBe(2);
      expect(call(nr.SYS_lseek, fd, 2, SEEK_CUR)).toBe(4);
      expect(call(nr.SYS_lseek, fd, -4, SEEK_CUR)).toBe(0);
      expect(call(nr.SYS_lseek, fd, -1, SEEK_CUR)).toBe(-EINVAL);
      expect(call(nr.SYS_lseek, fd, -1, SEEK_END)).toBe(5);
      expect(call(nr.SYS_lseek, fd, 100, SEEK_END)).toBe(106);
      expect(call(nr.SYS_lseek, fd, -7, SEEK_END)).toBe(-EINVAL);
      expect(call(nr.SYS_lseek, fd, -1, SEEK_SET)).toBe(-EINVAL);
      expect(offsetOf(call, fd)).toBe(106);
    });

    test("knows its five ways and no more", (sys, fd, call) => {
      expect(call(nr.SYS_lseek, fd, 0, 5)).toBe(-EINVAL);
      expect(call(nr.SYS_lseek, fd, 0, -1)).toBe(-EINVAL);
      expect(call(nr.SYS_lseek, 999, 0, 5)).toBe(-EBADF);
      expect(call(nr.SYS_lseek, sys.open("file", O_PATH), 0, SEEK_SET)).toBe(-EBADF);
      call(nr.SYS_lseek, fd, 2000, SEEK_SET);
      expect(call(nr.SYS_lseek, fd, LARGEST, SEEK_CUR)).toBeLessThan(0);
    });

    test("finds data and holes in front of the end only", (sys, fd, call) => {
      expect(call(nr.SYS_lseek, fd, 0, SEEK_DATA)).toBe(-ENXIO);
      expect(call(nr.SYS_lseek, fd, 0, SEEK_HOLE)).toBe(-ENXIO);
      sys.write(fd, "abc");
      expect(call(nr.SYS_lseek, fd, 1, SEEK_DATA)).toBe(1);
      expect(offsetOf(call, fd)).toBe(1);
      expect(call(nr.SYS_lseek, fd, 1, SEEK_HOLE)).toBe(3);
      expect(call(nr.SYS_lseek, fd, 3, SEEK_DATA)).toBe(-ENXIO);
      expect(call(nr.SYS_lseek, fd, 3, SEEK_HOLE)).toBe(-ENXIO);
      expect(call(nr.SYS_lseek, fd, -1, SEEK_DATA)).toBe(-ENXIO);
    });
  });

  describe("copy_file_range", () => {
    test("copies by offsets of its own or of the descriptors", (sys, fd, call) => {
      sys.write(fd, "abcdef");
      const other = sys.open("other", O_CREAT | O_RDWR);
      const from = Buffer.alloc(8);
      const to = Buffer.alloc(8);
      from.writeBigInt64LE(1n);
      to.writeBigInt64LE(2n);
      expect(call(nr.SYS_copy_file_range, fd, from, other, to, 3, 0)).toBe(3);
      expect(from.readBigInt64LE()).toBe(4n);
      expect(to.readBigInt64LE()).toBe(5n);
      expect(content(sys, other)).toBe("\0\0bcd");
      expect(offsetOf(call, other)).toBe(0);
      call(nr.SYS_lseek, fd, 4, SEEK_SET);
      expect(call(nr.SYS_copy_file_range, fd, null, other, null, 100, 0)).toBe(2);
      expect(offsetOf(call, fd)).toBe(6);
      expect(offsetOf(call, other)).toBe(2);
      expect(content(sys, other)).toBe("efbcd");
      expect(call(nr.SYS_copy_file_range, fd, null, other, null, 100, 0)).toBe(0);
    });

    test("tells errors in Linux's order", (sys, fd, call) => {
      sys.write(fd, "abcdef");
      const other = sys.open("other", O_CREAT | O_RDWR);
      const reader = sys.open("other", O_RDONLY);
      const appending = sys.open("other", O_WRONLY | O_APPEND);
      const directory = sys.open(".", O_DIRECTORY);
      const at = (offset: bigint) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(offset);
        return bytes;
      };
      const copy = (...args: Argument[]) => call(nr.SYS_copy_file_range, ...args);
      expect(copy(999, null, other, null, 1, 1)).toBe(-EBADF);
      expect(copy(fd, null, 999, null, 1, 1)).toBe(-EBADF);
      expect(copy(fd, NOWHERE, other, null, 1, 1)).toBe(-EFAULT);
      expect(copy(fd, null, directory, null, 1, 1)).toBe(-EINVAL);
      expect(copy(fd, null, directory, null, 1, 0)).toBe(-EISDIR);
      expect(copy(directory, null, other, null, 1, 0)).toBe(-EISDIR);
      expect(copy(fd, null, reader, null, 1, 0)).toBe(-EBADF);
      expect(copy(fd, null, appending, null, 1, 0)).toBe(-EBADF);
      expect(copy(fd, at(0n), fd, at(2n), 3, 0)).toBe(-EINVAL);
      expect(copy(fd, at(0n), fd, at(3n), 3, 0)).toBe(3);
      expect(copy(fd, at(-1n), other, null, 1, 0)).toBeLessThan(0);
      expect(copy(fd, at(-1n), other, null, 0, 0)).toBe(-EINVAL);
      expect(copy(fd, at(2n ** 63n - 1n), other, null, -1, 0)).toBe(-EOVERFLOW);
      expect(content(sys, fd)).toBe("abcabc");
    });
  });

  describe("sendfile", () => {
    test("copies from an offset of its own or the descriptor's to the target's", (sys, fd, call) => {
      sys.write(fd, "abcdef");
      const other = sys.open("other", O_CREAT | O_RDWR);
      const from = Buffer.alloc(8);
      from.writeBigInt64LE(2n);
      expect(call(nr.SYS_sendfile, other, fd, from, 3)).toBe(3);
      expect(from.readBigInt64LE()).toBe(5n);
      expect(offsetOf(call, fd)).toBe(6);
      expect(offsetOf(call, other)).toBe(3);
      call(nr.SYS_lseek, fd, 0, SEEK_SET);
      expect(call(nr.SYS_sendfile, other, fd, null, 2 ** 40)).toBe(6);
      expect(offsetOf(call, fd)).toBe(6);
      expect(content(sys, other)).toBe("cdeabcdef");
    });

    test("of nothing leaves the target's set-id bits", (sys, fd, call) => {
      const other = sys.open("other", O_CREAT | O_RDWR, 0o777);
      call(nr.SYS_fchmod, other, 0o6777);
      expect(call(nr.SYS_setresuid, 3000, 3000, 3000)).toBe(0);
      expect(call(nr.SYS_sendfile, other, fd, null, 0)).toBe(0);
      expect(call(nr.SYS_sendfile, other, fd, null, 10)).toBe(0);
      expect(sys.fstat(other)).toMatchObject({ mode: 0o106777 });
    });

    test("moves nothing from what has no pages", (_sys, fd, call) => {
      const counter = call(nr.SYS_eventfd2, 1, 0);
      expect(call(nr.SYS_sendfile, fd, counter, null, 0)).toBe(0);
      expect(call(nr.SYS_sendfile, fd, counter, null, 8)).toBe(-EINVAL);
      const pipe = Buffer.alloc(8);
      expect(call(nr.SYS_pipe2, pipe, 0)).toBe(0);
      expect(call(nr.SYS_sendfile, fd, pipe.readInt32LE(0), null, 0)).toBe(-EINVAL);
    });

    test("tells errors in Linux's order", (sys, fd, call) => {
      const reader = sys.open("file", O_RDONLY);
      const writer = sys.open("other", O_CREAT | O_WRONLY);
      const appending = sys.open("other", O_WRONLY | O_APPEND);
      const directory = sys.open(".", O_DIRECTORY);
      expect(call(nr.SYS_sendfile, 999, 999, NOWHERE, 1)).toBe(-EFAULT);
      expect(call(nr.SYS_sendfile, 999, writer, null, 1)).toBe(-EBADF);
      expect(call(nr.SYS_sendfile, reader, fd, null, 1)).toBe(-EBADF);
      expect(call(nr.SYS_sendfile, appending, fd, null, 1)).toBe(-EINVAL);
      expect(call(nr.SYS_sendfile, writer, directory, null, 1)).toBe(-EINVAL);
      expect(call(nr.SYS_sendfile, writer, fd, null, -1)).toBe(-EINVAL);
      expect(call(nr.SYS_sendfile, writer, fd, null, 0)).toBe(0);
    });
  });

  describe("calls that store or advise", () => {
    test("take files and directories", (sys, fd, call) => {
      const directory = sys.open(".", O_DIRECTORY);
      const reader = sys.open("file", O_RDONLY);
      for (const each of [fd, directory, reader]) {
        expect(call(nr.SYS_fsync, each)).toBe(0);
        expect(call(nr.SYS_fdatasync, each)).toBe(0);
        expect(call(nr.SYS_syncfs, each)).toBe(0);
        expect(call(nr.SYS_fadvise64, each, 0, 0, POSIX_FADV_NOREUSE)).toBe(0);
        for (const flags of [
          SYNC_FILE_RANGE_WAIT_BEFORE,
          SYNC_FILE_RANGE_WRITE,
          SYNC_FILE_RANGE_WAIT_AFTER,
          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER,
        ]) {
          expect(call(nr.SYS_sync_file_range, each, 0, 0, flags)).toBe(0);
        }
      }
      expect(call(nr.SYS_readahead, reader, 0, 100)).toBe(0);
      expect(call(nr.SYS_readahead, directory, 0, 100)).toBe(-EINVAL);
      expect(call(nr.SYS_readahead, sys.open("file", O_WRONLY), 0, 100)).toBe(-EBADF);
    });

    test("want a descriptor that is more than a place", (sys, _fd, call) => {
      for (const each of [999, sys.open("file", O_PATH)]) {
        expect(call(nr.SYS_fsync, each)).toBe(-EBADF);
        expect(call(nr.SYS_fdatasync, each)).toBe(-EBADF);
        expect(call(nr.SYS_syncfs, each)).toBe(-EBADF);
        expect(call(nr.SYS_fadvise64, each, 0, -1, 99)).toBe(-EBADF);
        expect(call(nr.SYS_sync_file_range, each, -1, 0, 99)).toBe(-EBADF);
        expect(call(nr.SYS_readahead, each, 0, 0)).toBe(-EBADF);
      }
    });

    test("check their arguments", (_sys, fd, call) => {
      expect(call(nr.SYS_fadvise64, fd, 0, 0, 6)).toBe(-EINVAL);
      expect(call(nr.SYS_fadvise64, fd, 0, -1, 0)).toBe(-EINVAL);
      expect(call(nr.SYS_fadvise64, fd, -1, 0, 0)).toBe(0);
      expect(call(nr.SYS_sync_file_range, fd, 0, 0, 8)).toBe(-EINVAL);
      expect(call(nr.SYS_sync_file_range, fd, -1, 0, 0)).toBe(-EINVAL);
      expect(call(nr.SYS_sync_file_range, fd, 0, -1, 0)).toBe(-EINVAL);
    });
  });

  describe("seeking to the end", () => {
    test("is where writes of another descriptor ended", (sys, fd, call) => {
      const other = sys.open("file", O_WRONLY);
      sys.write(other, "12345");
      expect(call(nr.SYS_lseek, fd, 0, SEEK_END)).toBe(5);
    });
  });
}
