import fs from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import * as errno from "../../assembly/abi/errno.ts";
import { AT_FDCWD, O_NONBLOCK, O_RDONLY, O_RDWR } from "../../assembly/abi/fcntl.ts";
import { POLLHUP, POLLIN, POLLNVAL, POLLOUT } from "../../assembly/abi/poll.ts";
import { closeNow, inThread, Memory, native, owned, pair } from "./support.ts";

const EPOLLIN = 0x001;
const EPOLLHUP = 0x010;
const EPOLLRDHUP = 0x2000;
const FOREVER = -1;

let memory: Memory;

beforeEach(() => {
  memory = new Memory(1);
});

function pollfds(...wanted: [fd: number, events: number][]): number {
  const offset = memory.room(wanted.length * 8);
  wanted.forEach(([fd, events], index) => {
    memory.view.setInt32(offset + index * 8, fd, true);
    memory.view.setInt16(offset + index * 8 + 4, events, true);
    memory.view.setInt16(offset + index * 8 + 6, -1, true);
  });
  return offset;
}

const revents = (offset: number, index: number) => memory.view.getInt16(offset + index * 8 + 6, true);

/** The flags of a descriptor as /proc shows them; FD_CLOEXEC is among them. */
function flagsOf(fd: number): number {
  return Number.parseInt(/flags:\s+(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1]!, 8);
}
const CLOEXEC = 0o2000000;

describe("descriptors", () => {
  test("dup is close-on-exec and survives the original", () => {
    const file = owned(native.openat(AT_FDCWD, 0, memory.name("/dev/null"), O_RDWR, 0));
    const copy = owned(native.dup(file));
    closeNow(file);
    expect(flagsOf(copy) & CLOEXEC).toBe(CLOEXEC);
    expect(native.write(copy, 0, 0, 1)).toBe(1);
  });

  test("a read gives up after the time that its socket has", () => {
    const [left, right] = pair(memory);
    expect(native.receiveTimeout(left, 0)).toBe(-errno.EINVAL);
    expect(native.receiveTimeout(left, -1)).toBe(-errno.EINVAL);
    expect(native.receiveTimeout(99999, 1)).toBe(-errno.EBADF);
    expect(native.receiveTimeout(left, 20)).toBe(0);
    const start = performance.now();
    expect(native.read(left, 0, 0, 1)).toBe(-errno.EAGAIN);
    expect(performance.now() - start).toBeGreaterThan(19);
    native.write(right, 0, 0, 1);
    expect(native.read(left, 0, 0, 1)).toBe(1);
  });

  test("flags are read and set", () => {
    const [left] = pair(memory);
    expect(native.fcntlGetFlags(left)).toBe(O_RDWR);
    expect(native.fcntlSetFlags(left, O_NONBLOCK)).toBe(0);
    expect(native.fcntlGetFlags(left)).toBe(O_RDWR | O_NONBLOCK);
    expect(native.read(left, 0, 0, 1)).toBe(-errno.EAGAIN);
  });

  test("a descriptor that is not open gives EBADF everywhere", () => {
    const none = 99999;
    expect(native.close(none)).toBe(-errno.EBADF);
    expect(native.dup(none)).toBe(-errno.EBADF);
    expect(native.fcntlGetFlags(none)).toBe(-errno.EBADF);
    expect(native.fcntlSetFlags(none, 0)).toBe(-errno.EBADF);
    expect(native.isatty(none)).toBe(-errno.EBADF);
    expect(native.eventfdSignal(none)).toBe(-errno.EBADF);
  });

  test("isatty tells a terminal from a file", () => {
    const file = owned(native.openat(AT_FDCWD, 0, memory.name("/dev/null"), O_RDONLY, 0));
    expect(native.isatty(file)).toBe(0);
    const terminal = owned(native.openat(AT_FDCWD, 0, memory.name("/dev/ptmx"), O_RDWR, 0));
    expect(native.isatty(terminal)).toBe(1);
  });
});

describe("eventfd", () => {
  test("is readable after a signal and not after a read", () => {
    const fd = owned(native.eventfd(0));
    const fds = pollfds([fd, POLLIN]);
    expect(flagsOf(fd) & CLOEXEC).toBe(CLOEXEC);
    expect(native.poll(0, fds, 1, 0, -1)).toBe(0);
    expect(native.eventfdSignal(fd)).toBe(0);
    expect(native.eventfdSignal(fd)).toBe(0);
    expect(native.poll(0, fds, 1, 0, -1)).toBe(1);
    expect(native.read(fd, 0, memory.room(8), 8)).toBe(8);
    expect(native.read(fd, 0, memory.room(8), 8)).toBe(-errno.EAGAIN);
    expect(native.poll(0, fds, 1, 0, -1)).toBe(0);
  });

  test("a full counter can still be signalled", () => {
    const fd = owned(native.eventfd(0));
    memory.view.setBigUint64(0, 0xfffffffffffffffen, true);
    expect(native.write(fd, 0, 0, 8)).toBe(8);
    expect(native.eventfdSignal(fd)).toBe(0);
  });
});

describe("poll", () => {
  test("reports each descriptor's events and nothing for negative numbers", () => {
    const [left, right] = pair(memory);
    const [other, gone] = pair(memory);
    closeNow(gone);
    native.write(right, 0, 0, 1);
    const fds = pollfds([left, POLLIN | POLLOUT], [right, POLLIN], [99999, POLLIN], [-1, POLLIN], [other, 0]);
    expect(native.poll(0, fds, 5, FOREVER, -1)).toBe(3);
    expect([0, 1, 2, 3, 4].map((index) => revents(fds, index))).toEqual([
      POLLIN | POLLOUT,
      0,
      POLLNVAL,
      0,
      POLLHUP,
    ]);
  });

  test("returns 0 when the time is over, not earlier", () => {
    const [left] = pair(memory);
    const start = performance.now();
    expect(native.poll(0, pollfds([left, POLLIN]), 1, 30_000_000, -1)).toBe(0);
    expect(performance.now() - start).toBeGreaterThanOrEqual(29);
    expect(native.poll(0, 0, 0, 1_000_000, -1)).toBe(0);
  });

  test("a cancel is EINTR unless something else is ready", () => {
    const [left, right] = pair(memory);
    const cancel = owned(native.eventfd(1));
    const fds = pollfds([left, POLLIN]);
    expect(native.poll(0, fds, 1, FOREVER, cancel)).toBe(-errno.EINTR);
    expect(revents(fds, 0)).toBe(0);
    native.write(right, 0, 0, 1);
    expect(native.poll(0, fds, 1, FOREVER, cancel)).toBe(1);
  });

  test("a cancel from another thread ends a sleep without an end", async () => {
    const [left] = pair(memory);
    const cancel = owned(native.eventfd(0));
    const signalled = inThread("pause(50); n.eventfdSignal(data);", cancel);
    expect(native.poll(0, pollfds([left, POLLIN]), 1, Number.POSITIVE_INFINITY, cancel)).toBe(-errno.EINTR);
    await signalled;
  });

  test("counts, times and spans are checked", () => {
    expect(native.poll(0, 0, 4097, 0, -1)).toBe(-errno.EINVAL);
    expect(native.poll(0, 0, -1, 0, -1)).toBe(-errno.EINVAL);
    expect(native.poll(0, 0, 0, -2, -1)).toBe(-errno.EINVAL);
    expect(native.poll(0, 0, 0, Number.NaN, -1)).toBe(-errno.EINVAL);
    expect(native.poll(0, memory.size - 7, 1, 0, -1)).toBe(-errno.EFAULT);
    expect(native.poll(0, 0, 0, 0, 99999)).toBe(-errno.EBADF);
  });
});

describe("epoll", () => {
  test("reports readable sockets by number, again until they are read", () => {
    const set = owned(native.epollCreate());
    const out = memory.room(64);
    const [left, right] = pair(memory);
    expect(flagsOf(set) & CLOEXEC).toBe(CLOEXEC);
    expect(native.epollAdd(set, left)).toBe(0);
    expect(native.epollAdd(set, left)).toBe(-errno.EEXIST);
    expect(native.epollWait(set, 0, out, 8, 0)).toBe(0);
    native.write(right, 0, 0, 1);
    for (let round = 0; round < 2; round++) {
      expect(native.epollWait(set, 0, out, 8, -1)).toBe(1);
      expect([memory.int(out), memory.int(out + 4)]).toEqual([left, EPOLLIN]);
    }
    expect(native.epollRemove(set, left)).toBe(0);
    expect(native.epollRemove(set, left)).toBe(-errno.ENOENT);
    expect(native.epollWait(set, 0, out, 8, 0)).toBe(0);
  });

  test("a peer that closed shows as a hang-up", () => {
    const set = owned(native.epollCreate());
    const out = memory.room(8);
    const [left, right] = pair(memory);
    native.epollAdd(set, left);
    closeNow(right);
    expect(native.epollWait(set, 0, out, 1, -1)).toBe(1);
    expect(memory.int(out + 4)).toBe(EPOLLIN | EPOLLRDHUP | EPOLLHUP);
  });

  test("what is no set, and no room, are errors", () => {
    const set = owned(native.epollCreate());
    const [left] = pair(memory);
    expect(native.epollWait(set, 0, 0, 0, 0)).toBe(-errno.EINVAL);
    expect(native.epollWait(set, 0, memory.size - 8, 2, 0)).toBe(-errno.EFAULT);
    expect(native.epollWait(left, 0, 0, 1, 0)).toBe(-errno.EINVAL);
    expect(native.epollWait(99999, 0, 0, 1, 0)).toBe(-errno.EBADF);
    expect(native.epollAdd(set, 99999)).toBe(-errno.EBADF);
  });
});
