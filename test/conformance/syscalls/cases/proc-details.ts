// What /proc tells of locks, watches and counters, and what else is there by name.

import { describe, expect, test } from "vitest";
import { EACCES, EIO } from "../../../../assembly/abi/errno.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  F_OFD_SETLK,
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_SH,
  O_CREAT,
  O_RDWR,
} from "../../../../assembly/abi/fcntl.ts";
import { IN_CREATE, IN_EXCL_UNLINK, IN_MODIFY } from "../../../../assembly/abi/inotify.ts";
import { SYS_eventfd2 } from "../../../../assembly/abi/syscall.ts";
import { DescriptorCalls } from "../../../support/sys/descriptor-calls.ts";
import type { Target } from "../../../support/sys/target.ts";
import { Pty } from "./pty.ts";

const EFD_SEMAPHORE = 1;
const MINOR_BITS = 20;

function lines(sys: DescriptorCalls, path: string): string[] {
  const fd = sys.open(path);
  expect(fd, path).toBeGreaterThanOrEqual(0);
  let whole = "";
  for (;;) {
    const part = sys.read(fd, 65536);
    if (typeof part === "number") throw new Error(`${path}: errno ${-part}`);
    if (part.length === 0) break;
    whole += part.toString("latin1");
  }
  sys.close(fd);
  return whole.split("\n").slice(0, -1);
}

/** What fdinfo has behind the four lines that all have. */
function info(sys: DescriptorCalls, fd: number): string[] {
  return lines(sys, `/proc/self/fdinfo/${fd}`).slice(4);
}

interface Place {
  /** As locks are shown: "00:2a:17". */
  readonly shown: string;
  readonly ino: number;
  /** The device's number as the kernel has it. */
  readonly sdev: number;
}

function placeOf(sys: DescriptorCalls, path: string): Place {
  const found = sys.stat(path);
  if (typeof found === "number") throw new Error(`${path}: ${found}`);
  const major = (found.dev >> 8) & 0xfff;
  const minor = (found.dev & 0xff) | ((found.dev >>> 12) & 0xfff00);
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  return {
    shown: `${hex(major)}:${hex(minor)}:${found.ino}`,
    ino: found.ino,
    sdev: (major << MINOR_BITS) | minor,
  };
}

export function procDetailCases(make: () => Target): void {
  function start(): { target: Target; sys: DescriptorCalls; pid: string } {
    const target = make();
    const sys = new DescriptorCalls(target.process());
    return { target, sys, pid: String(sys.readlink("/proc/self")) };
  }

  describe("fdinfo", () => {
    test("lists the locks that a process took through the descriptor", () => {
      const { target, sys, pid } = start();
      const fd = sys.open("/file", O_CREAT | O_RDWR);
      const other = sys.open("/file", O_RDWR);
      const { shown } = placeOf(sys, "/file");
      expect(info(sys, fd)).toEqual([]);
      expect(sys.setLock(fd, { type: F_WRLCK, start: 10, length: 5 })).toBe(0);
      expect(sys.setLock(fd, { type: F_RDLCK, start: 100 })).toBe(0);
      expect(sys.flock(fd, LOCK_EX)).toBe(0);
      expect(info(sys, fd)).toEqual([
        `lock:\t1: FLOCK  ADVISORY  WRITE ${pid} ${shown} 0 EOF`,
        `lock:\t2: POSIX  ADVISORY  WRITE ${pid} ${shown} 10 14`,
        `lock:\t3: POSIX  ADVISORY  READ ${pid} ${shown} 100 EOF`,
      ]);
      expect(info(sys, other)).toEqual([]);
      expect(sys.setLock(fd, { type: F_UNLCK })).toBe(0);
      expect(sys.setLock(other, { type: F_RDLCK, start: 0, length: 1 })).toBe(0);
      expect(sys.setLock(other, { type: F_RDLCK, start: 20, length: 1 }, F_OFD_SETLK)).toBe(0);
      expect(info(sys, other)).toEqual([
        `lock:\t1: POSIX  ADVISORY  READ ${pid} ${shown} 0 0`,
        `lock:\t2: OFDLCK ADVISORY  READ -1 ${shown} 20 20`,
      ]);
      expect(info(sys, fd)).toEqual([`lock:\t1: FLOCK  ADVISORY  WRITE ${pid} ${shown} 0 EOF`]);
      target.end();
    });

    test("lists the watches of an inotify instance, the newest first", () => {
      const { target, sys } = start();
      expect(sys.mkdir("/watched")).toBe(0);
      const fd = sys.inotify();
      expect(sys.addWatch(fd, "/watched", IN_CREATE)).toBe(1);
      expect(sys.addWatch(fd, "/", IN_MODIFY | IN_EXCL_UNLINK)).toBe(2);
      const expected = [
        ["/", 2, IN_MODIFY | IN_EXCL_UNLINK],
        ["/watched", 1, IN_CREATE],
      ].map(([path, wd, mask]) => {
        const { ino, sdev } = placeOf(sys, path as string);
        return `inotify wd:${wd} ino:${ino.toString(16)} sdev:${sdev.toString(16)} mask:${mask?.toString(16)} ignored_mask:0 `;
      });
      const handle = / fhandle-bytes.*/;
      expect(info(sys, fd).map((line) => line.replace(handle, " "))).toEqual(expected);
      target.end();
    });

    test("has an eventfd's count, and whether it is a semaphore", () => {
      const { target, sys } = start();
      const fd = sys.process.syscall(SYS_eventfd2, 26, EFD_SEMAPHORE);
      const found = info(sys, fd);
      expect(found[0]).toBe("eventfd-count:               1a");
      expect(found[1]).toMatch(/^eventfd-id: [0-9]+$/);
      expect(found[2]).toBe("eventfd-semaphore: 1");
      expect(info(sys, sys.eventfd(0))[2]).toBe("eventfd-semaphore: 0");
      target.end();
    });

    test("has the number of a master's terminal", () => {
      const { target, sys } = start();
      const first = new Pty(sys);
      const second = new Pty(sys);
      expect(info(sys, first.master)).toEqual(["tty-index:\t0"]);
      expect(info(sys, second.master)).toEqual(["tty-index:\t1"]);
      target.end();
    });
  });

  describe("/proc/locks", () => {
    test("lists every lock, numbered", () => {
      const { target, sys, pid } = start();
      const other = new DescriptorCalls(target.process());
      const its = String(other.readlink("/proc/self"));
      const fd = sys.open("/file", O_CREAT | O_RDWR);
      const { shown } = placeOf(sys, "/file");
      expect(sys.setLock(fd, { type: F_RDLCK, start: 1, length: 2 })).toBe(0);
      const theirs = other.open("/file", O_RDWR);
      expect(other.setLock(theirs, { type: F_RDLCK })).toBe(0);
      expect(other.flock(theirs, LOCK_SH)).toBe(0);
      const all = lines(sys, "/proc/locks");
      for (const line of all) expect(line).toMatch(/^[0-9]+: (-> )?(POSIX|OFDLCK|FLOCK|LEASE) /);
      const found = all
        .filter((line) => line.includes(` ${shown} `))
        .map((line) => line.replace(/^[0-9]+: /, ""));
      expect(found.sort()).toEqual(
        [
          `POSIX  ADVISORY  READ ${pid} ${shown} 1 2`,
          `POSIX  ADVISORY  READ ${its} ${shown} 0 EOF`,
          `FLOCK  ADVISORY  READ ${its} ${shown} 0 EOF`,
        ].sort(),
      );
      other.close(theirs);
      expect(lines(sys, "/proc/locks").filter((line) => line.includes(` ${shown} `))).toHaveLength(1);
      target.end();
    });
  });

  describe("a process's memory", () => {
    test("is a file, in which a Wasm guest and nobody else has anything at 0", () => {
      const { target, sys, pid } = start();
      expect(sys.stat("/proc/self/mem")).toMatchObject({ mode: 0o100600, size: 0 });
      const fd = sys.open("/proc/self/mem", O_RDWR);
      expect(fd).toBeGreaterThanOrEqual(0);
      expect(sys.pread(fd, 10, 0)).toBe(-EIO);
      expect(sys.pwrite(fd, "x", 0)).toBe(-EIO);
      const world = new DescriptorCalls(target.process({ uid: 1000, gid: 1000 }));
      expect(world.open(`/proc/${pid}/mem`)).toBe(-EACCES);
      target.end();
    });
  });

  describe("names of Linux", () => {
    test.each([
      ["/bus", 0o40555],
      ["/irq", 0o40555],
      ["/locks", 0o100444],
      ["/consoles", 0o100444],
      ["/interrupts", 0o100444],
      ["/softirqs", 0o100444],
      ["/vmstat", 0o100444],
      ["/execdomains", 0o100444],
      ["/sys/fs/aio-max-nr", 0o100644],
      ["/sys/fs/dentry-state", 0o100444],
      ["/sys/fs/file-nr", 0o100444],
      ["/sys/fs/inode-nr", 0o100444],
      ["/sys/fs/inode-state", 0o100444],
      ["/sys/fs/lease-break-time", 0o100644],
      ["/sys/fs/mount-max", 0o100644],
      ["/sys/fs/nr_open", 0o100644],
      ["/sys/fs/pipe-max-size", 0o100644],
      ["/sys/fs/suid_dumpable", 0o100644],
      ["/sys/fs/inotify/max_queued_events", 0o100644],
      ["/sys/fs/inotify/max_user_instances", 0o100644],
      ["/sys/fs/inotify/max_user_watches", 0o100644],
      ["/sys/fs/mqueue/queues_max", 0o100644],
      ["/sys/kernel/keys/maxkeys", 0o100644],
      ["/sys/kernel/pid_max", 0o100644],
      ["/sys/kernel/pty/max", 0o100644],
      ["/sys/kernel/pty/nr", 0o100444],
      ["/sys/kernel/threads-max", 0o100644],
      ["/sys/vm/overcommit_memory", 0o100644],
      ["/self/wchan", 0o100444],
      ["/self/personality", 0o100400],
    ])("%s", (name, mode) => {
      const { target, sys } = start();
      const found = sys.stat(`/proc${name}`, AT_SYMLINK_NOFOLLOW);
      expect(typeof found === "number" ? found : found.mode.toString(8)).toBe(mode.toString(8));
      target.end();
    });

    test.each([
      ["/proc/sys/fs/file-nr", /^[0-9]+\t0\t[0-9]+$/],
      ["/proc/sys/fs/dentry-state", /^[0-9]+\t[0-9]+\t45\t0\t[0-9]+\t0$/],
      ["/proc/sys/fs/inode-nr", /^[0-9]+\t[0-9]+$/],
      ["/proc/sys/fs/inode-state", /^[0-9]+\t[0-9]+\t0\t0\t0\t0\t0$/],
      ["/proc/sys/fs/inotify/max_queued_events", /^16384$/],
      ["/proc/sys/fs/inotify/max_user_instances", /^128$/],
      ["/proc/sys/kernel/pty/nr", /^[0-9]+$/],
      ["/proc/execdomains", /^0-0\tLinux {11}\t\[kernel\]$/],
      ["/proc/self/personality", /^00000000$/],
    ])("%s reads as Linux has it", (path, form) => {
      const { target, sys } = start();
      expect(lines(sys, path)[0]).toMatch(form);
      target.end();
    });

    test("status counts descriptors in tables, and a stat's start lies behind the boot", () => {
      const { target, sys } = start();
      const status = lines(sys, "/proc/self/status");
      expect(status).toContain("TracerPid:\t0");
      const slots = Number(status.find((line) => line.startsWith("FDSize:\t"))?.slice(8));
      expect(slots).toBeGreaterThanOrEqual(64);
      expect(slots & (slots - 1)).toBe(0);
      const [line = ""] = lines(sys, "/proc/self/stat");
      const started = Number(line.slice(line.lastIndexOf(")") + 2).split(" ")[19]);
      const uptime = Number(lines(sys, "/proc/uptime")[0]!.split(" ")[0]);
      expect(started).toBeGreaterThanOrEqual(0);
      expect(started).toBeLessThanOrEqual(uptime * 100 + 1);
      target.end();
    });

    test("children of a process that has none are nobody", () => {
      const { target, sys, pid } = start();
      expect(lines(sys, `/proc/self/task/${pid}/children`)).toEqual([]);
      target.end();
    });
  });
}
