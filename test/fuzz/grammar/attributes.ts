// Attributes: asked for and changed; extended ones too.

import * as f from "../../../assembly/abi/fcntl.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import type { Generator, Rule } from "../generator.ts";
import type { StepArgument } from "../step.ts";
import type { ViewName } from "../view.ts";

const STAT: StepArgument = { out: 144 };
const AT_EACCESS = 0x200;
const XATTRS = [
  "user.a",
  "user.b",
  "user.c",
  "trusted.x",
  "security.x",
  "user.",
  "bogus.x",
  "",
  `user.${"n".repeat(250)}`,
  `user.${"n".repeat(251)}`,
] as const;

function statFlags(g: Generator): number {
  return g.random.bits([f.AT_SYMLINK_NOFOLLOW, f.AT_EMPTY_PATH, f.AT_NO_AUTOMOUNT], 0.25);
}

function xattrName(g: Generator): string {
  return g.random.chance(0.8) ? g.random.pick(XATTRS.slice(0, 4)) : g.random.pick(XATTRS);
}

function setXattr(number: number, subject: (g: Generator) => StepArgument): Rule["run"] {
  return (g) => {
    const value = Buffer.alloc(g.random.pick([0, 1, 10, 200, 4000]), "v");
    const size = g.random.chance(0.02) ? 65537 : value.length;
    const flags = g.random.weighted([
      [8, 0],
      [2, 1],
      [2, 2],
      [1, 4],
    ]);
    const room = size > value.length ? Buffer.alloc(size) : value;
    g.call(number, [subject(g), xattrName(g), room, size, flags]);
  };
}

function getXattr(number: number, subject: (g: Generator) => StepArgument): Rule["run"] {
  return (g) => {
    const size = g.random.pick([0, 1, 100, 4096]);
    g.call(
      number,
      [subject(g), xattrName(g), { out: Math.max(size, 1) }, size],
      size > 0 ? "bytes" : "result",
    );
  };
}

function listXattr(number: number, subject: (g: Generator) => StepArgument): Rule["run"] {
  return (g) => {
    const size = g.random.pick([0, 10, 1000]);
    const view: ViewName = size > 0 ? "names" : "result";
    g.call(number, [subject(g), { out: Math.max(size, 1) }, size], view);
  };
}

function removeXattr(number: number, subject: (g: Generator) => StepArgument): Rule["run"] {
  return (g) => g.call(number, [subject(g), xattrName(g)]);
}

const byPath = (g: Generator): StepArgument => g.plain(g.absolute());
const byFd = (g: Generator): StepArgument => g.fd();

const XATTR_RULES: readonly Rule[] = [
  { name: "setxattr", number: nr.SYS_setxattr, weight: 4, run: setXattr(nr.SYS_setxattr, byPath) },
  { name: "lsetxattr", number: nr.SYS_lsetxattr, weight: 3, run: setXattr(nr.SYS_lsetxattr, byPath) },
  { name: "fsetxattr", number: nr.SYS_fsetxattr, weight: 4, run: setXattr(nr.SYS_fsetxattr, byFd) },
  { name: "getxattr", number: nr.SYS_getxattr, weight: 4, run: getXattr(nr.SYS_getxattr, byPath) },
  { name: "lgetxattr", number: nr.SYS_lgetxattr, weight: 2, run: getXattr(nr.SYS_lgetxattr, byPath) },
  { name: "fgetxattr", number: nr.SYS_fgetxattr, weight: 3, run: getXattr(nr.SYS_fgetxattr, byFd) },
  { name: "listxattr", number: nr.SYS_listxattr, weight: 3, run: listXattr(nr.SYS_listxattr, byPath) },
  { name: "llistxattr", number: nr.SYS_llistxattr, weight: 2, run: listXattr(nr.SYS_llistxattr, byPath) },
  { name: "flistxattr", number: nr.SYS_flistxattr, weight: 3, run: listXattr(nr.SYS_flistxattr, byFd) },
  {
    name: "removexattr",
    number: nr.SYS_removexattr,
    weight: 2,
    run: removeXattr(nr.SYS_removexattr, byPath),
  },
  {
    name: "lremovexattr",
    number: nr.SYS_lremovexattr,
    weight: 1,
    run: removeXattr(nr.SYS_lremovexattr, byPath),
  },
  {
    name: "fremovexattr",
    number: nr.SYS_fremovexattr,
    weight: 2,
    run: removeXattr(nr.SYS_fremovexattr, byFd),
  },
];

export const ATTRIBUTE_RULES: readonly Rule[] = [
  {
    name: "stat",
    number: nr.SYS_stat,
    weight: 10,
    run: (g) => g.call(nr.SYS_stat, [byPath(g), STAT], "stat"),
  },
  {
    name: "lstat",
    number: nr.SYS_lstat,
    weight: 10,
    run: (g) => g.call(nr.SYS_lstat, [byPath(g), STAT], "stat"),
  },
  {
    name: "fstat",
    number: nr.SYS_fstat,
    weight: 12,
    run: (g) => g.call(nr.SYS_fstat, [g.fd(), STAT], "stat"),
  },
  {
    name: "newfstatat",
    number: nr.SYS_newfstatat,
    weight: 15,
    run(g) {
      const { dir, path } = g.place();
      const flags = statFlags(g) | (g.random.chance(0.02) ? 1 : 0);
      g.call(nr.SYS_newfstatat, [dir, path, STAT, flags], "stat");
    },
  },
  {
    name: "statx",
    number: nr.SYS_statx,
    weight: 8,
    run(g) {
      const { dir, path } = g.place();
      const mask = g.random.weighted([
        [8, 0xfff],
        [1, 0x80000000],
      ]);
      g.call(
        nr.SYS_statx,
        [dir, path, statFlags(g) | g.random.bits([0x2000, 0x4000], 0.1), mask, { out: 256 }],
        "statx",
      );
    },
  },
  {
    name: "statfs",
    number: nr.SYS_statfs,
    weight: 1,
    run: (g) => g.call(nr.SYS_statfs, [byPath(g), { out: 120 }], "statfs"),
  },
  {
    name: "fstatfs",
    number: nr.SYS_fstatfs,
    weight: 1,
    run: (g) => g.call(nr.SYS_fstatfs, [g.fd("d"), { out: 120 }], "statfs"),
  },
  {
    name: "access",
    number: nr.SYS_access,
    weight: 4,
    run: (g) => g.call(nr.SYS_access, [byPath(g), g.random.below(9)]),
  },
  {
    name: "faccessat",
    number: nr.SYS_faccessat,
    weight: 3,
    run(g) {
      const { dir, path } = g.place();
      g.call(nr.SYS_faccessat, [dir, path, g.random.below(8)]);
    },
  },
  {
    name: "faccessat2",
    number: nr.SYS_faccessat2,
    weight: 4,
    run(g) {
      const { dir, path } = g.place();
      const flags = g.random.bits([AT_EACCESS, f.AT_SYMLINK_NOFOLLOW, f.AT_EMPTY_PATH], 0.3);
      g.call(nr.SYS_faccessat2, [dir, path, g.random.below(8), flags]);
    },
  },
  { name: "chmod", number: nr.SYS_chmod, weight: 8, run: (g) => g.call(nr.SYS_chmod, [byPath(g), g.mode()]) },
  { name: "fchmod", number: nr.SYS_fchmod, weight: 6, run: (g) => g.call(nr.SYS_fchmod, [g.fd(), g.mode()]) },
  {
    name: "fchmodat",
    number: nr.SYS_fchmodat,
    weight: 6,
    run(g) {
      const { dir, path } = g.place();
      g.call(nr.SYS_fchmodat, [dir, path, g.mode()]);
    },
  },
  {
    name: "fchmodat2",
    number: nr.SYS_fchmodat2,
    weight: 3,
    run(g) {
      const { dir, path } = g.place();
      const flags = g.random.bits([f.AT_SYMLINK_NOFOLLOW, f.AT_EMPTY_PATH], 0.3);
      g.call(nr.SYS_fchmodat2, [dir, path, g.mode(), flags]);
    },
  },
  {
    name: "chown",
    number: nr.SYS_chown,
    weight: 5,
    run: (g) => g.call(nr.SYS_chown, [byPath(g), g.id(), g.id()]),
  },
  {
    name: "lchown",
    number: nr.SYS_lchown,
    weight: 4,
    run: (g) => g.call(nr.SYS_lchown, [byPath(g), g.id(), g.id()]),
  },
  {
    name: "fchown",
    number: nr.SYS_fchown,
    weight: 4,
    run: (g) => g.call(nr.SYS_fchown, [g.fd(), g.id(), g.id()]),
  },
  {
    name: "fchownat",
    number: nr.SYS_fchownat,
    weight: 6,
    run(g) {
      const { dir, path } = g.place();
      g.call(nr.SYS_fchownat, [dir, path, g.id(), g.id(), statFlags(g)]);
    },
  },
  {
    name: "utimensat",
    number: nr.SYS_utimensat,
    weight: 10,
    run(g) {
      const { dir, path } = g.place();
      g.call(nr.SYS_utimensat, [dir, path, g.times(), g.random.bits([f.AT_SYMLINK_NOFOLLOW], 0.3)]);
    },
  },
  {
    name: "utimensat of a descriptor",
    number: nr.SYS_utimensat,
    weight: 4,
    run: (g) => g.call(nr.SYS_utimensat, [g.fd(), null, g.times(), 0]),
  },
  {
    name: "utime",
    number: nr.SYS_utime,
    weight: 1,
    run(g) {
      const bytes = Buffer.alloc(16);
      bytes.writeBigInt64LE(BigInt(g.random.below(1_000_000_000)), 0);
      bytes.writeBigInt64LE(BigInt(g.random.below(1_000_000_000)), 8);
      g.call(nr.SYS_utime, [byPath(g), g.random.chance(0.2) ? null : bytes]);
    },
  },
  {
    name: "utimes",
    number: nr.SYS_utimes,
    weight: 1,
    run(g) {
      const bytes = Buffer.alloc(32);
      bytes.writeBigInt64LE(BigInt(g.random.below(1_000_000_000)), 0);
      bytes.writeBigInt64LE(BigInt(g.random.below(1_100_000)), 8);
      bytes.writeBigInt64LE(BigInt(g.random.below(1_000_000_000)), 16);
      g.call(nr.SYS_utimes, [byPath(g), g.random.chance(0.2) ? null : bytes]);
    },
  },
  {
    name: "futimesat",
    number: nr.SYS_futimesat,
    weight: 1,
    run(g) {
      const { dir, path } = g.place();
      const bytes = Buffer.alloc(32);
      bytes.writeBigInt64LE(BigInt(g.random.below(1_000_000_000)), 0);
      g.call(nr.SYS_futimesat, [dir, path, bytes]);
    },
  },
  ...XATTR_RULES,
];
