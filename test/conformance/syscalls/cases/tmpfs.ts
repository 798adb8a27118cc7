// What only tmpfs is exact about: space in pages of 4 KiB, inodes, holes, options of a mount, unnamed files, whiteouts.

import { describe, expect, test as vitest } from "vitest";
import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  SEEK_DATA,
  SEEK_HOLE,
} from "../../../../assembly/abi/data.ts";
import { EFBIG, EINVAL, ENOSPC, ENXIO, EOPNOTSUPP } from "../../../../assembly/abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_APPEND,
  O_CREAT,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  RENAME_EXCHANGE,
  RENAME_WHITEOUT,
} from "../../../../assembly/abi/fcntl.ts";
import { MS_REMOUNT } from "../../../../assembly/abi/mount.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls, type Stat } from "../../../support/sys/calls.ts";
import type { Argument, Target } from "../../../support/sys/target.ts";

const PAGE = 4096;
/** Near the largest size; a double cannot be nearer. */
const LARGEST = 2 ** 63 - 1024;

/** On trees where each case mounts a tmpfs of its own, on /t. */
export function tmpfsCases(make: () => Target): void {
  /** Calls in a tree with a tmpfs of these options; or the errno that mounting it gives. */
  function mounted(target: Target, options: string): Calls | number {
    const sys = new Calls(target.process());
    sys.mkdir("/t");
    const result = sys.process.syscall(nr.SYS_mount, "none", "/t", "tmpfs", 0, options);
    return result < 0 ? result : sys;
  }

  type Call = (number: number, ...args: readonly Argument[]) => number;
  const test = (name: string, options: string, run: (sys: Calls, call: Call) => void) =>
    vitest(name, () => {
      const target = make();
      const sys = mounted(target, options);
      if (typeof sys === "number") throw new Error(`${options}: errno ${-sys}`);
      try {
        run(sys, (number, ...args) => sys.process.syscall(number, ...args));
      } finally {
        target.end();
      }
    });
  const create = (sys: Calls, path = "/t/file") => sys.open(path, O_CREAT | O_RDWR, 0o644);
  const statOf = (sys: Calls, path = "/t/file") => sys.stat(path) as Stat;
  const fill = (length: number) => Buffer.alloc(length, "x");

  test("a read(2) of no bytes moves the access time", "", (sys, call) => {
    const fd = create(sys);
    const times = Buffer.alloc(32);
    times.writeBigInt64LE(1000n, 0);
    expect(call(nr.SYS_utimensat, fd, null, times, 0)).toBe(0);
    expect(statOf(sys).atime).toBe(1000_000_000_000n);
    expect(call(nr.SYS_read, fd, Buffer.alloc(0), 0)).toBe(0);
    expect(statOf(sys).atime).toBeGreaterThan(1000_000_000_000n);
  });

  /** Expects of blocks and inodes, all and free, what statfs(2) tells. */
  function expectSpace(call: Call, expected: Readonly<Record<string, number>>): void {
    const bytes = Buffer.alloc(120);
    expect(call(nr.SYS_statfs, "/t", bytes)).toBe(0);
    const at = (offset: number) => Number(bytes.readBigUInt64LE(offset));
    expect({ blocks: at(16), free: at(24), files: at(40), filesFree: at(48) }).toMatchObject(expected);
  }

  test("data in the very last page is found by no lseek", "", (sys, call) => {
    const fd = create(sys);
    expect(call(nr.SYS_pwrite64, fd, fill(4), 4, LARGEST)).toBe(4);
    expect(call(nr.SYS_lseek, fd, 0, SEEK_DATA)).toBe(-ENXIO);
    expect(call(nr.SYS_lseek, fd, 0, SEEK_HOLE)).toBe(0);
    expect(call(nr.SYS_lseek, fd, LARGEST, SEEK_HOLE)).toBe(-ENXIO);
    sys.close(fd);
  });

  test("truncation to the size of an empty file takes set-id bits and moves no time", "", (sys, call) => {
    sys.close(create(sys));
    expect(call(nr.SYS_chown, "/t/file", 1000, 1000)).toBe(0);
    expect(call(nr.SYS_chmod, "/t/file", 0o4755)).toBe(0);
    expect(call(nr.SYS_utimensat, AT_FDCWD, "/t/file", new Uint8Array(32), 0)).toBe(0);
    const { ctime } = statOf(sys);
    expect(call(nr.SYS_setresuid, -1, 1000, -1)).toBe(0);
    expect(call(nr.SYS_truncate, "/t/file", 0)).toBe(0);
    expect(statOf(sys)).toMatchObject({ mode: 0o100755, mtime: 0n, ctime });
    sys.close(sys.open("/t/file", O_TRUNC | O_RDWR));
    expect(statOf(sys).mtime).not.toBe(0n);
    expect(call(nr.SYS_setresuid, -1, 0, -1)).toBe(0);
  });

  describe("a file without a name", () => {
    test("takes an inode and space until it is closed", "size=40k,nr_inodes=2", (sys, call) => {
      const fd = sys.open("/t", O_TMPFILE | O_RDWR, 0o640);
      expect(fd).toBeGreaterThanOrEqual(0);
      expect(sys.write(fd, fill(PAGE))).toBe(PAGE);
      expect(sys.fstat(fd)).toMatchObject({ mode: 0o100640, nlink: 0, size: PAGE, blocks: 8 });
      expectSpace(call, { free: 9, filesFree: 0 });
      expect(create(sys)).toBe(-ENOSPC);
      sys.close(fd);
      expectSpace(call, { free: 10, filesFree: 1 });
    });

    test("is given one without another inode", "nr_inodes=2", (sys, call) => {
      const fd = sys.open("/t", O_TMPFILE | O_RDWR, 0o640);
      expect(call(nr.SYS_linkat, fd, "", AT_FDCWD, "/t/file", AT_EMPTY_PATH)).toBe(0);
      expect(statOf(sys)).toMatchObject({ nlink: 1 });
      expectSpace(call, { filesFree: 0 });
      expect(sys.unlink("/t/file")).toBe(0);
      sys.close(fd);
      expectSpace(call, { filesFree: 1 });
    });
  });

  describe("a directory that was read to its end", () => {
    test("shows nothing new before it is read anew", "size=40k", (sys, call) => {
      const fd = sys.open("/t", 0);
      const listing = Buffer.alloc(4096);
      expect(call(nr.SYS_getdents64, fd, listing, 4096)).toBe(48);
      expect(listing.readBigInt64LE(24 + 8)).toBe(2n ** 31n - 1n);
      sys.close(create(sys));
      expect(call(nr.SYS_getdents64, fd, listing, 0)).toBe(0);
      expect(call(nr.SYS_lseek, fd, 0, 1)).toBe(2 ** 31 - 1);
      call(nr.SYS_lseek, fd, 0, 0);
      expect(call(nr.SYS_getdents64, fd, listing, 4096)).toBe(72);
    });
  });

  describe("a whiteout that a rename leaves", () => {
    test("inherits its directory's list, of which the mode leaves nothing", "size=40k", (sys, call) => {
      sys.close(create(sys));
      const list = Buffer.alloc(44);
      const entries = [
        [1, 7, -1],
        [2, 7, 3000],
        [4, 7, -1],
        [16, 7, -1],
        [32, 7, -1],
      ] as const;
      list.writeUInt32LE(2);
      for (const [index, [tag, permissions, id]] of entries.entries()) {
        list.writeUInt16LE(tag, 4 + index * 8);
        list.writeUInt16LE(permissions, 6 + index * 8);
        list.writeInt32LE(id, 8 + index * 8);
      }
      expect(call(nr.SYS_setxattr, "/t", "system.posix_acl_default", list, 44, 0)).toBe(0);
      expect(sys.rename("/t/file", "/t/moved", RENAME_WHITEOUT)).toBe(0);
      const found = Buffer.alloc(44);
      expect(call(nr.SYS_getxattr, "/t/file", "system.posix_acl_access", found, 44)).toBe(44);
      expect([0, 1, 2, 3, 4].map((index) => found.readUInt16LE(6 + index * 8))).toEqual([0, 7, 7, 0, 0]);
    });
  });

  describe("sendfile", () => {
    test("is an access even to a directory, of which it copies nothing", "size=40k", (sys, call) => {
      sys.mkdir("/t/dir");
      const times = Buffer.alloc(32);
      times.writeBigInt64LE(1000n, 0);
      times.writeBigInt64LE(2000n, 16);
      for (const [count, result] of [
        [0, 0],
        [1, -EINVAL],
      ] as const) {
        expect(call(nr.SYS_utimensat, AT_FDCWD, "/t/dir", times, 0)).toBe(0);
        expect(call(nr.SYS_sendfile, create(sys), sys.open("/t/dir", 0), null, count)).toBe(result);
        expect(statOf(sys, "/t/dir").atime).toBeGreaterThan(1_000_000_000_000n);
      }
    });
  });

  describe("the space of a tmpfs", () => {
    test("is counted in pages that were written", "size=40960", (sys, call) => {
      const fd = create(sys);
      sys.pwrite(fd, "x", 0);
      expect(statOf(sys)).toMatchObject({ size: 1, blocks: 8 });
      sys.pwrite(fd, fill(2), 4095);
      expect(statOf(sys).blocks).toBe(16);
      sys.pwrite(fd, "x", 2 ** 40);
      expect(statOf(sys)).toMatchObject({ size: 2 ** 40 + 1, blocks: 24 });
      expectSpace(call, { blocks: 10, free: 7 });
      call(nr.SYS_ftruncate, fd, 4096);
      expect(statOf(sys).blocks).toBe(8);
      sys.close(fd);
      sys.unlink("/t/file");
      expectSpace(call, { blocks: 10, free: 10 });
    });

    test("does not move the times of a file without pages that keeps its size", "size=40960", (sys, call) => {
      sys.close(create(sys));
      const past = () => {
        const times = Buffer.alloc(32);
        times.writeBigInt64LE(1000n, 0);
        times.writeBigInt64LE(1000n, 16);
        expect(call(nr.SYS_utimensat, -100, "/t/file", times, 0)).toBe(0);
      };
      past();
      const before = statOf(sys);
      expect(call(nr.SYS_truncate, "/t/file", 0)).toBe(0);
      expect(statOf(sys)).toMatchObject({ mtime: before.mtime, ctime: before.ctime });
      sys.close(sys.open("/t/file", O_RDWR | O_TRUNC));
      expect(statOf(sys).mtime).toBeGreaterThan(before.mtime);
    });

    test("that was reserved twice is written", "size=12k", (sys, call) => {
      const fd = create(sys);
      const reserve = (length: number) => call(nr.SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, length);
      expect(call(nr.SYS_ftruncate, fd, 3 * PAGE)).toBe(0);
      expect(reserve(PAGE)).toBe(0);
      expect(call(nr.SYS_lseek, fd, 0, SEEK_HOLE)).toBe(0);
      expect(reserve(2 * PAGE)).toBe(0);
      expect(call(nr.SYS_lseek, fd, 0, SEEK_HOLE)).toBe(PAGE);
      expect(reserve(3 * PAGE)).toBe(0);
      expect(call(nr.SYS_lseek, fd, 0, SEEK_HOLE)).toBe(2 * PAGE);
      expect(sys.pread(fd, 3 * PAGE, 0)).toEqual(Buffer.alloc(3 * PAGE));
    });

    test("is not asked before a write moves the times", "size=12k", (sys, call) => {
      const fd = create(sys);
      expect(sys.write(fd, fill(3 * PAGE))).toBe(3 * PAGE);
      const times = Buffer.alloc(32);
      times.writeBigInt64LE(1000n, 0);
      times.writeBigInt64LE(1000n, 16);
      expect(call(nr.SYS_utimensat, fd, null, times, 0)).toBe(0);
      const before = statOf(sys).mtime;
      expect(sys.write(fd, fill(1))).toBe(-ENOSPC);
      expect(statOf(sys).mtime).toBeGreaterThan(before);
    });

    test("ends a write where it ends", "size=12k", (sys) => {
      const fd = create(sys);
      expect(sys.write(fd, fill(8192))).toBe(8192);
      expect(sys.write(fd, fill(8192))).toBe(4096);
      expect(sys.write(fd, fill(1))).toBe(-ENOSPC);
      expect(sys.pwrite(fd, fill(12288), 0)).toBe(12288);
      expect(statOf(sys)).toMatchObject({ size: 12288, blocks: 24 });
      const other = create(sys, "/t/other");
      expect(sys.write(other, fill(1))).toBe(-ENOSPC);
      expect(statOf(sys, "/t/other")).toMatchObject({ size: 0, blocks: 0 });
    });

    test("is without limit for a size of 0", "size=0,nr_inodes=0", (sys, call) => {
      expect(sys.write(create(sys), fill(100000))).toBe(100000);
      expectSpace(call, { blocks: 0, free: 0, files: 0, filesFree: 0 });
    });

    test("has a page for a long symbolic link", "size=8k", (sys, call) => {
      expect(sys.symlink("t".repeat(127), "/t/short")).toBe(0);
      expect(sys.symlink("t".repeat(128), "/t/long")).toBe(0);
      expect((sys.stat("/t/short", 0x100) as Stat).blocks).toBe(0);
      expect((sys.stat("/t/long", 0x100) as Stat).blocks).toBe(8);
      expectSpace(call, { free: 1 });
      expect(sys.symlink("t".repeat(300), "/t/another")).toBe(0);
      expect(sys.symlink("t".repeat(300), "/t/more")).toBe(-ENOSPC);
      expect(sys.unlink("/t/long")).toBe(0);
      expectSpace(call, { free: 1 });
    });
  });

  describe("the inodes of a tmpfs", () => {
    test("are counted by file and by name (TM-03)", "nr_inodes=5", (sys, call) => {
      expectSpace(call, { files: 5, filesFree: 4 });
      create(sys);
      expect(sys.link("/t/file", "/t/second")).toBe(0);
      expect(sys.mkdir("/t/directory")).toBe(0);
      expect(sys.symlink("x", "/t/link")).toBe(0);
      expect(create(sys, "/t/more")).toBe(-ENOSPC);
      expect(sys.mkdir("/t/more")).toBe(-ENOSPC);
      expect(sys.symlink("x", "/t/more")).toBe(-ENOSPC);
      expect(sys.link("/t/file", "/t/more")).toBe(-ENOSPC);
      expect(sys.unlink("/t/second")).toBe(0);
      expectSpace(call, { filesFree: 1 });
      expect(sys.rename("/t/file", "/t/more")).toBe(0);
    });

    test("give their space to extended attributes", "nr_inodes=4", (sys, call) => {
      create(sys);
      expect(sys.setxattr("/t/file", "user.a", fill(2048 - 46))).toBe(0);
      expectSpace(call, { filesFree: 0 });
      expect(sys.setxattr("/t/file", "user.b", "")).toBe(-ENOSPC);
      expect(create(sys, "/t/more")).toBe(-ENOSPC);
      // The new value needs its space before the old one's is free.
      expect(sys.setxattr("/t/file", "user.a", "x")).toBe(-ENOSPC);
      expect(sys.removexattr("/t/file", "user.a")).toBe(0);
      expect(sys.setxattr("/t/file", "user.a", fill(1024 - 45))).toBe(0);
      expectSpace(call, { filesFree: 0 });
      expect(sys.setxattr("/t/file", "user.a", "x")).toBe(0);
      expectSpace(call, { filesFree: 1 });
      expect(sys.setxattr("/t/file", "trusted.a", fill(900))).toBe(0);
      expect(sys.setxattr("/t/file", "security.a", fill(1010))).toBe(-ENOSPC);
    });

    test("are as many as their space lets be linked, without another limit", "nr_inodes=70000", (sys) => {
      create(sys);
      for (let i = 0; i < 100; i++) expect(sys.link("/t/file", `/t/link${i}`)).toBe(0);
      expect(statOf(sys).nlink).toBe(101);
    });
  });

  describe("a hole", () => {
    test("is found between pages, and data behind it", "", (sys, call) => {
      const fd = create(sys);
      const seek = (offset: number, whence: number) => call(nr.SYS_lseek, fd, offset, whence);
      sys.pwrite(fd, "x", 5 * PAGE + 7);
      sys.pwrite(fd, "x", 2 ** 40);
      expect(seek(0, SEEK_DATA)).toBe(5 * PAGE);
      expect(seek(0, SEEK_HOLE)).toBe(0);
      expect(seek(5 * PAGE + 9, SEEK_DATA)).toBe(5 * PAGE + 9);
      expect(seek(5 * PAGE, SEEK_HOLE)).toBe(6 * PAGE);
      expect(seek(6 * PAGE, SEEK_DATA)).toBe(2 ** 40);
      expect(seek(2 ** 40, SEEK_HOLE)).toBe(2 ** 40 + 1);
      call(nr.SYS_ftruncate, fd, 2 ** 41);
      expect(seek(2 ** 40 + 1, SEEK_DATA)).toBe(2 ** 40 + 1);
      expect(seek(2 ** 40 + PAGE, SEEK_DATA)).toBe(-ENXIO);
      expect(seek(2 ** 40 + PAGE, SEEK_HOLE)).toBe(2 ** 40 + PAGE);
      expect(seek(2 ** 41, SEEK_HOLE)).toBe(-ENXIO);
    });

    test("is punched by pages, and zeroed at its ends", "size=1m", (sys, call) => {
      const fd = create(sys);
      sys.write(fd, fill(4 * PAGE));
      const punch = (offset: number, length: number) =>
        call(nr.SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
      expect(punch(100, 2 * PAGE)).toBe(0);
      expect(statOf(sys)).toMatchObject({ size: 4 * PAGE, blocks: 24 });
      expect(sys.pread(fd, 4 * PAGE, 0)).toEqual(
        Buffer.concat([fill(100), Buffer.alloc(2 * PAGE), fill(2 * PAGE - 100)]),
      );
      expect(punch(10, 20)).toBe(0);
      expect(statOf(sys).blocks).toBe(24);
      expect(punch(0, 2 ** 62)).toBe(0);
      expect(statOf(sys)).toMatchObject({ size: 4 * PAGE, blocks: 0 });
    });

    test("is what an allocation leaves until it is written", "size=1m", (sys, call) => {
      const fd = create(sys);
      expect(call(nr.SYS_fallocate, fd, 0, 0, 4 * PAGE)).toBe(0);
      expect(statOf(sys)).toMatchObject({ size: 4 * PAGE, blocks: 32 });
      expect(call(nr.SYS_lseek, fd, 0, SEEK_DATA)).toBe(-ENXIO);
      expect(call(nr.SYS_lseek, fd, 10, SEEK_HOLE)).toBe(10);
      sys.pwrite(fd, "x", PAGE + 5);
      expect(sys.pread(fd, 4 * PAGE, 0)).toEqual(
        Buffer.concat([Buffer.alloc(PAGE + 5), Buffer.from("x"), Buffer.alloc(3 * PAGE - 6)]),
      );
      expect(call(nr.SYS_lseek, fd, 0, SEEK_DATA)).toBe(PAGE);
      expect(call(nr.SYS_lseek, fd, PAGE, SEEK_HOLE)).toBe(2 * PAGE);
      expect(statOf(sys).blocks).toBe(32);
    });
  });

  describe("fallocate on tmpfs", () => {
    test("takes space, or none when it does not fit (TM-03)", "size=40k", (sys, call) => {
      const fd = create(sys);
      sys.pwrite(fd, "x", PAGE);
      expect(call(nr.SYS_fallocate, fd, 0, 0, 11 * PAGE)).toBe(-ENOSPC);
      expect(call(nr.SYS_fallocate, fd, 0, 5 * PAGE, 10 * PAGE)).toBe(-ENOSPC);
      expect(statOf(sys)).toMatchObject({ size: PAGE + 1, blocks: 8 });
      expect(call(nr.SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 10 * PAGE)).toBe(0);
      expect(statOf(sys)).toMatchObject({ size: PAGE + 1, blocks: 80 });
      expectSpace(call, { free: 0 });
      expect(sys.pwrite(fd, fill(PAGE), 9 * PAGE)).toBe(PAGE);
      call(nr.SYS_ftruncate, fd, PAGE + 1);
      expect(statOf(sys).blocks).toBe(16);
    });

    test("gives back pages behind the end when the size is set, even to what it is", "", (sys, call) => {
      const fd = create(sys);
      sys.write(fd, "abc");
      call(nr.SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 5 * PAGE);
      expect(statOf(sys).blocks).toBe(40);
      call(nr.SYS_ftruncate, fd, 3);
      expect(statOf(sys).blocks).toBe(8);
    });

    test("can do no more than to allocate and to punch", "", (sys, call) => {
      const fd = create(sys);
      sys.write(fd, fill(4 * PAGE));
      for (const mode of [FALLOC_FL_ZERO_RANGE, FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE]) {
        expect(call(nr.SYS_fallocate, fd, mode, 0, PAGE)).toBe(-EOPNOTSUPP);
      }
    });
  });

  describe("the largest file", () => {
    test("has no data behind its end", "", (sys, call) => {
      const fd = create(sys);
      expect(call(nr.SYS_ftruncate, fd, LARGEST)).toBe(0);
      expect(sys.pwrite(fd, "x", LARGEST)).toBe(1);
      expect(statOf(sys).blocks).toBe(8);
      const appending = sys.open("/t/file", O_RDWR | O_APPEND);
      expect(sys.write(appending, fill(1022))).toBe(1022);
      expect(sys.write(appending, "x")).toBe(-EINVAL);
      expect(sys.write(sys.open("/t/file", O_RDWR | O_APPEND), "x")).toBe(-EFBIG);
      expect(call(nr.SYS_ftruncate, fd, 0)).toBe(0);
      expect(statOf(sys).blocks).toBe(0);
    });
  });

  describe("names of a tmpfs", () => {
    test("are exchanged, whatever they name (TM-05)", "", (sys) => {
      create(sys);
      sys.mkdir("/t/directory");
      expect(sys.rename("/t/file", "/t/directory", RENAME_EXCHANGE)).toBe(0);
      expect(statOf(sys, "/t/file").mode & 0o170000).toBe(0o040000);
      expect(statOf(sys, "/t/directory").mode & 0o170000).toBe(0o100000);
    });

    test("leave no whiteout when there are no inodes for it", "nr_inodes=2", (sys) => {
      sys.close(create(sys));
      expect(sys.rename("/t/file", "/t/moved", RENAME_WHITEOUT)).toBe(-ENOSPC);
      expect(statOf(sys)).toMatchObject({ nlink: 1 });
      expect(sys.rename("/t/file", "/t/moved")).toBe(0);
    });
    test("leave a whiteout when told to", "", (sys) => {
      create(sys);
      expect(sys.rename("/t/file", "/t/moved", RENAME_WHITEOUT)).toBe(0);
      expect(sys.stat("/t/file", 0x100)).toMatchObject({ mode: 0o020000, rdev: 0, nlink: 1, size: 0 });
      expect(sys.unlink("/t/file")).toBe(0);
    });

    test("count twenty bytes each in their directory", "", (sys) => {
      sys.mkdir("/t/directory");
      expect(statOf(sys, "/t/directory")).toMatchObject({ size: 40, blocks: 0, nlink: 2 });
      create(sys, "/t/directory/file");
      sys.mkdir("/t/directory/below");
      expect(statOf(sys, "/t/directory")).toMatchObject({ size: 80, nlink: 3 });
    });
  });

  describe("a remount", () => {
    const remount = (call: Call, options: string) =>
      call(nr.SYS_mount, "none", "/t", "tmpfs", MS_REMOUNT, options);

    test("changes limits, but not below what is used", "size=40k,nr_inodes=10,mode=700", (sys, call) => {
      sys.write(create(sys), fill(5 * PAGE));
      expect(remount(call, "size=16k")).toBe(-EINVAL);
      expect(remount(call, "nr_inodes=1")).toBe(-EINVAL);
      expect(remount(call, "unknown=1")).toBe(-EINVAL);
      expect(remount(call, "size=20k,nr_inodes=2")).toBe(0);
      expectSpace(call, { blocks: 5, free: 0, files: 2, filesFree: 0 });
      expect(remount(call, "size=80k,nr_inodes=5,mode=0755,uid=7")).toBe(0);
      expectSpace(call, { blocks: 20, free: 15, files: 5, filesFree: 3 });
      expect(statOf(sys, "/t")).toMatchObject({ mode: 0o040700, uid: 0 });
      expect(remount(call, "")).toBe(0);
      expectSpace(call, { blocks: 20, files: 5 });
    });

    test("limits nothing that was without limit, and takes limits away", "size=0", (_sys, call) => {
      expect(remount(call, "size=1m")).toBe(-EINVAL);
      expect(remount(call, "nr_inodes=0")).toBe(0);
      expectSpace(call, { blocks: 0, files: 0 });
      expect(remount(call, "nr_inodes=5")).toBe(-EINVAL);
    });
  });

  describe("the options of a tmpfs", () => {
    const refused = (options: string) =>
      vitest(`refuse ${JSON.stringify(options)}`, () => {
        const target = make();
        expect(mounted(target, options)).toBe(-EINVAL);
        target.end();
      });
    for (const options of [
      "unknown",
      "size",
      "size=",
      "size=x",
      "size=1q",
      "size=10%x",
      "size=1,2",
      "nr_blocks=5%",
      "nr_inodes=-1",
      "nr_inodes=1z",
      "mode=8",
      "mode=",
      "uid=x",
      "uid=-1",
      "uid=4294967295",
      "gid=1k",
      "huge=perhaps",
      "mpol=nothing",
    ]) {
      refused(options);
    }

    const blocks = (options: string, expected: number) =>
      test(`${options} is ${expected} blocks`, options, (_sys, call) => {
        expectSpace(call, { blocks: expected });
      });
    blocks("size=1", 1);
    blocks("size=4097", 2);
    blocks("size=1M", 256);
    blocks("size=0x2000", 2);
    blocks("size=010000", 1);
    blocks("nr_blocks=2k", 2048);
    blocks("size=4k,nr_blocks=3", 3);
    blocks(",size=8k,,", 2);

    test(
      "give the root its mode and owners (TM-01)",
      "mode=0750,uid=5,gid=0x10,inode64,huge=never",
      (sys) => {
        expect(statOf(sys, "/t")).toMatchObject({ mode: 0o040750, uid: 5, gid: 16 });
      },
    );
    test("are 01777 and the mounter's without them", "nr_inodes=1k,mpol=default", (sys, call) => {
      expect(statOf(sys, "/t")).toMatchObject({ mode: 0o041777, uid: 0, gid: 0 });
      expectSpace(call, { files: 1024 });
    });
    test("take the last of two (TM-02)", "mode=700,mode=71777,size=1k,size=5k", (sys, call) => {
      expect(statOf(sys, "/t").mode).toBe(0o041777);
      expectSpace(call, { blocks: 2 });
    });
  });
}
