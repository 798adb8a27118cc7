// Pipes, FIFOs and event counters. Nothing here blocks: all processes of our kernel run on one thread.

import { describe, expect, test } from "vitest";
import {
  EAGAIN,
  EBADF,
  EBUSY,
  EFAULT,
  EINVAL,
  ENOTTY,
  ENXIO,
  EPERM,
  EPIPE,
  ESPIPE,
} from "../../../../assembly/abi/errno.ts";
import {
  F_GETFD,
  F_GETFL,
  F_GETPIPE_SZ,
  F_SETFL,
  F_SETPIPE_SZ,
  FD_CLOEXEC,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import { IN_CREATE } from "../../../../assembly/abi/inotify.ts";
import { FIONREAD, TCGETS } from "../../../../assembly/abi/ioctl.ts";
import { POLLIN, POLLOUT } from "../../../../assembly/abi/poll.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { DescriptorCalls } from "../../../support/sys/descriptor-calls.ts";
import type { Target } from "../../../support/sys/target.ts";

const PAGE = 4096;
const CAPACITY = 65536;
const MAX = 1048576;
const EFD_SEMAPHORE = 1;

function bytes(length: number, seed = 0): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 7 + seed) & 0xff));
}

function u64(value: bigint): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(value);
  return out;
}

export function pipeCases(make: () => Target): void {
  function run(body: (sys: DescriptorCalls, target: Target) => void): () => void {
    return () => {
      const target = make();
      body(new DescriptorCalls(target.process()), target);
      target.end();
    };
  }

  describe("a pipe", () => {
    test(
      "gives what was written to it, in order, and then its end",
      run((sys) => {
        const [reader, writer] = sys.pipe();
        expect(sys.fcntl(reader, F_GETFL)).toBe(O_RDONLY);
        expect(sys.fcntl(writer, F_GETFL)).toBe(O_WRONLY);
        expect(sys.write(writer, "hello ")).toBe(6);
        expect(sys.write(writer, "world")).toBe(5);
        expect(sys.read(reader, 3)).toEqual(Buffer.from("hel"));
        expect(sys.read(reader, 100)).toEqual(Buffer.from("lo world"));
        expect(sys.write(writer, "last")).toBe(4);
        expect(sys.close(writer)).toBe(0);
        expect(sys.read(reader, 100)).toEqual(Buffer.from("last"));
        expect(sys.read(reader, 100)).toEqual(Buffer.alloc(0));
        expect(sys.read(reader, 100)).toEqual(Buffer.alloc(0));
      }),
    );

    test(
      "is a FIFO of its own number, with mode 600 and no size",
      run((sys) => {
        const [reader, writer] = sys.pipe(O_CLOEXEC);
        expect(sys.fstat(reader)).toMatchObject({ mode: 0o010600, size: 0, nlink: 1, uid: 0 });
        const other = sys.fstat(sys.pipe()[0]);
        const mine = sys.fstat(writer);
        if (typeof other === "number" || typeof mine === "number") throw new Error("fstat failed");
        expect(sys.fstat(reader)).toMatchObject({ ino: mine.ino, dev: mine.dev });
        expect(other.ino).not.toBe(mine.ino);
        expect(other.dev).toBe(mine.dev);
        expect(sys.fcntl(reader, F_GETFD)).toBe(FD_CLOEXEC);
        expect(sys.fcntl(writer, F_GETFD)).toBe(FD_CLOEXEC);
      }),
    );

    test(
      "cannot be read at its writing end, nor at a position",
      run((sys) => {
        const [reader, writer] = sys.pipe();
        expect(sys.read(writer, 1)).toBe(-EBADF);
        expect(sys.write(reader, "x")).toBe(-EBADF);
        expect(sys.pread(reader, 1, 0)).toBe(-ESPIPE);
        expect(sys.pwrite(writer, "x", 0)).toBe(-ESPIPE);
        expect(sys.pipe(O_APPEND)[0]).toBe(-EINVAL);
      }),
    );

    test(
      "does not block when told so",
      run((sys) => {
        const [reader, writer] = sys.pipe(O_NONBLOCK);
        expect(sys.fcntl(reader, F_GETFL)).toBe(O_NONBLOCK);
        expect(sys.read(reader, 1)).toBe(-EAGAIN);
        expect(sys.read(reader, 0)).toEqual(Buffer.alloc(0));
        expect(sys.write(writer, "")).toBe(0);
        expect(sys.write(writer, bytes(CAPACITY + 1000))).toBe(CAPACITY);
        expect(sys.write(writer, "x")).toBe(-EAGAIN);
        expect(sys.read(reader, 100)).toEqual(bytes(100));
        expect(sys.write(writer, "x")).toBe(-EAGAIN);
        expect(sys.read(reader, PAGE - 100)).toEqual(bytes(PAGE).subarray(100));
        expect(sys.write(writer, bytes(PAGE + 1))).toBe(PAGE);
        expect(sys.write(writer, "")).toBe(0);
        sys.close(writer);
        expect(sys.read(reader, 1)).toEqual(bytes(CAPACITY).subarray(PAGE, PAGE + 1));
      }),
    );

    test(
      "fills pages: a write goes on in the last one when it fits there, in one piece",
      run((sys) => {
        const [reader, writer] = sys.pipe(O_NONBLOCK);
        for (let i = 0; i < 16; i++) expect(sys.write(writer, bytes(3000, i))).toBe(3000);
        expect(sys.write(writer, bytes(3000))).toBe(-EAGAIN);
        expect(sys.write(writer, bytes(1097))).toBe(-EAGAIN);
        expect(sys.write(writer, bytes(1096, 99))).toBe(1096);
        expect(sys.poll([{ fd: writer, events: POLLOUT }])).toEqual([0, 0]);
        expect(sys.read(reader, 3000)).toEqual(bytes(3000, 0));
        expect(sys.poll([{ fd: writer, events: POLLOUT }])).toEqual([1, POLLOUT]);
        expect(sys.write(writer, bytes(PAGE, 5))).toBe(PAGE);
        expect(sys.write(writer, "x")).toBe(-EAGAIN);
        const all = sys.read(reader, CAPACITY);
        expect(all).toHaveProperty("length", 15 * 3000 + 1096 + PAGE);
        expect((all as Buffer).subarray(-PAGE)).toEqual(bytes(PAGE, 5));
      }),
    );

    test(
      "a large write fills the last page first and then takes what room there is",
      run((sys) => {
        const [reader, writer] = sys.pipe(O_NONBLOCK);
        expect(sys.write(writer, "abc")).toBe(3);
        expect(sys.write(writer, bytes(CAPACITY))).toBe(15 * PAGE);
        expect(sys.read(reader, CAPACITY)).toHaveProperty("length", 3 + 15 * PAGE);
        expect(sys.write(writer, "abc")).toBe(3);
        expect(sys.write(writer, bytes(CAPACITY + 50))).toBe(50 + 15 * PAGE);
        expect(sys.read(reader, 2 * CAPACITY)).toHaveProperty("length", 53 + 15 * PAGE);
      }),
    );

    test(
      "sendfile puts each page of a file into a place of its own, and asks for one first",
      run((sys) => {
        const send = (to: number, from: number, count: number) =>
          sys.process.syscall(nr.SYS_sendfile, to, from, null, count);
        const [reader, writer] = sys.pipe(O_NONBLOCK);
        const fd = sys.open("source", O_CREAT | O_RDWR);
        sys.write(fd, bytes(5 * PAGE));
        sys.process.syscall(nr.SYS_lseek, fd, PAGE - 10, 0);
        expect(send(writer, fd, 20)).toBe(20);
        expect(sys.write(writer, "x")).toBe(1);
        expect(sys.write(writer, "y")).toBe(1);
        expect(sys.write(writer, bytes(13 * PAGE))).toBe(13 * PAGE);
        expect(sys.write(writer, bytes(PAGE))).toBe(-EAGAIN);
        expect(send(writer, fd, 0)).toBe(-EAGAIN);
        expect(sys.read(reader, 22)).toHaveProperty("length", 22);
        expect(send(writer, fd, 8 * PAGE)).toBe(PAGE - 10 + 2 * PAGE);
        expect(send(writer, sys.open(".", 0), 0)).toBe(-EAGAIN);
        sys.close(reader);
        expect(send(writer, fd, 0)).toBe(-EPIPE);
        const [other, end] = sys.pipe(O_NONBLOCK);
        expect(send(end, sys.open(".", 0), 0)).toBe(0);
        expect(send(end, sys.open(".", 0), 1)).toBe(-EINVAL);
        expect(send(end, other, 1)).toBe(-EINVAL);
      }),
    );

    test(
      "nobody who reads is EPIPE, also when it is full",
      run((sys) => {
        const [reader, writer] = sys.pipe(O_NONBLOCK);
        const twin = sys.dup(reader);
        sys.write(writer, bytes(CAPACITY));
        sys.close(reader);
        expect(sys.write(writer, "x")).toBe(-EAGAIN);
        sys.close(twin);
        expect(sys.write(writer, "x")).toBe(-EPIPE);
        expect(sys.write(writer, "")).toBe(0);
      }),
    );

    test(
      "with O_DIRECT keeps writes apart, and loses what a read does not take of one",
      run((sys) => {
        const [reader, writer] = sys.pipe(O_DIRECT | O_NONBLOCK);
        expect(sys.fcntl(writer, F_GETFL)).toBe(O_WRONLY | O_DIRECT | O_NONBLOCK);
        expect(sys.write(writer, "first")).toBe(5);
        expect(sys.write(writer, "second")).toBe(6);
        expect(sys.write(writer, bytes(PAGE + 10))).toBe(PAGE + 10);
        expect(sys.read(reader, 3)).toEqual(Buffer.from("fir"));
        expect(sys.read(reader, 100)).toEqual(Buffer.from("second"));
        expect(sys.read(reader, 2 * PAGE)).toEqual(bytes(PAGE));
        expect(sys.read(reader, 2 * PAGE)).toHaveProperty("length", 10);
        expect(sys.fcntl(writer, F_SETFL, O_NONBLOCK)).toBe(0);
        expect(sys.write(writer, "a")).toBe(1);
        expect(sys.write(writer, "b")).toBe(1);
        expect(sys.read(reader, 10)).toEqual(Buffer.from("ab"));
      }),
    );

    test(
      "has a capacity that can be changed, in powers of two of pages",
      run((sys, target) => {
        const [reader, writer] = sys.pipe(O_NONBLOCK);
        expect(sys.fcntl(reader, F_GETPIPE_SZ)).toBe(CAPACITY);
        expect(sys.fcntl(reader, F_SETPIPE_SZ, 100000)).toBe(2 * CAPACITY);
        expect(sys.fcntl(writer, F_GETPIPE_SZ)).toBe(2 * CAPACITY);
        expect(sys.fcntl(writer, F_SETPIPE_SZ, 0)).toBe(PAGE);
        expect(sys.fcntl(writer, F_SETPIPE_SZ, PAGE + 1)).toBe(2 * PAGE);
        expect(sys.write(writer, bytes(3 * PAGE))).toBe(2 * PAGE);
        expect(sys.fcntl(writer, F_SETPIPE_SZ, PAGE)).toBe(-EBUSY);
        expect(sys.read(reader, 100)).toEqual(bytes(100));
        expect(sys.fcntl(writer, F_SETPIPE_SZ, MAX)).toBe(MAX);
        expect(sys.write(writer, bytes(MAX))).toBe(MAX - 2 * PAGE);
        expect(sys.read(reader, 2 * PAGE)).toEqual(
          Buffer.concat([bytes(2 * PAGE).subarray(100), bytes(MAX).subarray(0, 100)]),
        );
        expect(sys.fcntl(writer, F_SETPIPE_SZ, 0x80000001)).toBe(-EINVAL);
        expect(sys.fcntl(writer, F_SETPIPE_SZ, -1)).toBe(-EINVAL);
        const poor = new DescriptorCalls(target.process({ uid: 1000, gid: 1000 }));
        const [end] = poor.pipe();
        expect(poor.fcntl(end, F_SETPIPE_SZ, MAX)).toBe(MAX);
        expect(poor.fcntl(end, F_SETPIPE_SZ, MAX + 1)).toBe(-EPERM);
      }),
    );
  });

  describe("a FIFO", () => {
    test(
      "joins those who open its name",
      run((sys, target) => {
        expect(sys.mkfifo("fifo", 0o666)).toBe(0);
        const other = new DescriptorCalls(target.process());
        expect(sys.open("fifo", O_WRONLY | O_NONBLOCK)).toBe(-ENXIO);
        const reader = sys.open("fifo", O_RDONLY | O_NONBLOCK);
        expect(reader).toBeGreaterThanOrEqual(0);
        expect(sys.read(reader, 1)).toEqual(Buffer.alloc(0));
        const writer = other.open("fifo", O_WRONLY);
        expect(writer).toBeGreaterThanOrEqual(0);
        expect(sys.read(reader, 1)).toBe(-EAGAIN);
        expect(other.write(writer, "through")).toBe(7);
        expect(sys.read(reader, 100)).toEqual(Buffer.from("through"));
        expect(other.close(writer)).toBe(0);
        expect(sys.read(reader, 1)).toEqual(Buffer.alloc(0));
        const again = other.open("fifo", O_WRONLY | O_NONBLOCK);
        expect(sys.close(reader)).toBe(0);
        expect(other.write(again, "x")).toBe(-EPIPE);
      }),
    );

    test(
      "opened for both never blocks, and forgets what was in it with its last close",
      run((sys) => {
        expect(sys.mkfifo("fifo")).toBe(0);
        const both = sys.open("fifo", O_RDWR);
        expect(sys.write(both, "abc")).toBe(3);
        expect(sys.read(both, 2)).toEqual(Buffer.from("ab"));
        const second = sys.open("fifo", O_RDONLY);
        expect(sys.read(second, 2)).toEqual(Buffer.from("c"));
        expect(sys.write(both, "left")).toBe(4);
        sys.close(both);
        sys.close(second);
        const reader = sys.open("fifo", O_RDONLY | O_NONBLOCK);
        expect(sys.read(reader, 10)).toEqual(Buffer.alloc(0));
        expect(sys.stat("fifo")).toMatchObject({ mode: 0o010644, size: 0 });
      }),
    );

    test(
      "is one pipe under all its names, and lives on without any",
      run((sys) => {
        expect(sys.mkfifo("fifo")).toBe(0);
        expect(sys.link("fifo", "name")).toBe(0);
        const reader = sys.open("fifo", O_RDONLY | O_NONBLOCK);
        const writer = sys.open("name", O_WRONLY);
        sys.unlink("fifo");
        sys.unlink("name");
        expect(sys.write(writer, "xyz")).toBe(3);
        expect(sys.read(reader, 10)).toEqual(Buffer.from("xyz"));
      }),
    );
  });

  describe("the bytes that wait to be read (FIONREAD)", () => {
    const waiting = (sys: DescriptorCalls, fd: number): number => {
      const out = Buffer.alloc(4);
      const result = sys.ioctl(fd, FIONREAD, out);
      return result < 0 ? result : out.readUInt32LE();
    };

    test(
      "are told of both ends of a pipe, across pages and behind a partial read",
      run((sys) => {
        const [reader, writer] = sys.pipe();
        expect(waiting(sys, reader)).toBe(0);
        sys.write(writer, bytes(PAGE + 5));
        sys.write(writer, "more");
        expect([waiting(sys, reader), waiting(sys, writer)]).toEqual([PAGE + 9, PAGE + 9]);
        sys.read(reader, 10);
        expect(waiting(sys, reader)).toBe(PAGE - 1);
        expect(sys.ioctl(reader, FIONREAD, null)).toBe(-EFAULT);
        expect(sys.ioctl(reader, TCGETS, Buffer.alloc(64))).toBe(-ENOTTY);
      }),
    );

    test(
      "are told of a FIFO and an inotify instance, and not of an event counter",
      run((sys) => {
        sys.mkfifo("fifo");
        const fifo = sys.open("fifo", O_RDWR);
        sys.write(fifo, "abc");
        expect(waiting(sys, fifo)).toBe(3);
        const instance = sys.inotify();
        sys.addWatch(instance, ".", IN_CREATE);
        expect(waiting(sys, instance)).toBe(0);
        sys.mkdir("a-name-of-sixteen");
        sys.mkdir("b");
        expect(waiting(sys, instance)).toBe(16 + 32 + 16 + 16);
        expect(waiting(sys, sys.eventfd(1))).toBe(-ENOTTY);
      }),
    );
  });

  describe("an event counter", () => {
    test(
      "adds up what is written and gives it at once",
      run((sys) => {
        const fd = sys.eventfd(3, O_NONBLOCK | O_CLOEXEC);
        expect(sys.fcntl(fd, F_GETFD)).toBe(FD_CLOEXEC);
        expect(sys.fcntl(fd, F_GETFL)).toBe(O_RDWR | O_NONBLOCK);
        expect(sys.write(fd, u64(4n))).toBe(8);
        expect(sys.read(fd, 20)).toEqual(u64(7n));
        expect(sys.read(fd, 8)).toBe(-EAGAIN);
        expect(sys.read(fd, 7)).toBe(-EINVAL);
        expect(sys.write(fd, "short")).toBe(-EINVAL);
        expect(sys.write(fd, Buffer.concat([u64(5n), u64(6n)]))).toBe(-EINVAL);
        expect(sys.write(fd, u64(5n))).toBe(8);
        expect(sys.read(fd, 8)).toEqual(u64(5n));
        expect(sys.pread(fd, 8, 0)).toBe(-ESPIPE);
        expect(sys.eventfd(0, O_APPEND)).toBe(-EINVAL);
        expect(sys.fstat(fd)).toMatchObject({ mode: 0o600, size: 0 });
      }),
    );

    test(
      "is full one below its greatest value",
      run((sys) => {
        const fd = sys.eventfd(0, O_NONBLOCK);
        expect(sys.write(fd, u64(0xffffffffffffffffn))).toBe(-EINVAL);
        expect(sys.write(fd, u64(0xfffffffffffffffen))).toBe(8);
        expect(sys.write(fd, u64(0n))).toBe(8);
        expect(sys.write(fd, u64(1n))).toBe(-EAGAIN);
        expect(sys.poll([{ fd, events: POLLIN | POLLOUT }])).toEqual([1, POLLIN]);
        expect(sys.read(fd, 8)).toEqual(u64(0xfffffffffffffffen));
        expect(sys.poll([{ fd, events: POLLIN | POLLOUT }])).toEqual([1, POLLOUT]);
        const most = sys.eventfd(0xffffffff, O_NONBLOCK);
        expect(sys.read(most, 8)).toEqual(u64(0xffffffffn));
      }),
    );

    test(
      "as a semaphore gives one at a time",
      run((sys) => {
        const fd = sys.eventfd(2, EFD_SEMAPHORE | O_NONBLOCK);
        expect(sys.read(fd, 8)).toEqual(u64(1n));
        expect(sys.read(fd, 8)).toEqual(u64(1n));
        expect(sys.read(fd, 8)).toBe(-EAGAIN);
      }),
    );
  });
}
