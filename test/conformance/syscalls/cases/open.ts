// Opening: flags, ways to resolve, and what stands in the way, in Linux's order.

import { describe, expect, test } from "vitest";
import {
  E2BIG,
  EACCES,
  EAGAIN,
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
  EISDIR,
  ELOOP,
  EMFILE,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  EXDEV,
} from "../../../../assembly/abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls } from "../../../support/sys/calls.ts";
import type { Process, Target } from "../../../support/sys/target.ts";

const USER = { uid: 1000, gid: 1000 };
const STRANGER = { uid: 3000, gid: 3000 };
/** An address that no process has. */
const BAD = 1;
const F_GETFD = 1;
const F_GETFL = 3;
/** __O_TMPFILE alone. */
const TMPFILE_BIT = 0o20000000;

function how(
  flags: number | bigint,
  mode: number | bigint = 0,
  resolve: number | bigint = 0,
  more = 0,
): Buffer {
  const bytes = Buffer.alloc(24 + more);
  bytes.writeBigUInt64LE(BigInt(flags), 0);
  bytes.writeBigUInt64LE(BigInt(mode), 8);
  bytes.writeBigUInt64LE(BigInt(resolve), 16);
  return bytes;
}

const RACE_RETRIES = 1000;

/** Linux says EAGAIN to a walk by ".." during which anything on the system was renamed or mounted: to be tried again (openat2(2)). */
function openat2(process: Process, path: string, how: Buffer, dirFd = AT_FDCWD, size = how.length): number {
  let result = -EAGAIN;
  for (let attempt = 0; attempt < RACE_RETRIES && result === -EAGAIN; attempt++) {
    result = process.syscall(nr.SYS_openat2, dirFd, path, how, size);
  }
  return result;
}

export function openCases(make: () => Target): void {
  function run(name: string, body: (process: Process, sys: Calls, target: Target) => void): void {
    test(name, () => {
      const target = make();
      const process = target.process();
      body(process, new Calls(process), target);
      target.end();
    });
  }
  const file = (sys: Calls, name: string, mode = 0o644): void => {
    const fd = sys.open(name, O_CREAT | O_WRONLY, mode);
    sys.write(fd, "content");
    sys.close(fd);
  };
  const opened = (sys: Calls, fd: number): void => {
    expect(fd).toBeGreaterThanOrEqual(0);
    sys.close(fd);
  };

  describe("open", () => {
    run("makes a file, or opens the one that is there", (_, sys) => {
      opened(sys, sys.open("file", O_CREAT | O_RDWR));
      opened(sys, sys.open("file", O_CREAT | O_RDWR));
      expect(sys.open("file", O_CREAT | O_EXCL)).toBe(-EEXIST);
      expect(sys.open("none", O_RDONLY)).toBe(-ENOENT);
    });
    run("takes the lowest free descriptor", (_, sys) => {
      const first = sys.open(".", O_RDONLY);
      const second = sys.open(".", O_RDONLY);
      expect(second).toBeGreaterThan(first);
      sys.close(first);
      expect(sys.open(".", O_RDONLY)).toBe(first);
    });
    run("with O_EXCL does not follow a link, dangling or not", (_, sys) => {
      file(sys, "file");
      sys.symlink("file", "link");
      sys.symlink("nowhere", "dangling");
      expect(sys.open("link", O_CREAT | O_EXCL)).toBe(-EEXIST);
      expect(sys.open("dangling", O_CREAT | O_EXCL)).toBe(-EEXIST);
      opened(sys, sys.open("dangling", O_CREAT | O_WRONLY));
      expect(sys.stat("nowhere")).toMatchObject({ size: 0 });
    });
    run("with O_TRUNC empties a file, even when it is opened to read", (_, sys) => {
      file(sys, "file");
      opened(sys, sys.open("file", O_RDONLY | O_TRUNC));
      expect(sys.stat("file")).toMatchObject({ size: 0 });
    });
    run("with O_TRUNC needs the right to write", (_, sys, target) => {
      file(sys, "file", 0o644);
      const user = new Calls(target.process(USER));
      expect(user.open("file", O_RDONLY | O_TRUNC)).toBe(-EACCES);
      opened(user, user.open("file", O_RDONLY));
      expect(sys.stat("file")).toMatchObject({ size: 7 });
    });
    run(
      "with both O_CREAT and a mode without rights gives the maker its descriptor all the same",
      (_, __, target) => {
        const user = new Calls(target.process(USER));
        const fd = user.open("file", O_CREAT | O_RDWR, 0);
        expect(user.write(fd, "x")).toBe(1);
        expect(user.open("file", O_RDONLY)).toBe(-EACCES);
      },
    );
    run("of a directory is for reading only", (_, sys) => {
      sys.mkdir("dir");
      opened(sys, sys.open("dir", O_RDONLY));
      for (const flags of [O_WRONLY, O_RDWR, O_TRUNC, O_CREAT, 3])
        expect(sys.open("dir", flags)).toBe(-EISDIR);
      expect(sys.open("dir", O_CREAT | O_EXCL)).toBe(-EEXIST);
      expect(sys.open(".", O_CREAT | O_EXCL)).toBe(-EEXIST);
      expect(sys.open("..", O_CREAT)).toBe(-EISDIR);
      expect(sys.open("/", O_CREAT)).toBe(-EISDIR);
    });
    run("with O_DIRECTORY takes nothing else", (_, sys) => {
      file(sys, "file");
      sys.mkdir("dir");
      sys.symlink("dir", "link");
      expect(sys.open("file", O_DIRECTORY)).toBe(-ENOTDIR);
      opened(sys, sys.open("link", O_DIRECTORY));
      expect(sys.open("link", O_DIRECTORY | O_NOFOLLOW)).toBe(-ENOTDIR);
      opened(sys, sys.open("link/", O_DIRECTORY | O_NOFOLLOW));
    });
    run("with O_NOFOLLOW stops at a link, but only at the last one", (_, sys) => {
      sys.mkdir("dir");
      file(sys, "dir/file");
      sys.symlink("dir", "link");
      sys.symlink("dir/file", "last");
      expect(sys.open("last", O_NOFOLLOW)).toBe(-ELOOP);
      expect(sys.open("last", O_NOFOLLOW | O_CREAT)).toBe(-ELOOP);
      opened(sys, sys.open("link/file", O_NOFOLLOW));
    });
    run("refuses flags that contradict each other before it looks at the path", (process, sys) => {
      expect(sys.open("none", O_CREAT | O_DIRECTORY)).toBe(-EINVAL);
      expect(process.syscall(nr.SYS_open, BAD, O_CREAT | O_DIRECTORY, 0)).toBe(-EINVAL);
      expect(sys.open("none", O_TMPFILE)).toBe(-EINVAL);
      expect(sys.open("none", TMPFILE_BIT | O_RDWR)).toBe(-EINVAL);
      expect(sys.open("none", O_TMPFILE | O_RDWR | O_CREAT)).toBe(-EINVAL);
    });
    run("passes over flags that it does not know", (_, sys) => {
      file(sys, "file");
      opened(sys, sys.open("file", 0x40000000 | 0x4));
      opened(sys, sys.open("file", O_RDONLY, 0o7777777));
    });
    run("with access mode 3 asks for both rights and gives neither", (_, sys, target) => {
      file(sys, "file");
      const fd = sys.open("file", 3);
      expect(sys.read(fd, 1)).toBe(-EBADF);
      expect(sys.write(fd, "x")).toBe(-EBADF);
      expect(new Calls(target.process(USER)).open("file", 3)).toBe(-EACCES);
    });
    run("keeps what F_GETFL tells, and close-on-exec apart", (process, sys) => {
      file(sys, "file");
      const fd = sys.open("file", O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC);
      expect(process.syscall(nr.SYS_fcntl, fd, F_GETFL) & ~0o100000).toBe(O_RDWR | O_APPEND);
      expect(process.syscall(nr.SYS_fcntl, fd, F_GETFD)).toBe(1);
      expect(process.syscall(nr.SYS_fcntl, sys.open("file", O_RDONLY), F_GETFD)).toBe(0);
    });
    run("with O_NOATIME is the owner's", (_, sys, target) => {
      file(sys, "file");
      expect(new Calls(target.process(USER)).open("file", O_NOATIME)).toBe(-EPERM);
      opened(sys, sys.open("file", O_NOATIME));
    });
    run("of a socket's name does not work, but permission is asked first", (process, sys, target) => {
      expect(process.syscall(nr.SYS_mknod, "socket", 0o140600, 0)).toBe(0);
      expect(sys.open("socket", O_RDWR)).toBe(-ENXIO);
      expect(new Calls(target.process(USER)).open("socket", O_RDWR)).toBe(-EACCES);
    });
    run("beginning at a descriptor", (_, sys) => {
      sys.mkdir("dir");
      file(sys, "dir/file");
      const dir = sys.open("dir", O_RDONLY);
      const place = sys.open("dir", O_PATH);
      const other = sys.open("dir/file", O_RDONLY);
      opened(sys, sys.open("file", O_RDONLY, 0, dir));
      opened(sys, sys.open("file", O_RDONLY, 0, place));
      opened(sys, sys.open("/dir/file", O_RDONLY, 0, 99));
      expect(sys.open("file", O_RDONLY, 0, other)).toBe(-ENOTDIR);
      expect(sys.open("file", O_RDONLY, 0, 99)).toBe(-EBADF);
      expect(sys.open("", O_RDONLY, 0, 99)).toBe(-ENOENT);
      expect(sys.open(".", O_RDONLY, 0, other)).toBe(-ENOTDIR);
    });
    run("finds that the path is no address, or too long", (process, sys) => {
      expect(process.syscall(nr.SYS_open, BAD, O_RDONLY, 0)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_open, null, O_RDONLY, 0)).toBe(-EFAULT);
      expect(sys.open("", O_CREAT)).toBe(-ENOENT);
      expect(sys.open(`${"./".repeat(2047)}x`, O_RDONLY)).toBe(-ENOENT);
      opened(sys, sys.open(`${"./".repeat(2047)}.`, O_RDONLY));
      expect(sys.open("./".repeat(2048), O_RDONLY)).toBe(-ENAMETOOLONG);
      opened(sys, sys.open("n".repeat(255), O_CREAT));
      expect(sys.open("n".repeat(256), O_CREAT)).toBe(-ENAMETOOLONG);
      expect(sys.open(`none/${"n".repeat(256)}`, O_CREAT)).toBe(-ENOENT);
    });
    run("follows forty links and not one more", (_, sys) => {
      file(sys, "link0");
      for (let index = 1; index <= 41; index++) sys.symlink(`link${index - 1}`, `link${index}`);
      opened(sys, sys.open("link40", O_RDONLY));
      expect(sys.open("link41", O_RDONLY)).toBe(-ELOOP);
      opened(sys, sys.open("link40", O_CREAT | O_RDWR));
      expect(sys.open("link41", O_CREAT | O_RDWR)).toBe(-ELOOP);
    });
    run("of a name with a slash behind it wants a directory", (_, sys) => {
      file(sys, "file");
      sys.mkdir("dir");
      expect(sys.open("file/", O_RDONLY)).toBe(-ENOTDIR);
      expect(sys.open("file/", O_CREAT)).toBe(-EISDIR);
      expect(sys.open("none/", O_CREAT)).toBe(-EISDIR);
      expect(sys.open("none/", O_RDONLY)).toBe(-ENOENT);
      expect(sys.open("dir/", O_CREAT | O_EXCL)).toBe(-EISDIR);
      opened(sys, sys.open("dir/", O_RDONLY));
      opened(sys, sys.open("dir//.//", O_RDONLY));
    });
    run("goes through a link with a slash behind it", (_, sys) => {
      sys.mkdir("dir");
      file(sys, "file");
      sys.symlink("dir/", "to-dir");
      sys.symlink("file/", "to-file");
      opened(sys, sys.open("to-dir", O_RDONLY));
      expect(sys.open("to-file", O_RDONLY)).toBe(-ENOTDIR);
      sys.symlink("new/", "to-new");
      expect(sys.open("to-new", O_CREAT | O_RDWR)).toBe(-EISDIR);
    });
    run("makes nothing where the caller may not write, but finds what is there", (_, sys, target) => {
      sys.mkdir("dir", 0o755);
      file(sys, "dir/file", 0o666);
      sys.process.syscall(nr.SYS_chmod, "dir/file", 0o666);
      const user = new Calls(target.process(USER));
      expect(user.open("dir/new", O_CREAT | O_RDWR)).toBe(-EACCES);
      expect(user.open("dir/file", O_CREAT | O_EXCL)).toBe(-EEXIST);
      opened(user, user.open("dir/file", O_CREAT | O_RDWR));
    });
    run("gives a new file the group of a set-group-id directory", (process, sys, target) => {
      sys.mkdir("dir");
      process.syscall(nr.SYS_chown, "dir", -1, 77);
      process.syscall(nr.SYS_chmod, "dir", 0o2777);
      const user = new Calls(target.process(USER));
      opened(user, user.open("dir/file", O_CREAT, 0o644));
      expect(sys.stat("dir/file")).toMatchObject({ uid: 1000, gid: 77 });
      user.mkdir("dir/below");
      expect(sys.stat("dir/below")).toMatchObject({ gid: 77, mode: 0o042755 });
      opened(user, user.open("dir/program", O_CREAT, 0o2755));
      expect(sys.stat("dir/program")).toMatchObject({ mode: 0o100755 });
      opened(user, user.open("dir/data", O_CREAT, 0o2745));
      expect(sys.stat("dir/data")).toMatchObject({ mode: 0o102745 });
      opened(sys, sys.open("dir/capable", O_CREAT, 0o2755));
      expect(sys.stat("dir/capable")).toMatchObject({ mode: 0o102755 });
    });
    run("has no descriptor left before it looks for the file", (_, sys) => {
      let last = 0;
      while (last >= 0) last = sys.open(".", O_PATH);
      expect(last).toBe(-EMFILE);
      expect(sys.open("none", O_RDONLY)).toBe(-EMFILE);
      expect(sys.open("none", O_CREAT)).toBe(-EMFILE);
      expect(sys.open("", O_RDONLY)).toBe(-ENOENT);
      expect(sys.open("none", O_CREAT | O_DIRECTORY)).toBe(-EINVAL);
      expect(sys.open("x", O_RDONLY, 0, 99999)).toBe(-EMFILE);
      expect(sys.stat("none")).toBe(-ENOENT);
      sys.close(7);
      expect(sys.open(".", O_RDONLY)).toBe(7);
    });
  });

  describe("a descriptor of O_PATH", () => {
    run("needs no right on the file, only on the way to it", (_, sys, target) => {
      sys.mkdir("closed", 0o700);
      file(sys, "secret", 0);
      file(sys, "closed/file");
      const user = new Calls(target.process(USER));
      opened(user, user.open("secret", O_PATH));
      expect(user.open("secret", O_RDONLY)).toBe(-EACCES);
      expect(user.open("closed/file", O_PATH)).toBe(-EACCES);
    });
    run("is a place: nothing is read, written or changed through it", (process, sys) => {
      file(sys, "file");
      const fd = sys.open("file", O_PATH);
      expect(sys.read(fd, 1)).toBe(-EBADF);
      expect(sys.write(fd, "x")).toBe(-EBADF);
      expect(process.syscall(nr.SYS_ftruncate, fd, 0)).toBe(-EBADF);
      expect(process.syscall(nr.SYS_lseek, fd, 0, 0)).toBe(-EBADF);
      expect(process.syscall(nr.SYS_fsync, fd)).toBe(-EBADF);
      expect(sys.fstat(fd)).toMatchObject({ size: 7 });
    });
    run("leaves most other flags out", (process, sys) => {
      file(sys, "file");
      const fd = sys.open("file", O_PATH | O_RDWR | O_TRUNC | O_CREAT | O_EXCL);
      expect(process.syscall(nr.SYS_fcntl, fd, F_GETFL)).toBe(O_PATH);
      expect(sys.stat("file")).toMatchObject({ size: 7 });
      expect(sys.open("none", O_PATH | O_CREAT)).toBe(-ENOENT);
      expect(sys.open("file", O_PATH | O_DIRECTORY)).toBe(-ENOTDIR);
    });
    run("stands for a link itself with O_NOFOLLOW, which can be read", (process, sys) => {
      sys.symlink("target", "link");
      const fd = sys.open("link", O_PATH | O_NOFOLLOW);
      const bytes = Buffer.alloc(100);
      expect(process.syscall(nr.SYS_readlinkat, fd, "", bytes, 100)).toBe(6);
      expect(bytes.toString("utf8", 0, 6)).toBe("target");
      expect(sys.open("link", O_PATH)).toBe(-ENOENT);
      expect(sys.open("link", O_PATH | O_NOFOLLOW | O_DIRECTORY)).toBe(-ENOTDIR);
      const place = sys.open(".", O_PATH);
      expect(process.syscall(nr.SYS_readlinkat, place, "", bytes, 100)).toBe(-ENOENT);
      expect(process.syscall(nr.SYS_readlinkat, place, ".", bytes, 100)).toBe(-EINVAL);
    });
  });

  describe("O_TMPFILE", () => {
    /** A file system that has none says EOPNOTSUPP; whatever it says, nothing is left behind. */
    const unnamed = (name: string, body: (process: Process, sys: Calls, fd: number) => void): void => {
      test(name, (context) => {
        const target = make();
        const process = target.process();
        const sys = new Calls(process);
        const fd = sys.open(".", O_TMPFILE | O_RDWR, 0o640);
        if (fd === -EOPNOTSUPP) context.skip("the file system has no unnamed files");
        body(process, sys, fd);
        target.end();
      });
    };

    unnamed("makes a file without a name, of the caller's mode", (process, sys, fd) => {
      expect(sys.write(fd, "text")).toBe(4);
      expect(sys.fstat(fd)).toMatchObject({ nlink: 0, size: 4, mode: 0o100640 });
      expect(process.syscall(nr.SYS_fcntl, fd, F_GETFL) & ~0o100000).toBe(O_TMPFILE | O_RDWR);
      expect(sys.rmdir("none")).toBe(-ENOENT);
    });
    unnamed("gives a file a name later, once it is whole", (process, sys, fd) => {
      sys.write(fd, "text");
      const link = () => process.syscall(nr.SYS_linkat, fd, "", AT_FDCWD, "name", AT_EMPTY_PATH);
      expect(link()).toBe(0);
      expect(sys.stat("name")).toMatchObject({ nlink: 1, size: 4 });
      expect(link()).toBe(-EEXIST);
      expect(sys.unlink("name")).toBe(0);
      expect(link()).toBe(-ENOENT);
    });
    unnamed("with O_EXCL never gets a name", (process, sys, _) => {
      const fd = sys.open(".", O_TMPFILE | O_RDWR | O_EXCL, 0o600);
      expect(process.syscall(nr.SYS_linkat, fd, "", AT_FDCWD, "name", AT_EMPTY_PATH)).toBe(-ENOENT);
    });
    unnamed("wants a directory that may be written", (_, sys) => {
      file(sys, "file");
      expect(sys.open("file", O_TMPFILE | O_RDWR)).toBe(-ENOTDIR);
      expect(sys.open("none", O_TMPFILE | O_RDWR)).toBe(-ENOENT);
      expect(sys.open(".", O_TMPFILE | O_RDONLY)).toBe(-EINVAL);
    });
    unnamed("is refused in a directory that is not the caller's to write", (process, sys) => {
      sys.mkdir("dir", 0o755);
      process.syscall(nr.SYS_setresuid, 1000, 1000, 1000);
      expect(sys.open("dir", O_TMPFILE | O_RDWR)).toBe(-EACCES);
    });
  });

  describe("openat2", () => {
    run("opens as openat does", (process, sys) => {
      opened(sys, openat2(process, "file", how(O_CREAT | O_RDWR, 0o604)));
      expect(sys.stat("file")).toMatchObject({ mode: 0o100604 });
      opened(sys, openat2(process, "file", how(O_RDONLY)));
    });
    run("tells a structure of another size", (process, sys) => {
      expect(openat2(process, ".", how(0), AT_FDCWD, 23)).toBe(-EINVAL);
      expect(openat2(process, ".", how(0), AT_FDCWD, 0)).toBe(-EINVAL);
      opened(sys, openat2(process, ".", how(0, 0, 0, 16)));
      const more = how(0, 0, 0, 16);
      more[39] = 1;
      expect(openat2(process, ".", more)).toBe(-E2BIG);
      opened(sys, openat2(process, ".", how(0, 0, 0, 4096 - 24)));
      expect(openat2(process, ".", how(0, 0, 0, 4096 - 16))).toBe(-E2BIG);
      expect(process.syscall(nr.SYS_openat2, AT_FDCWD, ".", BAD, 24)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_openat2, AT_FDCWD, BAD, how(0), 24)).toBe(-EFAULT);
      expect(process.syscall(nr.SYS_openat2, AT_FDCWD, BAD, how(1n << 40n), 24)).toBe(-EINVAL);
    });
    run("refuses what openat passes over", (process) => {
      expect(openat2(process, ".", how(0x40000000))).toBe(-EINVAL);
      expect(openat2(process, ".", how(1n << 40n))).toBe(-EINVAL);
      expect(openat2(process, ".", how(O_RDONLY, 0o600))).toBe(-EINVAL);
      expect(openat2(process, "x", how(O_CREAT, 0o10000))).toBe(-EINVAL);
      expect(openat2(process, ".", how(O_RDONLY, 0, 0x40))).toBe(-EINVAL);
      expect(openat2(process, ".", how(O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT))).toBe(-EINVAL);
      expect(openat2(process, ".", how(O_PATH | O_RDWR))).toBe(-EINVAL);
      expect(openat2(process, ".", how(O_PATH | O_TRUNC))).toBe(-EINVAL);
      expect(openat2(process, "none", how(O_PATH | O_NOFOLLOW | O_CLOEXEC))).toBe(-ENOENT);
    });
    run("with RESOLVE_NO_SYMLINKS follows none, wherever it is", (process, sys) => {
      sys.mkdir("dir");
      file(sys, "dir/file");
      sys.symlink("dir", "link");
      sys.symlink("dir/file", "last");
      const none = (path: string, flags = 0) => openat2(process, path, how(flags, 0, RESOLVE_NO_SYMLINKS));
      expect(none("link/file")).toBe(-ELOOP);
      expect(none("last")).toBe(-ELOOP);
      expect(none("link/")).toBe(-ELOOP);
      opened(sys, none("last", O_PATH | O_NOFOLLOW));
      expect(none("last", O_NOFOLLOW)).toBe(-ELOOP);
      expect(none("last", O_CREAT)).toBe(-ELOOP);
      opened(sys, none("dir/../dir/file"));
    });
    run("with RESOLVE_BENEATH does not leave its start", (process, sys) => {
      sys.mkdir("dir");
      sys.mkdir("dir/below");
      file(sys, "file");
      file(sys, "dir/file");
      sys.symlink("/dir/file", "dir/absolute");
      sys.symlink("../file", "dir/above");
      sys.symlink("below/../file", "dir/inside");
      const dir = sys.open("dir", O_PATH);
      const beneath = (path: string, flags = 0) =>
        openat2(process, path, how(flags, 0, RESOLVE_BENEATH), dir);
      opened(sys, beneath("file"));
      opened(sys, beneath("below/../file"));
      opened(sys, beneath("inside"));
      opened(sys, beneath("."));
      for (const path of ["..", "../file", "below/../..", "/dir/file", "absolute", "above"])
        expect(beneath(path)).toBe(-EXDEV);
      expect(beneath("../new", O_CREAT)).toBe(-EXDEV);
      for (const path of ["..", "below/../.."]) expect(beneath(path, O_CREAT)).toBe(-EXDEV);
      expect(beneath("..", O_CREAT | O_EXCL)).toBe(-EXDEV);
      expect(beneath("below/..", O_CREAT | O_EXCL)).toBe(-EEXIST);
      expect(beneath("below/..", O_CREAT)).toBe(-EISDIR);
      expect(beneath("none/../..")).toBe(-ENOENT);
      opened(sys, beneath("absolute", O_PATH | O_NOFOLLOW));
    });
    run("with RESOLVE_IN_ROOT takes its start for the root", (process, sys) => {
      sys.mkdir("dir");
      sys.mkdir("dir/below");
      file(sys, "file");
      file(sys, "dir/inside");
      sys.symlink("/inside", "dir/absolute");
      sys.symlink("../../../inside", "dir/below/above");
      sys.symlink("/file", "dir/outside");
      const dir = sys.open("dir", O_PATH);
      const inRoot = (path: string, flags = 0) => openat2(process, path, how(flags, 0, RESOLVE_IN_ROOT), dir);
      for (const path of ["inside", "/inside", "/../inside", "../../inside", "absolute", "below/above"])
        opened(sys, inRoot(path));
      expect(inRoot("/file")).toBe(-ENOENT);
      expect(inRoot("outside")).toBe(-ENOENT);
      opened(sys, openat2(process, "/made", how(O_CREAT, 0o600, RESOLVE_IN_ROOT), dir));
      expect(sys.stat("dir/made")).toMatchObject({ size: 0 });
      expect(openat2(process, "/inside", how(0, 0, RESOLVE_IN_ROOT), 99)).toBe(-EBADF);
    });
    run("with RESOLVE_NO_XDEV and RESOLVE_NO_MAGICLINKS goes where there are neither", (process, sys) => {
      sys.mkdir("dir");
      file(sys, "dir/file");
      sys.symlink("/dir", "link");
      const both = how(O_RDONLY, 0, RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
      opened(sys, openat2(process, "dir/file", both));
      opened(sys, openat2(process, "/link/file", both));
      opened(sys, openat2(process, "dir/../link/file", both));
      expect(openat2(process, "link/file", both)).toBe(-EXDEV);
      opened(sys, openat2(process, "/dir/../dir/file", both));
    });
    run("with RESOLVE_CACHED makes nothing", (process) => {
      expect(openat2(process, "none", how(O_CREAT, 0, RESOLVE_CACHED))).toBe(-EAGAIN);
      expect(openat2(process, "none", how(O_RDWR | O_TRUNC, 0, RESOLVE_CACHED))).toBe(-EAGAIN);
      expect(openat2(process, ".", how(O_TMPFILE | O_RDWR, 0, RESOLVE_CACHED))).toBe(-EAGAIN);
    });
  });

  describe("a sticky directory", () => {
    run("does not keep others from opening files and following links in it", (process, sys, target) => {
      sys.mkdir("tmp");
      process.syscall(nr.SYS_chmod, "tmp", 0o1777);
      const user = new Calls(target.process(USER));
      opened(user, user.open("tmp/file", O_CREAT | O_RDWR, 0o644));
      user.process.syscall(nr.SYS_chmod, "tmp/file", 0o666);
      user.symlink("file", "tmp/link");
      const stranger = new Calls(target.process(STRANGER));
      opened(stranger, stranger.open("tmp/link", O_RDONLY));
      opened(stranger, stranger.open("tmp/file", O_CREAT | O_RDWR));
    });
  });
}
