// What no call changes: a tree that can only be read. Each case prepares it first; it is closed at the first call that does not.

import { describe, expect, test } from "vitest";
import { EBADF, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, EROFS } from "../../../../assembly/abi/errno.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls, type Stat } from "../../../support/sys/calls.ts";
import type { Argument, Target } from "../../../support/sys/target.ts";

const USER = { uid: 1000, gid: 1000 };
const W_OK = 2;
const R_OK = 4;
const ST_RDONLY = 1;

export function readOnlyCases(make: () => Target): void {
  type Call = (number: number, ...args: readonly Argument[]) => number;
  /** A tree of "file", "dir/below", "dir/sub", "link" to the file, "fifo", and "other", another name of the file. */
  function run(name: string, body: (sys: Calls, call: Call, target: Target) => void): void {
    test(name, () => {
      const target = make();
      const sys = new Calls(target.process());
      const call: Call = (number, ...args) => sys.process.syscall(number, ...args);
      const fd = sys.open("file", O_CREAT | O_WRONLY, 0o666);
      sys.write(fd, "content");
      sys.close(fd);
      sys.mkdir("dir", 0o777);
      sys.close(sys.open("dir/below", O_CREAT | O_WRONLY, 0o644));
      sys.mkdir("dir/sub");
      sys.symlink("file", "link");
      sys.link("file", "other");
      call(nr.SYS_mknod, "fifo", 0o010666, 0);
      expect(sys.stat("file")).toMatchObject({ size: 7 });
      body(sys, call, target);
      target.end();
    });
  }

  describe("a read-only tree", () => {
    run("is read like any other", (sys, call) => {
      const fd = sys.open("file", O_RDONLY);
      expect(sys.read(fd, 100)).toEqual(Buffer.from("content"));
      expect(sys.pread(fd, 3, 2)).toEqual(Buffer.from("nte"));
      expect(call(nr.SYS_lseek, fd, -2, 2)).toBe(5);
      expect(sys.read(fd, 100)).toEqual(Buffer.from("nt"));
      expect(sys.readlink("link")).toBe("file");
      expect(sys.stat("link")).toEqual(sys.stat("file"));
      expect(sys.stat("link", AT_SYMLINK_NOFOLLOW)).toMatchObject({ mode: 0o120777, size: 4 });
      expect(sys.stat("dir")).toMatchObject({ mode: 0o040777 });
    });
    run("lists its directories", (sys, call) => {
      const list = (path: string) => {
        const bytes = Buffer.alloc(4096);
        const got = call(nr.SYS_getdents64, sys.open(path, O_DIRECTORY), bytes, 4096);
        const names: string[] = [];
        for (let at = 0; at < got; at += bytes.readUInt16LE(at + 16)) {
          names.push(bytes.toString("utf8", at + 19, bytes.indexOf(0, at + 19)));
        }
        return names.sort();
      };
      expect(list(".")).toEqual([".", "..", "dir", "fifo", "file", "link", "other"]);
      expect(list("dir")).toEqual([".", "..", "below", "sub"]);
      expect(list("dir/sub")).toEqual([".", ".."]);
    });
    run("keeps two names of a file together", (sys) => {
      const [one, two] = [sys.stat("file") as Stat, sys.stat("other") as Stat];
      expect(one).toEqual(two);
      expect(one.nlink).toBe(2);
    });
    run("opens no file for writing", (sys) => {
      expect(sys.open("file", O_WRONLY)).toBe(-EROFS);
      expect(sys.open("file", O_RDWR)).toBe(-EROFS);
      expect(sys.open("link", O_WRONLY | O_APPEND)).toBe(-EROFS);
      expect(sys.open("file", O_RDONLY | O_TRUNC)).toBe(-EROFS);
      expect(sys.open("dir", O_WRONLY)).toBe(-EISDIR);
      expect(sys.open("none", O_WRONLY)).toBe(-ENOENT);
      expect(sys.stat("file")).toMatchObject({ size: 7 });
    });
    run("opens a FIFO for writing, which changes nothing in the tree", (sys) => {
      const fd = sys.open("fifo", O_RDWR);
      expect(fd).toBeGreaterThanOrEqual(0);
      expect(sys.write(fd, "abc")).toBe(3);
      expect(sys.read(fd, 10)).toEqual(Buffer.from("abc"));
    });
    run("opens places with O_PATH, and for their names", (sys) => {
      const fd = sys.open("dir", O_PATH);
      expect(sys.stat("below", 0, fd)).toMatchObject({ mode: 0o100644 });
      expect(sys.mkdir("new", 0o755, fd)).toBe(-EROFS);
      expect(sys.unlink("below", fd)).toBe(-EROFS);
    });
    run("makes no file, but opens what is there with O_CREAT", (sys) => {
      expect(sys.open("new", O_CREAT | O_RDONLY)).toBe(-EROFS);
      expect(sys.open("new", O_CREAT | O_EXCL | O_RDWR)).toBe(-EROFS);
      expect(sys.open("file", O_CREAT | O_EXCL | O_RDWR)).toBe(-EEXIST);
      expect(sys.open("file", O_CREAT | O_RDONLY)).toBeGreaterThanOrEqual(0);
      expect(sys.open("file", O_CREAT | O_WRONLY)).toBe(-EROFS);
      expect(sys.open("file/new", O_CREAT | O_RDONLY)).toBe(-ENOTDIR);
      expect(sys.open("none/new", O_CREAT | O_RDONLY)).toBe(-ENOENT);
      expect(sys.stat("new")).toBe(-ENOENT);
    });
    run("makes no unnamed file", (sys) => {
      expect(sys.open("dir", O_TMPFILE | O_RDWR)).toBe(-EROFS);
      expect(sys.open("file", O_TMPFILE | O_RDWR)).toBe(-ENOTDIR);
    });
    run("makes no directory, node, or link; what exists says so first", (sys, call) => {
      expect(sys.mkdir("new")).toBe(-EROFS);
      expect(sys.mkdir("dir")).toBe(-EEXIST);
      expect(sys.mkdir("none/new")).toBe(-ENOENT);
      expect(call(nr.SYS_mknod, "new", 0o100644, 0)).toBe(-EROFS);
      expect(call(nr.SYS_mknod, "file", 0o100644, 0)).toBe(-EEXIST);
      expect(call(nr.SYS_mknod, "new", 0o010644, 0)).toBe(-EROFS);
      expect(sys.symlink("x", "new")).toBe(-EROFS);
      expect(sys.symlink("x", "link")).toBe(-EEXIST);
      expect(sys.link("file", "new")).toBe(-EROFS);
      expect(sys.link("file", "other")).toBe(-EEXIST);
      expect(sys.link("none", "new")).toBe(-ENOENT);
      expect(sys.link("dir", "new")).toBe(-EROFS);
    });
    run("removes nothing", (sys) => {
      expect(sys.unlink("file")).toBe(-EROFS);
      expect(sys.unlink("link")).toBe(-EROFS);
      expect(sys.unlink("none")).toBe(-EROFS);
      expect(sys.unlink("dir")).toBe(-EROFS);
      expect(sys.unlink("none/x")).toBe(-ENOENT);
      expect(sys.rmdir("dir/sub")).toBe(-EROFS);
      expect(sys.rmdir("dir")).toBe(-EROFS);
      expect(sys.rmdir("file")).toBe(-EROFS);
      expect(sys.rmdir("none")).toBe(-EROFS);
      expect(sys.rmdir("dir/.")).toBe(-EINVAL);
      expect(sys.stat("file")).toMatchObject({ nlink: 2 });
    });
    run("renames nothing", (sys) => {
      expect(sys.rename("file", "new")).toBe(-EROFS);
      expect(sys.rename("file", "other")).toBe(-EROFS);
      expect(sys.rename("dir", "new")).toBe(-EROFS);
      expect(sys.rename("none", "new")).toBe(-EROFS);
      expect(sys.rename("none/x", "new")).toBe(-ENOENT);
      expect(sys.rename("file", "dir/sub", RENAME_NOREPLACE)).toBe(-EROFS);
      expect(sys.rename("file", "dir", RENAME_EXCHANGE)).toBe(-EROFS);
      expect(sys.rename("file", "dir", RENAME_EXCHANGE | RENAME_NOREPLACE)).toBe(-EINVAL);
    });
    run("keeps its modes and owners", (sys, call) => {
      const fd = sys.open("file", O_RDONLY);
      expect(call(nr.SYS_chmod, "file", 0o600)).toBe(-EROFS);
      expect(call(nr.SYS_fchmod, fd, 0o600)).toBe(-EROFS);
      expect(call(nr.SYS_chown, "file", 1, 1)).toBe(-EROFS);
      expect(call(nr.SYS_lchown, "link", 1, 1)).toBe(-EROFS);
      expect(call(nr.SYS_fchown, fd, 1, 1)).toBe(-EROFS);
      expect(call(nr.SYS_chmod, "none", 0o600)).toBe(-ENOENT);
      expect(sys.stat("file")).toMatchObject({ mode: 0o100666, uid: 0 });
    });
    run("keeps its times, those of reading as well", (sys, call) => {
      const before = sys.stat("file");
      const fd = sys.open("file", O_RDONLY);
      sys.read(fd, 10);
      expect(call(nr.SYS_utimensat, AT_FDCWD, "file", null, 0)).toBe(-EROFS);
      expect(call(nr.SYS_utimensat, fd, null, null, 0)).toBe(-EROFS);
      expect(call(nr.SYS_utimes, "file", null)).toBe(-EROFS);
      expect(call(nr.SYS_utime, "link", null)).toBe(-EROFS);
      expect(sys.stat("file")).toEqual(before);
    });
    run("keeps its sizes", (sys, call) => {
      const fd = sys.open("file", O_RDONLY);
      expect(call(nr.SYS_truncate, "file", 0)).toBe(-EROFS);
      expect(call(nr.SYS_truncate, "dir", 0)).toBe(-EISDIR);
      expect(call(nr.SYS_truncate, "fifo", 0)).toBe(-EINVAL);
      expect(call(nr.SYS_truncate, "none", 0)).toBe(-ENOENT);
      expect(call(nr.SYS_ftruncate, fd, 0)).toBe(-EINVAL);
      expect(call(nr.SYS_fallocate, fd, 0, 0, 10)).toBe(-EBADF);
      expect(sys.write(fd, "x")).toBe(-EBADF);
      expect(sys.stat("file")).toMatchObject({ size: 7 });
    });
    run("keeps its extended attributes", (sys) => {
      const fd = sys.open("file", O_RDONLY);
      expect(sys.setxattr("file", "user.a", "x")).toBe(-EROFS);
      expect(sys.setxattr(fd, "trusted.a", "x")).toBe(-EROFS);
      expect(sys.removexattr("file", "user.a")).toBe(-EROFS);
      expect(sys.listxattr("file")).toEqual([]);
      expect(sys.setxattr("none", "user.a", "x")).toBe(-ENOENT);
    });
    run("is not to be written for access(2) either, but for its FIFOs", (_, call, target) => {
      expect(call(nr.SYS_access, "file", W_OK)).toBe(-EROFS);
      expect(call(nr.SYS_access, "dir", W_OK)).toBe(-EROFS);
      expect(call(nr.SYS_access, "link", W_OK | R_OK)).toBe(-EROFS);
      expect(call(nr.SYS_access, "fifo", W_OK)).toBe(0);
      expect(call(nr.SYS_access, "file", R_OK)).toBe(0);
      const user = target.process(USER);
      expect(user.syscall(nr.SYS_access, "dir/below", W_OK)).toBe(-EROFS);
      expect(user.syscall(nr.SYS_access, "file", W_OK)).toBe(-EROFS);
    });
    run("asks for permission after it has said that it is read-only", (sys, call, target) => {
      const user = new Calls(target.process(USER));
      expect(user.open("dir/below", O_WRONLY)).toBe(-EROFS);
      expect(user.unlink("file")).toBe(-EROFS);
      expect(user.mkdir("dir/sub/new")).toBe(-EROFS);
      expect(user.process.syscall(nr.SYS_chmod, "file", 0o777)).toBe(-EROFS);
      expect(user.process.syscall(nr.SYS_truncate, "dir/below", 0)).toBe(-EROFS);
      expect(sys.stat("dir/below")).toMatchObject({ size: 0 });
      expect(call(nr.SYS_sync)).toBe(0);
    });
    run("takes locks and is flushed like any other", (sys, call) => {
      const fd = sys.open("file", O_RDONLY);
      expect(call(nr.SYS_flock, fd, 2)).toBe(0);
      expect(call(nr.SYS_fsync, fd)).toBe(0);
      expect(call(nr.SYS_fdatasync, fd)).toBe(0);
      expect(call(nr.SYS_syncfs, fd)).toBe(0);
    });
    run("tells by statfs(2) what it is", (_, call) => {
      const bytes = Buffer.alloc(120);
      expect(call(nr.SYS_statfs, "file", bytes)).toBe(0);
      expect(bytes.readBigUInt64LE(0)).toBe(0x794c7630n);
      expect(Number(bytes.readBigUInt64LE(80)) & ST_RDONLY).toBe(ST_RDONLY);
    });
  });
}
