// Names: made, removed, moved, read.

import * as f from "../../../assembly/abi/fcntl.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG, S_IFSOCK } from "../../../assembly/abi/stat.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import type { Generator, Rule } from "../generator.ts";
import { type FileType, join } from "../model.ts";

const PATH_MAX = 4096;

function made(g: Generator, result: number, path: string, type: FileType): void {
  if (result === 0) g.model.add(path, type);
}

function removed(g: Generator, result: number, path: string): void {
  if (result === 0) g.model.remove(path);
}

/** A text for a symbolic link: something that is there, itself, nothing, or too much. */
function target(g: Generator): string {
  const { random } = g;
  return random.weighted<() => string>([
    [10, () => g.absolute()],
    [6, () => g.name()],
    [4, () => `../${g.name()}`],
    [2, () => `./${g.name()}/${g.name()}`],
    [1, () => "/"],
    [1, () => ""],
    [1, () => "t".repeat(random.pick([4095, 4096, 4000]))],
  ])();
}

function rename(g: Generator, from: string, to: string, result: number, flags: number): void {
  if (result !== 0 || flags & f.RENAME_EXCHANGE) return;
  g.model.remove(to);
  g.model.move(from, to);
}

function pair(g: Generator): { from: string; to: string } {
  const from = g.absolute();
  return { from, to: g.random.chance(0.5) ? g.fresh() : g.absolute() };
}

function node(g: Generator): { mode: number; device: number; type: "f" | "s" } {
  const type = g.random.weighted([
    [4, S_IFREG],
    [4, S_IFIFO],
    [3, S_IFSOCK],
    [2, S_IFCHR],
    [1, S_IFBLK],
    [1, 0],
    [1, S_IFDIR],
    [1, 0o30000],
  ]);
  // No driver has these numbers but null's and zero's.
  const device = g.random.pick([0, 0x103, 0x105, 0xee07, 0xfff00000]);
  const isDevice = type === S_IFCHR || type === S_IFBLK;
  if (isDevice && g.lacks.has("device nodes")) return { mode: S_IFCHR | g.mode(), device: 0, type: "s" };
  if (type === S_IFIFO) g.model.hasFifo = true;
  return { mode: type | g.mode(), device, type: type === S_IFREG || type === 0 ? "f" : "s" };
}

/** Links of which each leads to the one before: 41 are one too many. */
function chain(g: Generator): void {
  const directory = g.random.pick(g.model.paths("d"));
  const length = g.random.pick([5, 39, 40, 41]);
  let target: string = g.random.pick(NAMES_OF_CHAINS);
  for (let i = 0; i < length; i++) {
    const path = join(directory, `l${i}`);
    made(g, g.call(nr.SYS_symlink, [target, path]), path, "l");
    target = `l${i}`;
  }
}
const NAMES_OF_CHAINS = ["a", "b", "l40", ".", "/"] as const;

/** A branch of directories. */
function branch(g: Generator): void {
  let path = g.random.pick(g.model.paths("d"));
  const name = g.random.chance(0.2) ? "n".repeat(255) : g.name();
  for (let i = g.random.below(20); i > 0; i--) {
    path = join(path, name);
    made(g, g.call(nr.SYS_mkdir, [path, 0o777]), path, "d");
  }
}

export const NAME_RULES: readonly Rule[] = [
  {
    name: "mkdir",
    number: nr.SYS_mkdir,
    weight: 12,
    run(g) {
      const absolute = g.random.chance(0.8) ? g.fresh() : g.absolute();
      made(g, g.call(nr.SYS_mkdir, [g.plain(absolute), g.directoryMode()]), absolute, "d");
    },
  },
  {
    name: "mkdirat",
    number: nr.SYS_mkdirat,
    weight: 20,
    run(g) {
      const { dir, path, absolute } = g.freshPlace();
      made(g, g.call(nr.SYS_mkdirat, [dir, path, g.directoryMode()]), absolute, "d");
    },
  },
  { name: "mkdir of a branch", number: nr.SYS_mkdir, weight: 1, run: branch },
  {
    name: "rmdir",
    number: nr.SYS_rmdir,
    weight: 8,
    run(g) {
      const absolute = g.absolute("d");
      removed(g, g.call(nr.SYS_rmdir, [g.plain(absolute)]), absolute);
    },
  },
  {
    name: "unlink",
    number: nr.SYS_unlink,
    weight: 10,
    run(g) {
      const absolute = g.absolute("f");
      removed(g, g.call(nr.SYS_unlink, [g.plain(absolute)]), absolute);
    },
  },
  {
    name: "unlinkat",
    number: nr.SYS_unlinkat,
    weight: 12,
    run(g) {
      const flags = g.random.weighted([
        [6, 0],
        [4, f.AT_REMOVEDIR],
        [1, 1],
      ]);
      const { dir, path, absolute } = g.place(flags === f.AT_REMOVEDIR ? "d" : undefined);
      removed(g, g.call(nr.SYS_unlinkat, [dir, path, flags]), absolute);
    },
  },
  {
    name: "symlink",
    number: nr.SYS_symlink,
    weight: 8,
    run(g) {
      const absolute = g.fresh();
      made(g, g.call(nr.SYS_symlink, [target(g), g.plain(absolute)]), absolute, "l");
    },
  },
  {
    name: "symlinkat",
    number: nr.SYS_symlinkat,
    weight: 12,
    run(g) {
      const { dir, path, absolute } = g.freshPlace();
      made(g, g.call(nr.SYS_symlinkat, [target(g), dir, path]), absolute, "l");
    },
  },
  { name: "symlink chain", number: nr.SYS_symlink, weight: 1, run: chain },
  {
    name: "link",
    number: nr.SYS_link,
    weight: 8,
    run(g) {
      const from = g.absolute("f");
      const to = g.fresh();
      made(g, g.call(nr.SYS_link, [g.plain(from), g.plain(to)]), to, g.model.files.get(from) ?? "f");
    },
  },
  {
    name: "linkat",
    number: nr.SYS_linkat,
    weight: 12,
    run(g) {
      const from = g.place();
      const to = g.freshPlace();
      const flags = g.random.bits([f.AT_SYMLINK_FOLLOW], 0.2) | (g.random.chance(0.03) ? 1 : 0);
      const result = g.call(nr.SYS_linkat, [from.dir, from.path, to.dir, to.path, flags]);
      made(g, result, to.absolute, g.model.files.get(from.absolute) ?? "f");
    },
  },
  {
    name: "linkat of a descriptor",
    number: nr.SYS_linkat,
    weight: 3,
    run(g) {
      const to = g.freshPlace();
      const result = g.call(nr.SYS_linkat, [g.fd("f"), "", to.dir, to.path, f.AT_EMPTY_PATH]);
      made(g, result, to.absolute, "f");
    },
  },
  {
    name: "rename",
    number: nr.SYS_rename,
    weight: 10,
    run(g) {
      const { from, to } = pair(g);
      rename(g, from, to, g.call(nr.SYS_rename, [g.plain(from), g.plain(to)]), 0);
    },
  },
  {
    name: "renameat",
    number: nr.SYS_renameat,
    weight: 6,
    run(g) {
      const { from, to } = pair(g);
      const a = g.placed(from);
      const b = g.placed(to);
      rename(g, from, to, g.call(nr.SYS_renameat, [a.dir, a.path, b.dir, b.path]), 0);
    },
  },
  {
    name: "renameat2",
    number: nr.SYS_renameat2,
    weight: 16,
    run(g) {
      const { from, to } = pair(g);
      const a = g.placed(from);
      const b = g.placed(to);
      const flags = g.random.weighted([
        [4, 0],
        [4, f.RENAME_NOREPLACE],
        [6, f.RENAME_EXCHANGE],
        [1, g.random.pick([3, 6, 7, 8, 9])],
      ]);
      rename(g, from, to, g.call(nr.SYS_renameat2, [a.dir, a.path, b.dir, b.path, flags]), flags);
    },
  },
  {
    name: "renameat2 RENAME_WHITEOUT",
    number: nr.SYS_renameat2,
    weight: 2,
    run(g) {
      const { from, to } = pair(g);
      const a = g.placed(from);
      const b = g.placed(to);
      const flags = f.RENAME_WHITEOUT | g.random.bits([f.RENAME_NOREPLACE], 0.3);
      rename(g, from, to, g.call(nr.SYS_renameat2, [a.dir, a.path, b.dir, b.path, flags]), flags);
    },
  },
  {
    name: "readlink",
    number: nr.SYS_readlink,
    weight: 6,
    run(g) {
      const size = g.random.pick([PATH_MAX, 100, 3, 0, -1]);
      g.call(nr.SYS_readlink, [g.plain(g.absolute("l")), { out: Math.max(size, 1) }, size], "bytes");
    },
  },
  {
    name: "readlinkat",
    number: nr.SYS_readlinkat,
    weight: 6,
    run(g) {
      const { dir, path } = g.place("l");
      const size = g.random.pick([PATH_MAX, 100, 1]);
      g.call(nr.SYS_readlinkat, [dir, path, { out: size }, size], "bytes");
    },
  },
  {
    name: "mknod",
    number: nr.SYS_mknod,
    weight: 4,
    run(g) {
      const absolute = g.fresh();
      const { mode, device, type } = node(g);
      made(g, g.call(nr.SYS_mknod, [g.plain(absolute), mode, device]), absolute, type);
    },
  },
  {
    name: "mknodat",
    number: nr.SYS_mknodat,
    weight: 5,
    run(g) {
      const { dir, path, absolute } = g.freshPlace();
      const { mode, device, type } = node(g);
      made(g, g.call(nr.SYS_mknodat, [dir, path, mode, device]), absolute, type);
    },
  },
  {
    name: "getdents64",
    number: nr.SYS_getdents64,
    weight: 10,
    run(g) {
      const fd = g.fd("d");
      g.call(nr.SYS_lseek, [fd, 0, f.SEEK_SET], "outcome");
      if (g.random.chance(0.1)) {
        // The order of names is each file system's own.
        g.call(nr.SYS_getdents64, [fd, { out: 400 }, g.random.pick([400, 100, 23, 0])], "outcome");
        return;
      }
      g.call(nr.SYS_getdents64, [fd, { out: 131072 }, 131072], "entries");
    },
  },
];
