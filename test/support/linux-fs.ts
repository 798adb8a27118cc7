// The file system that this machine's Linux has, through node:fs: the oracle of the conformance suite.
//
// The test's directory is the process's working directory, so that paths are as long here as elsewhere.

import fs, { constants } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type {
  Backend,
  Capability,
  FileType,
  FileUnderTest,
  FsUnderTest,
  OpenFlags,
  StatUnderTest,
} from "../conformance/fs/fs-under-test.ts";

/** Becoming another user takes root. */
export const LINUX_CAPABILITIES: ReadonlySet<Capability> = new Set<Capability>([
  "chmod",
  "hardLinks",
  "directoryLinks",
  "blocks",
  ...(process.getuid?.() === 0 ? (["users"] as const) : []),
]);

function typeOf(entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): FileType {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "symlink" : "other";
}

function statOf(stat: fs.BigIntStats): StatUnderTest {
  return {
    type: typeOf(stat),
    dev: stat.dev,
    ino: stat.ino,
    nlink: stat.nlink,
    size: stat.size,
    atime: stat.atimeNs,
    mtime: stat.mtimeNs,
    ctime: stat.ctimeNs,
    mode: Number(stat.mode) & 0o7777,
    blocks: stat.blocks,
  };
}

function flagBits(flags: OpenFlags): number {
  let bits = flags.write ? (flags.read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY;
  if (flags.create) bits |= constants.O_CREAT;
  if (flags.exclusive) bits |= constants.O_EXCL;
  if (flags.truncate) bits |= constants.O_TRUNC;
  if (flags.append) bits |= constants.O_APPEND;
  if (flags.directory) bits |= constants.O_DIRECTORY;
  if (flags.nofollow) bits |= constants.O_NOFOLLOW;
  return bits;
}

class LinuxFile implements FileUnderTest {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  read(length: number, position?: number): Uint8Array {
    const buffer = new Uint8Array(length);
    return buffer.subarray(0, fs.readSync(this.#fd, buffer, 0, length, position ?? null));
  }
  write(data: Uint8Array, position?: number): number {
    return fs.writeSync(this.#fd, data, 0, data.length, position ?? null);
  }
  truncate(size: number): void {
    fs.ftruncateSync(this.#fd, size);
  }
  stat(): StatUnderTest {
    return statOf(fs.fstatSync(this.#fd, { bigint: true }));
  }
  sync(): void {
    fs.fsyncSync(this.#fd);
  }
  close(): void {
    fs.closeSync(this.#fd);
  }
}

/**
 * Linux counts the links of a walk that it gives up and begins anew (fs/namei.c: total_link_count outlives -ECHILD), so that a
 * rename elsewhere on the machine can make ELOOP of forty. Too many stay too many.
 */
function again<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ELOOP") throw error;
    return call();
  }
}

const linuxFs: FsUnderTest = {
  capabilities: LINUX_CAPABILITIES,
  open: (at, flags) => new LinuxFile(again(() => fs.openSync(at, flagBits(flags), 0o666))),
  mkdir: (at) => {
    fs.mkdirSync(at);
  },
  rmdir: (at) => fs.rmdirSync(at),
  unlink: (at) => fs.unlinkSync(at),
  rename: (from, to) => fs.renameSync(from, to),
  link: (from, to) => fs.linkSync(from, to),
  symlink: (target, at) => fs.symlinkSync(target, at),
  readlink: (at) => fs.readlinkSync(at),
  stat: (at) => statOf(fs.statSync(at, { bigint: true })),
  lstat: (at) => statOf(fs.lstatSync(at, { bigint: true })),
  readdir: (at) =>
    fs.readdirSync(at, { withFileTypes: true }).map((entry) => [entry.name, typeOf(entry)] as const),
  utimes: (at, atime, mtime) => fs.utimesSync(at, atime, mtime),
  lutimes: (at, atime, mtime) => fs.lutimesSync(at, atime, mtime),
  chmod: (at, mode) => fs.chmodSync(at, mode),
  as(uid, umask, use) {
    const before = { groups: process.getgroups!(), umask: process.umask(umask) };
    process.setgroups!([]);
    process.setegid!(uid);
    process.seteuid!(uid);
    try {
      use();
    } finally {
      process.seteuid!(0);
      process.setegid!(0);
      process.setgroups!(before.groups);
      process.umask(before.umask);
    }
  },
};

/** An empty directory that everybody may enter and only this user may change. */
export function makeLinuxBackend(): Backend {
  const directory = fs.mkdtempSync(path.join(tmpdir(), "wvisor-fs-"));
  const before = { directory: process.cwd(), umask: process.umask(0o022) };
  fs.chmodSync(directory, 0o755);
  process.chdir(directory);
  return {
    fs: linuxFs,
    dispose() {
      process.chdir(before.directory);
      process.umask(before.umask);
      fs.rmSync(directory, { recursive: true });
    },
  };
}
