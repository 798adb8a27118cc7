// The calls that newer ones have taken the place of: they do the same from the working directory, or without flags.

import { describe, expect, test } from "vitest";
import {
  EACCES,
  EAGAIN,
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
  ENOENT,
  ENOTDIR,
  EPERM,
} from "../../../../assembly/abi/errno.ts";
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  F_GETFD,
  F_GETFL,
  FD_CLOEXEC,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_LARGEFILE,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls } from "../../../support/sys/calls.ts";
import type { Argument, Target } from "../../../support/sys/target.ts";

const USER = { uid: 1000, gid: 1000 };
/** An address that no process has. */
const BAD = 1;
const STAT_SIZE = 144;
const W_OK = 2;
const R_OK = 4;

export function olderCallCases(make: () => Target): void {
  type Call = (number: number, ...args: readonly Argument[]) => number;
  function run(name: string, body: (call: Call, sys: Calls, target: Target) => void): void {
    test(name, () => {
      const target = make();
      const sys = new Calls(target.process());
      body((number, ...args) => sys.process.syscall(number, ...args), sys, target);
      target.end();
    });
  }
  const file = (sys: Calls, name: string, mode = 0o644): void => {
    sys.close(sys.open(name, O_CREAT | O_WRONLY, mode));
  };

  describe("creat", () => {
    run("makes a file for writing alone", (call, sys) => {
      const fd = call(nr.SYS_creat, "file", 0o640);
      expect(call(nr.SYS_fcntl, fd, F_GETFL)).toBe(O_WRONLY | O_LARGEFILE);
      expect(sys.write(fd, "content")).toBe(7);
      expect(sys.read(fd, 1)).toBe(-EBADF);
      expect(sys.stat("file")).toMatchObject({ mode: 0o100640, size: 7 });
    });
    run("empties the file that is there, and leaves its mode", (call, sys) => {
      sys.write(sys.open("file", O_CREAT | O_WRONLY, 0o604), "content");
      expect(call(nr.SYS_creat, "file", 0o777)).toBeGreaterThanOrEqual(0);
      expect(sys.stat("file")).toMatchObject({ mode: 0o100604, size: 0 });
    });
    run("needs the right to write", (call, sys, target) => {
      file(sys, "file", 0o644);
      const user = target.process(USER);
      expect(user.syscall(nr.SYS_creat, "file", 0o777)).toBe(-EACCES);
      expect(call(nr.SYS_creat, BAD, 0)).toBe(-EFAULT);
      expect(call(nr.SYS_creat, "none/file", 0)).toBe(-ENOENT);
    });
  });

  describe("stat, lstat and fstat", () => {
    const modeOf = (bytes: Buffer) => bytes.readUInt32LE(24);
    run("follow a link, do not, and need no path", (call, sys) => {
      file(sys, "file", 0o600);
      sys.symlink("file", "link");
      const bytes = Buffer.alloc(STAT_SIZE);
      expect(call(nr.SYS_stat, "link", bytes)).toBe(0);
      expect(modeOf(bytes)).toBe(0o100600);
      expect(call(nr.SYS_lstat, "link", bytes)).toBe(0);
      expect(modeOf(bytes)).toBe(0o120777);
      expect(call(nr.SYS_fstat, sys.open("file"), bytes)).toBe(0);
      expect(modeOf(bytes)).toBe(0o100600);
    });
    run("look at the path before the buffer", (call) => {
      expect(call(nr.SYS_lstat, "none", BAD)).toBe(-ENOENT);
      expect(call(nr.SYS_lstat, ".", BAD)).toBe(-EFAULT);
      expect(call(nr.SYS_stat, ".", BAD)).toBe(-EFAULT);
      expect(call(nr.SYS_lstat, BAD, BAD)).toBe(-EFAULT);
    });
  });

  describe("names from the working directory", () => {
    run("mkdir and rmdir", (call, sys) => {
      expect(call(nr.SYS_mkdir, "dir", 0o751)).toBe(0);
      expect(call(nr.SYS_mkdir, "dir", 0o751)).toBe(-EEXIST);
      expect(sys.stat("dir")).toMatchObject({ mode: 0o040751 });
      expect(call(nr.SYS_chdir, "dir")).toBe(0);
      expect(call(nr.SYS_mkdir, "below", 0o700)).toBe(0);
      expect(sys.stat("../dir/below")).toMatchObject({ mode: 0o040700 });
      expect(call(nr.SYS_rmdir, "below")).toBe(0);
      expect(call(nr.SYS_mkdir, BAD, 0)).toBe(-EFAULT);
    });
    run("symlink and readlink", (call) => {
      expect(call(nr.SYS_symlink, "text", "link")).toBe(0);
      expect(call(nr.SYS_symlink, "text", "link")).toBe(-EEXIST);
      expect(call(nr.SYS_symlink, "", "other")).toBe(-ENOENT);
      const bytes = Buffer.alloc(10, "#");
      expect(call(nr.SYS_readlink, "link", bytes, 10)).toBe(4);
      expect(bytes.toString()).toBe("text######");
      expect(call(nr.SYS_readlink, "link", bytes, 0)).toBe(-EINVAL);
      expect(call(nr.SYS_readlink, ".", bytes, 10)).toBe(-EINVAL);
      expect(call(nr.SYS_readlink, "link", BAD, 10)).toBe(-EFAULT);
    });
    run("link, which does not follow what it links", (call, sys) => {
      file(sys, "file");
      sys.symlink("file", "link");
      expect(call(nr.SYS_link, "link", "other")).toBe(0);
      expect(sys.stat("other", AT_SYMLINK_NOFOLLOW)).toMatchObject({ mode: 0o120777, nlink: 2 });
      expect(call(nr.SYS_link, "file", "other")).toBe(-EEXIST);
      expect(call(nr.SYS_link, ".", "dir")).toBe(-EPERM);
    });
    run("unlink", (call, sys) => {
      file(sys, "file");
      expect(call(nr.SYS_unlink, "file")).toBe(0);
      expect(call(nr.SYS_unlink, "file")).toBe(-ENOENT);
      expect(call(nr.SYS_unlink, "")).toBe(-ENOENT);
      expect(call(nr.SYS_unlink, BAD)).toBe(-EFAULT);
    });
    run("rename", (call, sys) => {
      file(sys, "file");
      sys.mkdir("dir");
      expect(call(nr.SYS_rename, "file", "dir/moved")).toBe(0);
      expect(sys.stat("dir/moved")).toMatchObject({ mode: 0o100644 });
      expect(call(nr.SYS_rename, "file", "dir/moved")).toBe(-ENOENT);
      expect(call(nr.SYS_rename, "dir", "dir/moved/x")).toBe(-ENOTDIR);
      expect(call(nr.SYS_rename, BAD, BAD)).toBe(-EFAULT);
    });
    run("renameat, from one descriptor to another", (call, sys) => {
      sys.mkdir("from");
      sys.mkdir("to");
      file(sys, "from/file");
      const [from, to] = [sys.open("from", O_DIRECTORY), sys.open("to", O_PATH)];
      expect(call(nr.SYS_renameat, from, "file", to, "moved")).toBe(0);
      expect(sys.stat("to/moved")).toMatchObject({ mode: 0o100644 });
      expect(call(nr.SYS_renameat, to, "moved", AT_FDCWD, "here")).toBe(0);
      expect(call(nr.SYS_renameat, sys.open("here"), "x", to, "y")).toBe(-ENOTDIR);
    });
  });

  describe("attributes with and without flags", () => {
    run("fchmodat takes no flags, fchmodat2 does", (call, sys) => {
      file(sys, "file");
      sys.symlink("file", "link");
      expect(call(nr.SYS_fchmodat, AT_FDCWD, "link", 0o600, 0xffff)).toBe(0);
      expect(sys.stat("file")).toMatchObject({ mode: 0o100600 });
      expect(call(nr.SYS_fchmodat2, AT_FDCWD, "file", 0o640, 0)).toBe(0);
      expect(call(nr.SYS_fchmodat2, AT_FDCWD, "file", 0o640, 0x8000)).toBe(-EINVAL);
      expect(call(nr.SYS_fchmodat, 99, "file", 0o600)).toBe(-EBADF);
      expect(sys.stat("file")).toMatchObject({ mode: 0o100640 });
    });
    run("fchownat changes a link itself, or a descriptor's file", (call, sys) => {
      file(sys, "file");
      sys.symlink("file", "link");
      expect(call(nr.SYS_fchownat, AT_FDCWD, "link", 1, 2, AT_SYMLINK_NOFOLLOW)).toBe(0);
      expect(sys.stat("link", AT_SYMLINK_NOFOLLOW)).toMatchObject({ uid: 1, gid: 2 });
      expect(sys.stat("file")).toMatchObject({ uid: 0, gid: 0 });
      expect(call(nr.SYS_fchownat, sys.open("file", O_PATH), "", 3, -1, AT_EMPTY_PATH)).toBe(0);
      expect(sys.stat("file")).toMatchObject({ uid: 3, gid: 0 });
      expect(call(nr.SYS_fchownat, AT_FDCWD, "file", 1, 1, 0x8000)).toBe(-EINVAL);
    });
    run("faccessat2 takes flags that faccessat does not know", (call, sys, target) => {
      file(sys, "file", 0o600);
      sys.symlink("nowhere", "dangling");
      const user = target.process(USER);
      expect(user.syscall(nr.SYS_faccessat2, AT_FDCWD, "file", R_OK, AT_EACCESS)).toBe(-EACCES);
      expect(call(nr.SYS_faccessat2, AT_FDCWD, "file", R_OK | W_OK, AT_EACCESS)).toBe(0);
      expect(call(nr.SYS_faccessat2, AT_FDCWD, "dangling", 0, 0)).toBe(-ENOENT);
      expect(call(nr.SYS_faccessat2, AT_FDCWD, "dangling", 0, AT_SYMLINK_NOFOLLOW)).toBe(0);
      expect(call(nr.SYS_faccessat, AT_FDCWD, "dangling", 0, AT_SYMLINK_NOFOLLOW)).toBe(-ENOENT);
      expect(call(nr.SYS_faccessat2, AT_FDCWD, "file", 0, 1)).toBe(-EINVAL);
    });
    run("futimesat counts in microseconds", (call, sys) => {
      file(sys, "file");
      const times = Buffer.alloc(32);
      for (const [index, value] of [5n, 6n, 7n, 8n].entries()) times.writeBigInt64LE(value, index * 8);
      expect(call(nr.SYS_futimesat, AT_FDCWD, "file", times)).toBe(0);
      expect(sys.stat("file")).toMatchObject({ atime: 5_000_006_000n, mtime: 7_000_008_000n });
      expect(call(nr.SYS_futimesat, sys.open("file"), null, null)).toBe(0);
      times.writeBigInt64LE(1_000_000n, 8);
      expect(call(nr.SYS_futimesat, AT_FDCWD, "file", times)).toBe(-EINVAL);
    });
  });

  describe("descriptors", () => {
    run("dup3 wants two that differ, and takes O_CLOEXEC alone", (call, sys) => {
      const fd = sys.open(".", O_RDONLY);
      expect(call(nr.SYS_dup3, fd, 9, O_CLOEXEC)).toBe(9);
      expect(call(nr.SYS_fcntl, 9, F_GETFD)).toBe(FD_CLOEXEC);
      expect(call(nr.SYS_dup3, fd, 9, 0)).toBe(9);
      expect(call(nr.SYS_fcntl, 9, F_GETFD)).toBe(0);
      expect(call(nr.SYS_dup3, fd, fd, 0)).toBe(-EINVAL);
      expect(call(nr.SYS_dup3, fd, 9, O_CREAT)).toBe(-EINVAL);
      expect(call(nr.SYS_dup3, 55, 9, 0)).toBe(-EBADF);
    });
    run("pipe gives two that block and stay open", (call, sys) => {
      const bytes = Buffer.alloc(8);
      expect(call(nr.SYS_pipe, bytes)).toBe(0);
      const [from, to] = [bytes.readInt32LE(0), bytes.readInt32LE(4)];
      expect(sys.write(to, "abc")).toBe(3);
      expect(sys.read(from, 10)).toEqual(Buffer.from("abc"));
      expect(call(nr.SYS_fcntl, from, F_GETFD)).toBe(0);
      expect(call(nr.SYS_fcntl, to, F_GETFL)).toBe(O_WRONLY);
    });
    run("pipe of a bad address leaves no descriptor", (call, sys) => {
      const before = sys.open(".", O_RDONLY);
      expect(call(nr.SYS_pipe, BAD)).toBe(-EFAULT);
      expect(call(nr.SYS_pipe2, BAD, 0)).toBe(-EFAULT);
      expect(sys.open(".", O_RDONLY)).toBe(before + 1);
    });
    run("eventfd begins with its count", (call, sys) => {
      const fd = call(nr.SYS_eventfd, 5);
      const count = sys.read(fd, 8) as Buffer;
      expect(count.readBigUInt64LE(0)).toBe(5n);
      expect(call(nr.SYS_fcntl, fd, F_GETFL)).toBe(O_RDWR);
      expect(sys.read(fd, 7)).toBe(-EINVAL);
    });
    run("eventfd takes no number that is kept for errors", (_, sys) => {
      const fd = sys.process.syscall(nr.SYS_eventfd2, 0, 0o4000);
      const number = Buffer.alloc(8, 0xff);
      expect(sys.write(fd, number)).toBe(-EINVAL);
      expect(sys.read(fd, 8)).toBe(-EAGAIN);
    });
    run("inotify_init gives one that blocks and stays open", (call) => {
      const fd = call(nr.SYS_inotify_init);
      expect(fd).toBeGreaterThanOrEqual(0);
      expect(call(nr.SYS_fcntl, fd, F_GETFD)).toBe(0);
      expect(call(nr.SYS_fcntl, fd, F_GETFL) & 0o4000).toBe(0);
      expect(call(nr.SYS_inotify_add_watch, fd, ".", 2)).toBe(1);
    });
    run("sync and syncfs always succeed", (call, sys) => {
      const fd = sys.open("file", O_CREAT | O_RDWR);
      sys.write(fd, "content");
      expect(call(nr.SYS_sync)).toBe(0);
      expect(call(nr.SYS_syncfs, fd)).toBe(0);
      expect(call(nr.SYS_syncfs, 99)).toBe(-EBADF);
      expect(call(nr.SYS_syncfs, sys.open(".", O_PATH))).toBe(-EBADF);
    });
  });

  describe("who a process is", () => {
    run("is told by each call of its own", (_, __, target) => {
      const process = target.process({ uid: 1001, gid: 1002 });
      const ids = [nr.SYS_getuid, nr.SYS_geteuid, nr.SYS_getgid, nr.SYS_getegid];
      expect(ids.map((number) => process.syscall(number))).toEqual([1001, 1001, 1002, 1002]);
    });
    run("is told apart when real and effective differ", (call) => {
      expect(call(nr.SYS_setregid, 10, 20)).toBe(0);
      expect([call(nr.SYS_getgid), call(nr.SYS_getegid)]).toEqual([10, 20]);
      expect(call(nr.SYS_setresgid, -1, 30, -1)).toBe(0);
      expect([call(nr.SYS_getgid), call(nr.SYS_getegid)]).toEqual([10, 30]);
      expect(call(nr.SYS_setreuid, 40, 50)).toBe(0);
      expect([call(nr.SYS_getuid), call(nr.SYS_geteuid)]).toEqual([40, 50]);
      expect(call(nr.SYS_setresgid, 77, -1, -1)).toBe(-EPERM);
    });
  });
}
