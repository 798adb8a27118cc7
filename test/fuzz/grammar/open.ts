// Opening, closing and duplicating descriptors. Whatever could sleep for ever is asked not to.

import * as f from "../../../assembly/abi/fcntl.ts";
import { FD_MAX } from "../../../assembly/abi/limits.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import type { Generator, Rule } from "../generator.ts";
import type { FileType } from "../model.ts";
import type { StepArgument } from "../step.ts";

const F_DUPFD = 0;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_GETLK = 5;
const F_SETLK = 6;
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_DUPFD_CLOEXEC = 1030;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const FIONREAD = 0x541b;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const RESOLVE = [0x01, 0x02, 0x04, 0x08, 0x10] as const;

function openFlags(g: Generator): number {
  const access = g.random.weighted([
    [6, f.O_RDWR],
    [4, f.O_RDONLY],
    [2, f.O_WRONLY],
    [0, 3],
  ]);
  const common = g.random.bits([f.O_APPEND, f.O_TRUNC, f.O_NOFOLLOW, f.O_CLOEXEC], 0.12);
  const rare = g.random.bits([f.O_DIRECTORY, f.O_PATH, f.O_NOATIME, f.O_SYNC, f.O_NOCTTY], 0.03);
  const create = g.random.chance(0.5) ? f.O_CREAT | (g.random.chance(0.2) ? f.O_EXCL : 0) : 0;
  return access | common | rare | create | f.O_NONBLOCK;
}

/** What the last open found, as far as its flags and the model tell. */
function noteOpened(g: Generator, result: number, path: string, flags: number): void {
  if (result < 0) return;
  if (flags & f.O_CREAT && !g.model.files.has(path)) g.model.add(path, "f");
  const type: FileType = flags & f.O_DIRECTORY ? "d" : (g.model.files.get(path) ?? "f");
  g.opened(result, path, type);
}

function openAt(g: Generator): void {
  const flags = openFlags(g);
  const { dir, path, absolute } = flags & f.O_CREAT ? g.freshPlace() : g.place();
  noteOpened(g, g.call(nr.SYS_openat, [dir, path, flags, g.mode()]), absolute, flags);
}

function openDirectory(g: Generator): void {
  const { dir, path, absolute } = g.place("d");
  const flags = f.O_DIRECTORY | (g.random.chance(0.2) ? f.O_PATH : 0);
  noteOpened(g, g.call(nr.SYS_openat, [dir, path, flags, 0]), absolute, flags);
}

function unnamed(g: Generator): void {
  const { dir, path } = g.place("d");
  const flags = f.O_TMPFILE | (g.random.chance(0.9) ? f.O_RDWR : f.O_RDONLY) | g.random.bits([f.O_EXCL], 0.2);
  g.opened(g.call(nr.SYS_openat, [dir, path, flags, g.mode()]), "/?", "f");
}

function openHow(flags: number, mode: number, resolve: number): Buffer {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags >>> 0), 0);
  how.writeBigUInt64LE(BigInt(mode), 8);
  how.writeBigUInt64LE(BigInt(resolve), 16);
  return how;
}

function open2(g: Generator): void {
  const flags = openFlags(g);
  const { dir, path, absolute } = g.place();
  const mode = flags & f.O_CREAT || g.random.chance(0.05) ? g.mode() : 0;
  const how = openHow(flags, mode, g.random.bits(RESOLVE, 0.2));
  const size = g.random.weighted([
    [20, 24],
    [1, 16],
    [1, 23],
  ]);
  noteOpened(g, g.call(nr.SYS_openat2, [dir, path, how, size]), absolute, flags);
}

function lock(g: Generator): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeInt16LE(g.random.below(3), 0);
  bytes.writeInt16LE(g.random.below(3), 2);
  bytes.writeBigInt64LE(BigInt(g.random.pick([0, 0, 5, 100, 4096])), 8);
  bytes.writeBigInt64LE(BigInt(g.random.pick([0, 0, 1, 10, 100])), 16);
  return bytes;
}

function duplicate(g: Generator, number: number, from: ReturnType<Generator["fd"]>, ...rest: number[]): void {
  const known = g.knownFd(from);
  const result = g.call(number, [from, ...rest]);
  if (known !== undefined) g.opened(result, known.path, known.type);
}

/** A descriptor's number for dup2(): 0 to 60, some of which are open. */
function target(g: Generator): number {
  return g.random.chance(0.05) ? g.random.pick([-1, FD_MAX, FD_MAX + 1]) : g.random.below(60);
}

/** A file of memfd_create(2), which may be sealed. */
function memory(g: Generator): StepArgument {
  const name = g.random.chance(0.1) ? "m".repeat(250) : "memory";
  const flags = g.random.bits([1, 2], 0.5) | (g.random.chance(0.05) ? 0x40000000 : 0);
  g.opened(g.call(nr.SYS_memfd_create, [name, flags]), "/?", "f");
  return { fd: g.lastId };
}

export const OPEN_RULES: readonly Rule[] = [
  { name: "openat", number: nr.SYS_openat, weight: 60, run: openAt },
  { name: "openat O_DIRECTORY", number: nr.SYS_openat, weight: 20, run: openDirectory },
  { name: "openat O_TMPFILE", number: nr.SYS_openat, weight: 4, run: unnamed },
  { name: "openat2", number: nr.SYS_openat2, weight: 15, run: open2 },
  {
    name: "open",
    number: nr.SYS_open,
    weight: 15,
    run(g) {
      const flags = openFlags(g);
      const absolute = g.absolute();
      noteOpened(g, g.call(nr.SYS_open, [g.plain(absolute), flags, g.mode()]), absolute, flags);
    },
  },
  {
    name: "creat",
    number: nr.SYS_creat,
    weight: 6,
    run(g) {
      if (g.model.hasFifo) return;
      const absolute = g.random.chance(0.5) ? g.fresh() : g.absolute("f");
      noteOpened(g, g.call(nr.SYS_creat, [g.plain(absolute), g.mode()]), absolute, f.O_CREAT);
    },
  },
  {
    name: "close",
    number: nr.SYS_close,
    weight: 40,
    run(g) {
      const fd = g.fd();
      g.call(nr.SYS_close, [fd]);
      g.closed(fd);
    },
  },
  {
    name: "close_range",
    number: nr.SYS_close_range,
    weight: 1,
    run(g) {
      const first = g.random.below(60);
      // To -1 would be to the last of all, and close the oracle's own.
      const last = Math.max(first + g.random.below(4) - 1, 0);
      g.call(nr.SYS_close_range, [
        first,
        last,
        g.random.weighted([
          [4, 0],
          [2, 4],
          [1, 1],
        ]),
      ]);
    },
  },
  { name: "dup", number: nr.SYS_dup, weight: 4, run: (g) => duplicate(g, nr.SYS_dup, g.fd()) },
  { name: "dup2", number: nr.SYS_dup2, weight: 3, run: (g) => duplicate(g, nr.SYS_dup2, g.fd(), target(g)) },
  {
    name: "dup3",
    number: nr.SYS_dup3,
    weight: 3,
    run: (g) => duplicate(g, nr.SYS_dup3, g.fd(), target(g), g.random.pick([0, f.O_CLOEXEC, 1])),
  },
  {
    name: "fcntl F_DUPFD",
    number: nr.SYS_fcntl,
    weight: 3,
    run: (g) =>
      duplicate(
        g,
        nr.SYS_fcntl,
        g.fd(),
        g.random.pick([F_DUPFD, F_DUPFD_CLOEXEC]),
        g.random.pick([0, 3, 50, -1, FD_MAX + 1]),
      ),
  },
  {
    name: "fcntl F_GETFL",
    number: nr.SYS_fcntl,
    weight: 4,
    run: (g) => g.call(nr.SYS_fcntl, [g.fd(), g.random.pick([F_GETFL, F_GETFD]), 0]),
  },
  {
    name: "fcntl F_SETFL",
    number: nr.SYS_fcntl,
    weight: 3,
    run(g) {
      const flags = f.O_NONBLOCK | g.random.bits([f.O_APPEND, f.O_NOATIME, f.O_TRUNC, f.O_RDWR], 0.3);
      g.call(nr.SYS_fcntl, [g.fd(), F_SETFL, flags]);
    },
  },
  {
    name: "fcntl F_SETFD",
    number: nr.SYS_fcntl,
    weight: 1,
    run: (g) => g.call(nr.SYS_fcntl, [g.fd(), F_SETFD, g.random.below(2)]),
  },
  {
    name: "fcntl F_SETLK",
    number: nr.SYS_fcntl,
    weight: 5,
    run: (g) => g.call(nr.SYS_fcntl, [g.fd("f"), g.random.pick([F_SETLK, F_OFD_SETLK]), lock(g)]),
  },
  {
    name: "fcntl F_GETLK",
    number: nr.SYS_fcntl,
    weight: 3,
    run: (g) => g.call(nr.SYS_fcntl, [g.fd("f"), g.random.pick([F_GETLK, F_OFD_GETLK]), lock(g)]),
  },
  {
    name: "fcntl seals",
    number: nr.SYS_fcntl,
    weight: 2,
    run(g) {
      const fd = g.lacks.has("seals") ? memory(g) : g.fd("f");
      g.call(nr.SYS_fcntl, [fd, g.random.pick([F_ADD_SEALS, F_GET_SEALS]), g.random.below(64)]);
    },
  },
  {
    name: "fcntl of a pipe's size",
    number: nr.SYS_fcntl,
    weight: 2,
    run(g) {
      const size = g.random.pick([0, 1, 4096, 5000, 65536, 131072, -1]);
      g.call(nr.SYS_fcntl, [g.fd("s"), g.random.pick([F_SETPIPE_SZ, F_GETPIPE_SZ]), size]);
    },
  },
  {
    name: "ioctl FIONREAD",
    number: nr.SYS_ioctl,
    weight: 2,
    run: (g) => g.call(nr.SYS_ioctl, [g.fd(g.random.pick(["s", "f", "i"])), FIONREAD, { out: 4 }], "out"),
  },
  {
    name: "flock",
    number: nr.SYS_flock,
    weight: 3,
    run: (g) => g.call(nr.SYS_flock, [g.fd("f"), 4 | g.random.pick([1, 2, 8, 0])]),
  },
  {
    name: "memfd_create",
    number: nr.SYS_memfd_create,
    weight: 2,
    run: memory,
  },
  {
    name: "pipe2",
    number: nr.SYS_pipe2,
    weight: 2,
    run(g) {
      const result = g.call(
        nr.SYS_pipe2,
        [{ out: 8 }, f.O_NONBLOCK | g.random.bits([f.O_CLOEXEC], 0.3)],
        "out",
      );
      g.opened(result, "/?", "s", 0);
      g.opened(result, "/?", "s", 1);
    },
  },
  {
    name: "eventfd2",
    number: nr.SYS_eventfd2,
    weight: 1,
    run(g) {
      // Not kept: all event counters are one file to stat(2), as old as the system.
      const flags = f.O_NONBLOCK | g.random.bits([1], 0.3);
      const ref = g.call(nr.SYS_eventfd2, [g.random.below(4), flags]) < 0 ? -1 : { fd: g.lastId };
      const amount = Buffer.alloc(8, g.random.pick([0, 1, 255]));
      g.call(nr.SYS_write, [ref, amount, 8]);
      g.call(nr.SYS_read, [ref, { out: 8 }, g.random.pick([8, 4])], "bytes");
      g.call(nr.SYS_close, [ref]);
    },
  },
  {
    name: "lseek",
    number: nr.SYS_lseek,
    weight: 15,
    run(g) {
      const whence = g.random.weighted([
        [4, f.SEEK_SET],
        [2, f.SEEK_CUR],
        [2, f.SEEK_END],
        [3, SEEK_DATA],
        [3, SEEK_HOLE],
        [1, 9],
      ]);
      // A directory's positions are each file system's own.
      g.call(nr.SYS_lseek, [g.fd("f"), g.offset(), whence], whence === f.SEEK_CUR ? "outcome" : "result");
    },
  },
];
