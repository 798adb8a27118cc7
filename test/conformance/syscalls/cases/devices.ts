// The other synthetic file systems: sysfs, mqueue, cgroup2.

import { describe, expect, test } from "vitest";
import { EACCES, EBUSY, EEXIST, EINVAL, ENOENT, EPERM, ESRCH } from "../../../../assembly/abi/errno.ts";
import { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } from "../../../../assembly/abi/fcntl.ts";
import { Calls } from "../../../support/sys/calls.ts";
import type { Target } from "../../../support/sys/target.ts";

function text(sys: Calls, path: string): string {
  const fd = sys.open(path);
  const got = sys.read(fd, 4096);
  sys.close(fd);
  if (typeof got === "number") throw new Error(`${path}: errno ${-got}`);
  return got.toString();
}

export function deviceCases(make: () => Target): void {
  function start(): { target: Target; sys: Calls } {
    const target = make();
    return { target, sys: new Calls(target.process()) };
  }

  describe("sysfs", () => {
    test("has Linux's top directories (SY-01, SY-02)", () => {
      const { target, sys } = start();
      expect(sys.stat("/sys")).toMatchObject({ mode: 0o40555 });
      for (const name of [
        "block",
        "bus",
        "class",
        "dev",
        "devices",
        "firmware",
        "fs",
        "kernel",
        "module",
        "power",
      ]) {
        expect([name, sys.stat(`/sys/${name}`)]).toMatchObject([name, { mode: 0o40755, uid: 0, gid: 0 }]);
      }
      expect(sys.stat("/sys/fs/cgroup")).toMatchObject({ mode: 0o40555 });
      expect(sys.stat("/sys/dev/char")).toMatchObject({ mode: 0o40755 });
      target.end();
    });

    test("tells the processors (SY-01)", () => {
      const { target, sys } = start();
      const cpu = "/sys/devices/system/cpu";
      for (const name of ["online", "possible", "present"]) {
        expect(text(sys, `${cpu}/${name}`)).toMatch(/^0(-[0-9]+)?\n$/);
        expect(sys.stat(`${cpu}/${name}`)).toMatchObject({ mode: 0o100444, size: 4096 });
      }
      expect(text(sys, `${cpu}/offline`)).toBe("\n");
      expect(text(sys, `${cpu}/cpu0/topology/core_id`)).toMatch(/^[0-9]+\n$/);
      target.end();
    });

    test("takes no new names, and no writes", () => {
      const { target, sys } = start();
      expect(sys.mkdir("/sys/new")).toBe(-EPERM);
      expect(sys.mkdir("/sys/block")).toBe(-EEXIST);
      expect(sys.open("/sys/new", O_CREAT | O_WRONLY)).toBe(-EACCES);
      expect(sys.symlink("x", "/sys/new")).toBe(-EPERM);
      expect(sys.unlink("/sys/devices/system/cpu/online")).toBe(-EPERM);
      expect(sys.rmdir("/sys/block")).toBe(-EPERM);
      expect(sys.open("/sys/devices/system/cpu/online", O_WRONLY)).toBe(-EACCES);
      expect(sys.open("/sys/nothing", O_RDONLY)).toBe(-ENOENT);
      target.end();
    });
  });

  describe("mqueue", () => {
    test("has a file for each queue", () => {
      const { target, sys } = start();
      expect(sys.stat("/mqueue")).toMatchObject({ mode: 0o41777, size: 40 });
      const fd = sys.open("/mqueue/queue", O_CREAT | O_EXCL | O_RDWR, 0o640);
      expect(fd).toBeGreaterThanOrEqual(0);
      expect(sys.stat("/mqueue/queue")).toMatchObject({ mode: 0o100640, size: 80, nlink: 1 });
      expect(sys.stat("/mqueue")).toMatchObject({ size: 60 });
      expect(text(sys, "/mqueue/queue")).toMatch(/^QSIZE:0 {10}NOTIFY:0 {5}SIGNO:0 {5}NOTIFY_PID:0 {5}\n$/);
      expect(sys.write(fd, "x")).toBe(-EINVAL);
      expect(sys.mkdir("/mqueue/dir")).toBe(-EPERM);
      expect(sys.unlink("/mqueue/queue")).toBe(0);
      expect(sys.stat("/mqueue/queue")).toBe(-ENOENT);
      target.end();
    });
  });

  describe("cgroup2", () => {
    const GROUP = "/cgroup/wvisor-case";

    test("has the files of a root", () => {
      const { target, sys } = start();
      for (const name of ["cgroup.controllers", "cgroup.stat", "cpu.stat"]) {
        expect([name, sys.stat(`/cgroup/${name}`)]).toMatchObject([name, { mode: 0o100444 }]);
      }
      for (const name of ["cgroup.procs", "cgroup.subtree_control", "cgroup.max.depth", "cgroup.threads"]) {
        expect([name, sys.stat(`/cgroup/${name}`)]).toMatchObject([name, { mode: 0o100644 }]);
      }
      expect(sys.stat("/cgroup/cgroup.type")).toBe(-ENOENT);
      expect(text(sys, "/cgroup/cgroup.max.depth")).toBe("max\n");
      expect(text(sys, "/cgroup/cgroup.stat")).toMatch(/^nr_descendants [0-9]+\n/);
      target.end();
    });

    test("makes groups, which take processes and go when they are empty", () => {
      const { target, sys } = start();
      sys.rmdir(GROUP);
      expect(sys.mkdir(GROUP)).toBe(0);
      expect(text(sys, `${GROUP}/cgroup.type`)).toBe("domain\n");
      expect(text(sys, `${GROUP}/cgroup.procs`)).toBe("");
      const pid = sys.readlink("/proc/self");
      const procs = sys.open(`${GROUP}/cgroup.procs`, O_WRONLY);
      expect(sys.write(procs, "0\n")).toBe(2);
      expect(text(sys, `${GROUP}/cgroup.procs`)).toBe(`${pid}\n`);
      expect(sys.rmdir(GROUP)).toBe(-EBUSY);
      expect(sys.write(procs, "many")).toBe(-EINVAL);
      expect(sys.write(procs, "99999999")).toBe(-ESRCH);
      const back = sys.open("/cgroup/cgroup.procs", O_WRONLY);
      expect(sys.write(back, `${pid}`)).toBe(`${pid}`.length);
      expect(sys.unlink(`${GROUP}/cgroup.procs`)).toBe(-EPERM);
      expect(sys.rmdir(GROUP)).toBe(0);
      expect(sys.stat(GROUP)).toBe(-ENOENT);
      target.end();
    });

    test("keeps limits, within their bounds", () => {
      const { target, sys } = start();
      sys.rmdir(GROUP);
      expect(sys.mkdir(GROUP)).toBe(0);
      const depth = sys.open(`${GROUP}/cgroup.max.depth`, O_RDWR);
      expect(sys.write(depth, "5")).toBe(1);
      expect(text(sys, `${GROUP}/cgroup.max.depth`)).toBe("5\n");
      expect(sys.write(depth, "max\n")).toBe(4);
      expect(text(sys, `${GROUP}/cgroup.max.depth`)).toBe("max\n");
      expect(sys.open(`${GROUP}/file`, O_CREAT | O_WRONLY)).toBe(-EACCES);
      expect(sys.rmdir(GROUP)).toBe(0);
      target.end();
    });
  });
}
