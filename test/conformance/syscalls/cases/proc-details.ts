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
import { SYS_eventfd2, SYS_ftruncate, SYS_sendfile } from "../../../../assembly/abi/syscall.ts";
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

/** How the tables of sockets begin, by address family. */
const SOCKETS =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const SOCKETS6 =
  "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

const AT_PAGESZ = 6;
const AT_UID = 11;
const AT_EUID = 12;
const AT_GID = 13;
const AT_EGID = 14;
const AT_CLKTCK = 17;
const AT_SECURE = 23;

/** The start-up vector, up to its end, which must be there. */
function auxv(sys: DescriptorCalls): Map<number, number> {
  const fd = sys.open("/proc/self/auxv");
  const bytes = sys.read(fd, 4096);
  if (typeof bytes === "number") throw new Error(`auxv: ${bytes}`);
  sys.close(fd);
  const entries = new Map<number, number>();
  let at = 0;
  for (; bytes.readBigUInt64LE(at) !== 0n; at += 16) {
    entries.set(Number(bytes.readBigUInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8)));
  }
  expect(at + 16).toBe(bytes.length);
  return entries;
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
      ["/self/smaps_rollup", 0o100444],
      ["/self/net", 0o40555],
      ["/self/personality", 0o100400],
    ])("%s", (name, mode) => {
      const { target, sys } = start();
      const found = sys.stat(`/proc${name}`, AT_SYMLINK_NOFOLLOW);
      expect(typeof found === "number" ? found : found.mode.toString(8)).toBe(mode.toString(8));
      target.end();
    });

    test.each([
      [
        "dev",
        "Inter-|   Receive                                                |  Transmit",
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
      ],
      ["arp", "IP address       HW type     Flags       HW address            Mask     Device"],
      ["icmp", `${SOCKETS} ref pointer drops             `],
      ["icmp6", `${SOCKETS6} ref pointer drops`],
      ["igmp", "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter"],
      ["netlink", "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode"],
      ["packet", "sk               RefCnt Type Proto  Iface R Rmem   User   Inode"],
      [
        "protocols",
        "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em",
      ],
      ["ptype", "Type Device      Function"],
      ["raw", `${SOCKETS} ref pointer drops`],
      ["raw6", `${SOCKETS6} ref pointer drops`],
      ["tcp", `${SOCKETS}                                                     `],
      ["tcp6", SOCKETS6],
      ["udp", ` ${SOCKETS} ref pointer drops            `],
      ["udp6", `${SOCKETS6} ref pointer drops`],
      ["unix", "Num       RefCount Protocol Flags    Type St Inode Path"],
    ])("/proc/net/%s has its head", (name, ...head) => {
      const { target, sys } = start();
      expect(lines(sys, `/proc/net/${name}`).slice(0, head.length)).toEqual(head);
      expect(sys.stat(`/proc/net/${name}`)).toMatchObject({ mode: 0o100444 });
      target.end();
    });

    test.each(["dev_mcast", "if_inet6", "ipv6_route", "route", "sockstat"])(
      "/proc/net/%s is there",
      (name) => {
        const { target, sys } = start();
        expect(sys.stat(`/proc/net/${name}`)).toMatchObject({ mode: 0o100444, size: 0 });
        target.end();
      },
    );

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

    test("status, statm, stat and smaps agree about memory", () => {
      const { target, sys } = start();
      const page = auxv(sys).get(AT_PAGESZ) ?? 0;
      const pages = lines(sys, "/proc/self/statm")[0]!.split(" ").map(Number);
      const status = new Map(
        lines(sys, "/proc/self/status").map((each) => each.split(":\t") as [string, string]),
      );
      const kilobytes = (name: string) => Number.parseInt(status.get(name) ?? "", 10);
      expect(kilobytes("VmSize") * 1024).toBe(pages[0]! * page);
      expect(kilobytes("VmPeak")).toBeGreaterThanOrEqual(kilobytes("VmSize"));
      expect(kilobytes("VmHWM")).toBeGreaterThanOrEqual(kilobytes("VmRSS"));
      expect(kilobytes("VmRSS")).toBe(
        ["RssAnon", "RssFile", "RssShmem"].reduce((sum, name) => sum + kilobytes(name), 0),
      );
      const [line = ""] = lines(sys, "/proc/self/stat");
      const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
      expect(Number(fields[20])).toBe(pages[0]! * page);
      const sizes = lines(sys, "/proc/self/smaps").filter((each) => each.startsWith("Size:"));
      // The gate that Linux shows to every process is nobody's memory.
      const gate = lines(sys, "/proc/self/maps").some((each) => each.endsWith("[vsyscall]")) ? 4 : 0;
      const total = sizes.reduce((sum, each) => sum + Number.parseInt(each.slice(5), 10), 0);
      expect(total - gate).toBe(kilobytes("VmSize"));
      target.end();
    });

    test("maps and smaps have Linux's columns and lines", () => {
      const { target, sys } = start();
      const range = /^[0-9a-f]{8,}-[0-9a-f]{8,} [r-][w-][x-][ps] [0-9a-f]{8} [0-9a-f]{2}:[0-9a-f]{2} [0-9]+ /;
      for (const line of lines(sys, "/proc/self/maps")) expect(line).toMatch(range);
      const rollup = lines(sys, "/proc/self/smaps_rollup");
      expect(rollup[0]).toMatch(/^[0-9a-f]{8,}-[0-9a-f]{8,} ---p 00000000 00:00 0 +\[rollup\]$/);
      expect(rollup[0]!.indexOf("[rollup]")).toBe(73);
      for (const line of rollup.slice(1)) expect(line).toMatch(/^[A-Z][A-Za-z_]+: +[0-9]+ kB$/);
      expect(rollup.slice(1).map((line) => line.length)).toEqual(rollup.slice(1).map(() => 27));
      expect(rollup.slice(1).map((line) => line.slice(0, line.indexOf(":")))).toEqual(
        `Rss Pss Pss_Dirty Pss_Anon Pss_File Pss_Shmem Shared_Clean Shared_Dirty Private_Clean Private_Dirty Referenced
        Anonymous KSM LazyFree AnonHugePages ShmemPmdMapped FilePmdMapped Shared_Hugetlb Private_Hugetlb Swap SwapPss
        Locked`.split(/\s+/),
      );
      target.end();
    });

    test("auxv names who started the program, and its pages and ticks", () => {
      const { target, sys } = start();
      const vector = auxv(sys);
      expect([AT_UID, AT_EUID, AT_GID, AT_EGID].map((type) => vector.get(type))).toEqual([0, 0, 0, 0]);
      expect(vector.get(AT_SECURE)).toBe(0);
      expect(vector.get(AT_CLKTCK)).toBe(100);
      expect(Math.log2(vector.get(AT_PAGESZ) ?? 0) % 1).toBe(0);
      target.end();
    });

    test("io counts what is read and written, also inside the kernel", () => {
      const { target, sys } = start();
      const counts = () =>
        new Map(
          lines(sys, "/proc/self/io").map((line) => [line.split(": ")[0]!, Number(line.split(": ")[1])]),
        );
      const from = sys.open("/from", O_CREAT | O_RDWR);
      const to = sys.open("/to", O_CREAT | O_RDWR);
      const SIZE = 8 << 20;
      expect(sys.process.syscall(SYS_ftruncate, from, SIZE)).toBe(0);
      const before = counts();
      expect([...before.keys()]).toEqual(
        "rchar wchar syscr syscw read_bytes write_bytes cancelled_write_bytes".split(" "),
      );
      expect(sys.process.syscall(SYS_sendfile, to, from, null, SIZE)).toBe(SIZE);
      const after = counts();
      for (const name of ["rchar", "wchar"]) {
        const moved = after.get(name)! - before.get(name)!;
        expect(moved, name).toBeGreaterThanOrEqual(SIZE);
        expect(moved, name).toBeLessThan(SIZE + SIZE / 4);
      }
      const again = counts();
      expect(sys.read(from, 10)).toHaveLength(0);
      expect(sys.write(to, "x".repeat(1000))).toBe(1000);
      const last = counts();
      const more = (name: string) => last.get(name)! - again.get(name)!;
      expect(more("wchar")).toBeGreaterThanOrEqual(1000);
      expect(more("syscw")).toBeGreaterThanOrEqual(1);
      expect(more("syscr")).toBeGreaterThanOrEqual(3);
      target.end();
    });

    test("the system's times are counted, and idle ones too", () => {
      const { target, sys } = start();
      const [all = "", one = ""] = lines(sys, "/proc/stat");
      expect(all).toMatch(/^cpu {2}([0-9]+ ){9}[0-9]+$/);
      expect(one).toMatch(/^cpu0 ([0-9]+ ){9}[0-9]+$/);
      const [user = 0, , system = 0, idle = 0] = all.slice(5).split(" ").map(Number);
      expect(user + system).toBeGreaterThan(0);
      expect(idle).toBeGreaterThanOrEqual(0);
      expect(lines(sys, "/proc/uptime")[0]).toMatch(/^[0-9]+\.[0-9]{2} [0-9]+\.[0-9]{2}$/);
      target.end();
    });

    test("children of a process that has none are nobody", () => {
      const { target, sys, pid } = start();
      expect(lines(sys, `/proc/self/task/${pid}/children`)).toEqual([]);
      target.end();
    });
  });
}
