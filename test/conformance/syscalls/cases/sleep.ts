// Calls that sleep: what one process does wakes the other; and a sleeper that is killed goes at once, with all that it held.

import { describe, expect, test } from "vitest";
import { EDEADLK, EIO, EPIPE } from "../../../../assembly/abi/errno.ts";
import {
  F_OFD_SETLKW,
  F_RDLCK,
  F_SETLKW,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_SH,
  LOCK_UN,
  O_CREAT,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import { IN_CREATE } from "../../../../assembly/abi/inotify.ts";
import { POLLHUP, POLLIN, POLLOUT } from "../../../../assembly/abi/poll.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { DescriptorCalls, lockBytes, pollBytes } from "../../../support/sys/descriptor-calls.ts";
import type { ConcurrentProcess, ConcurrentTarget, PendingCall } from "../../../support/sys/target.ts";
import { Pty, wait } from "./pty.ts";

/** A call that has not returned by then sleeps. */
const ASLEEP_MS = 30;
/** A killed process is gone by then, whatever else the machine does. */
const GONE_MS = 2000;
const EVENT_SIZE = 16;
const PAGE = 4096;

interface World {
  readonly target: ConcurrentTarget;
  /** The process that is awake. */
  readonly sys: DescriptorCalls;
  readonly sleeper: ConcurrentProcess;
  /** The sleeper's calls that return at once. */
  readonly other: DescriptorCalls;
}

interface Sleep {
  readonly call: PendingCall;
  /** Does what the call waits for. */
  wake(): void;
  /** What it gives then. */
  readonly result: number;
  /** What else must be true then. */
  readonly check?: () => void;
}

function pathOf(sys: DescriptorCalls, fd: number): string {
  return `/proc/${sys.readlink("/proc/self")}/fd/${fd}`;
}

/** A new pipe of the one that is awake: both its ends, and the sleeper's end. */
function sharedPipe({ sys, other }: World, flags: number): { reader: number; writer: number; fd: number } {
  const [reader, writer] = sys.pipe();
  const fd = other.open(pathOf(sys, flags === O_RDONLY ? reader : writer), flags);
  expect(fd).toBeGreaterThanOrEqual(0);
  return { reader, writer, fd };
}

/** Writes until there is no more room. */
function fill(sys: DescriptorCalls, fd: number): void {
  const again = sys.open(pathOf(sys, fd), O_WRONLY | O_NONBLOCK);
  while (sys.write(again, Buffer.alloc(PAGE)) > 0);
  sys.close(again);
}

/** Both open a file of that name. */
function sharedFile({ sys, other }: World): { mine: number; its: number } {
  const mine = sys.open("/file", O_CREAT | O_RDWR);
  return { mine, its: other.open("/file", O_RDWR) };
}

const SLEEPS: Record<string, (world: World) => Sleep> = {
  "a read of an empty pipe, until something is written": (world) => {
    const { writer, fd } = sharedPipe(world, O_RDONLY);
    const bytes = Buffer.alloc(10);
    return {
      call: world.sleeper.begin(nr.SYS_read, fd, bytes, bytes.length),
      wake: () => expect(world.sys.write(writer, "content")).toBe(7),
      result: 7,
      check: () => expect(bytes.toString("latin1", 0, 7)).toBe("content"),
    };
  },
  "a read of an empty pipe, until nobody writes any more": (world) => {
    const { writer, fd } = sharedPipe(world, O_RDONLY);
    return {
      call: world.sleeper.begin(nr.SYS_read, fd, Buffer.alloc(10), 10),
      wake: () => expect(world.sys.close(writer)).toBe(0),
      result: 0,
    };
  },
  "a write to a full pipe, until there is room": (world) => {
    const { reader, writer, fd } = sharedPipe(world, O_WRONLY);
    fill(world.sys, writer);
    return {
      call: world.sleeper.begin(nr.SYS_write, fd, Buffer.alloc(PAGE), PAGE),
      wake: () => expect(world.sys.read(reader, PAGE)).toHaveLength(PAGE),
      result: PAGE,
    };
  },
  "a write to a full pipe, until nobody reads any more": (world) => {
    const { reader, writer, fd } = sharedPipe(world, O_WRONLY);
    fill(world.sys, writer);
    return {
      call: world.sleeper.begin(nr.SYS_write, fd, Buffer.alloc(PAGE), PAGE),
      wake: () => expect(world.sys.close(reader)).toBe(0),
      result: -EPIPE,
    };
  },
  "sendfile to a full pipe, until there is room, for what fits then": (world) => {
    const { reader, writer, fd } = sharedPipe(world, O_WRONLY);
    const { mine, its } = sharedFile(world);
    const size = 32 * PAGE;
    expect(world.sys.write(mine, Buffer.alloc(size, 0x61))).toBe(size);
    fill(world.sys, writer);
    return {
      call: world.sleeper.begin(nr.SYS_sendfile, fd, its, null, size),
      wake: () => expect(world.sys.read(reader, size)).toHaveLength(16 * PAGE),
      result: 16 * PAGE,
      check: () => expect(world.sys.read(reader, 10)?.toString()).toBe("a".repeat(10)),
    };
  },
  "opening a FIFO for reading, until somebody opens it for writing": ({ sys, sleeper }) => {
    expect(sys.mkfifo("/fifo")).toBe(0);
    return {
      call: sleeper.begin(nr.SYS_openat, -100, "/fifo", O_RDONLY, 0),
      wake: () => expect(sys.open("/fifo", O_WRONLY)).toBeGreaterThanOrEqual(0),
      result: 0,
    };
  },
  "opening a FIFO for writing, until somebody opens it for reading": ({ sys, sleeper }) => {
    expect(sys.mkfifo("/fifo")).toBe(0);
    return {
      call: sleeper.begin(nr.SYS_openat, -100, "/fifo", O_WRONLY | O_CREAT, 0o600),
      wake: () => {
        // The directory is free meanwhile.
        expect(sys.close(sys.open("/new", O_CREAT | O_RDWR))).toBe(0);
        expect(sys.open("/fifo", O_RDONLY)).toBeGreaterThanOrEqual(0);
      },
      result: 0,
    };
  },
  "F_SETLKW, until the lock is freed": (world) => {
    const { mine, its } = sharedFile(world);
    expect(world.sys.setLock(mine, { type: F_RDLCK, start: 10, length: 10 })).toBe(0);
    const lock = lockBytes({ type: F_WRLCK, start: 19, length: 5 });
    return {
      call: world.sleeper.begin(nr.SYS_fcntl, its, F_SETLKW, lock),
      wake: () => expect(world.sys.setLock(mine, { type: F_UNLCK })).toBe(0),
      result: 0,
      check: () =>
        expect(world.sys.getLock(mine, { type: F_RDLCK })).toMatchObject({ type: F_WRLCK, start: 19 }),
    };
  },
  "F_SETLKW, until its owner closes the file by another descriptor": (world) => {
    const { mine, its } = sharedFile(world);
    expect(world.sys.setLock(mine, { type: F_WRLCK })).toBe(0);
    const another = world.sys.open("/file", O_RDONLY);
    return {
      call: world.sleeper.begin(nr.SYS_fcntl, its, F_SETLKW, lockBytes({ type: F_RDLCK })),
      wake: () => expect(world.sys.close(another)).toBe(0),
      result: 0,
    };
  },
  "F_OFD_SETLKW, until the description ends": (world) => {
    const { mine, its } = sharedFile(world);
    expect(world.sys.setLock(mine, { type: F_WRLCK }, F_OFD_SETLKW)).toBe(0);
    return {
      call: world.sleeper.begin(nr.SYS_fcntl, its, F_OFD_SETLKW, lockBytes({ type: F_RDLCK })),
      wake: () => expect(world.sys.close(mine)).toBe(0),
      result: 0,
    };
  },
  "flock, until the lock is freed": (world) => {
    const { mine, its } = sharedFile(world);
    expect(world.sys.flock(mine, LOCK_SH)).toBe(0);
    return {
      call: world.sleeper.begin(nr.SYS_flock, its, LOCK_EX),
      wake: () => expect(world.sys.flock(mine, LOCK_UN)).toBe(0),
      result: 0,
    };
  },
  "flock, until the lock is only shared": (world) => {
    const { mine, its } = sharedFile(world);
    expect(world.sys.flock(mine, LOCK_EX)).toBe(0);
    return {
      call: world.sleeper.begin(nr.SYS_flock, its, LOCK_SH),
      wake: () => expect(world.sys.flock(mine, LOCK_SH)).toBe(0),
      result: 0,
    };
  },
  "a read of a terminal, until the line is complete": ({ sys, other, sleeper }) => {
    const pty = new Pty(sys);
    const replica = other.open(pty.path, O_RDWR | O_NOCTTY);
    const bytes = Buffer.alloc(100);
    const call = sleeper.begin(nr.SYS_read, replica, bytes, bytes.length);
    pty.type("a li");
    return {
      call,
      wake: () => pty.type("ne\nand"),
      result: 7,
      check: () => expect(bytes.toString("latin1", 0, 7)).toBe("a line\n"),
    };
  },
  "a read of a raw terminal, until there are MIN bytes": ({ sys, other, sleeper }) => {
    const pty = new Pty(sys);
    pty.raw(3);
    const replica = other.open(pty.path, O_RDWR | O_NOCTTY);
    const call = sleeper.begin(nr.SYS_read, replica, Buffer.alloc(100), 100);
    pty.type("ab");
    return { call, wake: () => pty.type("c"), result: 3 };
  },
  "a read of a terminal, until its master goes": ({ sys, other, sleeper }) => {
    const pty = new Pty(sys);
    const replica = other.open(pty.path, O_RDWR | O_NOCTTY);
    const call = sleeper.begin(nr.SYS_read, replica, Buffer.alloc(100), 100);
    return { call, wake: () => expect(sys.close(pty.master)).toBe(0), result: -EIO };
  },
  "a read of a master, until the terminal shows something": ({ sys, other, sleeper }) => {
    const master = other.open("/pts/ptmx", O_RDWR | O_NOCTTY);
    expect(other.ioctl(master, 0x40045431, Buffer.alloc(4))).toBe(0);
    const number = Buffer.alloc(4);
    expect(other.ioctl(master, 0x80045430, number)).toBe(0);
    const replica = sys.open(`/pts/${number.readUInt32LE()}`, O_RDWR | O_NOCTTY);
    return {
      call: sleeper.begin(nr.SYS_read, master, Buffer.alloc(10), 10),
      wake: () => expect(sys.write(replica, "x")).toBe(1),
      result: 1,
    };
  },
  "poll of a pipe, until something is written": (world) => {
    const { writer, fd } = sharedPipe(world, O_RDONLY);
    const fds = pollBytes([{ fd, events: POLLIN }]);
    return {
      call: world.sleeper.begin(nr.SYS_poll, fds, 1, -1),
      wake: () => expect(world.sys.write(writer, "x")).toBe(1),
      result: 1,
      check: () => expect(fds.readUInt16LE(6)).toBe(POLLIN),
    };
  },
  "poll of several, until the other end of one goes": (world) => {
    const pipe = sharedPipe(world, O_RDONLY);
    const full = sharedPipe(world, O_WRONLY);
    fill(world.sys, full.writer);
    const fds = pollBytes([
      { fd: full.fd, events: POLLOUT },
      { fd: pipe.fd, events: POLLIN },
      { fd: world.other.eventfd(0), events: POLLIN },
    ]);
    return {
      call: world.sleeper.begin(nr.SYS_poll, fds, 3, 60_000),
      wake: () => expect(world.sys.close(pipe.writer)).toBe(0),
      result: 1,
      check: () => expect(fds.readUInt16LE(14)).toBe(POLLHUP),
    };
  },
  "a read of inotify, until a file is created": ({ sys, other, sleeper }) => {
    expect(sys.mkdir("/watched")).toBe(0);
    const fd = other.inotify();
    expect(other.addWatch(fd, "/watched", IN_CREATE)).toBe(1);
    const bytes = Buffer.alloc(100);
    return {
      call: sleeper.begin(nr.SYS_read, fd, bytes, bytes.length),
      wake: () => expect(sys.close(sys.open("/watched/a", O_CREAT | O_RDWR))).toBe(0),
      result: 2 * EVENT_SIZE,
      check: () => expect(bytes.readUInt32LE(4)).toBe(IN_CREATE),
    };
  },
  "poll of inotify, until a file is created": ({ sys, other, sleeper }) => {
    const fd = other.inotify();
    expect(other.addWatch(fd, "/", IN_CREATE)).toBe(1);
    return {
      call: sleeper.begin(nr.SYS_poll, pollBytes([{ fd, events: POLLIN }]), 1, -1),
      wake: () => expect(sys.mkdir("/new")).toBe(0),
      result: 1,
    };
  },
};

/** Those that nobody but their own process could wake: they end with it. */
const ENDLESS: Record<string, (world: World) => PendingCall> = {
  "a read of an eventfd at zero": ({ other, sleeper }) =>
    sleeper.begin(nr.SYS_read, other.eventfd(0), Buffer.alloc(8), 8),
  "a write to an eventfd that is full": ({ other, sleeper }) => {
    const fd = other.eventfd(0);
    const most = Buffer.alloc(8, 0xff);
    most[0] = 0xfe;
    expect(other.write(fd, most)).toBe(8);
    const one = Buffer.alloc(8);
    one[0] = 1;
    return sleeper.begin(nr.SYS_write, fd, one, 8);
  },
  "poll of nothing": ({ sleeper }) => sleeper.begin(nr.SYS_poll, Buffer.alloc(8), 0, -1),
};

export function sleepCases(make: () => ConcurrentTarget): void {
  function start(): World {
    const target = make();
    const sleeper = target.process();
    const other = new DescriptorCalls(sleeper);
    // A descriptor that a call returns has the number 0 in the sleeper, and in no other.
    const world = { target, sleeper, other, sys: new DescriptorCalls(target.process()) };
    expect(world.sys.open("/", O_RDONLY)).toBe(0);
    return world;
  }

  function expectAsleep(call: PendingCall): void {
    wait(ASLEEP_MS);
    expect(call.isDone()).toBe(false);
  }

  function kill(process: ConcurrentProcess): void {
    const before = performance.now();
    process.kill();
    expect(performance.now() - before).toBeLessThan(GONE_MS);
  }

  describe("sleeps", () => {
    test.each(Object.entries(SLEEPS))("%s", (_name, begin) => {
      const world = start();
      const { call, wake, result, check } = begin(world);
      expectAsleep(call);
      wake();
      expect(call.result()).toBe(result);
      check?.();
      world.target.end();
    });

    test.each([
      [40, 40],
      [0, 0],
    ])("poll with a timeout of %i ms, for that long", (timeout, least) => {
      const { target, sleeper, other } = start();
      const before = performance.now();
      const fds = pollBytes([{ fd: other.eventfd(0), events: POLLIN }]);
      expect(sleeper.begin(nr.SYS_poll, fds, 1, timeout).result()).toBe(0);
      expect(performance.now() - before).toBeGreaterThanOrEqual(least);
      target.end();
    });

    test("a read of a raw terminal with TIME and no MIN, for that long", () => {
      const { target, sys, other, sleeper } = start();
      const pty = new Pty(sys);
      pty.raw(0, 1);
      const replica = other.open(pty.path, O_RDWR | O_NOCTTY);
      const before = performance.now();
      expect(sleeper.begin(nr.SYS_read, replica, Buffer.alloc(10), 10).result()).toBe(0);
      expect(performance.now() - before).toBeGreaterThanOrEqual(90);
      target.end();
    });
  });

  describe("a sleeper that is killed goes at once", () => {
    test.each(Object.entries(SLEEPS))("%s", (_name, begin) => {
      const world = start();
      const { call } = begin(world);
      expectAsleep(call);
      kill(world.sleeper);
      world.target.end();
    });

    test.each(Object.entries(ENDLESS))("%s", (_name, begin) => {
      const world = start();
      expectAsleep(begin(world));
      kill(world.sleeper);
      world.target.end();
    });
  });

  describe("a process that is killed", () => {
    test("gives its locks to those who wait for them", () => {
      const { target, sys, other, sleeper } = start();
      const process = target.process();
      const third = new DescriptorCalls(process);
      const fds = [sys, other, third].map((each) => each.open("/file", O_CREAT | O_RDWR));
      expect(other.setLock(fds[1]!, { type: F_WRLCK })).toBe(0);
      expect(other.flock(fds[1]!, LOCK_EX)).toBe(0);
      const record = process.begin(nr.SYS_fcntl, fds[2]!, F_SETLKW, lockBytes({ type: F_WRLCK }));
      expectAsleep(record);
      kill(sleeper);
      expect(record.result()).toBe(0);
      expect(sys.flock(fds[0]!, LOCK_EX)).toBe(0);
      target.end();
    });

    test("leaves the place in the queue for a lock to the next", () => {
      const { target, sys, other, sleeper } = start();
      const process = target.process();
      const third = new DescriptorCalls(process);
      const fds = [sys, other, third].map((each) => each.open("/file", O_CREAT | O_RDWR));
      expect(sys.flock(fds[0]!, LOCK_EX)).toBe(0);
      const first = sleeper.begin(nr.SYS_flock, fds[1]!, LOCK_EX);
      expectAsleep(first);
      const second = process.begin(nr.SYS_flock, fds[2]!, LOCK_EX);
      expectAsleep(second);
      kill(sleeper);
      expect(sys.flock(fds[0]!, LOCK_UN)).toBe(0);
      expect(second.result()).toBe(0);
      target.end();
    });

    test("is no reader, writer or master any more", () => {
      const world = start();
      const { sys, sleeper, target } = world;
      const { writer, reader } = sharedPipe(world, O_RDONLY);
      expect(sys.close(reader)).toBe(0);
      expect(sys.write(writer, "x")).toBe(1);
      kill(sleeper);
      expect(sys.write(writer, "x")).toBe(-EPIPE);
      target.end();
    });
  });

  describe("a circle of waiting processes", () => {
    test("is EDEADLK for the one that would close it, and the others sleep on", () => {
      const { target, sys, other, sleeper } = start();
      const mine = sys.open("/file", O_CREAT | O_RDWR);
      const its = other.open("/file", O_RDWR);
      expect(sys.setLock(mine, { type: F_WRLCK, start: 0, length: 1 })).toBe(0);
      expect(other.setLock(its, { type: F_WRLCK, start: 1, length: 1 })).toBe(0);
      const first = lockBytes({ type: F_WRLCK, start: 0, length: 1 });
      const call = sleeper.begin(nr.SYS_fcntl, its, F_SETLKW, first);
      expectAsleep(call);
      expect(sys.setLock(mine, { type: F_WRLCK, start: 1, length: 1 }, F_SETLKW)).toBe(-EDEADLK);
      expectAsleep(call);
      expect(sys.setLock(mine, { type: F_UNLCK })).toBe(0);
      expect(call.result()).toBe(0);
      target.end();
    });

    test("of three is one too", () => {
      const { target, sys, other, sleeper } = start();
      const process = target.process();
      const third = new DescriptorCalls(process);
      const fds = [sys, other, third].map((each, index) => {
        const fd = each.open("/file", O_CREAT | O_RDWR);
        expect(each.setLock(fd, { type: F_WRLCK, start: index, length: 1 })).toBe(0);
        return fd;
      });
      const byte = (start: number): Buffer => lockBytes({ type: F_WRLCK, start, length: 1 });
      const call = sleeper.begin(nr.SYS_fcntl, fds[1]!, F_SETLKW, byte(0));
      expectAsleep(call);
      const next = process.begin(nr.SYS_fcntl, fds[2]!, F_SETLKW, byte(1));
      expectAsleep(next);
      expect(sys.setLock(fds[0]!, { type: F_WRLCK, start: 2, length: 1 }, F_SETLKW)).toBe(-EDEADLK);
      // Whoever goes takes the circle with it.
      kill(sleeper);
      expect(next.result()).toBe(0);
      target.end();
    });
  });
}
