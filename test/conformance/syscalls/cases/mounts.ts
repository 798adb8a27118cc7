// Mounts: new, bound, moved, remounted, propagated, unmounted; pivot_root and namespaces. Every case begins with a namespace of
// its own whose root is an empty tmpfs, and as root.

import { describe, expect, test } from "vitest";
import {
  E2BIG,
  EACCES,
  EAGAIN,
  EBADF,
  EBUSY,
  EEXIST,
  EFAULT,
  EINVAL,
  ELOOP,
  ENAMETOOLONG,
  ENODEV,
  ENOENT,
  ENOTDIR,
  EPERM,
  EROFS,
  EXDEV,
} from "../../../../assembly/abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import * as ms from "../../../../assembly/abi/mount.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { MountCalls } from "../../../support/sys/mount-calls.ts";
import type { Identity, Target } from "../../../support/sys/target.ts";

const { MS_BIND, MS_MOVE, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_NOSYMFOLLOW } = ms;
const { MS_PRIVATE, MS_RDONLY, MS_REC, MS_RELATIME, MS_SHARED, MS_SLAVE, MS_STRICTATIME } = ms;
const { MNT_DETACH, MNT_EXPIRE, MNT_FORCE, MS_UNBINDABLE, UMOUNT_NOFOLLOW, CLONE_NEWNS } = ms;
const NOBODY: Identity = { uid: 1000, gid: 1000 };

interface World {
  readonly target: Target;
  readonly sys: MountCalls;
  /** Another process of the same namespace. */
  other(identity?: Identity): MountCalls;
}

/** Declares the cases on trees that `make` gives. */
export function mountCases(make: () => Target): void {
  const mountTest = (name: string, run: (sys: MountCalls, world: World) => void): void => {
    test(name, () => {
      const target = make();
      try {
        const sys = new MountCalls(target.process());
        run(sys, { target, sys, other: (identity) => new MountCalls(target.process(identity)) });
      } finally {
        target.end();
      }
    });
  };

  /** Makes directories, and a file "mark" of each name in those that are trees of their own. */
  function directories(sys: MountCalls, ...names: string[]): void {
    for (const name of names) expect(sys.mkdir(name), name).toBe(0);
  }
  function touch(sys: MountCalls, name: string): number {
    const fd = sys.open(name, O_CREAT | O_WRONLY);
    return fd < 0 ? fd : sys.close(fd);
  }
  function exists(sys: MountCalls, name: string): boolean {
    return typeof sys.stat(name, AT_SYMLINK_NOFOLLOW) !== "number";
  }
  /** A new tmpfs in a new directory, with a file "in" in it. */
  function mounted(sys: MountCalls, name: string, flags = 0): void {
    directories(sys, name);
    expect(sys.tmpfs(name, flags), name).toBe(0);
    if (!(flags & MS_RDONLY)) expect(touch(sys, `${name}/in`)).toBe(0);
  }
  function proc(sys: MountCalls): void {
    sys.mkdir("/proc");
    expect(sys.mount("proc", "/proc", "proc")).toBe(0);
  }
  const shape = (sys: MountCalls): string[] =>
    sys.mountinfo().map(({ on, at, root, propagation }) => `${at} of ${root} on ${on} ${propagation}`.trim());

  describe("a new mount", () => {
    mountTest("shows its own tree, and hides what was there", (sys) => {
      directories(sys, "d", "d/under");
      expect(sys.tmpfs("d")).toBe(0);
      expect(exists(sys, "d/under")).toBe(false);
      expect(touch(sys, "d/over")).toBe(0);
      expect(sys.umount("d")).toBe(0);
      expect([exists(sys, "d/under"), exists(sys, "d/over")]).toEqual([true, false]);
    });
    mountTest("has a device number of its own", (sys) => {
      mounted(sys, "a");
      mounted(sys, "b");
      const devices = [".", "a", "b"].map((path) => (sys.stat(path) as { dev: number }).dev);
      expect(new Set(devices).size).toBe(3);
    });
    mountTest("may be put on another at the same place (ND-05, V21-37)", (sys) => {
      mounted(sys, "d");
      expect(sys.tmpfs("d")).toBe(0);
      expect(exists(sys, "d/in")).toBe(false);
      expect(sys.umount("d")).toBe(0);
      expect(exists(sys, "d/in")).toBe(true);
    });
    mountTest("may hide a directory that is in use", (sys) => {
      directories(sys, "d");
      expect(touch(sys, "d/f")).toBe(0);
      const fd = sys.open("d/f", O_RDWR);
      const dir = sys.open("d", O_DIRECTORY);
      expect(sys.tmpfs("d")).toBe(0);
      expect(sys.write(fd, "x")).toBe(1);
      expect(sys.open("f", O_RDONLY, 0, dir)).toBeGreaterThanOrEqual(0);
      expect(sys.open("d/f")).toBe(-ENOENT);
    });
    mountTest("on a working directory is not seen from inside", (sys) => {
      directories(sys, "d", "d/e");
      expect(sys.chdir("d")).toBe(0);
      expect(sys.tmpfs("/d")).toBe(0);
      expect(exists(sys, "e")).toBe(true);
      expect(exists(sys, "../d/e")).toBe(false);
    });
    mountTest("on . goes to the working directory's place", (sys) => {
      directories(sys, "d", "d/e");
      expect(sys.chdir("d")).toBe(0);
      expect(sys.tmpfs(".")).toBe(0);
      expect([exists(sys, "e"), exists(sys, "/d/e")]).toEqual([true, false]);
    });
    mountTest("follows symbolic links to its place", (sys) => {
      directories(sys, "d");
      sys.symlink("d", "l");
      expect(sys.tmpfs("l")).toBe(0);
      expect(touch(sys, "d/f")).toBe(0);
      expect(exists(sys, "l/f")).toBe(true);
      expect(sys.umount("l")).toBe(0);
    });
    mountTest("that is a directory does not go on a file", (sys) => {
      touch(sys, "f");
      expect(sys.tmpfs("f")).toBe(-ENOTDIR);
      expect(sys.tmpfs("f/x")).toBe(-ENOTDIR);
    });
    mountTest("needs a place that exists", (sys) => {
      expect(sys.tmpfs("gone")).toBe(-ENOENT);
      expect(sys.tmpfs("")).toBe(-ENOENT);
      expect(sys.tmpfs("x".repeat(4096))).toBe(-ENAMETOOLONG);
      sys.symlink("l", "l");
      expect(sys.tmpfs("l")).toBe(-ELOOP);
    });
    mountTest("needs a place that was not removed (ND-05)", (sys) => {
      directories(sys, "d");
      sys.chdir("d");
      expect(sys.rmdir("/d")).toBe(0);
      expect(sys.tmpfs(".")).toBe(-ENOENT);
    });
    mountTest("needs a type that there is (V21-02)", (sys) => {
      directories(sys, "d");
      expect(sys.mount("x", "d", "nosuchfs")).toBe(-ENODEV);
      expect(sys.mount("x", "d", "")).toBe(-ENODEV);
      expect(sys.mount("x", "d", null)).toBe(-EINVAL);
      expect(sys.mount("x", "gone", "nosuchfs")).toBe(-ENOENT);
    });
    mountTest("is root's to make", (sys, { other }) => {
      directories(sys, "d");
      const user = other(NOBODY);
      expect(user.tmpfs("d")).toBe(-EPERM);
      expect(user.tmpfs("gone")).toBe(-ENOENT);
      expect(user.mount("x", "d", "nosuchfs")).toBe(-EPERM);
      expect(user.mount(null, "d", null)).toBe(-EPERM);
      expect(user.mount("x", "d", "tmpfs", 2 ** 31)).toBe(-EINVAL);
    });
    mountTest(
      "may be made by whoever has the capability only if the place is reachable",
      (sys, { other }) => {
        directories(sys, "d", "d/e");
        sys.mkdir("d/e/f", 0);
        expect(other().tmpfs("d/e/f")).toBe(0);
      },
    );
    mountTest("does not look at options that are no memory", (sys) => {
      directories(sys, "d");
      expect(sys.process.syscall(nr.SYS_mount, "x", "d", 8, 0, 0)).toBe(-EFAULT);
      expect(sys.process.syscall(nr.SYS_mount, 8, "d", "tmpfs", 0, 0)).toBe(-EFAULT);
      expect(sys.process.syscall(nr.SYS_mount, "x", 8, "tmpfs", 0, 0)).toBe(-EFAULT);
      expect(sys.process.syscall(nr.SYS_mount, "x", "d", "tmpfs", 0, 8)).toBe(-EFAULT);
      expect(sys.mount("x", "d", "t".repeat(4096))).toBe(-EINVAL);
      expect(sys.mount("x".repeat(4096), "d", "tmpfs")).toBe(-EINVAL);
    });
    mountTest("takes the magic number of old programs", (sys) => {
      directories(sys, "d");
      expect(sys.tmpfs("d", ms.MS_MGC_VAL)).toBe(0);
      expect(sys.umount("d")).toBe(0);
    });
    mountTest("takes no options that its type does not know", (sys) => {
      directories(sys, "d");
      expect(sys.mount("x", "d", "tmpfs", 0, "nosuchoption=1")).toBe(-EINVAL);
      expect(sys.umount("d")).toBe(-EINVAL);
    });
    mountTest("is no file that can be removed, renamed or replaced (ND-08, ND-09)", (sys) => {
      mounted(sys, "d");
      directories(sys, "e");
      expect(sys.rmdir("d")).toBe(-EBUSY);
      expect(sys.unlink("d")).toBe(-21);
      expect(sys.rename("d", "x")).toBe(-EBUSY);
      expect(sys.rename("e", "d")).toBe(-EBUSY);
      expect(sys.rename("d", "e", 2)).toBe(-EBUSY);
    });
    mountTest("stays where it is while directories above it move", (sys) => {
      directories(sys, "a", "a/b", "z");
      mounted(sys, "a/b/m");
      expect(sys.rename("a", "z/a")).toBe(0);
      expect(exists(sys, "z/a/b/m/in")).toBe(true);
      expect(sys.umount("z/a/b/m")).toBe(0);
    });
    mountTest("bounds renames and links", (sys) => {
      mounted(sys, "a");
      mounted(sys, "b");
      expect(sys.rename("a/in", "b/x")).toBe(-EXDEV);
      expect(sys.link("a/in", "b/x")).toBe(-EXDEV);
    });
    mountTest("has .. lead to what it is mounted in", (sys) => {
      directories(sys, "p");
      mounted(sys, "p/d");
      expect(sys.tmpfs("p/d")).toBe(0);
      directories(sys, "p/d/e");
      const ino = (path: string) => (sys.stat(path) as { ino: number; dev: number }).ino;
      expect(ino("p/d/..")).toBe(ino("p"));
      expect(ino("p/d/e/../..")).toBe(ino("p"));
      expect(exists(sys, "p/d/e/../e")).toBe(true);
    });
  });

  describe("flags of a mount", () => {
    mountTest("ro: nothing is changed through it", (sys) => {
      mounted(sys, "d");
      directories(sys, "d/e", "r");
      sys.bind("d", "r");
      expect(sys.remount("r", MS_BIND | MS_RDONLY)).toBe(0);
      expect(sys.open("r/in", O_WRONLY)).toBe(-EROFS);
      expect(sys.open("r/new", O_CREAT | O_WRONLY)).toBe(-EROFS);
      expect(sys.mkdir("r/new")).toBe(-EROFS);
      expect(sys.mkdir("r/e")).toBe(-EEXIST);
      expect(sys.rmdir("r/e")).toBe(-EROFS);
      expect(sys.unlink("r/in")).toBe(-EROFS);
      expect(sys.rename("r/in", "r/x")).toBe(-EROFS);
      expect(sys.link("r/in", "r/x")).toBe(-EROFS);
      expect(sys.symlink("x", "r/x")).toBe(-EROFS);
      expect(sys.setxattr("r/in", "user.a", "1")).toBe(-EROFS);
      expect(sys.open("r/in")).toBeGreaterThanOrEqual(0);
      expect(touch(sys, "d/new")).toBe(0);
    });
    mountTest("ro: a new mount's file system is read-only itself", (sys) => {
      mounted(sys, "d", MS_RDONLY);
      directories(sys, "b");
      sys.bind("d", "b");
      expect(sys.remount("b", MS_BIND)).toBe(0);
      expect(touch(sys, "b/f")).toBe(-EROFS);
      expect(sys.remount("d", 0)).toBe(0);
      expect(touch(sys, "b/f")).toBe(0);
      expect(touch(sys, "d/g")).toBe(0);
    });
    mountTest("ro: a remount waits for nobody who writes (V21-14)", (sys) => {
      mounted(sys, "d");
      const fd = sys.open("d/in", O_WRONLY);
      expect(sys.remount("d", MS_RDONLY)).toBe(-EBUSY);
      expect(sys.remount("d", MS_BIND | MS_RDONLY)).toBe(-EBUSY);
      expect(sys.setattr("d", 0, { set: ms.MOUNT_ATTR_RDONLY })).toBe(-EBUSY);
      sys.close(fd);
      const reader = sys.open("d/in");
      expect(sys.remount("d", MS_RDONLY)).toBe(0);
      sys.close(reader);
      expect(touch(sys, "d/f")).toBe(-EROFS);
      expect(sys.remount("d", 0)).toBe(0);
      expect(touch(sys, "d/f")).toBe(0);
    });
    mountTest("ro: who writes through another mount is in the way of the file system only", (sys) => {
      mounted(sys, "d");
      directories(sys, "b");
      sys.bind("d", "b");
      const fd = sys.open("d/in", O_WRONLY);
      expect(sys.remount("b", MS_BIND | MS_RDONLY)).toBe(0);
      expect(sys.remount("b", MS_RDONLY)).toBe(-EBUSY);
      sys.close(fd);
      expect(sys.remount("b", MS_RDONLY)).toBe(0);
      expect(touch(sys, "d/x")).toBe(-EROFS);
    });
    mountTest("nodev: devices are not opened", (sys) => {
      mounted(sys, "d", MS_NODEV);
      expect(sys.process.syscall(nr.SYS_mknodat, -100, "d/null", 0o020666, 0x103)).toBe(0);
      expect(sys.open("d/null")).toBe(-EACCES);
      expect(sys.open("d/null", O_PATH)).toBeGreaterThanOrEqual(0);
      expect(sys.remount("d", MS_BIND)).toBe(0);
      expect(sys.open("d/null")).toBeGreaterThanOrEqual(0);
    });
    mountTest("noexec: nothing may be executed, but directories be searched", (sys) => {
      mounted(sys, "d", MS_NOEXEC);
      sys.close(sys.open("d/x", O_CREAT | O_WRONLY, 0o755));
      directories(sys, "d/e");
      const access = (path: string, mode: number) => sys.process.syscall(nr.SYS_faccessat, -100, path, mode);
      expect(access("d/x", 1)).toBe(-EACCES);
      expect(access("d/x", 4)).toBe(0);
      expect(access("d/e", 1)).toBe(0);
      expect(sys.remount("d", MS_BIND)).toBe(0);
      expect(access("d/x", 1)).toBe(0);
    });
    mountTest("nosymfollow: links in it are not followed", (sys) => {
      mounted(sys, "d", MS_NOSYMFOLLOW);
      sys.symlink("in", "d/l");
      directories(sys, "d/e");
      sys.symlink("e", "d/le");
      sys.symlink("d/in", "outside");
      expect(sys.open("d/l")).toBe(-ELOOP);
      expect(sys.stat("d/l")).toBe(-ELOOP);
      expect(sys.stat("d/le/x")).toBe(-ELOOP);
      expect(sys.readlink("d/l")).toBe("in");
      expect(exists(sys, "d/l")).toBe(true);
      expect(sys.open("outside")).toBeGreaterThanOrEqual(0);
      expect(sys.open("d/l", O_CREAT | O_WRONLY)).toBe(-ELOOP);
    });
    mountTest("show in mountinfo", (sys) => {
      proc(sys);
      const cases: [number, string][] = [
        [0, "rw,relatime"],
        [MS_RDONLY, "ro,relatime"],
        [MS_NOSUID | MS_NODEV | MS_NOEXEC, "rw,nosuid,nodev,noexec,relatime"],
        [MS_NOATIME, "rw,noatime"],
        [MS_NODIRATIME, "rw,nodiratime,relatime"],
        [MS_NOATIME | MS_NODIRATIME, "rw,noatime,nodiratime"],
        [MS_STRICTATIME, "rw"],
        [MS_STRICTATIME | MS_NOATIME, "rw"],
        [MS_RELATIME, "rw,relatime"],
        [MS_NOSYMFOLLOW, "rw,relatime,nosymfollow"],
      ];
      for (const [index, [flags, options]] of cases.entries()) {
        directories(sys, `/m${index}`);
        expect(sys.tmpfs(`/m${index}`, flags)).toBe(0);
        expect(sys.mountinfo().at(-1)).toMatchObject({ at: `/m${index}`, options });
      }
    });
    mountTest("are set anew by a remount, except for atime when it says nothing of that", (sys) => {
      proc(sys);
      directories(sys, "/d");
      sys.tmpfs("/d", MS_NOATIME | MS_NOSUID);
      const options = () => sys.mountinfo().at(-1)?.options;
      expect(options()).toBe("rw,nosuid,noatime");
      sys.remount("/d", MS_NODEV);
      expect(options()).toBe("rw,nodev,noatime");
      sys.remount("/d", MS_BIND | MS_NOEXEC);
      expect(options()).toBe("rw,noexec,noatime");
      sys.remount("/d", MS_BIND | MS_RELATIME);
      expect(options()).toBe("rw,relatime");
      sys.remount("/d", MS_BIND | MS_STRICTATIME);
      expect(options()).toBe("rw");
      sys.remount("/d", MS_BIND);
      expect(options()).toBe("rw");
      sys.remount("/d", MS_BIND | MS_NODIRATIME);
      expect(options()).toBe("rw,nodiratime,relatime");
    });
    mountTest("show in statfs", (sys) => {
      mounted(sys, "d", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NODIRATIME);
      const { ST_NODEV, ST_NODIRATIME, ST_NOEXEC, ST_NOSUID, ST_RDONLY, ST_RELATIME, ST_VALID } = ms;
      expect(sys.statfsFlags("d")).toBe(
        ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NODIRATIME | ST_RELATIME | ST_VALID,
      );
      sys.remount("d", MS_BIND | MS_RDONLY | MS_NOATIME);
      expect(sys.statfsFlags("d/in")).toBe(ST_RDONLY | ms.ST_NOATIME | ST_VALID);
      sys.remount("d", MS_BIND | MS_NOSYMFOLLOW | MS_STRICTATIME);
      expect(sys.statfsFlags("d")).toBe(ms.ST_NOSYMFOLLOW | ST_VALID);
    });
  });

  describe("access times", () => {
    const DAY = 86_400;
    /** Sets atime and mtime to seconds before now. */
    const age = (sys: MountCalls, path: string, atime: number, mtime: number): void => {
      const now = Math.floor(Date.now() / 1000);
      const bytes = Buffer.alloc(32);
      bytes.writeBigInt64LE(BigInt(now - atime), 0);
      bytes.writeBigInt64LE(BigInt(now - mtime), 16);
      expect(sys.process.syscall(nr.SYS_utimensat, -100, path, bytes, AT_SYMLINK_NOFOLLOW)).toBe(0);
    };
    const readMoves = (sys: MountCalls, path: string, flags = 0): boolean => {
      const before = (sys.stat(path) as { atime: bigint }).atime;
      const fd = sys.open(path, flags);
      expect(fd).toBeGreaterThanOrEqual(0);
      if ((flags & O_DIRECTORY) !== 0) sys.process.syscall(nr.SYS_getdents64, fd, Buffer.alloc(512), 512);
      else sys.read(fd, 1);
      sys.close(fd);
      return (sys.stat(path) as { atime: bigint }).atime !== before;
    };
    /** ctime is now, and so relatime would always move: a mount that is ro keeps it, so write first and wait a tick. */
    const settle = (sys: MountCalls, path: string, atime: number): void => {
      age(sys, path, atime, DAY * 3);
    };
    const write = (sys: MountCalls): void => {
      const fd = sys.open("d/in", O_WRONLY);
      sys.write(fd, "content");
      sys.close(fd);
    };
    mountTest("relatime moves what is older than the last change", (sys) => {
      mounted(sys, "d");
      write(sys);
      age(sys, "d/in", 100, 50);
      expect(readMoves(sys, "d/in")).toBe(true);
      expect(readMoves(sys, "d/in")).toBe(false);
    });
    mountTest("relatime moves what is older than a day", (sys) => {
      mounted(sys, "d");
      write(sys);
      age(sys, "d/in", 2 * DAY, 3 * DAY);
      expect(readMoves(sys, "d/in")).toBe(true);
    });
    mountTest("relatime leaves what is newer than the last change", (sys) => {
      mounted(sys, "d");
      write(sys);
      age(sys, "d/in", -100, 50);
      expect(readMoves(sys, "d/in")).toBe(false);
    });
    mountTest("strictatime moves always", (sys) => {
      mounted(sys, "d", MS_STRICTATIME);
      write(sys);
      age(sys, "d/in", -100, 50);
      expect(readMoves(sys, "d/in")).toBe(true);
      settle(sys, "d", -100);
      expect(readMoves(sys, "d", O_DIRECTORY)).toBe(true);
    });
    mountTest("noatime moves nothing", (sys) => {
      mounted(sys, "d", MS_NOATIME);
      write(sys);
      age(sys, "d/in", 2 * DAY, 50);
      expect(readMoves(sys, "d/in")).toBe(false);
      settle(sys, "d", 2 * DAY);
      expect(readMoves(sys, "d", O_DIRECTORY)).toBe(false);
    });
    mountTest("nodiratime leaves directories alone", (sys) => {
      mounted(sys, "d", MS_NODIRATIME);
      write(sys);
      age(sys, "d/in", 2 * DAY, 50);
      settle(sys, "d", 2 * DAY);
      expect(readMoves(sys, "d/in")).toBe(true);
      expect(readMoves(sys, "d", O_DIRECTORY)).toBe(false);
    });
    mountTest("do not move through a read-only mount", (sys) => {
      mounted(sys, "d", MS_STRICTATIME);
      write(sys);
      age(sys, "d/in", 2 * DAY, 50);
      sys.remount("d", MS_BIND | MS_RDONLY);
      expect(readMoves(sys, "d/in")).toBe(false);
    });
    mountTest("move by reading a link, too", (sys) => {
      mounted(sys, "d", MS_STRICTATIME);
      sys.symlink("in", "d/l");
      age(sys, "d/l", 200, 50);
      const before = (sys.stat("d/l", AT_SYMLINK_NOFOLLOW) as { atime: bigint }).atime;
      sys.readlink("d/l");
      const after = (sys.stat("d/l", AT_SYMLINK_NOFOLLOW) as { atime: bigint }).atime;
      expect(after > before).toBe(true);
    });
  });

  describe("a remount", () => {
    mountTest("is of a mount, not of a directory in it", (sys) => {
      mounted(sys, "d");
      directories(sys, "d/e");
      expect(sys.remount("d/e", MS_RDONLY)).toBe(-EINVAL);
      expect(sys.remount("d/e", MS_BIND | MS_RDONLY)).toBe(-EINVAL);
      expect(sys.remount("gone", MS_RDONLY)).toBe(-ENOENT);
    });
    mountTest("is of what is on top", (sys) => {
      mounted(sys, "d");
      sys.tmpfs("d");
      expect(sys.remount("d", MS_BIND | MS_RDONLY)).toBe(0);
      expect(touch(sys, "d/f")).toBe(-EROFS);
      sys.umount("d");
      expect(touch(sys, "d/f")).toBe(0);
    });
    mountTest("of the root works", (sys) => {
      expect(sys.remount("/", MS_BIND | MS_RDONLY)).toBe(0);
      expect(sys.mkdir("/d")).toBe(-EROFS);
      expect(sys.remount("/", MS_BIND)).toBe(0);
      expect(sys.mkdir("/d")).toBe(0);
    });
    mountTest("is root's", (sys, { other }) => {
      mounted(sys, "d");
      expect(other(NOBODY).remount("d", MS_BIND)).toBe(-EPERM);
    });
  });

  describe("a bind mount", () => {
    mountTest("shows a directory in a second place", (sys) => {
      directories(sys, "a", "b");
      expect(sys.bind("a", "b")).toBe(0);
      expect(touch(sys, "b/f")).toBe(0);
      expect(exists(sys, "a/f")).toBe(true);
      expect(sys.stat("a/f")).toEqual(sys.stat("b/f"));
      expect(sys.rename("a/f", "b/g")).toBe(-EXDEV);
      expect(sys.link("a/f", "b/g")).toBe(-EXDEV);
    });
    mountTest("shows a file on a file", (sys) => {
      touch(sys, "a");
      touch(sys, "b");
      expect(sys.bind("a", "b")).toBe(0);
      expect((sys.stat("a") as { ino: number }).ino).toBe((sys.stat("b") as { ino: number }).ino);
      expect(sys.unlink("b")).toBe(-EBUSY);
      expect(sys.rename("b", "c")).toBe(-EBUSY);
      expect(sys.unlink("a")).toBe(0);
      expect(sys.open("b")).toBeGreaterThanOrEqual(0);
      expect(sys.umount("b")).toBe(-EBUSY);
      expect(sys.umount("b", MNT_DETACH)).toBe(0);
    });
    mountTest("goes from kind to same kind only", (sys) => {
      directories(sys, "d");
      touch(sys, "f");
      expect(sys.bind("d", "f")).toBe(-ENOTDIR);
      expect(sys.bind("f", "d")).toBe(-ENOTDIR);
    });
    mountTest("needs both places", (sys) => {
      directories(sys, "d");
      expect(sys.bind("gone", "d")).toBe(-ENOENT);
      expect(sys.bind("d", "gone")).toBe(-ENOENT);
      expect(sys.bind("", "d")).toBe(-EINVAL);
      expect(sys.mount(null, "d", null, MS_BIND)).toBe(-EINVAL);
      expect(sys.mount(null, "gone", null, MS_BIND)).toBe(-ENOENT);
    });
    mountTest("onto itself makes a mount of a directory", (sys) => {
      directories(sys, "d");
      touch(sys, "d/f");
      expect(sys.umount("d")).toBe(-EINVAL);
      expect(sys.bind("d", "d")).toBe(0);
      expect(exists(sys, "d/f")).toBe(true);
      expect(sys.rename("d/f", "f")).toBe(-EXDEV);
      expect(sys.umount("d")).toBe(0);
    });
    mountTest("leaves out what is mounted below, unless it is recursive", (sys) => {
      directories(sys, "a", "b", "c");
      mounted(sys, "a/m");
      expect(sys.bind("a", "b")).toBe(0);
      expect(exists(sys, "b/m/in")).toBe(false);
      expect(sys.bind("a", "c", MS_REC)).toBe(0);
      expect(exists(sys, "c/m/in")).toBe(true);
    });
    mountTest("that is recursive takes only what lies below", (sys) => {
      directories(sys, "a", "a/x", "a/y", "b");
      mounted(sys, "a/x/m");
      mounted(sys, "a/y/n");
      proc(sys);
      expect(sys.bind("a/x", "b", MS_REC)).toBe(0);
      expect(exists(sys, "b/m/in")).toBe(true);
      expect(shape(sys)).toEqual([
        "/ of / on",
        "/a/x/m of / on /",
        "/a/y/n of / on /",
        "/b of /a/x on /",
        "/b/m of / on /b",
      ]);
    });
    mountTest("of a tree into itself does not go on for ever", (sys) => {
      directories(sys, "a", "a/b");
      expect(sys.bind("/", "a/b", MS_REC)).toBe(0);
      expect(exists(sys, "a/b/a/b")).toBe(true);
      expect(sys.stat("a/b/a/b/a")).toBe(-ENOENT);
    });
    mountTest("keeps the flags of what it shows", (sys) => {
      proc(sys);
      directories(sys, "/b");
      mounted(sys, "/d", MS_NOSUID | MS_NOEXEC);
      expect(sys.bind("/d", "/b", MS_RDONLY)).toBe(0);
      expect(sys.mountinfo().at(-1)?.options).toBe("rw,nosuid,noexec,relatime");
      expect(sys.remount("/b", MS_BIND | MS_RDONLY)).toBe(0);
      expect(
        sys
          .mountinfo()
          .map(({ options }) => options)
          .slice(1),
      ).toEqual(["rw,nosuid,noexec,relatime", "ro,relatime"]);
    });
    mountTest("has .. lead out of its own place", (sys) => {
      directories(sys, "a", "a/x", "b", "b/y");
      sys.bind("a/x", "b/y");
      expect((sys.stat("b/y/..") as { ino: number }).ino).toBe((sys.stat("b") as { ino: number }).ino);
    });
    mountTest("does not let out who was moved out of what it shows", (sys) => {
      directories(sys, "a", "a/x", "a/x/y", "b", "o");
      sys.bind("a/x", "b");
      sys.chdir("b/y");
      expect(sys.rename("/a/x/y", "/o/y")).toBe(0);
      expect(sys.stat("..")).toBe(-ENOENT);
      expect(typeof sys.stat(".")).toBe("object");
    });
    mountTest("outlives the name that it was made of", (sys) => {
      directories(sys, "a", "b");
      touch(sys, "a/f");
      sys.bind("a", "b");
      expect(sys.unlink("b/f")).toBe(0);
      expect(sys.rmdir("a")).toBe(0);
      expect(touch(sys, "b/g")).toBe(-ENOENT);
      expect(sys.umount("b")).toBe(0);
    });
    mountTest("follows a symbolic link to its source", (sys) => {
      directories(sys, "a", "b");
      touch(sys, "a/f");
      sys.symlink("a", "l");
      expect(sys.bind("l", "b")).toBe(0);
      expect(exists(sys, "b/f")).toBe(true);
    });
    mountTest("shows what is mounted at its source, not what is below that", (sys) => {
      directories(sys, "b");
      mounted(sys, "a");
      sys.tmpfs("a");
      touch(sys, "a/top");
      sys.bind("a", "b");
      expect([exists(sys, "b/top"), exists(sys, "b/in")]).toEqual([true, false]);
      sys.umount("a");
      expect(exists(sys, "b/top")).toBe(true);
    });
    mountTest("is root's", (sys, { other }) => {
      directories(sys, "a", "b");
      const user = other(NOBODY);
      expect(user.bind("a", "b")).toBe(-EPERM);
      expect(user.bind("gone", "b")).toBe(-EPERM);
    });
    mountTest("is told by its root in mountinfo", (sys) => {
      proc(sys);
      directories(sys, "/a", "/a/b c", "/x");
      touch(sys, "/f");
      touch(sys, "/g");
      sys.bind("/a/b c", "/x");
      sys.bind("/f", "/g");
      expect(shape(sys)).toEqual(["/ of / on", "/x of /a/b\\040c on /", "/g of /f on /"]);
    });
  });

  describe("a move", () => {
    mountTest("takes a mount with all below it elsewhere", (sys) => {
      mounted(sys, "a");
      mounted(sys, "a/m");
      directories(sys, "b");
      proc(sys);
      expect(sys.move("a", "b")).toBe(0);
      expect([exists(sys, "b/in"), exists(sys, "b/m/in"), exists(sys, "a/in")]).toEqual([true, true, false]);
      expect(shape(sys)).toEqual(["/ of / on", "/b of / on /", "/b/m of / on /b"]);
      expect(sys.rmdir("a")).toBe(0);
    });
    mountTest("keeps files and working directories", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/e", "b");
      const fd = sys.open("a/in", O_RDWR);
      sys.chdir("a/e");
      expect(sys.move("/a", "/b")).toBe(0);
      expect(sys.write(fd, "x")).toBe(1);
      expect(exists(sys, "../in")).toBe(true);
      expect((sys.stat("../..") as { ino: number }).ino).toBe((sys.stat("/") as { ino: number }).ino);
    });
    mountTest("is of a mount", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/e", "b");
      expect(sys.move("a/e", "b")).toBe(-EINVAL);
      expect(sys.move("b", "a")).toBe(-EINVAL);
      expect(sys.move("gone", "b")).toBe(-ENOENT);
      expect(sys.move("", "b")).toBe(-EINVAL);
      expect(sys.mount(null, "b", null, MS_MOVE)).toBe(-EINVAL);
    });
    mountTest("does not go into itself", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/e");
      mounted(sys, "a/m");
      expect(sys.move("a", "a/e")).toBe(-ELOOP);
      expect(sys.move("a", "a/m")).toBe(-ELOOP);
      expect(sys.move("a", "a")).toBe(-ELOOP);
    });
    mountTest("goes from kind to same kind only", (sys) => {
      mounted(sys, "a");
      touch(sys, "f");
      touch(sys, "g");
      directories(sys, "d");
      sys.bind("g", "g");
      expect(sys.move("a", "f")).toBe(-EINVAL);
      expect(sys.move("g", "d")).toBe(-EINVAL);
      expect(sys.move("g", "f")).toBe(0);
    });
    mountTest("takes the top of a stack", (sys) => {
      mounted(sys, "a");
      sys.tmpfs("a");
      directories(sys, "a/top", "b");
      expect(sys.move("a", "b")).toBe(0);
      expect([exists(sys, "b/top"), exists(sys, "a/in")]).toEqual([true, true]);
    });
    mountTest("of the root does not work", (sys) => {
      mounted(sys, "a");
      expect(sys.move("/", "/a")).toBe(-ELOOP);
    });
    mountTest("does not go out of what is shared", (sys) => {
      mounted(sys, "s");
      sys.change("s", MS_SHARED);
      mounted(sys, "s/m");
      directories(sys, "b");
      expect(sys.move("s/m", "b")).toBe(-EINVAL);
      expect(sys.change("s", MS_PRIVATE)).toBe(0);
      expect(sys.move("s/m", "b")).toBe(0);
    });
    mountTest("of what is unbindable does not go into what is shared", (sys) => {
      mounted(sys, "s");
      directories(sys, "s/d");
      sys.change("s", MS_SHARED);
      mounted(sys, "a");
      mounted(sys, "a/m");
      sys.change("a/m", MS_UNBINDABLE);
      expect(sys.move("a", "s/d")).toBe(-EINVAL);
      sys.change("a/m", MS_PRIVATE);
      expect(sys.move("a", "s/d")).toBe(0);
    });
    mountTest("is root's", (sys, { other }) => {
      mounted(sys, "a");
      directories(sys, "b");
      expect(other(NOBODY).move("a", "b")).toBe(-EPERM);
    });
  });

  describe("umount", () => {
    mountTest("is of a mount", (sys) => {
      directories(sys, "d");
      touch(sys, "f");
      expect(sys.umount("d")).toBe(-EINVAL);
      expect(sys.umount("f")).toBe(-EINVAL);
      expect(sys.umount("gone")).toBe(-ENOENT);
      expect(sys.umount("")).toBe(-ENOENT);
      expect(sys.umount("f/x")).toBe(-ENOTDIR);
      expect(sys.umount("d", 0x10)).toBe(-EINVAL);
    });
    mountTest("is root's", (sys, { other }) => {
      mounted(sys, "d");
      const user = other(NOBODY);
      expect(user.umount("d")).toBe(-EPERM);
      expect(user.umount("gone")).toBe(-ENOENT);
      expect(user.umount("/")).toBe(-EPERM);
      expect(user.umount("d", 0x100)).toBe(-EINVAL);
    });
    mountTest("is refused while a file is open (ND-06)", (sys) => {
      mounted(sys, "d");
      const fd = sys.open("d/in");
      expect(sys.umount("d")).toBe(-EBUSY);
      sys.close(fd);
      expect(sys.umount("d")).toBe(0);
    });
    mountTest("is refused while a place is open", (sys) => {
      mounted(sys, "d");
      const fd = sys.open("d", O_PATH);
      expect(sys.umount("d")).toBe(-EBUSY);
      sys.close(fd);
      expect(sys.umount("d")).toBe(0);
    });
    mountTest("is refused while somebody works there", (sys, { other }) => {
      mounted(sys, "d");
      const worker = other();
      worker.chdir("d");
      expect(sys.umount("d")).toBe(-EBUSY);
      worker.chdir("/");
      expect(sys.umount("d")).toBe(0);
    });
    mountTest("is refused while something is mounted in it", (sys) => {
      mounted(sys, "d");
      mounted(sys, "d/e");
      expect(sys.umount("d")).toBe(-EBUSY);
      expect(sys.umount("d", MNT_FORCE)).toBe(-EBUSY);
      expect(sys.umount("d/e")).toBe(0);
      expect(sys.umount("d")).toBe(0);
    });
    mountTest("of one place leaves others that show the same", (sys) => {
      mounted(sys, "a");
      directories(sys, "b");
      sys.bind("a", "b");
      const fd = sys.open("b/in");
      expect(sys.umount("a")).toBe(0);
      expect(sys.umount("b")).toBe(-EBUSY);
      sys.close(fd);
      expect(exists(sys, "b/in")).toBe(true);
    });
    mountTest("follows links, unless told not to", (sys) => {
      mounted(sys, "d");
      sys.symlink("d", "l");
      expect(sys.umount("l", UMOUNT_NOFOLLOW)).toBe(-EINVAL);
      expect(sys.umount("l")).toBe(0);
    });
    mountTest("of the own root makes it read-only", (sys) => {
      expect(sys.umount("/")).toBe(0);
      expect(sys.mkdir("/d")).toBe(-EROFS);
    });
    mountTest("of the own root is refused while something is written", (sys) => {
      const fd = sys.open("/f", O_CREAT | O_WRONLY);
      expect(sys.umount("/")).toBe(-EBUSY);
      sys.close(fd);
      expect(sys.umount("/")).toBe(0);
    });
    mountTest("of the own root lazily leaves a tree in which nothing is mounted", (sys) => {
      directories(sys, "d");
      mounted(sys, "a");
      proc(sys);
      const fd = sys.open("/proc/self/mountinfo");
      expect(sys.umount("/", MNT_DETACH)).toBe(0);
      expect(sys.read(fd, 1000)).toEqual(Buffer.alloc(0));
      expect(sys.open("/proc/self")).toBe(-ENOENT);
      expect(exists(sys, "/a/in")).toBe(false);
      expect(sys.mkdir("/new")).toBe(0);
      // Linux 6.17 and later: ENOENT.
      expect([-ENOENT, -EINVAL]).toContain(sys.tmpfs("/d"));
      expect([-ENOENT, -EINVAL]).toContain(sys.bind("/d", "/a"));
      expect(sys.umount("/", MNT_DETACH)).toBe(-EINVAL);
      expect(sys.umount("/")).toBe(-EINVAL);
      expect(sys.process.syscall(nr.SYS_chdir, "/d")).toBe(0);
      expect(sys.mkdir("../d/e")).toBe(0);
    });
    mountTest("of a stack is from the top (ND-06)", (sys) => {
      directories(sys, "d");
      for (const name of ["one", "two", "three"]) {
        sys.tmpfs("d");
        touch(sys, `d/${name}`);
      }
      expect(exists(sys, "d/three")).toBe(true);
      sys.umount("d");
      expect(exists(sys, "d/two")).toBe(true);
      sys.umount("d");
      expect(exists(sys, "d/one")).toBe(true);
      sys.umount("d");
      expect(sys.umount("d")).toBe(-EINVAL);
    });
    mountTest("of . takes what covers the working directory", (sys) => {
      directories(sys, "d");
      sys.chdir("d");
      sys.tmpfs(".");
      expect(sys.umount(".")).toBe(0);
      expect(sys.umount(".")).toBe(-EINVAL);
    });
  });

  describe("a lazy umount", () => {
    mountTest("takes a mount out of sight at once, and keeps it for who uses it", (sys) => {
      mounted(sys, "d");
      const fd = sys.open("d/in", O_RDWR);
      const dir = sys.open("d", O_DIRECTORY);
      expect(sys.umount("d", MNT_DETACH)).toBe(0);
      expect(exists(sys, "d/in")).toBe(false);
      expect(sys.rmdir("d")).toBe(0);
      expect(sys.write(fd, "x")).toBe(1);
      const made = sys.open("new", O_CREAT | O_RDWR, 0o644, dir);
      expect(made).toBeGreaterThanOrEqual(0);
      expect(sys.open("new", O_RDONLY, 0, dir)).toBeGreaterThanOrEqual(0);
    });
    mountTest("takes what is mounted below with it", (sys) => {
      mounted(sys, "d");
      mounted(sys, "d/e");
      const dir = sys.open("d", O_DIRECTORY);
      const inner = sys.open("d/e", O_DIRECTORY);
      expect(sys.umount("d", MNT_DETACH)).toBe(0);
      expect(sys.open("in", O_RDONLY, 0, inner)).toBeGreaterThanOrEqual(0);
      expect(sys.open("e/in", O_RDONLY, 0, dir)).toBe(-ENOENT);
      expect(sys.open("../in", O_RDONLY, 0, inner)).toBeGreaterThanOrEqual(0);
    });
    mountTest("leaves who works there at the top of a tree of its own", (sys) => {
      mounted(sys, "d");
      directories(sys, "d/e");
      sys.chdir("d/e");
      expect(sys.umount("/d", MNT_DETACH)).toBe(0);
      expect(exists(sys, "../in")).toBe(true);
      expect(exists(sys, "../../in")).toBe(true);
      expect(exists(sys, "../../../../e")).toBe(true);
      expect(touch(sys, "f")).toBe(0);
    });
    mountTest("makes a place where nothing can be mounted", (sys) => {
      mounted(sys, "d");
      directories(sys, "d/e", "x");
      sys.chdir("d");
      sys.umount("/d", MNT_DETACH);
      // Linux 6.17 and later: ENOENT.
      expect([-ENOENT, -EINVAL]).toContain(sys.tmpfs("e"));
      expect([-ENOENT, -EINVAL]).toContain(sys.bind("/x", "e"));
      expect(sys.bind("e", "/x")).toBe(-EINVAL);
      expect(sys.umount(".")).toBe(-EINVAL);
      expect(sys.remount(".", MS_BIND)).toBe(-EINVAL);
      expect(sys.change(".", MS_SHARED)).toBe(-EINVAL);
      expect(sys.move(".", "/x")).toBe(-EINVAL);
    });
    mountTest("of a stack takes the top alone", (sys) => {
      mounted(sys, "d");
      sys.tmpfs("d");
      expect(sys.umount("d", MNT_DETACH)).toBe(0);
      expect(exists(sys, "d/in")).toBe(true);
    });
  });

  describe("an expiring umount", () => {
    mountTest("marks first, and unmounts when nobody came by", (sys) => {
      mounted(sys, "d");
      expect(sys.umount("d", MNT_EXPIRE)).toBe(-EAGAIN);
      expect(sys.umount("d", MNT_EXPIRE)).toBe(0);
      expect(sys.umount("d", MNT_EXPIRE)).toBe(-EINVAL);
    });
    mountTest("begins again after any use", (sys) => {
      mounted(sys, "d");
      expect(sys.umount("d", MNT_EXPIRE)).toBe(-EAGAIN);
      sys.close(sys.open("d/in"));
      expect(sys.umount("d", MNT_EXPIRE)).toBe(-EAGAIN);
      expect(sys.umount("d", MNT_EXPIRE)).toBe(0);
    });
    mountTest("is refused while it is used", (sys) => {
      mounted(sys, "d");
      const fd = sys.open("d/in");
      expect(sys.umount("d", MNT_EXPIRE)).toBe(-EBUSY);
      sys.close(fd);
      mounted(sys, "d/e");
      expect(sys.umount("d", MNT_EXPIRE)).toBe(-EBUSY);
    });
    mountTest("goes with no other way", (sys) => {
      mounted(sys, "d");
      expect(sys.umount("d", MNT_EXPIRE | MNT_DETACH)).toBe(-EINVAL);
      expect(sys.umount("d", MNT_EXPIRE | MNT_FORCE)).toBe(-EINVAL);
      expect(sys.umount("/", MNT_EXPIRE)).toBe(-EINVAL);
    });
  });

  describe("propagation", () => {
    mountTest("of a shared mount reaches its peers", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/d", "b");
      expect(sys.change("a", MS_SHARED)).toBe(0);
      sys.bind("a", "b");
      sys.tmpfs("a/d");
      touch(sys, "a/d/f");
      expect(exists(sys, "b/d/f")).toBe(true);
      expect(sys.umount("b/d")).toBe(0);
      expect(exists(sys, "a/d/f")).toBe(false);
    });
    mountTest("does not happen between private mounts", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/d", "b");
      sys.bind("a", "b");
      sys.tmpfs("a/d");
      touch(sys, "a/d/f");
      expect(exists(sys, "b/d/f")).toBe(false);
    });
    mountTest("goes from master to slave and not back", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/d", "a/e", "b");
      sys.change("a", MS_SHARED);
      sys.bind("a", "b");
      expect(sys.change("b", MS_SLAVE)).toBe(0);
      sys.tmpfs("a/d");
      touch(sys, "a/d/f");
      sys.tmpfs("b/e");
      touch(sys, "b/e/f");
      expect([exists(sys, "b/d/f"), exists(sys, "a/e/f")]).toEqual([true, false]);
      sys.umount("a/d");
      expect(exists(sys, "b/d/f")).toBe(false);
    });
    mountTest("of a slave's own umount stays with it", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/d", "b");
      sys.change("a", MS_SHARED);
      sys.bind("a", "b");
      sys.change("b", MS_SLAVE);
      sys.tmpfs("a/d");
      touch(sys, "a/d/f");
      expect(sys.umount("b/d")).toBe(0);
      expect(exists(sys, "a/d/f")).toBe(true);
      expect(sys.umount("a/d")).toBe(0);
    });
    mountTest("goes on through a slave that is shared", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/d", "b", "c");
      sys.change("a", MS_SHARED);
      sys.bind("a", "b");
      sys.change("b", MS_SLAVE);
      sys.change("b", MS_SHARED);
      sys.bind("b", "c");
      sys.tmpfs("a/d");
      touch(sys, "a/d/f");
      expect([exists(sys, "b/d/f"), exists(sys, "c/d/f")]).toEqual([true, true]);
      sys.umount("c/d");
      expect(["a", "b", "c"].map((name) => exists(sys, `${name}/d/f`))).toEqual([true, false, false]);
    });
    mountTest("is told by mountinfo", (sys) => {
      proc(sys);
      mounted(sys, "/a");
      directories(sys, "/a/d", "/b", "/c", "/e");
      sys.change("/a", MS_SHARED);
      sys.bind("/a", "/b");
      sys.bind("/a", "/c");
      sys.change("/c", MS_SLAVE);
      sys.bind("/a", "/e");
      sys.change("/e", MS_SLAVE);
      sys.change("/e", MS_SHARED);
      expect(shape(sys)).toEqual([
        "/ of / on",
        "/a of / on / shared:1",
        "/b of / on / shared:1",
        "/c of / on / master:1",
        "/e of / on / shared:2 master:1",
      ]);
      sys.tmpfs("/a/d");
      expect(shape(sys).slice(5).sort()).toEqual([
        "/a/d of / on /a shared:3",
        "/b/d of / on /b shared:3",
        "/c/d of / on /c master:3",
        "/e/d of / on /e shared:4 master:3",
      ]);
    });
    mountTest("is of a mount, one kind at a time", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/d");
      expect(sys.change("a/d", MS_SHARED)).toBe(-EINVAL);
      expect(sys.change("a", MS_SHARED | MS_PRIVATE)).toBe(-EINVAL);
      expect(sys.change("a", MS_SHARED | MS_RDONLY)).toBe(-EINVAL);
      expect(sys.change("gone", MS_SHARED)).toBe(-ENOENT);
      expect(sys.change("a", MS_SHARED | ms.MS_SILENT)).toBe(0);
    });
    mountTest("is root's", (sys, { other }) => {
      mounted(sys, "a");
      expect(other(NOBODY).change("a", MS_SHARED)).toBe(-EPERM);
    });
    mountTest("changes whole trees with MS_REC", (sys) => {
      proc(sys);
      mounted(sys, "/a");
      mounted(sys, "/a/b");
      mounted(sys, "/a/b/c");
      expect(sys.change("/a", MS_SHARED | MS_REC)).toBe(0);
      expect(shape(sys).slice(1)).toEqual([
        "/a of / on / shared:1",
        "/a/b of / on /a shared:2",
        "/a/b/c of / on /a/b shared:3",
      ]);
      expect(sys.change("/a/b", MS_PRIVATE)).toBe(0);
      expect(
        sys
          .mountinfo()
          .map(({ propagation }) => propagation)
          .slice(1),
      ).toEqual(["shared:1", "", "shared:2"]);
    });
    mountTest("of an unbindable mount does not happen, nor can it be bound", (sys) => {
      proc(sys);
      mounted(sys, "/a");
      mounted(sys, "/a/u");
      directories(sys, "/b");
      expect(sys.change("/a/u", MS_UNBINDABLE)).toBe(0);
      expect(sys.bind("/a/u", "/b")).toBe(-EINVAL);
      expect(sys.bind("/a", "/b", MS_REC)).toBe(0);
      expect(exists(sys, "/b/u/in")).toBe(false);
      expect(shape(sys)).toEqual(["/ of / on", "/a of / on /", "/a/u of / on /a unbindable", "/b of / on /"]);
    });
    mountTest(
      "leaves an unbindable mount unbindable when it becomes a slave, and not when it is shared",
      (sys) => {
        mounted(sys, "a");
        directories(sys, "b");
        sys.change("a", MS_UNBINDABLE);
        sys.change("a", MS_SLAVE);
        expect(sys.bind("a", "b")).toBe(-EINVAL);
        sys.change("a", MS_SHARED);
        expect(sys.bind("a", "b")).toBe(0);
      },
    );
    mountTest("makes a slave of nobody private", (sys) => {
      proc(sys);
      mounted(sys, "/a");
      sys.change("/a", MS_SHARED);
      sys.change("/a", MS_SLAVE);
      expect(shape(sys).at(-1)).toBe("/a of / on /");
    });
    mountTest("hands slaves on when their master's group ends", (sys) => {
      proc(sys);
      mounted(sys, "/a");
      directories(sys, "/a/d", "/b", "/c");
      sys.change("/a", MS_SHARED);
      sys.bind("/a", "/b");
      sys.change("/b", MS_SLAVE);
      sys.change("/b", MS_SHARED);
      sys.bind("/b", "/c");
      sys.change("/c", MS_SLAVE);
      expect(shape(sys).slice(1)).toEqual([
        "/a of / on / shared:1",
        "/b of / on / shared:2 master:1",
        "/c of / on / master:2",
      ]);
      sys.change("/b", MS_PRIVATE);
      expect(shape(sys).slice(1)).toEqual(["/a of / on / shared:1", "/b of / on /", "/c of / on / master:1"]);
      sys.tmpfs("/a/d");
      touch(sys, "/a/d/f");
      expect([exists(sys, "/b/d/f"), exists(sys, "/c/d/f")]).toEqual([false, true]);
    });
    mountTest("reaches a part of the tree only if the mount point is in it", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/x", "a/x/d", "a/y", "b");
      sys.change("a", MS_SHARED);
      sys.bind("a/x", "b");
      sys.tmpfs("a/x/d");
      touch(sys, "a/x/d/f");
      sys.tmpfs("a/y");
      expect(exists(sys, "b/d/f")).toBe(true);
      sys.umount("a/y");
      sys.umount("b/d");
      expect(exists(sys, "a/x/d/f")).toBe(false);
    });
    mountTest("puts a mount below what is there already", (sys) => {
      proc(sys);
      mounted(sys, "/a");
      directories(sys, "/a/d", "/b");
      sys.change("/a", MS_SHARED);
      sys.bind("/a", "/b");
      sys.change("/b", MS_SLAVE);
      sys.tmpfs("/b/d");
      touch(sys, "/b/d/own");
      sys.tmpfs("/a/d");
      touch(sys, "/a/d/f");
      expect([exists(sys, "/b/d/own"), exists(sys, "/b/d/f")]).toEqual([true, false]);
      expect(sys.umount("/b/d")).toBe(0);
      expect(exists(sys, "/b/d/f")).toBe(true);
    });
    mountTest("of an umount takes a mount from under what covers it", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/d", "b");
      sys.change("a", MS_SHARED);
      sys.bind("a", "b");
      sys.change("b", MS_SLAVE);
      sys.tmpfs("a/d");
      sys.tmpfs("b/d");
      touch(sys, "b/d/own");
      expect(sys.umount("a/d")).toBe(0);
      expect(exists(sys, "b/d/own")).toBe(true);
      expect(sys.umount("b/d")).toBe(0);
      expect(sys.umount("b/d")).toBe(-EINVAL);
    });
    mountTest("of an umount is refused when a copy is in use", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/d", "b");
      sys.change("a", MS_SHARED);
      sys.bind("a", "b");
      sys.tmpfs("a/d");
      touch(sys, "a/d/f");
      const fd = sys.open("b/d/f");
      expect(sys.umount("a/d")).toBe(-EBUSY);
      sys.close(fd);
      expect(sys.umount("a/d")).toBe(0);
    });
    mountTest("of a lazy umount takes copies that are in use", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/d", "b");
      sys.change("a", MS_SHARED);
      sys.bind("a", "b");
      sys.tmpfs("a/d");
      touch(sys, "a/d/f");
      const fd = sys.open("b/d/f");
      expect(sys.umount("a/d", MNT_DETACH)).toBe(0);
      expect(exists(sys, "b/d/f")).toBe(false);
      expect(sys.fstat(fd)).toMatchObject({ nlink: 1 });
    });
    mountTest("of an umount leaves a copy in which something is mounted", (sys) => {
      mounted(sys, "a");
      directories(sys, "a/d", "b");
      sys.change("a", MS_SHARED);
      sys.bind("a", "b");
      sys.change("b", MS_SLAVE);
      sys.tmpfs("a/d");
      directories(sys, "a/d/e");
      sys.tmpfs("b/d/e");
      touch(sys, "b/d/e/f");
      expect(sys.umount("a/d")).toBe(0);
      expect(exists(sys, "b/d/e/f")).toBe(true);
    });
    mountTest("of a bind takes whole trees along", (sys) => {
      mounted(sys, "t");
      mounted(sys, "t/m");
      mounted(sys, "a");
      directories(sys, "a/d", "b");
      sys.change("a", MS_SHARED);
      sys.bind("a", "b");
      expect(sys.bind("t", "a/d", MS_REC)).toBe(0);
      expect([exists(sys, "b/d/in"), exists(sys, "b/d/m/in")]).toEqual([true, true]);
      expect(sys.umount("a/d", MNT_DETACH)).toBe(0);
      expect(exists(sys, "b/d/in")).toBe(false);
    });
    mountTest("of a move shares what moves", (sys) => {
      proc(sys);
      mounted(sys, "/a");
      directories(sys, "/a/d", "/b");
      sys.change("/a", MS_SHARED);
      sys.bind("/a", "/b");
      mounted(sys, "/t");
      mounted(sys, "/t/m");
      expect(sys.move("/t", "/a/d")).toBe(0);
      expect([exists(sys, "/b/d/in"), exists(sys, "/b/d/m/in"), exists(sys, "/t/in")]).toEqual([
        true,
        true,
        false,
      ]);
      expect(shape(sys).sort()).toEqual([
        "/ of / on",
        "/a of / on / shared:1",
        "/a/d of / on /a shared:2",
        "/a/d/m of / on /a/d shared:3",
        "/b of / on / shared:1",
        "/b/d of / on /b shared:2",
        "/b/d/m of / on /b/d shared:3",
      ]);
    });
    mountTest("of a shared tree into itself ends", (sys) => {
      sys.change("/", MS_SHARED);
      directories(sys, "d");
      expect(sys.bind("/", "d", MS_REC)).toBe(0);
      touch(sys, "f");
      expect(exists(sys, "d/f")).toBe(true);
      expect(sys.stat("d/d/f")).toBe(-ENOENT);
    });
    mountTest("makes a mount in a shared one shared", (sys) => {
      proc(sys);
      mounted(sys, "/a");
      sys.change("/a", MS_SHARED);
      directories(sys, "/a/d");
      sys.tmpfs("/a/d");
      expect(shape(sys).slice(1)).toEqual(["/a of / on / shared:1", "/a/d of / on /a shared:2"]);
    });
  });

  describe("a mount namespace of one's own", () => {
    mountTest("has copies of all mounts, and changes that others do not see", (sys, { other }) => {
      mounted(sys, "d");
      const away = other();
      expect(away.unshare(CLONE_NEWNS)).toBe(0);
      expect(exists(away, "d/in")).toBe(true);
      expect(away.umount("d")).toBe(0);
      expect([exists(away, "d/in"), exists(sys, "d/in")]).toEqual([false, true]);
      directories(sys, "e");
      expect(away.tmpfs("e")).toBe(0);
      touch(away, "e/f");
      expect(exists(sys, "e/f")).toBe(false);
    });
    mountTest("shares files with the old one", (sys, { other }) => {
      const away = other();
      away.unshare(CLONE_NEWNS);
      touch(away, "f");
      expect(exists(sys, "f")).toBe(true);
    });
    mountTest("takes the working directory over", (sys) => {
      mounted(sys, "d");
      directories(sys, "d/e");
      sys.chdir("d/e");
      expect(sys.unshare(CLONE_NEWNS)).toBe(0);
      expect(exists(sys, "../in")).toBe(true);
      expect(sys.tmpfs(".")).toBe(0);
      expect(sys.umount("/d/e")).toBe(0);
      expect(sys.umount("/d")).toBe(-EBUSY);
      sys.chdir("/");
      expect(sys.umount("/d")).toBe(0);
    });
    mountTest("does not take open directories over", (sys, { other }) => {
      mounted(sys, "d");
      directories(sys, "d/e");
      const away = other();
      const fd = away.open("d", O_DIRECTORY);
      away.unshare(CLONE_NEWNS);
      expect(away.open("in", O_RDONLY, 0, fd)).toBeGreaterThanOrEqual(0);
      expect(sys.umount("d")).toBe(-EBUSY);
      expect(away.umount("d")).toBe(0);
      expect(away.setattr("", AT_EMPTY_PATH, { set: ms.MOUNT_ATTR_NODEV }, 32, fd)).toBe(-EINVAL);
    });
    mountTest("keeps peers of what is shared", (sys, { other }) => {
      mounted(sys, "s");
      directories(sys, "s/d");
      sys.change("s", MS_SHARED);
      const away = other();
      away.unshare(CLONE_NEWNS);
      sys.tmpfs("s/d");
      touch(sys, "s/d/f");
      expect(exists(away, "s/d/f")).toBe(true);
      expect(away.umount("s/d")).toBe(0);
      expect(exists(sys, "s/d/f")).toBe(false);
    });
    mountTest("can be made a slave of the old one", (sys, { other }) => {
      sys.change("/", MS_SHARED | MS_REC);
      directories(sys, "d", "e");
      const away = other();
      away.unshare(CLONE_NEWNS);
      expect(away.change("/", MS_SLAVE | MS_REC)).toBe(0);
      sys.tmpfs("d");
      away.tmpfs("e");
      touch(sys, "d/f");
      touch(away, "e/f");
      expect([exists(away, "d/f"), exists(sys, "e/f")]).toEqual([true, false]);
    });
    mountTest("has unbindable mounts too", (sys, { other }) => {
      mounted(sys, "u");
      sys.change("u", MS_UNBINDABLE);
      const away = other();
      away.unshare(CLONE_NEWNS);
      // Whether the copy is unbindable as well depends on the version of Linux.
      expect(exists(away, "u/in")).toBe(true);
    });
    mountTest("does not keep others from removing its mount points", (sys, { other }) => {
      directories(sys, "d", "e", "g");
      touch(sys, "f");
      const away = other();
      away.unshare(CLONE_NEWNS);
      away.tmpfs("d");
      away.tmpfs("e");
      away.tmpfs("g");
      away.bind("f", "f");
      touch(away, "g/own");
      expect(sys.rmdir("d")).toBe(0);
      expect(sys.rename("g", "h")).toBe(0);
      expect(exists(away, "h/own")).toBe(true);
      expect(sys.unlink("f")).toBe(0);
      directories(sys, "x");
      expect(sys.rename("x", "e")).toBe(0);
      expect(away.umount("e")).toBe(-EINVAL);
      expect(away.umount("d")).toBe(-ENOENT);
    });
    mountTest("loses a mount whose mount point was removed, but not for who uses it", (sys, { other }) => {
      directories(sys, "d");
      const away = other();
      away.unshare(CLONE_NEWNS);
      away.tmpfs("d");
      directories(away, "d/e");
      away.tmpfs("d/e");
      touch(away, "d/e/f");
      away.chdir("d");
      expect(sys.rmdir("d")).toBe(0);
      expect(exists(away, "e/f")).toBe(true);
      expect(exists(away, "../e/f")).toBe(true);
      expect(away.umount("e")).toBe(-EINVAL);
    });
    mountTest("is refused to who may not, and for flags that are none", (sys, { other }) => {
      const user = other(NOBODY);
      expect(user.unshare(CLONE_NEWNS)).toBe(-EPERM);
      expect(user.unshare(0)).toBe(0);
      expect(user.unshare(ms.CLONE_FS | ms.CLONE_FILES)).toBe(0);
      expect(sys.unshare(1)).toBe(-EINVAL);
    });
    mountTest("copies the propagation of slaves", (sys, { other }) => {
      mounted(sys, "a");
      directories(sys, "a/d", "b");
      sys.change("a", MS_SHARED);
      sys.bind("a", "b");
      sys.change("b", MS_SLAVE);
      const away = other();
      away.unshare(CLONE_NEWNS);
      sys.tmpfs("a/d");
      touch(sys, "a/d/f");
      expect(["a/d/f", "b/d/f"].map((path) => exists(away, path))).toEqual([true, true]);
      expect(away.umount("b/d")).toBe(0);
      expect(exists(sys, "b/d/f")).toBe(true);
    });
  });

  describe("pivot_root", () => {
    mountTest("changes the root, and puts the old one where it is told", (sys) => {
      mounted(sys, "new");
      directories(sys, "new/old", "here");
      expect(sys.pivotRoot("new", "new/old")).toBe(0);
      expect([exists(sys, "/in"), exists(sys, "/old/here")]).toEqual([true, true]);
      sys.chdir("/");
      expect(sys.umount("old", MNT_DETACH)).toBe(0);
      expect(exists(sys, "/old/here")).toBe(false);
    });
    mountTest("onto itself leaves the old root on top, as containers do it", (sys) => {
      mounted(sys, "new");
      directories(sys, "here");
      sys.chdir("new");
      expect(sys.pivotRoot(".", ".")).toBe(0);
      expect([exists(sys, "in"), exists(sys, "/in")]).toEqual([true, true]);
      expect(sys.umount(".", MNT_DETACH)).toBe(0);
      expect(exists(sys, "/in")).toBe(true);
      expect(exists(sys, "/here")).toBe(false);
      expect(exists(sys, "/../in")).toBe(true);
    });
    mountTest("moves everybody who was at the old root", (sys, { other }) => {
      const neighbour = other();
      mounted(sys, "new");
      directories(sys, "new/old");
      sys.pivotRoot("new", "new/old");
      expect([exists(neighbour, "/in"), exists(neighbour, "in")]).toEqual([true, true]);
    });
    mountTest("leaves alone who is elsewhere in the old tree", (sys, { other }) => {
      const neighbour = other();
      directories(sys, "w", "w/x");
      neighbour.chdir("w");
      mounted(sys, "new");
      directories(sys, "new/old");
      sys.pivotRoot("new", "new/old");
      expect(exists(neighbour, "x")).toBe(true);
      expect(exists(neighbour, "../new")).toBe(true);
      expect(exists(neighbour, "../../in")).toBe(true);
    });
    mountTest("needs two directories that are there", (sys) => {
      mounted(sys, "new");
      directories(sys, "new/old");
      touch(sys, "f");
      expect(sys.pivotRoot("gone", "new/old")).toBe(-ENOENT);
      expect(sys.pivotRoot("new", "new/gone")).toBe(-ENOENT);
      expect(sys.pivotRoot("f", "new/old")).toBe(-ENOTDIR);
      expect(sys.pivotRoot("new", "new/in")).toBe(-ENOTDIR);
    });
    mountTest("needs a new root that is a mount of its own", (sys) => {
      directories(sys, "d", "d/old");
      expect(sys.pivotRoot("d", "d/old")).toBe(-EBUSY);
      mounted(sys, "new");
      directories(sys, "new/e", "new/e/old");
      expect(sys.pivotRoot("new/e", "new/e/old")).toBe(-EINVAL);
      expect(sys.pivotRoot("/", "new")).toBe(-EBUSY);
      expect(sys.pivotRoot("new", "d")).toBe(-EBUSY);
    });
    mountTest("needs a place for the old root below the new one", (sys) => {
      mounted(sys, "new");
      mounted(sys, "else");
      directories(sys, "else/old");
      expect(sys.pivotRoot("new", "else/old")).toBe(-EINVAL);
    });
    mountTest("takes a place in a mount below the new one", (sys) => {
      mounted(sys, "new");
      mounted(sys, "new/m");
      directories(sys, "new/m/old", "here");
      expect(sys.pivotRoot("new", "new/m/old")).toBe(0);
      expect(exists(sys, "/m/old/here")).toBe(true);
    });
    mountTest("goes with nothing that is shared", (sys) => {
      mounted(sys, "new");
      directories(sys, "new/old");
      sys.change("/", MS_SHARED);
      expect(sys.pivotRoot("new", "new/old")).toBe(-EINVAL);
      sys.change("/", MS_PRIVATE);
      sys.change("new", MS_SHARED);
      expect(sys.pivotRoot("new", "new/old")).toBe(-EINVAL);
      sys.change("new", MS_SLAVE);
      expect(sys.pivotRoot("new", "new/old")).toBe(0);
    });
    mountTest("is root's", (sys, { other }) => {
      mounted(sys, "new");
      expect(other(NOBODY).pivotRoot("new", "new")).toBe(-EPERM);
      expect(other(NOBODY).pivotRoot("gone", "new")).toBe(-EPERM);
    });
    mountTest("needs a root directory that is a mount", (sys) => {
      directories(sys, "jail");
      mounted(sys, "jail/new");
      directories(sys, "jail/new/old");
      sys.chroot("jail");
      sys.chdir("/");
      expect(sys.pivotRoot("new", "new/old")).toBe(-EINVAL);
    });
    mountTest("works in a root directory that is a mount further down", (sys) => {
      mounted(sys, "jail");
      mounted(sys, "jail/new");
      directories(sys, "jail/new/old");
      sys.chroot("jail");
      sys.chdir("/");
      expect(sys.pivotRoot("new", "new/old")).toBe(0);
      expect(exists(sys, "/old/in")).toBe(true);
    });
  });

  describe("mount_setattr", () => {
    const { AT_RECURSIVE, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID } = ms;
    const { MOUNT_ATTR_RDONLY, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, MOUNT_ATTR_NODIRATIME } = ms;
    mountTest("sets and clears flags, and leaves others", (sys) => {
      proc(sys);
      mounted(sys, "/d", MS_NOSUID);
      const options = () => sys.mountinfo().at(-1)?.options;
      expect(sys.setattr("/d", 0, { set: MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC })).toBe(0);
      expect(options()).toBe("rw,nosuid,nodev,noexec,relatime");
      expect(sys.setattr("/d", 0, { set: MOUNT_ATTR_RDONLY, clear: MOUNT_ATTR_NOSUID })).toBe(0);
      expect(options()).toBe("ro,nodev,noexec,relatime");
      expect(sys.setattr("/d", 0, { clear: MOUNT_ATTR__ATIME, set: MOUNT_ATTR_NOATIME })).toBe(0);
      expect(options()).toBe("ro,nodev,noexec,noatime");
      expect(sys.setattr("/d", 0, { clear: MOUNT_ATTR__ATIME, set: MOUNT_ATTR_STRICTATIME })).toBe(0);
      expect(options()).toBe("ro,nodev,noexec");
      expect(sys.setattr("/d", 0, { clear: MOUNT_ATTR__ATIME, set: MOUNT_ATTR_NODIRATIME })).toBe(0);
      expect(options()).toBe("ro,nodev,noexec,nodiratime,relatime");
      expect(sys.setattr("/d", 0, { set: ms.MOUNT_ATTR_NOSYMFOLLOW })).toBe(0);
      expect(options()).toBe("ro,nodev,noexec,nodiratime,relatime,nosymfollow");
      expect(sys.setattr("/d", 0, { clear: MOUNT_ATTR__ATIME, set: MOUNT_ATTR_NOATIME })).toBe(0);
      expect(sys.setattr("/d", 0, { clear: MOUNT_ATTR__ATIME, set: ms.MOUNT_ATTR_RELATIME })).toBe(0);
      expect(options()).toBe("ro,nodev,noexec,nodiratime,relatime,nosymfollow");
    });
    mountTest("changes whole trees, all or nothing", (sys) => {
      proc(sys);
      mounted(sys, "/d");
      mounted(sys, "/d/e");
      const fd = sys.open("/d/e/in", O_WRONLY);
      expect(sys.setattr("/d", AT_RECURSIVE, { set: MOUNT_ATTR_RDONLY })).toBe(-EBUSY);
      expect(touch(sys, "/d/f")).toBe(0);
      sys.close(fd);
      expect(sys.setattr("/d", AT_RECURSIVE, { set: MOUNT_ATTR_RDONLY })).toBe(0);
      expect([touch(sys, "/d/g"), touch(sys, "/d/e/g")]).toEqual([-EROFS, -EROFS]);
      expect(sys.setattr("/d", 0, { clear: MOUNT_ATTR_RDONLY })).toBe(0);
      expect([touch(sys, "/d/g"), touch(sys, "/d/e/g")]).toEqual([0, -EROFS]);
    });
    mountTest("changes propagation", (sys) => {
      proc(sys);
      mounted(sys, "/d");
      mounted(sys, "/d/e");
      expect(sys.setattr("/d", AT_RECURSIVE, { propagation: MS_SHARED })).toBe(0);
      expect(shape(sys).slice(1)).toEqual(["/d of / on / shared:1", "/d/e of / on /d shared:2"]);
      expect(sys.setattr("/d", 0, { propagation: MS_PRIVATE })).toBe(0);
      expect(shape(sys).slice(1)).toEqual(["/d of / on /", "/d/e of / on /d shared:1"]);
    });
    mountTest("refuses what makes no sense", (sys) => {
      mounted(sys, "d");
      directories(sys, "d/e");
      const nodev = { set: MOUNT_ATTR_NODEV };
      expect(sys.setattr("d", 1, nodev)).toBe(-EINVAL);
      expect(sys.setattr("d", 0, nodev, 8)).toBe(-EINVAL);
      expect(sys.setattr("d", 0, nodev, 4097)).toBe(-E2BIG);
      expect(sys.setattr("d", 0, nodev, 64)).toBe(0);
      expect(sys.setattr("d/e", 0, nodev)).toBe(-EINVAL);
      expect(sys.setattr("gone", 0, nodev)).toBe(-ENOENT);
      expect(sys.setattr("gone", 0, {})).toBe(0);
      expect(sys.setattr("d", 0, { set: 0x40000000 })).toBe(-EINVAL);
      expect(sys.setattr("d", 0, { set: MOUNT_ATTR_NOATIME })).toBe(-EINVAL);
      expect(sys.setattr("d", 0, { clear: 0x20 })).toBe(-EINVAL);
      expect(sys.setattr("d", 0, { clear: MOUNT_ATTR__ATIME, set: 0x30 })).toBe(-EINVAL);
      expect(sys.setattr("d", 0, { propagation: MS_SHARED | MS_SLAVE })).toBe(-EINVAL);
      expect(sys.setattr("d", 0, { propagation: MS_RDONLY })).toBe(-EINVAL);
      expect(sys.setattr("", 0, nodev)).toBe(-ENOENT);
      expect(sys.setattr("d", 0, { set: ms.MOUNT_ATTR_IDMAP, userns: 999 })).toBe(-EBADF);
    });
    mountTest("is root's", (sys, { other }) => {
      mounted(sys, "d");
      expect(other(NOBODY).setattr("d", 0, { set: MOUNT_ATTR_NODEV })).toBe(-EPERM);
      expect(other(NOBODY).setattr("d", 0, {})).toBe(-EPERM);
      expect(other(NOBODY).setattr("d", 0, {}, 8)).toBe(-EINVAL);
    });
    mountTest("takes a descriptor", (sys) => {
      mounted(sys, "d");
      const fd = sys.open("d", O_DIRECTORY);
      expect(sys.setattr("", AT_EMPTY_PATH, { set: MOUNT_ATTR_RDONLY }, 32, fd)).toBe(0);
      expect(touch(sys, "d/f")).toBe(-EROFS);
    });
  });

  describe("what tells mounts apart", () => {
    mountTest("is the mount id of statx", (sys) => {
      directories(sys, "a", "b");
      sys.bind("a", "b");
      expect(sys.mountId("a")).toBe(sys.mountId("/"));
      expect(sys.mountId("b")).not.toBe(sys.mountId("a"));
      touch(sys, "a/f");
      expect(sys.mountId("b/f")).toBe(sys.mountId("b"));
    });
    mountTest("is the source that mount was told", (sys) => {
      proc(sys);
      directories(sys, "/d", "/e");
      sys.mount("a name", "/d", "tmpfs");
      sys.bind("/d", "/e");
      expect(
        sys
          .mountinfo()
          .slice(1)
          .map(({ source, type }) => `${type} ${source}`),
      ).toEqual(["tmpfs a\\040name", "tmpfs a\\040name"]);
    });
    mountTest("is not seen beyond a root directory", (sys) => {
      mounted(sys, "/jail");
      directories(sys, "/jail/proc");
      sys.mount("proc", "/jail/proc", "proc");
      mounted(sys, "/jail/m");
      mounted(sys, "/out");
      sys.chroot("/jail");
      sys.chdir("/");
      expect(sys.mountinfo().map(({ at, on }) => `${at} on ${on}`)).toEqual(["/ on ", "/m on /"]);
    });
  });

  describe("inotify of a mount", () => {
    const IN_CREATE = 0x100;
    const IN_UNMOUNT = 0x2000;
    const IN_IGNORED = 0x8000;
    const IN_ISDIR = 0x40000000;
    const O_NONBLOCK = 0o4000;
    /** Watches `path`; gives what is told of it from then on, as [watch, event]. */
    const watch = (sys: MountCalls, mask: number, ...paths: string[]) => {
      const fd = sys.process.syscall(nr.SYS_inotify_init1, O_NONBLOCK);
      for (const path of paths) {
        expect(sys.process.syscall(nr.SYS_inotify_add_watch, fd, path, mask)).toBeGreaterThan(0);
      }
      return (): number[][] => {
        const bytes = sys.read(fd, 4096);
        const events: number[][] = [];
        if (typeof bytes === "number") return events;
        for (let at = 0; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 12)) {
          events.push([bytes.readInt32LE(at), bytes.readUInt32LE(at + 4)]);
        }
        return events;
      };
    };
    mountTest("tells that its file system is gone, whatever was asked for", (sys) => {
      mounted(sys, "m");
      const told = watch(sys, IN_CREATE, "m/in");
      expect(sys.umount("m")).toBe(0);
      expect(told()).toEqual([
        [1, IN_UNMOUNT],
        [1, IN_IGNORED],
      ]);
      expect(told()).toEqual([]);
    });
    mountTest("tells it of a mount that is detached, once nobody uses it", (sys) => {
      mounted(sys, "m");
      const told = watch(sys, IN_CREATE, "m");
      const fd = sys.open("m/in");
      expect(sys.umount("m", 2)).toBe(0);
      expect(told()).toEqual([]);
      expect(sys.close(fd)).toBe(0);
      expect(told()).toEqual([
        [1, IN_UNMOUNT | IN_ISDIR],
        [1, IN_IGNORED],
      ]);
    });
    mountTest("tells nothing while the file system is mounted elsewhere", (sys) => {
      mounted(sys, "m");
      directories(sys, "other");
      expect(sys.bind("m", "other")).toBe(0);
      const told = watch(sys, IN_CREATE, "m");
      expect(sys.umount("m")).toBe(0);
      expect(told()).toEqual([]);
      expect(touch(sys, "other/new")).toBe(0);
      expect(told()).toEqual([[1, IN_CREATE]]);
      expect(sys.umount("other")).toBe(0);
      expect(told()).toEqual([
        [1, IN_UNMOUNT | IN_ISDIR],
        [1, IN_IGNORED],
      ]);
    });
    mountTest("tells nothing of what is mounted over it", (sys) => {
      directories(sys, "m");
      const told = watch(sys, IN_CREATE, "m");
      expect(sys.tmpfs("m")).toBe(0);
      expect(touch(sys, "m/hidden")).toBe(0);
      expect(sys.umount("m")).toBe(0);
      expect(told()).toEqual([]);
      expect(touch(sys, "m/seen")).toBe(0);
      expect(told()).toEqual([[1, IN_CREATE]]);
    });
  });

  describe("resolving under a bound", () => {
    const openat2 = (sys: MountCalls, path: string, resolve: number, fd = -100): number => {
      const how = Buffer.alloc(24);
      how.writeBigUInt64LE(BigInt(resolve), 16);
      return sys.process.syscall(nr.SYS_openat2, fd, path, how, 24);
    };
    const NO_XDEV = 1;
    mountTest("RESOLVE_NO_XDEV stays in one mount", (sys) => {
      directories(sys, "a", "a/b");
      mounted(sys, "a/m");
      sys.symlink("/a/b", "a/m/out");
      sys.symlink("in", "a/m/l");
      expect(openat2(sys, "a/b", NO_XDEV)).toBeGreaterThanOrEqual(0);
      expect(openat2(sys, "a/m", NO_XDEV)).toBe(-EXDEV);
      expect(openat2(sys, "/a/b", NO_XDEV)).toBeGreaterThanOrEqual(0);
      const fd = sys.open("a/m", O_DIRECTORY);
      expect(openat2(sys, "in", NO_XDEV, fd)).toBeGreaterThanOrEqual(0);
      expect(openat2(sys, "l", NO_XDEV, fd)).toBeGreaterThanOrEqual(0);
      expect(openat2(sys, "..", NO_XDEV, fd)).toBe(-EXDEV);
      expect(openat2(sys, "out", NO_XDEV, fd)).toBe(-EXDEV);
      expect(openat2(sys, "/a/b", NO_XDEV, fd)).toBeGreaterThanOrEqual(0);
    });
  });
}
