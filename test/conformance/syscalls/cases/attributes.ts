// What a file is, and who may change what of it.

import { describe, expect, test } from "vitest";
import {
  EACCES,
  EBADF,
  EFAULT,
  EINVAL,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  EOPNOTSUPP,
  EPERM,
} from "../../../../assembly/abi/errno.ts";
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_STATX_SYNC_TYPE,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import {
  STATX_ATTR_MOUNT_ROOT,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_MNT_ID,
  UTIME_NOW,
  UTIME_OMIT,
} from "../../../../assembly/abi/stat.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls, type Stat } from "../../../support/sys/calls.ts";
import { type Capability, type Process, skipWithout, type Target } from "../../../support/sys/target.ts";

const USER = { uid: 1000, gid: 1000 };
const FRIEND = { uid: 2000, gid: 1000 };
const STRANGER = { uid: 3000, gid: 3000 };
/** An address that no process has. */
const BAD = 1;
const SECOND = 1_000_000_000n;

type Time = readonly [seconds: bigint | number, rest: bigint | number];

function timespecs(...times: Time[]): Buffer {
  const bytes = Buffer.alloc(times.length * 16);
  times.forEach(([seconds, rest], index) => {
    bytes.writeBigInt64LE(BigInt(seconds), index * 16);
    bytes.writeBigInt64LE(BigInt(rest), index * 16 + 8);
  });
  return bytes;
}

interface Statx {
  readonly mask: number;
  readonly attributes: number;
  readonly mode: number;
  readonly ino: number;
  readonly nlink: number;
  readonly size: number;
  readonly birth: bigint;
  readonly modified: bigint;
}

function statx(process: Process, path: string, mask: number, flags = 0, dirFd = AT_FDCWD): Statx | number {
  const bytes = Buffer.alloc(256, 0xff);
  const result = process.syscall(nr.SYS_statx, dirFd, path, flags, mask, bytes);
  if (result < 0) return result;
  const time = (at: number) => bytes.readBigInt64LE(at) * SECOND + BigInt(bytes.readUInt32LE(at + 8));
  return {
    mask: bytes.readUInt32LE(0),
    attributes: Number(bytes.readBigUInt64LE(8)),
    nlink: bytes.readUInt32LE(16),
    mode: bytes.readUInt16LE(28),
    ino: Number(bytes.readBigUInt64LE(32)),
    size: Number(bytes.readBigUInt64LE(40)),
    birth: time(80),
    modified: time(112),
  };
}

function modeOf(sys: Calls, path: string): number {
  const found = sys.stat(path, AT_SYMLINK_NOFOLLOW);
  return typeof found === "number" ? found : found.mode & 0o7777;
}

function seen(sys: Calls, path: string): Stat {
  const found = sys.stat(path, AT_SYMLINK_NOFOLLOW);
  if (typeof found === "number") throw new Error(`${path}: ${found}`);
  return found;
}

export function attributeCases(make: () => Target): void {
  function run(
    name: string,
    body: (process: Process, sys: Calls, target: Target) => void,
    needed?: Capability,
  ): void {
    test(name, (context) => {
      const target = make();
      if (needed !== undefined) skipWithout(target, needed, context);
      const process = target.process();
      body(process, new Calls(process), target);
      target.end();
    });
  }
  const file = (sys: Calls, name: string, mode = 0o644): void => {
    sys.close(sys.open(name, O_CREAT | O_WRONLY, mode));
  };

  describe("stat", () => {
    run("follows a link, lstat does not", (_, sys) => {
      file(sys, "file");
      sys.symlink("file", "link");
      expect(sys.stat("link")).toMatchObject({ mode: 0o100644 });
      expect(sys.stat("link", AT_SYMLINK_NOFOLLOW)).toMatchObject({ mode: 0o120777, size: 4 });
      expect(sys.stat("link/")).toBe(-ENOTDIR);
      expect(sys.stat("link/", AT_SYMLINK_NOFOLLOW)).toBe(-ENOTDIR);
    });
    run("takes an empty path for the descriptor, with the flag", (process, sys) => {
      file(sys, "file");
      const fd = sys.open("file", O_RDONLY);
      const bytes = Buffer.alloc(144);
      expect(sys.stat("", AT_EMPTY_PATH, fd)).toMatchObject({ mode: 0o100644 });
      expect(sys.stat("", 0, fd)).toBe(-ENOENT);
      expect(sys.stat("", AT_EMPTY_PATH, 99)).toBe(-EBADF);
      expect(sys.stat("x", AT_EMPTY_PATH, fd)).toBe(-ENOTDIR);
      expect(sys.stat("", AT_EMPTY_PATH)).toMatchObject({ mode: 0o040777 });
      expect(process.syscall(nr.SYS_newfstatat, fd, null, bytes, AT_EMPTY_PATH)).toBe(0);
      expect(process.syscall(nr.SYS_newfstatat, fd, null, bytes, 0)).toBe(-EFAULT);
    });
    run("refuses unknown flags before it looks at the path", (_, sys) => {
      expect(sys.stat("nothing", 0x10000)).toBe(-EINVAL);
      expect(sys.stat("", 0x10000)).toBe(-EINVAL);
      expect(sys.stat(".", AT_STATX_SYNC_TYPE)).toMatchObject({ mode: 0o040777 });
    });
    run("looks at the path before the buffer", (process, sys) => {
      expect(process.syscall(nr.SYS_newfstatat, AT_FDCWD, "nothing", BAD, 0)).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_newfstatat, AT_FDCWD, ".", BAD, 0)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_newfstatat, 77, "nothing", BAD, 0)).toBe(-EBADF);
      expect(process.syscall(nr.SYS_stat, BAD, BAD)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_fstat, 77, BAD)).toBe(-EBADF);
      expect(sys.stat("a".repeat(256))).toBe(-ENAMETOOLONG);
      expect(sys.stat("a".repeat(255))).toBe(-ENOENT);
    });
    run("of a descriptor opened with O_PATH tells what it stands for", (_, sys) => {
      sys.symlink("nowhere", "link");
      const fd = sys.open("link", O_PATH | 0o400000);
      expect(sys.fstat(fd)).toMatchObject({ mode: 0o120777, size: 7 });
    });
    run(
      "counts the names of files and the directories in a directory",
      (_, sys) => {
        sys.mkdir("dir");
        sys.mkdir("dir/one");
        sys.mkdir("dir/two");
        file(sys, "dir/file");
        sys.link("dir/file", "other");
        expect(sys.stat("dir")).toMatchObject({ nlink: 4 });
        expect(sys.stat("other")).toMatchObject({ nlink: 2 });
      },
      "counts of directories",
    );
    run("counts the names of a file as they come and go", (_, sys) => {
      sys.mkdir("dir");
      file(sys, "dir/file");
      sys.link("dir/file", "other");
      sys.link("other", "dir/third");
      expect(sys.stat("other")).toMatchObject({ nlink: 3 });
      expect(sys.unlink("dir/file")).toBe(0);
      expect(sys.stat("other")).toMatchObject({ nlink: 2 });
      expect(sys.stat("dir/third")).toEqual(sys.stat("other"));
      expect(sys.unlink("other")).toBe(0);
      expect(sys.stat("dir/third")).toMatchObject({ nlink: 1 });
    });
  });

  describe("statx", () => {
    run("gives the basic fields, and the time of birth when asked", (process, sys) => {
      file(sys, "file");
      const found = statx(process, "file", STATX_BASIC_STATS);
      expect(found).toMatchObject({ mode: 0o100644, nlink: 1, size: 0, ino: seen(sys, "file").ino });
      const born = statx(process, "file", STATX_BTIME | STATX_BASIC_STATS) as Statx;
      expect(born.mask & (STATX_BTIME | STATX_BASIC_STATS)).toBe(STATX_BTIME | STATX_BASIC_STATS);
      expect(born.birth).toBeGreaterThan(0n);
      expect(born.birth).toBeLessThanOrEqual(born.modified);
    });
    run(
      "keeps the time of birth when the others change",
      (process, sys) => {
        file(sys, "file");
        const before = statx(process, "file", STATX_BTIME) as Statx;
        process.syscall(nr.SYS_utimensat, AT_FDCWD, "file", timespecs([1, 2], [3, 4]), 0);
        const after = statx(process, "file", STATX_BTIME | STATX_BASIC_STATS) as Statx;
        expect(after.birth).toBe(before.birth);
        expect(after.modified).toBe(3n * SECOND + 4n);
      },
      "times of birth that stay",
    );
    run("leaves out the times of changes when neither is asked for", (process, sys) => {
      file(sys, "file");
      const found = statx(process, "file", 1) as Statx;
      expect([found.mask & STATX_BASIC_STATS, found.modified]).toEqual([STATX_BASIC_STATS & ~0xc0, 0n]);
      expect((statx(process, "file", 0x40) as Statx).mask & 0xc0).toBe(0xc0);
    });
    run("tells the mount when asked, and that nothing is mounted by itself", (process, sys) => {
      file(sys, "file");
      const found = statx(process, "file", STATX_MNT_ID, AT_NO_AUTOMOUNT) as Statx;
      expect(found.mask & STATX_MNT_ID).toBe(STATX_MNT_ID);
      const bytes = Buffer.alloc(144);
      expect(process.syscall(nr.SYS_newfstatat, AT_FDCWD, "file", bytes, AT_NO_AUTOMOUNT)).toBe(0);
    });
    run("refuses what it does not know", (process) => {
      expect(statx(process, "nothing", 0x80000000)).toBe(-EINVAL);
      expect(statx(process, "nothing", 0, AT_STATX_SYNC_TYPE)).toBe(-EINVAL);
      expect(statx(process, "nothing", 0, 0x10000)).toBe(-EINVAL);
      expect(statx(process, "nothing", 0)).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_statx, AT_FDCWD, ".", 0, 0, BAD)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_statx, 88, "", AT_EMPTY_PATH, 0, BAD)).toBe(-EBADF);
    });
    run("takes an empty path for the descriptor", (process, sys) => {
      file(sys, "file", 0o600);
      const fd = sys.open("file", O_PATH);
      expect(statx(process, "", 0, AT_EMPTY_PATH, fd)).toMatchObject({ mode: 0o100600 });
      expect(statx(process, "", 0, 0, fd)).toBe(-ENOENT);
    });
    run("does not take a directory inside a mount for its root", (process, sys) => {
      sys.mkdir("dir");
      const found = statx(process, "dir", 0) as Statx;
      expect(found.attributes & STATX_ATTR_MOUNT_ROOT).toBe(0);
    });
  });

  describe("statfs", () => {
    run("tells the longest name and the size of blocks", (process, sys) => {
      const bytes = Buffer.alloc(120);
      expect(process.syscall(nr.SYS_statfs, ".", bytes)).toBe(0);
      expect(Number(bytes.readBigUInt64LE(64))).toBe(255);
      expect(Number(bytes.readBigUInt64LE(8))).toBe(4096);
      const fd = sys.open(".", O_PATH);
      const other = Buffer.alloc(120);
      expect(process.syscall(nr.SYS_fstatfs, fd, other)).toBe(0);
      expect(other.readBigUInt64LE(0)).toBe(bytes.readBigUInt64LE(0));
    });
    run("looks at the path before the buffer", (process) => {
      expect(process.syscall(nr.SYS_statfs, "nothing", BAD)).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_statfs, "", BAD)).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_statfs, ".", BAD)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_fstatfs, 99, BAD)).toBe(-EBADF);
    });
  });

  describe("access", () => {
    const access = (process: Process, path: string, mode: number, flags = 0): number =>
      process.syscall(nr.SYS_faccessat2, AT_FDCWD, path, mode, flags);

    run("asks for existence and for each permission", (_, sys, target) => {
      file(sys, "file", 0o640);
      sys.symlink("nowhere", "dangling");
      const user = target.process(STRANGER);
      expect(access(user, "file", 0)).toBe(0);
      expect(access(user, "file", 4)).toBe(-EACCES);
      expect(access(user, "nothing", 4)).toBe(-ENOENT);
      expect(access(user, "dangling", 0)).toBe(-ENOENT);
      expect(access(user, "dangling", 0, AT_SYMLINK_NOFOLLOW)).toBe(0);
    });
    run("by root fails only for what nobody may execute", (process, sys) => {
      file(sys, "data", 0);
      file(sys, "program", 0o010);
      expect(access(process, "data", 6)).toBe(0);
      expect(access(process, "data", 1)).toBe(-EACCES);
      expect(access(process, "program", 7)).toBe(0);
    });
    run("refuses unknown modes, then unknown flags", (process) => {
      expect(access(process, "nothing", 8)).toBe(-EINVAL);
      expect(access(process, "nothing", 0, 0x8000)).toBe(-EINVAL);
      expect(access(process, "", 0)).toBe(-ENOENT);
      expect(access(process, "", 0, AT_EMPTY_PATH)).toBe(0);
      expect(process.syscall(nr.SYS_access, BAD, 0)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_access, BAD, 8)).toBe(-EINVAL);
    });
    run("asks for the real user, with AT_EACCESS for the effective one", (process, sys) => {
      file(sys, "file", 0o600);
      expect(process.syscall(nr.SYS_setresuid, 1000, 0, 0)).toBe(0);
      expect(access(process, "file", 4)).toBe(-EACCES);
      expect(access(process, "file", 4, AT_EACCESS)).toBe(0);
      expect(process.syscall(nr.SYS_faccessat, AT_FDCWD, "file", 4)).toBe(-EACCES);
      expect(process.syscall(nr.SYS_setresuid, 0, 1000, 0)).toBe(0);
      expect(access(process, "file", 4)).toBe(0);
      expect(access(process, "file", 4, AT_EACCESS)).toBe(-EACCES);
    });
    run("walks as the real user, too", (process, sys) => {
      sys.mkdir("dir", 0o700);
      file(sys, "dir/file", 0o666);
      expect(process.syscall(nr.SYS_setresuid, 1000, 0, 0)).toBe(0);
      expect(access(process, "dir/file", 0)).toBe(-EACCES);
      expect(access(process, "dir/file", 0, AT_EACCESS)).toBe(0);
    });
  });

  describe("chmod", () => {
    run("is the owner's and root's", (_, sys, target) => {
      const owner = new Calls(target.process(USER));
      file(owner, "file");
      expect(owner.process.syscall(nr.SYS_chmod, "file", 0o7700)).toBe(0);
      expect(modeOf(sys, "file")).toBe(0o7700);
      expect(sys.process.syscall(nr.SYS_chmod, "file", 0o170600)).toBe(0);
      expect(modeOf(sys, "file")).toBe(0o600);
      expect(target.process(FRIEND).syscall(nr.SYS_chmod, "file", 0o777)).toBe(-EPERM);
    });
    run("by an owner outside the file's group takes set-group-id away", (process, sys, target) => {
      file(sys, "file");
      process.syscall(nr.SYS_chown, "file", USER.uid, 4000);
      const owner = target.process(USER);
      expect(owner.syscall(nr.SYS_chmod, "file", 0o6755)).toBe(0);
      expect(modeOf(sys, "file")).toBe(0o4755);
      expect(process.syscall(nr.SYS_chmod, "file", 0o6755)).toBe(0);
      expect(modeOf(sys, "file")).toBe(0o6755);
    });
    run("of a symbolic link itself is not supported", (process, sys) => {
      file(sys, "file");
      sys.symlink("file", "link");
      const chmod = (path: string, flags: number) =>
        process.syscall(nr.SYS_fchmodat2, AT_FDCWD, path, 0o600, flags);
      expect(chmod("link", AT_SYMLINK_NOFOLLOW)).toBe(-EOPNOTSUPP);
      expect(chmod("link", 0)).toBe(0);
      expect(modeOf(sys, "file")).toBe(0o600);
      expect(chmod("file", 0x4000)).toBe(-EINVAL);
      expect(chmod("", 0)).toBe(-ENOENT);
    });
    run("by descriptor needs an open file, by an empty path only a place", (process, sys) => {
      file(sys, "file");
      const fd = sys.open("file", O_RDONLY);
      const place = sys.open("file", O_PATH);
      expect(process.syscall(nr.SYS_fchmod, fd, 0o640)).toBe(0);
      expect(process.syscall(nr.SYS_fchmod, place, 0o600)).toBe(-EBADF);
      expect(process.syscall(nr.SYS_fchmod, 99, 0o600)).toBe(-EBADF);
      expect(process.syscall(nr.SYS_fchmodat2, place, "", 0o604, AT_EMPTY_PATH)).toBe(0);
      expect(modeOf(sys, "file")).toBe(0o604);
    });
    run("moves the time of the change alone", (process, sys) => {
      file(sys, "file");
      const before = seen(sys, "file");
      expect(process.syscall(nr.SYS_chmod, "file", 0o600)).toBe(0);
      const after = seen(sys, "file");
      expect(after.ctime).toBeGreaterThanOrEqual(before.ctime);
      expect([after.mtime, after.atime]).toEqual([before.mtime, before.atime]);
    });
  });

  describe("chown", () => {
    const chown = (process: Process, path: string, uid: number, gid: number): number =>
      process.syscall(nr.SYS_chown, path, uid, gid);

    run("lets an owner give a file to a group of his, and nothing else", (_, sys, target) => {
      const owner = target.process({ ...USER, groups: [50] });
      file(new Calls(owner), "file");
      expect(chown(owner, "file", -1, 50)).toBe(0);
      expect(sys.stat("file")).toMatchObject({ uid: 1000, gid: 50 });
      expect(chown(owner, "file", 1000, 1000)).toBe(0);
      expect(chown(owner, "file", -1, 51)).toBe(-EPERM);
      expect(chown(owner, "file", 1001, -1)).toBe(-EPERM);
      expect(chown(target.process(FRIEND), "file", -1, 1000)).toBe(-EPERM);
    });
    run(
      "of nothing by anybody is allowed, while there are no set-id bits to lose",
      (process, sys, target) => {
        file(sys, "file", 0o755);
        const stranger = target.process(STRANGER);
        expect(chown(stranger, "file", -1, -1)).toBe(0);
        process.syscall(nr.SYS_chmod, "file", 0o4755);
        expect(chown(stranger, "file", -1, -1)).toBe(-EPERM);
        expect(chown(process, "file", -1, -1)).toBe(0);
        expect(modeOf(sys, "file")).toBe(0o755);
      },
    );
    run("takes set-id bits of files, even by root, but not of directories", (process, sys) => {
      file(sys, "file");
      sys.mkdir("dir");
      process.syscall(nr.SYS_chmod, "file", 0o6755);
      process.syscall(nr.SYS_chmod, "dir", 0o6755);
      expect(chown(process, "file", 0, 0)).toBe(0);
      expect(chown(process, "dir", 0, 0)).toBe(0);
      expect(modeOf(sys, "file")).toBe(0o755);
      expect(modeOf(sys, "dir")).toBe(0o6755);
    });
    run("keeps set-group-id that does not mean execution for who may have it", (process, sys, target) => {
      file(sys, "file");
      process.syscall(nr.SYS_chmod, "file", 0o2745);
      expect(chown(process, "file", 1000, 4000)).toBe(0);
      expect(modeOf(sys, "file")).toBe(0o2745);
      expect(chown(target.process(USER), "file", -1, 1000)).toBe(0);
      expect(modeOf(sys, "file")).toBe(0o745);
    });
    run("follows links, lchown does not", (process, sys) => {
      file(sys, "file");
      sys.symlink("file", "link");
      expect(chown(process, "link", 5, 6)).toBe(0);
      expect(process.syscall(nr.SYS_lchown, "link", 7, 8)).toBe(0);
      expect(sys.stat("file")).toMatchObject({ uid: 5, gid: 6 });
      expect(sys.stat("link", AT_SYMLINK_NOFOLLOW)).toMatchObject({ uid: 7, gid: 8 });
    });
    run("by descriptor and empty path", (process, sys) => {
      file(sys, "file");
      const fd = sys.open("file", O_RDONLY);
      const place = sys.open("file", O_PATH);
      expect(process.syscall(nr.SYS_fchown, fd, 1, 2)).toBe(0);
      expect(process.syscall(nr.SYS_fchown, place, 1, 2)).toBe(-EBADF);
      expect(process.syscall(nr.SYS_fchownat, place, "", 3, 4, AT_EMPTY_PATH)).toBe(0);
      expect(sys.stat("file")).toMatchObject({ uid: 3, gid: 4 });
      expect(process.syscall(nr.SYS_fchownat, AT_FDCWD, "nothing", 3, 4, 0x8000)).toBe(-EINVAL);
    });
  });

  describe("times", () => {
    const set = (
      process: Process,
      path: string | null,
      times: Buffer | null | number,
      flags = 0,
      fd = AT_FDCWD,
    ) => process.syscall(nr.SYS_utimensat, fd, path, times, flags);

    run("are set to the nanosecond", (process, sys) => {
      file(sys, "file");
      expect(set(process, "file", timespecs([1_000_000_001, 123_456_789], [5, 999_999_999]))).toBe(0);
      expect(seen(sys, "file")).toMatchObject({
        atime: 1_000_000_001n * SECOND + 123_456_789n,
        mtime: 5n * SECOND + 999_999_999n,
      });
    });
    run("are left alone and set to now one by one", (process, sys) => {
      file(sys, "file");
      set(process, "file", timespecs([10, 0], [20, 0]));
      expect(set(process, "file", timespecs([0, UTIME_OMIT], [30, 0]))).toBe(0);
      expect(seen(sys, "file")).toMatchObject({ atime: 10n * SECOND, mtime: 30n * SECOND });
      expect(set(process, "file", timespecs([0, UTIME_NOW], [0, UTIME_OMIT]))).toBe(0);
      const after = seen(sys, "file");
      expect(after.mtime).toBe(30n * SECOND);
      expect(after.atime).toBeGreaterThan(1_000_000n * SECOND);
    });
    run("both omitted look at nothing at all", (process) => {
      expect(set(process, "nothing", timespecs([0, UTIME_OMIT], [0, UTIME_OMIT]), 0x8000)).toBe(0);
      expect(set(process, "nothing", BAD)).toBe(-EFAULT);
    });
    run("that are impossible are refused after the path", (process, sys) => {
      file(sys, "file");
      expect(set(process, "nothing", timespecs([0, 1_000_000_000], [0, 0]))).toBe(-ENOENT);
      expect(set(process, "file", timespecs([0, 1_000_000_000], [0, 0]))).toBe(-EINVAL);
      expect(set(process, "file", timespecs([0, 0], [0, -1]))).toBe(-EINVAL);
      expect(set(process, "nothing", timespecs([0, 0], [0, 0]), 0x8000)).toBe(-EINVAL);
    });
    run("become now for who may write, anything for the owner only", (process, sys, target) => {
      file(sys, "file", 0o666);
      process.syscall(nr.SYS_chmod, "file", 0o666);
      const stranger = target.process(STRANGER);
      expect(set(stranger, "file", null)).toBe(0);
      expect(set(stranger, "file", timespecs([0, UTIME_NOW], [0, UTIME_NOW]))).toBe(0);
      expect(set(stranger, "file", timespecs([0, UTIME_NOW], [0, UTIME_OMIT]))).toBe(-EPERM);
      expect(set(stranger, "file", timespecs([1, 1], [0, UTIME_NOW]))).toBe(-EPERM);
      process.syscall(nr.SYS_chmod, "file", 0o644);
      expect(set(stranger, "file", null)).toBe(-EACCES);
      expect(set(stranger, "file", timespecs([1, 1], [1, 1]))).toBe(-EPERM);
    });
    run("of a link itself", (process, sys) => {
      file(sys, "file");
      sys.symlink("file", "link");
      expect(set(process, "link", timespecs([7, 0], [8, 0]), AT_SYMLINK_NOFOLLOW)).toBe(0);
      expect(seen(sys, "link")).toMatchObject({ mtime: 8n * SECOND });
      expect(seen(sys, "file").mtime).toBeGreaterThan(8n * SECOND);
    });
    run("of a descriptor: no path, or an empty one", (process, sys) => {
      file(sys, "file");
      const fd = sys.open("file", O_RDONLY);
      const place = sys.open("file", O_PATH);
      expect(set(process, null, timespecs([1, 0], [2, 0]), 0, fd)).toBe(0);
      expect(seen(sys, "file")).toMatchObject({ mtime: 2n * SECOND });
      expect(set(process, null, timespecs([1, 0], [2, 0]), AT_SYMLINK_NOFOLLOW, fd)).toBe(-EINVAL);
      expect(set(process, null, timespecs([1, 0], [2, 0]), 0, place)).toBe(-EBADF);
      expect(set(process, null, timespecs([1, 0], [2, 0]), 0, 99)).toBe(-EBADF);
      expect(set(process, null, timespecs([1, 0], [2, 0]))).toBe(-EFAULT);
      expect(set(process, "", timespecs([3, 0], [4, 0]), AT_EMPTY_PATH, place)).toBe(0);
      expect(seen(sys, "file")).toMatchObject({ mtime: 4n * SECOND });
    });
    run("before the epoch", (process, sys) => {
      file(sys, "file");
      expect(set(process, "file", timespecs([-2, 500_000_000], [-1, 0]))).toBe(0);
      expect(seen(sys, "file")).toMatchObject({ atime: -1_500_000_000n, mtime: -SECOND });
    });
    run("by utimes and utime, which look at them before the path", (process, sys) => {
      file(sys, "file");
      expect(process.syscall(nr.SYS_utimes, "file", timespecs([1, 999_999], [2, 3]))).toBe(0);
      expect(seen(sys, "file")).toMatchObject({ atime: SECOND + 999_999_000n, mtime: 2n * SECOND + 3000n });
      expect(process.syscall(nr.SYS_utimes, "nothing", timespecs([1, 1_000_000], [2, 3]))).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_futimesat, AT_FDCWD, "nothing", timespecs([1, 0], [2, -1]))).toBe(
        -EINVAL,
      );
      expect(process.syscall(nr.SYS_utimes, "nothing", timespecs([1, 0], [2, 3]))).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_utimes, "nothing", BAD)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_utime, "file", timespecs([5, 6]))).toBe(0);
      expect(seen(sys, "file")).toMatchObject({ atime: 5n * SECOND, mtime: 6n * SECOND });
      expect(process.syscall(nr.SYS_utime, "file", null)).toBe(0);
      expect(seen(sys, "file").mtime).toBeGreaterThan(1_000_000n * SECOND);
    });
  });

  describe("umask", () => {
    run("takes bits from new files and directories, and has nine of them", (process, sys) => {
      expect(process.syscall(nr.SYS_umask, 0o7027)).toBe(0);
      expect(process.syscall(nr.SYS_umask, 0o027)).toBe(0o027);
      file(sys, "file", 0o6777);
      sys.mkdir("dir", 0o1777);
      expect(modeOf(sys, "file")).toBe(0o6750);
      expect(modeOf(sys, "dir")).toBe(0o1750);
    });
    run("does not touch a later chmod", (process, sys) => {
      process.syscall(nr.SYS_umask, 0o077);
      file(sys, "file", 0o666);
      process.syscall(nr.SYS_chmod, "file", 0o666);
      expect(modeOf(sys, "file")).toBe(0o666);
    });
  });

  describe("permission", () => {
    run("is the owner's first, even when it is less than the others'", (process, sys, target) => {
      file(sys, "file");
      process.syscall(nr.SYS_chown, "file", USER.uid, USER.gid);
      process.syscall(nr.SYS_chmod, "file", 0o077);
      expect(new Calls(target.process(USER)).open("file", O_RDONLY)).toBe(-EACCES);
      expect(new Calls(target.process(FRIEND)).open("file", O_RDWR)).toBeGreaterThanOrEqual(0);
      process.syscall(nr.SYS_chmod, "file", 0o707);
      expect(new Calls(target.process(FRIEND)).open("file", O_RDONLY)).toBe(-EACCES);
      expect(new Calls(target.process(STRANGER)).open("file", O_RDWR)).toBeGreaterThanOrEqual(0);
    });
    run("to search is needed for every directory on the way (ND-02)", (process, sys, target) => {
      sys.mkdir("a");
      sys.mkdir("a/b");
      file(sys, "a/b/file");
      process.syscall(nr.SYS_chmod, "a", 0o744);
      const user = new Calls(target.process(USER));
      expect(user.stat("a/b/file")).toBe(-EACCES);
      expect(user.stat("a/nothing")).toBe(-EACCES);
      expect(user.stat("a")).toMatchObject({ mode: 0o040744 });
      process.syscall(nr.SYS_chmod, "a", 0o711);
      expect(user.stat("a/b/file")).toMatchObject({ mode: 0o100644 });
      expect(user.open("a", O_RDONLY)).toBe(-EACCES);
    });
    run("loops are found after forty links (ND-04)", (_, sys) => {
      sys.symlink("b", "a");
      sys.symlink("a", "b");
      expect(sys.stat("a")).toBe(-ELOOP);
      expect(sys.stat("a", AT_SYMLINK_NOFOLLOW)).toMatchObject({ mode: 0o120777 });
    });
  });
}
