// Version 2 against a directory that has files of the same names: what a machine without its controllers cannot show. Linux checks
// nothing here; test/e2e/oci/resources.test.ts has what the machine's own cgroups say.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { CGROUPS, Cgroup, readCgroup } from "../../../src/host/cgroups/cgroup.ts";
import { isFrozen } from "../../../src/host/cgroups/freezer.ts";
import { guestMemoryLimit, setLimits } from "../../../src/host/cgroups/limits.ts";
import { checkUnused, makeCgroup, removeCgroup } from "../../../src/host/cgroups/make.ts";
import { oomKills } from "../../../src/host/cgroups/oom.ts";
import { oomEvent, readUsage, statsEvent } from "../../../src/host/cgroups/stats.ts";
import { parseList } from "../../../src/host/cgroups/stats-v1.ts";
import { failure, put, scratchDirectory } from "../scratch.ts";

const top = scratchDirectory();
let next = 0;
let directory: string;
let cgroup: Cgroup;

const FILES = {
  "cgroup.procs": "",
  "cgroup.freeze": "0\n",
  "cgroup.events": "populated 0\nfrozen 0\n",
  "memory.max": "max\n",
  "memory.low": "0\n",
  "memory.swap.max": "max\n",
  "memory.current": "4096\n",
  "memory.swap.current": "100\n",
  "memory.peak": "8192\n",
  "memory.stat": "anon 1000\nfile 3096\n",
  "memory.events": "low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\n",
  "cpu.weight": "100\n",
  "cpu.max": "max 100000\n",
  "cpu.stat": "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 5\nnr_throttled 4\nthrottled_usec 3\n",
  "pids.max": "max\n",
  "pids.current": "7\n",
  "io.weight": "default 100\n",
  "io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n",
};

beforeEach(() => {
  directory = path.join(top, `cgroup-${next++}`);
  for (const [name, content] of Object.entries(FILES)) put(directory, name, content);
  cgroup = new Cgroup(new Map([["unified", directory]]));
});

const read = (name: string): string => readFileSync(path.join(directory, name), "utf8");

describe("limits", () => {
  test("are written to their files", () => {
    setLimits(cgroup, {
      memory: { limit: 1 << 26, swap: 1 << 27 },
      cpu: { shares: 1024, quota: 50_000, cpus: "", mems: "" },
      pids: { limit: 10 },
      blockIO: { weight: 1000 },
    });
    expect([read("memory.max"), read("memory.swap.max")]).toEqual(["67108864", "67108864"]);
    expect([read("cpu.weight"), read("cpu.max")]).toEqual(["39", "50000 100000"]);
    // Ten processes of guests, and the threads that sentry, gofer and anchor have.
    expect(read("pids.max")).toBe("74");
    // There is no io.bfq.weight.
    expect(read("io.weight")).toContain("10000");
  });

  test("all of them or none: what was written before has its old value again", () => {
    rmSync(path.join(directory, "pids.max"));
    const message = failure(() =>
      setLimits(cgroup, {
        memory: { limit: 1 << 26 },
        cpu: { shares: 512, cpus: "", mems: "" },
        pids: { limit: 1 },
      }),
    );
    expect(message).toContain("pids.max");
    expect(message).toContain("is the controller enabled?");
    expect([read("memory.max"), read("cpu.weight")].map((text) => text.trim())).toEqual(["max", "100"]);
  });

  test("swap that Linux does not count needs no limit", () => {
    rmSync(path.join(directory, "memory.swap.max"));
    setLimits(cgroup, { memory: { limit: -1 } });
    setLimits(cgroup, { memory: { limit: 4096, swap: 4096 } });
    expect(failure(() => setLimits(cgroup, { memory: { limit: 4096, swap: 8192 } }))).toContain(
      "memory.swap.max",
    );
  });

  test("a controller that is not mounted is an error in version 1", () => {
    const first = new Cgroup(new Map([["freezer", directory]]));
    expect(failure(() => setLimits(first, { pids: { limit: 1 } }))).toContain("pids is not mounted");
    expect(failure(() => setLimits(first, { memory: { limit: -1 } }))).toContain("memory is not mounted");
  });

  test("guests have less than the whole container", () => {
    expect(guestMemoryLimit(0)).toBe(0);
    expect(guestMemoryLimit(256 << 20)).toBe(192 << 20);
    expect(guestMemoryLimit(64 << 20)).toBe(32 << 20);
  });
});

describe("usage", () => {
  test("has the shape of runc's events, under the names of version 1", () => {
    const { type, id, data } = JSON.parse(statsEvent("c1", readUsage(cgroup)));
    expect({ type, id }).toEqual({ type: "stats", id: "c1" });
    expect(data.cpu).toEqual({
      usage: { total: 30_000, kernel: 10_000, user: 20_000 },
      throttling: { periods: 5, throttledPeriods: 4, throttledTime: 3000 },
    });
    expect(data.memory).toMatchObject({
      cache: 3096,
      raw: { anon: 1000, file: 3096 },
      kernel: { limit: 0, failcnt: 0 },
    });
    expect(data.memory.usage).toMatchObject({ usage: 4096, max: 8192 });
    // Memory and swap together, as version 1 counts.
    expect(data.memory.swap.usage).toBe(4196);
    expect(data.pids).toEqual({ current: 7 });
    expect(data.blkio).toEqual({
      ioServiceBytesRecursive: [
        { major: 8, op: "Read", value: 10 },
        { major: 8, op: "Write", value: 20 },
      ],
      ioServicedRecursive: [
        { major: 8, op: "Read", value: 1 },
        { major: 8, op: "Write", value: 2 },
      ],
    });
    expect(data).toMatchObject({ hugetlb: {}, intel_rdt: {}, network_interfaces: null });
  });

  test("numbers of 64 bits keep their digits, which a reader with such numbers needs", () => {
    expect(statsEvent("c1", readUsage(cgroup))).toContain('"usage":{"limit":18446744073709551615,');
  });

  test("a cgroup that is gone has used nothing", () => {
    rmSync(directory, { recursive: true });
    expect(JSON.parse(statsEvent("c1", readUsage(cgroup))).data.pids).toEqual({});
    expect(oomKills(cgroup)).toBeUndefined();
  });

  test("processes that Linux ended for want of memory", () => {
    expect(oomKills(cgroup)).toBe(1n);
    expect(oomEvent("c1")).toBe('{"type":"oom","id":"c1"}');
  });

  test.each([
    ["0-2,4", [0, 1, 2, 4]],
    ["3", [3]],
    ["", []],
  ])("the list %j", (text, numbers) => {
    expect(parseList(text)).toEqual(numbers);
  });
});

describe("the directories", () => {
  test("are written down, and read again", () => {
    const container = path.join(top, `container-${next++}`);
    mkdirSync(container);
    const paths = new Map([
      ["name=systemd", "/sys/fs/cgroup/systemd/a b"],
      ["freezer", directory],
    ]);
    writeFileSync(path.join(container, CGROUPS), String(new Cgroup(paths)));
    expect(readCgroup(container)?.paths).toEqual(paths);
    expect(readCgroup(container)?.version).toBe(1);
    expect(readCgroup(path.join(container, "none"))).toBeUndefined();
  });

  test("each level gives the next one the controllers that there are", () => {
    const above = path.join(directory, "above");
    put(above, "cgroup.controllers", "cpu memory pids\n");
    put(above, "cgroup.subtree_control", "cpu\n");
    const made = new Cgroup(new Map([["unified", path.join(above, "below")]]));
    makeCgroup(made);
    // A file of Linux's takes each as it comes: the last one is what is left of it here.
    expect(readFileSync(path.join(above, "cgroup.subtree_control"), "utf8")).toMatch(/^\+pids/);
    removeCgroup(made);
    removeCgroup(made);
  });

  test("whoever is in the cgroup, or in one below, would be paused and deleted with the container", () => {
    checkUnused(cgroup);
    put(directory, "below/cgroup.procs", "1\n2\n");
    expect(failure(() => checkUnused(cgroup))).toBe("container's cgroup is not empty: 2 process(es) found");
  });

  test("one that is frozen is refused", () => {
    expect(isFrozen(cgroup)).toBe(false);
    writeFileSync(path.join(directory, "cgroup.freeze"), "1\n");
    expect(isFrozen(cgroup)).toBe(true);
    expect(failure(() => checkUnused(cgroup))).toContain("unexpectedly frozen");
  });

  test("version 1: what counts is what the cgroup itself was told, not one above it", () => {
    const first = new Cgroup(new Map([["freezer", directory]]));
    put(directory, "freezer.state", "FROZEN\n");
    put(directory, "freezer.self_freezing", "0\n");
    expect(isFrozen(first)).toBe(false);
    put(directory, "freezer.self_freezing", "1\n");
    expect(isFrozen(first)).toBe(true);
  });
});
