// procfs. Contents that differ from machine to machine are compared by their form: names of lines, their order, widths.

import { describe, expect, test } from "vitest";
import {
  EACCES,
  EEXIST,
  EINVAL,
  EIO,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  EPERM,
  ESRCH,
  EXDEV,
} from "../../../../assembly/abi/errno.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import { SYS_pipe2 } from "../../../../assembly/abi/syscall.ts";
import { Calls, type Stat } from "../../../support/sys/calls.ts";
import type { Target } from "../../../support/sys/target.ts";

const WORLD = { uid: 1000, gid: 1000 };

function text(sys: Calls, path: string): string {
  const fd = sys.open(path);
  expect(fd, path).toBeGreaterThanOrEqual(0);
  let whole = "";
  for (;;) {
    const part = sys.read(fd, 4096);
    if (typeof part === "number") throw new Error(`${path}: errno ${-part}`);
    if (part.length === 0) break;
    whole += part.toString("latin1");
  }
  sys.close(fd);
  return whole;
}

function lines(sys: Calls, path: string): string[] {
  const whole = text(sys, path);
  expect(whole.endsWith("\n"), path).toBe(true);
  return whole.slice(0, -1).split("\n");
}

function statOf(sys: Calls, path: string, flags = 0): Stat {
  const found = sys.stat(path, flags);
  if (typeof found === "number") throw new Error(`${path}: errno ${-found}`);
  return found;
}

/** Values by the names in front of their colons. */
function fields(sys: Calls, path: string): Map<string, string> {
  return new Map(
    lines(sys, path).map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

export function procCases(make: () => Target): void {
  function start(): { target: Target; sys: Calls } {
    const target = make();
    return { target, sys: new Calls(target.process()) };
  }

  describe("/proc", () => {
    test("self and thread-self name the reader", () => {
      const { target, sys } = start();
      const pid = sys.readlink("/proc/self");
      expect(pid).toMatch(/^[1-9][0-9]*$/);
      expect(sys.readlink("/proc/thread-self")).toBe(`${pid}/task/${pid}`);
      const other = new Calls(target.process());
      expect(other.readlink("/proc/self")).not.toBe(pid);
      expect(statOf(sys, "/proc/self", AT_SYMLINK_NOFOLLOW)).toMatchObject({ mode: 0o120777, size: 0 });
      expect(statOf(sys, "/proc/self/").ino).toBe(statOf(sys, `/proc/${pid}`).ino);
      target.end();
    });

    test("has the modes of Linux (PR-01, PR-02, PR-03)", () => {
      const { target, sys } = start();
      const modes: readonly [string, number][] = [
        ["", 0o40555],
        ["/cgroups", 0o100444],
        ["/cpuinfo", 0o100444],
        ["/devices", 0o100444],
        ["/filesystems", 0o100444],
        ["/loadavg", 0o100444],
        ["/meminfo", 0o100444],
        ["/mounts", 0o120777],
        ["/net", 0o120777],
        ["/partitions", 0o100444],
        ["/stat", 0o100444],
        ["/sys", 0o40555],
        ["/sys/fs", 0o40555],
        ["/sys/kernel", 0o40555],
        ["/sys/kernel/hostname", 0o100644],
        ["/sys/kernel/osrelease", 0o100444],
        ["/sys/kernel/ostype", 0o100444],
        ["/uptime", 0o100444],
        ["/version", 0o100444],
        ["/self/", 0o40555],
        ["/self/cmdline", 0o100444],
        ["/self/comm", 0o100644],
        ["/self/cwd", 0o120777],
        ["/self/environ", 0o100400],
        ["/self/exe", 0o120777],
        ["/self/fd", 0o40500],
        ["/self/fdinfo", 0o40555],
        ["/self/gid_map", 0o100644],
        ["/self/io", 0o100400],
        ["/self/limits", 0o100444],
        ["/self/maps", 0o100444],
        ["/self/mountinfo", 0o100444],
        ["/self/mounts", 0o100444],
        ["/self/mountstats", 0o100400],
        ["/self/ns", 0o40511],
        ["/self/ns/mnt", 0o120777],
        ["/self/oom_score", 0o100444],
        ["/self/oom_score_adj", 0o100644],
        ["/self/root", 0o120777],
        ["/self/stat", 0o100444],
        ["/self/statm", 0o100444],
        ["/self/status", 0o100444],
        ["/self/task", 0o40555],
        ["/self/uid_map", 0o100644],
      ];
      for (const [name, mode] of modes) {
        const found = statOf(sys, `/proc${name}`, AT_SYMLINK_NOFOLLOW);
        expect([name, found.mode.toString(8)]).toEqual([name, mode.toString(8)]);
      }
      expect(statOf(sys, "/proc").ino).toBe(1);
      expect(sys.readlink("/proc/mounts")).toBe("self/mounts");
      target.end();
    });

    test("takes no new names and loses none (PR-07)", () => {
      const { target, sys } = start();
      expect(sys.mkdir("/proc/new")).toBe(-ENOENT);
      expect(sys.open("/proc/new", O_CREAT | O_WRONLY)).toBe(-ENOENT);
      expect(sys.symlink("target", "/proc/new")).toBe(-ENOENT);
      expect(sys.mkdir("/proc/version")).toBe(-EEXIST);
      expect(sys.unlink("/proc/version")).toBe(-EPERM);
      expect(sys.unlink("/proc/nothing")).toBe(-ENOENT);
      expect(sys.rmdir("/proc/sys")).toBe(-EPERM);
      expect(sys.rename("/proc/version", "/proc/new")).toBe(-ENOENT);
      expect(sys.link("/proc/version", "/new")).toBe(-EXDEV);
      expect(sys.open("/proc/version/x")).toBe(-ENOTDIR);
      expect(sys.open("/proc/01")).toBe(-ENOENT);
      expect(sys.open("/proc/99999999")).toBe(-ENOENT);
      target.end();
    });

    test("refuses a write to what only tells", () => {
      const { target, sys } = start();
      const version = sys.open("/proc/version", O_WRONLY);
      expect(version).toBeGreaterThanOrEqual(0);
      expect(sys.write(version, "x")).toBe(-EIO);
      expect(sys.write(sys.open("/proc/self/status", O_WRONLY), "x")).toBe(-EINVAL);
      expect(sys.open("/proc/sys/kernel/ostype", O_WRONLY)).toBe(-EACCES);
      const world = new Calls(target.process(WORLD));
      expect(world.open("/proc/version", O_WRONLY)).toBe(-EACCES);
      expect(world.open("/proc/sys/kernel/hostname", O_WRONLY)).toBe(-EACCES);
      target.end();
    });

    test("is read in pieces as it is in one", () => {
      const { target, sys } = start();
      const whole = text(sys, "/proc/self/limits");
      const fd = sys.open("/proc/self/limits");
      let pieces = "";
      for (;;) {
        const part = sys.read(fd, 7);
        if (typeof part === "number" || part.length === 0) break;
        pieces += part.toString();
      }
      expect(pieces).toBe(whole);
      expect(sys.pread(fd, 5, 3)?.toString()).toBe(whole.slice(3, 8));
      expect(sys.pread(fd, 100, whole.length)).toEqual(Buffer.alloc(0));
      expect(sys.pread(fd, 100, whole.length + 1000)).toEqual(Buffer.alloc(0));
      target.end();
    });
  });

  describe("a process's directory", () => {
    test("status names who it is", () => {
      const { target } = start();
      const sys = new Calls(target.process({ uid: 1000, gid: 1001, groups: [5, 7] }));
      const status = fields(sys, "/proc/self/status");
      const pid = sys.readlink("/proc/self");
      expect(status.get("Pid")).toBe(`\t${pid}`);
      expect(status.get("Tgid")).toBe(`\t${pid}`);
      expect(status.get("State")).toBe("\tR (running)");
      expect(status.get("Uid")).toBe("\t1000\t1000\t1000\t1000");
      expect(status.get("Gid")).toBe("\t1001\t1001\t1001\t1001");
      expect(status.get("Groups")).toBe("\t5 7 ");
      expect(status.get("Umask")).toBe("\t0000");
      expect(status.get("Threads")).toBe("\t1");
      expect(status.get("CapEff")).toBe("\t0000000000000000");
      target.end();
    });

    test("status has its lines in Linux's order, and its columns as wide", () => {
      const { target, sys } = start();
      const all =
        `Name Umask State Tgid Ngid Pid PPid TracerPid Uid Gid FDSize Groups NStgid NSpid NSpgid NSsid Kthread
        VmPeak VmSize VmLck VmPin VmHWM VmRSS RssAnon RssFile RssShmem VmData VmStk VmExe VmLib VmPTE VmSwap HugetlbPages
        CoreDumping THP_enabled Threads SigQ SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs
        Seccomp Seccomp_filters Cpus_allowed Cpus_allowed_list Mems_allowed Mems_allowed_list voluntary_ctxt_switches
        nonvoluntary_ctxt_switches`.split(/\s+/);
      const status = fields(sys, "/proc/self/status");
      expect([...status.keys()].filter((name) => all.includes(name))).toEqual(all);
      expect(status.get("VmSize")).toMatch(/^\t[ 0-9]{7}[0-9] kB$/);
      expect(status.get("SigPnd")).toMatch(/^\t[0-9a-f]{16}$/);
      expect(status.get("Groups")).toBe("\t ");
      target.end();
    });

    test("stat has 52 fields and statm seven", () => {
      const { target, sys } = start();
      const [line = ""] = lines(sys, "/proc/self/stat");
      const pid = sys.readlink("/proc/self");
      expect(line.startsWith(`${pid} (`)).toBe(true);
      const rest = line.slice(line.lastIndexOf(")") + 2).split(" ");
      expect(rest).toHaveLength(50);
      expect(rest[0]).toBe("R");
      // num_threads, rsslim, exit_signal
      expect([rest[17], rest[22], rest[35]]).toEqual(["1", "18446744073709551615", "17"]);
      expect(lines(sys, "/proc/self/statm")[0]?.split(" ")).toHaveLength(7);
      target.end();
    });

    test("limits are a table (PR-04)", () => {
      const { target, sys } = start();
      const table = lines(sys, "/proc/self/limits");
      expect(table).toHaveLength(17);
      expect(table[0]).toBe("Limit                     Soft Limit           Hard Limit           Units     ");
      expect(table[1]).toBe("Max cpu time              unlimited            unlimited            seconds   ");
      expect(table[8]).toMatch(/^Max open files {12}[0-9]+ +[0-9]+ +files {5}$/);
      expect(table[14]).toMatch(/^Max nice priority {9}0 {20}0 {20}$/);
      target.end();
    });

    test("cwd and root jump to where it is (ND-03)", () => {
      const { target, sys } = start();
      expect(sys.mkdir("/home")).toBe(0);
      expect(sys.close(sys.open("/home/file", O_CREAT | O_RDWR))).toBe(0);
      expect(sys.readlink("/proc/self/cwd")).toBe("/");
      expect(sys.readlink("/proc/self/root")).toBe("/");
      expect(statOf(sys, "/proc/self/cwd/home/file").ino).toBe(statOf(sys, "/home/file").ino);
      expect(statOf(sys, "/proc/self/root/home").ino).toBe(statOf(sys, "/home").ino);
      expect(sys.open("/proc/self/cwd/home/made", O_CREAT | O_WRONLY)).toBeGreaterThanOrEqual(0);
      expect(statOf(sys, "/home/made").mode).toBe(0o100644);
      expect(sys.open("/proc/self/cwd", O_NOFOLLOW)).toBe(-ELOOP);
      expect(sys.open("/proc/self/cwd", O_CREAT | O_RDWR)).toBe(-EISDIR);
      expect(sys.open("/proc/self/cwd", O_DIRECTORY)).toBeGreaterThanOrEqual(0);
      target.end();
    });

    test("is closed to other users where it tells what only its own may know", () => {
      const { target, sys } = start();
      const pid = sys.readlink("/proc/self");
      const fd = sys.open("/", O_RDONLY);
      const world = new Calls(target.process(WORLD));
      expect(world.open(`/proc/${pid}/environ`)).toBe(-EACCES);
      expect(world.open(`/proc/${pid}/fd`)).toBe(-EACCES);
      expect(world.open(`/proc/${pid}/io`)).toBe(-EACCES);
      expect(world.open(`/proc/${pid}/maps`)).toBe(-EACCES);
      expect(world.readlink(`/proc/${pid}/cwd`)).toBe(-EACCES);
      expect(world.open(`/proc/${pid}/root/proc`)).toBe(-EACCES);
      expect(world.readlink(`/proc/${pid}/exe`)).toBe(-EACCES);
      expect(world.open(`/proc/${pid}/fd/${fd}`)).toBe(-EACCES);
      expect(world.open(`/proc/${pid}/status`)).toBeGreaterThanOrEqual(0);
      const own = world.readlink("/proc/self");
      expect(statOf(sys, `/proc/${pid}/status`)).toMatchObject({ uid: 0, gid: 0 });
      expect(sys.readlink(`/proc/${own}/cwd`)).toBe("/");
      target.end();
    });

    test("comm can be written by its own, and is cut to fifteen bytes", () => {
      const { target, sys } = start();
      const fd = sys.open("/proc/self/comm", O_WRONLY | O_TRUNC);
      expect(sys.write(fd, "a name of twenty byt")).toBe(20);
      expect(text(sys, "/proc/self/comm")).toBe("a name of twent\n");
      expect(fields(sys, "/proc/self/status").get("Name")).toBe("\ta name of twent");
      target.end();
    });

    test("oom_score_adj takes numbers from -1000 to 1000", () => {
      const { target, sys } = start();
      const fd = sys.open("/proc/self/oom_score_adj", O_WRONLY);
      expect(sys.write(fd, "100\n")).toBe(4);
      expect(text(sys, "/proc/self/oom_score_adj")).toBe("100\n");
      expect(sys.pwrite(fd, "1001", 0)).toBe(-EINVAL);
      expect(sys.pwrite(fd, "many", 0)).toBe(-EINVAL);
      target.end();
    });

    test("goes with its process", () => {
      const { target, sys } = start();
      const process = target.process();
      const pid = new Calls(process).readlink("/proc/self");
      const held = sys.open(`/proc/${pid}`, O_DIRECTORY);
      expect(held).toBeGreaterThanOrEqual(0);
      process.end();
      expect(sys.stat(`/proc/${pid}`)).toBe(-ENOENT);
      expect(sys.open(`/proc/${pid}/status`)).toBe(-ENOENT);
      expect(sys.open("status", O_RDONLY, 0, held)).toBe(-ESRCH);
    });
  });

  describe("/proc/self/fd", () => {
    test("names the files that are open", () => {
      const { target, sys } = start();
      const fd = sys.open("/file", O_CREAT | O_RDWR);
      const link = `/proc/self/fd/${fd}`;
      expect(sys.readlink(link)).toBe("/file");
      expect(statOf(sys, link, AT_SYMLINK_NOFOLLOW)).toMatchObject({ mode: 0o120700, size: 64 });
      expect(sys.rename("/file", "/renamed")).toBe(0);
      expect(sys.readlink(link)).toBe("/renamed");
      expect(sys.unlink("/renamed")).toBe(0);
      expect(sys.readlink(link)).toBe("/renamed (deleted)");
      expect(sys.close(fd)).toBe(0);
      expect(sys.readlink(link)).toBe(-ENOENT);
      expect(sys.open("/proc/self/fd/x")).toBe(-ENOENT);
      target.end();
    });

    test("has the permissions of the descriptor as its mode", () => {
      const { target, sys } = start();
      sys.close(sys.open("/file", O_CREAT | O_RDWR));
      const modes = [O_RDONLY, O_WRONLY, O_RDWR, O_PATH].map((flags) => {
        const fd = sys.open("/file", flags);
        return statOf(sys, `/proc/self/fd/${fd}`, AT_SYMLINK_NOFOLLOW).mode;
      });
      expect(modes).toEqual([0o120500, 0o120300, 0o120700, 0o120000]);
      target.end();
    });

    test("opens the file anew, with an offset and a mode of its own", () => {
      const { target, sys } = start();
      const fd = sys.open("/file", O_CREAT | O_RDWR);
      expect(sys.write(fd, "content")).toBe(7);
      expect(sys.unlink("/file")).toBe(0);
      const again = sys.open(`/proc/self/fd/${fd}`, O_RDONLY);
      expect(sys.read(again, 10)).toEqual(Buffer.from("content"));
      expect(sys.open(`/proc/self/fd/${fd}`, O_CREAT | O_EXCL | O_RDWR)).toBe(-EEXIST);
      const created = sys.open(`/proc/self/fd/${fd}`, O_CREAT | O_TRUNC | O_RDWR);
      expect(created).toBeGreaterThanOrEqual(0);
      expect(sys.fstat(fd)).toMatchObject({ size: 0, nlink: 0 });
      expect(sys.open(`/proc/self/fd/${fd}`, O_NOFOLLOW)).toBe(-ELOOP);
      expect(sys.open(`/proc/self/fd/${fd}/`)).toBe(-ENOTDIR);
      target.end();
    });

    test("asks the file for permission, not the descriptor", () => {
      const { target, sys } = start();
      sys.close(sys.open("/secret", O_CREAT | O_RDWR, 0o604));
      const world = new Calls(target.process(WORLD));
      const fd = world.open("/secret", O_RDONLY);
      expect(fd).toBeGreaterThanOrEqual(0);
      expect(world.open(`/proc/self/fd/${fd}`, O_RDWR)).toBe(-EACCES);
      expect(world.open(`/proc/self/fd/${fd}`, O_RDONLY)).toBeGreaterThanOrEqual(0);
      target.end();
    });

    test("leads through a directory's descriptor", () => {
      const { target, sys } = start();
      expect(sys.mkdir("/dir")).toBe(0);
      const fd = sys.open("/dir", O_PATH);
      expect(sys.open(`/proc/self/fd/${fd}/new`, O_CREAT | O_WRONLY)).toBeGreaterThanOrEqual(0);
      expect(statOf(sys, "/dir/new").nlink).toBe(1);
      expect(sys.readlink(`/proc/self/fd/${fd}`)).toBe("/dir");
      target.end();
    });

    test("names pipes, and opens their ends anew", () => {
      const { target, sys } = start();
      const ends = Buffer.alloc(8);
      expect(sys.process.syscall(SYS_pipe2, ends, O_NONBLOCK)).toBe(0);
      const [reader, writer] = [ends.readInt32LE(0), ends.readInt32LE(4)];
      const found = sys.fstat(reader);
      const ino = typeof found === "number" ? found : found.ino;
      expect(sys.readlink(`/proc/self/fd/${reader}`)).toBe(`pipe:[${ino}]`);
      expect(sys.readlink(`/proc/self/fd/${writer}`)).toBe(`pipe:[${ino}]`);
      const another = sys.open(`/proc/self/fd/${reader}`, O_WRONLY | O_NONBLOCK);
      expect(another).toBeGreaterThanOrEqual(0);
      expect(sys.write(another, "through")).toBe(7);
      expect(sys.read(reader, 10)).toEqual(Buffer.from("through"));
      expect(sys.open(`/proc/self/fd/${reader}/x`)).toBe(-ENOTDIR);
      target.end();
    });

    test("fdinfo tells position, flags and mount", () => {
      const { target, sys } = start();
      const fd = sys.open("/file", O_CREAT | O_RDWR);
      expect(sys.write(fd, "content")).toBe(7);
      const info = fields(sys, `/proc/self/fdinfo/${fd}`);
      expect([...info.keys()].slice(0, 4)).toEqual(["pos", "flags", "mnt_id", "ino"]);
      expect(info.get("pos")).toBe("\t7");
      expect(info.get("flags")).toBe("\t0100002");
      expect(info.get("ino")).toBe(`\t${statOf(sys, "/file").ino}`);
      const mountId = lines(sys, "/proc/self/mountinfo")
        .map((line) => line.split(" "))
        .find((words) => words[4] === "/")?.[0];
      expect(info.get("mnt_id")).toBe(`\t${mountId}`);
      const place = sys.open("/file", O_PATH);
      expect(fields(sys, `/proc/self/fdinfo/${place}`).get("flags")).toBe("\t010000000");
      expect(sys.open("/proc/self/fdinfo/999")).toBe(-ENOENT);
      target.end();
    });
  });

  describe("mounts", () => {
    test("lists what is mounted, with a type and flags", () => {
      const { target, sys } = start();
      const proc = lines(sys, "/proc/mounts")
        .map((line) => line.split(" "))
        .find((words) => words[1] === "/proc");
      expect(proc).toHaveLength(6);
      expect(proc?.slice(1, 3)).toEqual(["/proc", "proc"]);
      expect(proc?.[3]).toMatch(/^rw/);
      expect(proc?.slice(4)).toEqual(["0", "0"]);
      target.end();
    });

    test("mountinfo has ids, devices and what the file system says behind a dash", () => {
      const { target, sys } = start();
      const words = lines(sys, "/proc/self/mountinfo").map((line) => line.split(" "));
      const root = words.find((each) => each[4] === "/");
      const proc = words.find((each) => each[4] === "/proc");
      expect(proc?.[1]).toBe(root?.[0]);
      expect(proc?.[2]).toBe(`0:${statOf(sys, "/proc").dev & 0xff}`);
      expect(proc?.[3]).toBe("/");
      const dash = proc?.indexOf("-") ?? 0;
      expect(dash).toBeGreaterThanOrEqual(6);
      expect(proc?.[dash + 1]).toBe("proc");
      expect(proc).toHaveLength(dash + 4);
      target.end();
    });
  });

  describe("/proc/sys", () => {
    test("kernel names are uname(2)'s (PR-05, PR-06, PR-08)", () => {
      const { target, sys } = start();
      expect(text(sys, "/proc/sys/kernel/ostype")).toBe("Linux\n");
      const release = text(sys, "/proc/sys/kernel/osrelease").trim();
      expect(text(sys, "/proc/version").startsWith(`Linux version ${release} `)).toBe(true);
      expect(lines(sys, "/proc/sys/kernel/hostname")).toHaveLength(1);
      expect(lines(sys, "/proc/sys/kernel/cap_last_cap")).toEqual(["40"]);
      target.end();
    });

    test("random/uuid is another one each time, boot_id is not", () => {
      const { target, sys } = start();
      const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$/;
      const one = text(sys, "/proc/sys/kernel/random/uuid");
      expect(one).toMatch(form);
      expect(text(sys, "/proc/sys/kernel/random/uuid")).not.toBe(one);
      const boot = text(sys, "/proc/sys/kernel/random/boot_id");
      expect(boot).toMatch(form);
      expect(text(sys, "/proc/sys/kernel/random/boot_id")).toBe(boot);
      target.end();
    });

    test("has no modes, owners or names to change", () => {
      const { target, sys } = start();
      expect(sys.mkdir("/proc/sys/new")).toBe(-ENOENT);
      expect(sys.unlink("/proc/sys/kernel/ostype")).toBe(-EACCES);
      expect(sys.rmdir("/proc/sys/kernel")).toBe(-EACCES);
      target.end();
    });
  });

  describe("tables of the system", () => {
    test("meminfo's lines are as wide as Linux's", () => {
      const { target, sys } = start();
      const table = lines(sys, "/proc/meminfo");
      for (const line of table.slice(0, 20)) expect(line).toMatch(/^[A-Za-z()_]+: +[0-9]+ kB$/);
      expect(table.slice(0, 3).map((line) => line.length)).toEqual([27, 27, 27]);
      const names = table.map((line) => line.slice(0, line.indexOf(":")));
      expect(names.slice(0, 5)).toEqual(["MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached"]);
      target.end();
    });

    test("uptime, loadavg and stat have Linux's form", () => {
      const { target, sys } = start();
      expect(text(sys, "/proc/uptime")).toMatch(/^[0-9]+\.[0-9]{2} [0-9]+\.[0-9]{2}\n$/);
      expect(text(sys, "/proc/loadavg")).toMatch(/^([0-9]+\.[0-9]{2} ){3}[0-9]+\/[0-9]+ [0-9]+\n$/);
      const stat = lines(sys, "/proc/stat");
      expect(stat[0]).toMatch(/^cpu {2}([0-9]+ ){9}[0-9]+$/);
      expect(stat[1]).toMatch(/^cpu0 ([0-9]+ ){9}[0-9]+$/);
      const names = stat.map((line) => line.split(" ")[0]).filter((name) => !name?.startsWith("cpu"));
      expect(names).toEqual([
        "intr",
        "ctxt",
        "btime",
        "processes",
        "procs_running",
        "procs_blocked",
        "softirq",
      ]);
      target.end();
    });

    test("filesystems, cgroups and devices too (V21-01)", () => {
      const { target, sys } = start();
      expect(lines(sys, "/proc/filesystems")).toEqual(
        expect.arrayContaining(["nodev\tproc", "nodev\ttmpfs", "nodev\tsysfs", "nodev\tdevpts"]),
      );
      const [head, ...rest] = lines(sys, "/proc/cgroups");
      expect(head).toBe("#subsys_name\thierarchy\tnum_cgroups\tenabled");
      for (const line of rest) expect(line).toMatch(/^[a-z_]+\t[0-9]+\t[0-9]+\t[01]$/);
      const devices = lines(sys, "/proc/devices");
      expect(devices[0]).toBe("Character devices:");
      expect(devices).toEqual(
        expect.arrayContaining(["  1 mem", "  5 /dev/ptmx", "136 pts", "Block devices:"]),
      );
      expect(lines(sys, "/proc/cpuinfo")[0]).toBe("processor\t: 0");
      target.end();
    });
  });
}
