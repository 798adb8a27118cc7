// Making, removing and moving names, and what stands in the way, in Linux's order.

import { describe, expect, test } from "vitest";
import {
  EACCES,
  EBADF,
  EBUSY,
  EEXIST,
  EFAULT,
  EINVAL,
  EISDIR,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
} from "../../../../assembly/abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls } from "../../../support/sys/calls.ts";
import { type Capability, type Process, skipWithout, type Target } from "../../../support/sys/target.ts";

const USER = { uid: 1000, gid: 1000 };
const STRANGER = { uid: 3000, gid: 3000 };
/** An address that no process has. */
const BAD = 1;
const LONG = "n".repeat(256);

export function nameCases(make: () => Target): void {
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
  const inoOf = (sys: Calls, path: string): number => {
    const found = sys.stat(path, AT_SYMLINK_NOFOLLOW);
    return typeof found === "number" ? found : found.ino;
  };

  describe("mkdir", () => {
    run("makes an empty directory, with or without a slash behind it", (_, sys) => {
      expect(sys.mkdir("a", 0o750)).toBe(0);
      expect(sys.mkdir("b///", 0o7777)).toBe(0);
      expect(sys.stat("a")).toMatchObject({ mode: 0o040750 });
      expect(sys.stat("b")).toMatchObject({ mode: 0o041777 });
      expect(sys.mkdir("a/c")).toBe(0);
      expect(sys.rmdir("a")).toBe(-ENOTEMPTY);
    });
    run(
      "counts in the directory above",
      (_, sys) => {
        expect(sys.mkdir("a")).toBe(0);
        expect(sys.stat("a")).toMatchObject({ nlink: 2 });
        expect(sys.mkdir("a/c")).toBe(0);
        expect(sys.stat("a")).toMatchObject({ nlink: 3 });
      },
      "counts of directories",
    );
    run("finds what is there, of whatever type", (_, sys) => {
      file(sys, "file");
      sys.symlink("nowhere", "dangling");
      for (const path of ["file", "file/", "dangling", ".", "..", "/", "./"])
        expect(sys.mkdir(path)).toBe(-EEXIST);
      expect(sys.mkdir("dangling/")).toBe(-EEXIST);
      expect(sys.mkdir("file/x")).toBe(-ENOTDIR);
      expect(sys.mkdir("none/x")).toBe(-ENOENT);
      expect(sys.mkdir("none/..")).toBe(-ENOENT);
      expect(sys.mkdir("")).toBe(-ENOENT);
      expect(sys.mkdir(LONG)).toBe(-ENAMETOOLONG);
    });
    run(
      "needs the right to write in the directory, after the name is known to be free",
      (process, sys, target) => {
        sys.mkdir("dir", 0o755);
        sys.mkdir("dir/there");
        const user = new Calls(target.process(USER));
        expect(user.mkdir("dir/there")).toBe(-EEXIST);
        expect(user.mkdir("dir/new")).toBe(-EACCES);
        expect(process.syscall(nr.SYS_mkdir, BAD, 0)).toBe(-EFAULT);
        expect(process.syscall(nr.SYS_mkdirat, 99, "x", 0)).toBe(-EBADF);
      },
    );
  });

  describe("rmdir", () => {
    run("removes an empty directory only", (_, sys) => {
      sys.mkdir("dir");
      sys.mkdir("full");
      file(sys, "full/file");
      file(sys, "file");
      sys.symlink("dir", "link");
      expect(sys.rmdir("full")).toBe(-ENOTEMPTY);
      expect(sys.rmdir("file")).toBe(-ENOTDIR);
      expect(sys.rmdir("link")).toBe(-ENOTDIR);
      expect(sys.rmdir("link/")).toBe(-ENOTDIR);
      expect(sys.rmdir("dir/")).toBe(0);
      expect(sys.rmdir("dir")).toBe(-ENOENT);
    });
    run("refuses dots and the root, each in its way (ND-08)", (_, sys) => {
      sys.mkdir("dir");
      expect(sys.rmdir("dir/.")).toBe(-EINVAL);
      expect(sys.rmdir("dir/..")).toBe(-ENOTEMPTY);
      expect(sys.rmdir("/")).toBe(-EBUSY);
      expect(sys.rmdir("none/.")).toBe(-ENOENT);
      expect(sys.rmdir("")).toBe(-ENOENT);
      expect(sys.rmdir(LONG)).toBe(-ENAMETOOLONG);
    });
    run("looks at the right to write before the type", (_, sys, target) => {
      sys.mkdir("dir", 0o755);
      file(sys, "dir/file");
      sys.mkdir("dir/full");
      file(sys, "dir/full/x");
      const user = new Calls(target.process(USER));
      expect(user.rmdir("dir/file")).toBe(-EACCES);
      expect(user.rmdir("dir/full")).toBe(-EACCES);
      expect(user.rmdir("dir/none")).toBe(-ENOENT);
    });
  });

  describe("unlink", () => {
    run("removes a name, the last one with the file", (_, sys) => {
      file(sys, "file");
      sys.link("file", "other");
      const fd = sys.open("file", O_RDWR);
      expect(sys.unlink("file")).toBe(0);
      expect(sys.stat("other")).toMatchObject({ nlink: 1 });
      expect(sys.unlink("other")).toBe(0);
      expect(sys.fstat(fd)).toMatchObject({ nlink: 0 });
      expect(sys.write(fd, "still")).toBe(5);
      expect(sys.unlink("file")).toBe(-ENOENT);
    });
    run("removes a link, not what it leads to", (_, sys) => {
      file(sys, "file");
      sys.symlink("file", "link");
      expect(sys.unlink("link/")).toBe(-ENOTDIR);
      expect(sys.unlink("link")).toBe(0);
      expect(sys.stat("file")).toMatchObject({ nlink: 1 });
    });
    run("is not for directories (ND-08)", (process, sys) => {
      sys.mkdir("dir");
      file(sys, "file");
      expect(sys.unlink("dir")).toBe(-EISDIR);
      expect(sys.unlink("dir/")).toBe(-EISDIR);
      expect(sys.unlink("dir/.")).toBe(-EISDIR);
      expect(sys.unlink("..")).toBe(-EISDIR);
      expect(sys.unlink("/")).toBe(-EISDIR);
      expect(sys.unlink("file/")).toBe(-ENOTDIR);
      expect(sys.unlink("none/")).toBe(-ENOENT);
      expect(sys.unlink("")).toBe(-ENOENT);
      expect(sys.unlink(LONG)).toBe(-ENAMETOOLONG);
      expect(process.syscall(nr.SYS_unlinkat, AT_FDCWD, "none", 1)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_unlinkat, AT_FDCWD, "dir", AT_REMOVEDIR)).toBe(0);
    });
    run("in a sticky directory is for the owners of file and directory", (process, sys, target) => {
      sys.mkdir("tmp");
      process.syscall(nr.SYS_chmod, "tmp", 0o1777);
      const user = new Calls(target.process(USER));
      file(user, "tmp/file");
      user.mkdir("tmp/dir");
      const stranger = new Calls(target.process(STRANGER));
      expect(stranger.unlink("tmp/file")).toBe(-EPERM);
      expect(stranger.rmdir("tmp/dir")).toBe(-EPERM);
      expect(stranger.rename("tmp/file", "tmp/mine")).toBe(-EPERM);
      expect(stranger.unlink("tmp/dir")).toBe(-EPERM);
      file(stranger, "tmp/other");
      expect(stranger.rename("tmp/other", "tmp/file")).toBe(-EPERM);
      expect(user.unlink("tmp/file")).toBe(0);
      process.syscall(nr.SYS_chown, "tmp", 3000, -1);
      expect(stranger.rmdir("tmp/dir")).toBe(0);
    });
  });

  describe("mknod", () => {
    run("makes files, FIFOs and sockets' names for anybody", (_, sys, target) => {
      const user = target.process(USER);
      const mknod = (name: string, mode: number) => user.syscall(nr.SYS_mknod, name, mode, 0);
      expect(mknod("plain", 0o644)).toBe(0);
      expect(mknod("file", 0o100644)).toBe(0);
      expect(mknod("fifo", 0o010644)).toBe(0);
      expect(mknod("socket", 0o140644)).toBe(0);
      expect(sys.stat("plain")).toMatchObject({ mode: 0o100644, uid: 1000 });
      expect(sys.stat("fifo")).toMatchObject({ mode: 0o010644 });
      expect(sys.stat("socket")).toMatchObject({ mode: 0o140644 });
    });
    test("makes device nodes by capability alone", (context) => {
      const target = make();
      skipWithout(target, "device nodes", context);
      const process = target.process();
      const sys = new Calls(process);
      const user = target.process(USER);
      expect(process.syscall(nr.SYS_mknod, "device", 0o020600, 0x103)).toBe(0);
      expect(process.syscall(nr.SYS_mknod, "block", 0o060600, 0xfff12345)).toBe(0);
      expect(sys.stat("device")).toMatchObject({ mode: 0o020600, rdev: 0x103 });
      expect(sys.stat("block")).toMatchObject({ mode: 0o060600, rdev: 0xfff12345 });
      expect(user.syscall(nr.SYS_mknod, "mine", 0o020600, 0x103)).toBe(-EPERM);
      expect(user.syscall(nr.SYS_mknod, "mine", 0o060600, 0)).toBe(-EPERM);
      expect(user.syscall(nr.SYS_mknod, "device", 0o020600, 0x103)).toBe(-EEXIST);
      target.end();
    });
    test("makes a whiteout for anybody", (context) => {
      const target = make();
      skipWithout(target, "whiteouts", context);
      const user = target.process(USER);
      expect(user.syscall(nr.SYS_mknod, "white", 0o020600, 0)).toBe(0);
      expect(new Calls(user).stat("white")).toMatchObject({ mode: 0o020600, rdev: 0, uid: 1000 });
      target.end();
    });
    run("looks at the type before the path", (process, sys) => {
      file(sys, "file");
      expect(process.syscall(nr.SYS_mknod, "none/x", 0o040755, 0)).toBe(-EPERM);
      expect(process.syscall(nr.SYS_mknod, BAD, 0o120777, 0)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_mknod, BAD, 0o010777, 0)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_mknod, "file", 0o010777, 0)).toBe(-EEXIST);
      expect(process.syscall(nr.SYS_mknod, "new/", 0o010777, 0)).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_mknod, ".", 0o010777, 0)).toBe(-EEXIST);
    });
  });

  describe("symlink", () => {
    run("holds any text of up to 4095 bytes", (_, sys) => {
      const text = "t/".repeat(2047);
      expect(sys.symlink(text, "long")).toBe(0);
      expect(sys.readlink("long")).toBe(text);
      expect(sys.stat("long", AT_SYMLINK_NOFOLLOW)).toMatchObject({ size: 4094 });
      expect(sys.symlink(`${text}xx`, "longer")).toBe(-ENAMETOOLONG);
      expect(sys.symlink("", "empty")).toBe(-ENOENT);
    });
    run("is made by a name that is free", (process, sys) => {
      file(sys, "file");
      expect(sys.symlink("x", "file")).toBe(-EEXIST);
      expect(sys.symlink("x", "new/")).toBe(-ENOENT);
      expect(sys.symlink("x", "none/new")).toBe(-ENOENT);
      expect(sys.symlink("x", LONG)).toBe(-ENAMETOOLONG);
      expect(process.syscall(nr.SYS_symlink, BAD, "")).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_symlink, "x", BAD)).toBe(-EFAULT);
    });
    run("is read as far as the buffer goes", (process, sys) => {
      sys.symlink("target", "link");
      file(sys, "file");
      expect(sys.readlink("link", 3)).toBe("tar");
      expect(sys.readlink("file")).toBe(-EINVAL);
      expect(sys.readlink("none")).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_readlink, "none", BAD, 0)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_readlink, "link", BAD, 10)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_readlink, "file", BAD, 10)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_readlink, "", BAD, 10)).toBe(-ENOENT);
    });
  });

  describe("link", () => {
    run("gives a file one more name, which shows at once", (_, sys) => {
      file(sys, "file");
      expect(sys.link("file", "other")).toBe(0);
      expect(sys.stat("file")).toMatchObject({ nlink: 2 });
      expect(inoOf(sys, "other")).toBe(inoOf(sys, "file"));
    });
    run("to a link is a name of the link, unless it is to be followed", (_, sys) => {
      file(sys, "file");
      sys.symlink("file", "link");
      expect(sys.link("link", "name")).toBe(0);
      expect(sys.stat("name", AT_SYMLINK_NOFOLLOW)).toMatchObject({ mode: 0o120777, nlink: 2 });
      expect(sys.link("link", "real", AT_SYMLINK_FOLLOW)).toBe(0);
      expect(sys.stat("real", AT_SYMLINK_NOFOLLOW)).toMatchObject({ mode: 0o100644 });
    });
    run("looks at the old path, the new one, the right to write, the type", (process, sys, target) => {
      file(sys, "file");
      sys.mkdir("dir", 0o755);
      expect(sys.link("none", "none/x")).toBe(-ENOENT);
      expect(sys.link("file", "dir")).toBe(-EEXIST);
      expect(sys.link("dir", "dir2")).toBe(-EPERM);
      expect(sys.link("dir", "file")).toBe(-EEXIST);
      expect(sys.link("file/", "new")).toBe(-ENOTDIR);
      expect(sys.link("file", "new/")).toBe(-ENOENT);
      expect(sys.link("file", LONG)).toBe(-ENAMETOOLONG);
      expect(sys.link("file", "new", 1)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_link, "none", BAD)).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_link, BAD, BAD)).toBe(-EFAULT);
      process.syscall(nr.SYS_chmod, "file", 0o666);
      const user = new Calls(target.process(USER));
      expect(user.link("file", "dir/new")).toBe(-EACCES);
      expect(user.link("dir", "dir/new")).toBe(-EPERM);
    });
    run("to another's file needs the right to read and write it", (process, sys, target) => {
      file(sys, "closed", 0o644);
      file(sys, "open");
      process.syscall(nr.SYS_chmod, "open", 0o666);
      process.syscall(nr.SYS_mknod, "fifo", 0o010777, 0);
      process.syscall(nr.SYS_chmod, "fifo", 0o777);
      const user = new Calls(target.process(USER));
      expect(user.link("closed", "one")).toBe(-EPERM);
      expect(user.link("open", "two")).toBe(0);
      expect(user.link("fifo", "three")).toBe(-EPERM);
      process.syscall(nr.SYS_chmod, "open", 0o4666);
      expect(user.link("open", "four")).toBe(-EPERM);
    });
    run("of a descriptor is the opener's, and of who may read everything", (process, sys, target) => {
      file(sys, "file", 0o666);
      process.syscall(nr.SYS_chmod, "file", 0o666);
      const link = (who: Process, fd: number, to: string) =>
        who.syscall(nr.SYS_linkat, fd, "", AT_FDCWD, to, AT_EMPTY_PATH);
      expect(link(process, sys.open("file", O_PATH), "one")).toBe(0);
      const user = target.process(USER);
      const fd = new Calls(user).open("file", O_RDONLY);
      expect(link(user, fd, "two")).toBe(0);
      expect(user.syscall(nr.SYS_linkat, fd, "", AT_FDCWD, "three", 0)).toBe(-ENOENT);
      expect(link(user, 99, "three")).toBe(-EBADF);
      user.syscall(nr.SYS_setgroups, 0, null);
      const other = target.process(STRANGER);
      const theirs = new Calls(other).open("file", O_RDONLY);
      expect(other.syscall(nr.SYS_setresuid, 3000, 3000, 3000)).toBe(0);
      expect(link(other, theirs, "four")).toBe(0);
      process.syscall(nr.SYS_setresuid, 3000, 3000, 0);
      const mine = sys.open("file", O_RDONLY);
      expect(link(process, mine, "five")).toBe(0);
      expect(process.syscall(nr.SYS_setresuid, 0, -1, -1)).toBe(0);
      expect(link(process, mine, "six")).toBe(-ENOENT);
    });
    run(
      "of a descriptor is asked about before the path, and not for an absolute one",
      (process, sys, target) => {
        file(sys, "file", 0o666);
        process.syscall(nr.SYS_chmod, "file", 0o666);
        const user = target.process(USER);
        const fd = new Calls(user).open("file", O_RDONLY);
        expect(user.syscall(nr.SYS_linkat, fd, "x", AT_FDCWD, "one", AT_EMPTY_PATH)).toBe(-ENOTDIR);
        expect(user.syscall(nr.SYS_linkat, fd, "/file", AT_FDCWD, "one", AT_EMPTY_PATH)).toBe(0);
        const memory = user.syscall(nr.SYS_memfd_create, "m", 0);
        expect(user.syscall(nr.SYS_linkat, memory, "", AT_FDCWD, "file/x", AT_EMPTY_PATH)).toBe(-ENOTDIR);
        process.syscall(nr.SYS_setresuid, 3000, 3000, 0);
        const mine = sys.open("file", O_RDONLY);
        expect(process.syscall(nr.SYS_setresuid, 0, -1, -1)).toBe(0);
        expect(process.syscall(nr.SYS_linkat, mine, "x", AT_FDCWD, "two", AT_EMPTY_PATH)).toBe(-ENOENT);
        expect(process.syscall(nr.SYS_linkat, mine, "/file", AT_FDCWD, "two", AT_EMPTY_PATH)).toBe(0);
      },
    );
  });

  describe("rename", () => {
    run("moves a file over another", (_, sys) => {
      file(sys, "a");
      file(sys, "b");
      const ino = inoOf(sys, "a");
      expect(sys.rename("a", "b")).toBe(0);
      expect(inoOf(sys, "b")).toBe(ino);
      expect(sys.stat("a")).toBe(-ENOENT);
    });
    run("between two names of one file does nothing", (_, sys) => {
      file(sys, "a");
      sys.link("a", "b");
      expect(sys.rename("a", "b")).toBe(0);
      expect(sys.stat("a")).toMatchObject({ nlink: 2 });
      expect(sys.rename("a", "a")).toBe(0);
    });
    run("moves a directory over an empty one", (_, sys) => {
      sys.mkdir("a");
      file(sys, "a/file");
      sys.mkdir("b");
      sys.mkdir("full");
      file(sys, "full/x");
      expect(sys.rename("a", "full")).toBe(-ENOTEMPTY);
      expect(sys.rename("a/", "b/")).toBe(0);
      expect(sys.stat("b/file")).toMatchObject({ nlink: 1 });
      expect(sys.rename("b", "new/")).toBe(0);
      expect(sys.rename("new", "none/x")).toBe(-ENOENT);
    });
    run(
      "keeps the counts of directories that get and lose one",
      (_, sys) => {
        sys.mkdir("from");
        sys.mkdir("to");
        sys.mkdir("from/dir");
        expect(sys.rename("from/dir", "to/dir")).toBe(0);
        expect(sys.stat("from")).toMatchObject({ nlink: 2 });
        expect(sys.stat("to")).toMatchObject({ nlink: 3 });
        expect(inoOf(sys, "to/dir/..")).toBe(inoOf(sys, "to"));
      },
      "counts of directories",
    );
    run("gives a directory another one above it (ND-09)", (_, sys) => {
      sys.mkdir("from");
      sys.mkdir("to");
      sys.mkdir("from/dir");
      file(sys, "from/dir/file");
      expect(sys.rename("from/dir", "to/dir")).toBe(0);
      expect(inoOf(sys, "to/dir/..")).toBe(inoOf(sys, "to"));
      expect(sys.stat("to/dir/file")).toMatchObject({ mode: 0o100644 });
      expect(sys.stat("from/dir")).toBe(-ENOENT);
      expect(sys.rmdir("from")).toBe(0);
    });
    run("does not mix files and directories", (_, sys) => {
      file(sys, "file");
      sys.mkdir("dir");
      sys.symlink("dir", "link");
      expect(sys.rename("file", "dir")).toBe(-EISDIR);
      expect(sys.rename("dir", "file")).toBe(-ENOTDIR);
      expect(sys.rename("dir", "link")).toBe(-ENOTDIR);
      expect(sys.rename("file/", "x")).toBe(-ENOTDIR);
      expect(sys.rename("file", "x/")).toBe(-ENOTDIR);
      expect(sys.rename("link/", "x")).toBe(-ENOTDIR);
    });
    run("does not put a directory below itself, or a tree in the place of its parent (ND-09)", (_, sys) => {
      sys.mkdir("a");
      sys.mkdir("a/b");
      sys.mkdir("a/b/c");
      expect(sys.rename("a", "a/b/x")).toBe(-EINVAL);
      expect(sys.rename("a", "a/b")).toBe(-EINVAL);
      expect(sys.rename("a/b/c", "a")).toBe(-ENOTEMPTY);
      expect(sys.rename("a/b/c", "a/b")).toBe(-ENOTEMPTY);
      expect(sys.rename("a/b", "a")).toBe(-ENOTEMPTY);
    });
    run("refuses dots and the root", (_, sys) => {
      sys.mkdir("dir");
      for (const path of [".", "..", "/", "dir/.", "dir/.."]) {
        expect(sys.rename(path, "x")).toBe(-EBUSY);
        expect(sys.rename("dir", path)).toBe(-EBUSY);
        expect(sys.rename("dir", path, RENAME_NOREPLACE)).toBe(-EEXIST);
      }
      expect(sys.rename("none", ".")).toBe(-EBUSY);
      expect(sys.rename("none/x", ".")).toBe(-ENOENT);
    });
    run("looks at flags, the old path, the new path, the names", (process, sys) => {
      file(sys, "file");
      const raw = (from: string | number, to: string | number, flags = 0) =>
        process.syscall(nr.SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
      expect(raw(BAD, BAD, 8)).toBe(-EINVAL);
      expect(raw(BAD, BAD, RENAME_EXCHANGE | RENAME_NOREPLACE)).toBe(-EINVAL);
      expect(raw(BAD, BAD, RENAME_EXCHANGE | RENAME_WHITEOUT)).toBe(-EINVAL);
      expect(raw("none/x", BAD)).toBe(-ENOENT);
      expect(raw("file", BAD)).toBe(-EFAULT);
      expect(raw("none", BAD)).toBe(-EFAULT);
      expect(raw("", "x")).toBe(-ENOENT);
      expect(raw("none", LONG)).toBe(-ENOENT);
      expect(raw("file", LONG)).toBe(-ENAMETOOLONG);
      expect(raw(LONG, "x")).toBe(-ENAMETOOLONG);
      expect(process.syscall(nr.SYS_renameat, 99, "x", 98, "y")).toBe(-EBADF);
    });
    run("with RENAME_NOREPLACE replaces nothing", (_, sys) => {
      file(sys, "a");
      file(sys, "b");
      expect(sys.rename("a", "b", RENAME_NOREPLACE)).toBe(-EEXIST);
      expect(sys.rename("none", "b", RENAME_NOREPLACE)).toBe(-ENOENT);
      expect(sys.rename("a", "a", RENAME_NOREPLACE)).toBe(-EEXIST);
      expect(sys.rename("a", "c", RENAME_NOREPLACE)).toBe(0);
    });
    run("with RENAME_EXCHANGE swaps names of any two types", (_, sys) => {
      file(sys, "file");
      sys.mkdir("dir");
      sys.mkdir("dir/below");
      const [one, two] = [inoOf(sys, "file"), inoOf(sys, "dir")];
      expect(sys.rename("file", "dir", RENAME_EXCHANGE)).toBe(0);
      expect([inoOf(sys, "dir"), inoOf(sys, "file")]).toEqual([one, two]);
      expect(sys.rename("file/below", "dir", RENAME_EXCHANGE)).toBe(0);
      expect(sys.stat("file")).toMatchObject({ mode: 0o040755 });
      expect(sys.stat("dir")).toMatchObject({ mode: 0o040755 });
      expect(sys.rename("file", "none", RENAME_EXCHANGE)).toBe(-ENOENT);
      expect(sys.rename("file", "file/below", RENAME_EXCHANGE)).toBe(-EINVAL);
      expect(sys.rename("file/below", "file", RENAME_EXCHANGE)).toBe(-EINVAL);
    });
    test("with RENAME_WHITEOUT leaves a device 0:0 behind", (context) => {
      const target = make();
      skipWithout(target, "whiteouts", context);
      const sys = new Calls(target.process());
      file(sys, "file");
      expect(sys.rename("file", "moved", RENAME_WHITEOUT)).toBe(0);
      expect(sys.stat("file")).toMatchObject({ mode: 0o020000, rdev: 0, nlink: 1 });
      expect(sys.stat("moved")).toMatchObject({ mode: 0o100644 });
      expect(sys.unlink("file")).toBe(0);
      target.end();
    });
    test("with RENAME_WHITEOUT leaves a device that is the caller's", (context) => {
      const target = make();
      skipWithout(target, "whiteouts", context);
      const process = target.process();
      const sys = new Calls(process);
      for (const [dir, mode] of [
        ["plain", 0o777],
        ["group", 0o2777],
      ] as const) {
        sys.mkdir(dir);
        file(sys, `${dir}/a`);
        process.syscall(nr.SYS_chown, dir, 4000, 4001);
        process.syscall(nr.SYS_chmod, dir, mode);
      }
      process.syscall(nr.SYS_setfsgid, 3001);
      process.syscall(nr.SYS_setfsuid, 3000);
      expect(sys.rename("plain/a", "group/b", RENAME_WHITEOUT)).toBe(0);
      expect(sys.rename("group/a", "plain/b", RENAME_WHITEOUT)).toBe(0);
      expect(sys.stat("plain/a")).toMatchObject({ mode: 0o020000, uid: 3000, gid: 3001 });
      expect(sys.stat("group/a")).toMatchObject({ mode: 0o020000, uid: 3000, gid: 4001 });
      target.end();
    });
    run(
      "needs the right to write in both directories, and in a directory that moves",
      (process, sys, target) => {
        sys.mkdir("mine", 0o777);
        sys.mkdir("theirs", 0o755);
        process.syscall(nr.SYS_chmod, "mine", 0o777);
        file(sys, "theirs/file");
        sys.mkdir("mine/dir", 0o755);
        const user = new Calls(target.process(USER));
        file(user, "mine/file");
        expect(user.rename("mine/file", "theirs/new")).toBe(-EACCES);
        expect(user.rename("theirs/file", "mine/new")).toBe(-EACCES);
        expect(user.rename("mine/dir", "mine/renamed")).toBe(0);
        user.mkdir("mine/own");
        process.syscall(nr.SYS_chmod, "mine/own", 0o777);
        expect(user.rename("mine/renamed", "mine/own/dir")).toBe(-EACCES);
      },
    );
    run(
      "moves the time of the change of what is moved, and the times of both directories",
      (process, sys) => {
        sys.mkdir("from");
        sys.mkdir("to");
        file(sys, "from/file");
        const times = Buffer.alloc(32);
        for (const path of ["from", "to", "from/file"])
          process.syscall(nr.SYS_utimensat, AT_FDCWD, path, times, 0);
        expect(sys.rename("from/file", "to/file")).toBe(0);
        for (const path of ["from", "to"]) {
          const found = sys.stat(path);
          expect(typeof found === "number" ? 0n : found.mtime).toBeGreaterThan(0n);
        }
        expect(sys.stat("to/file")).toMatchObject({ mtime: 0n });
      },
    );
    run("of an open directory takes the working directory with it", (process, sys) => {
      sys.mkdir("a");
      sys.mkdir("a/b");
      process.syscall(nr.SYS_chdir, "a/b");
      expect(sys.rename("/a", "/c")).toBe(0);
      file(sys, "file");
      expect(sys.stat("/c/b/file")).toMatchObject({ size: 0 });
    });
  });
}
