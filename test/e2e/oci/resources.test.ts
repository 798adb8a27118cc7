// Resources of containers: cgroups, pause and resume, update, events, limits of processes and of memory. Where it can be had, the same
// calls are made to runc.
//
// The machine's own cgroups are what most of this is tested with, whatever their version. A hierarchy of version 2 is then mounted in a
// mount namespace of the tests', where the machine has one: it has a freezer, but only those controllers that version 1 has not taken.
// Limits of version 2 that cannot be set there are tested against an imitation, in test/host/cgroups/imitation.test.ts.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Cgroup } from "../../../src/host/cgroups/cgroup.ts";
import { findHierarchies } from "../../../src/host/cgroups/hierarchies.ts";
import { install } from "../../interop/debian.ts";
import { put, ROOT, scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import { compileC, makeBundle, needsRoot, Runtime, WVISOR } from "../../support/oci/runtime.ts";
import { childrenOf, isRunning } from "../../support/processes.ts";

const top = scratchDirectory();
const MiB = 1 << 20;
/** All that is made is below it. */
const GROUP = `/wvisor-test-${process.pid}`;
const POLL = { timeout: 60_000 };
const GUESTS = ["spin", "limits", "cat", "exit-code"] as const;

const system = needsRoot === undefined ? findHierarchies() : undefined;
const parent = system === undefined ? undefined : Cgroup.at(system, GROUP);
/** Why limits of memory cannot be tested. */
const noMemory =
  needsRoot ??
  (system?.version === 1 && parent?.directoryOf("memory") === undefined
    ? "no controller for memory is mounted"
    : undefined);
const noRunc = needsRoot ?? install("runc", "runc");

interface Resources {
  readonly [part: string]: unknown;
}

interface Settings {
  readonly args?: readonly string[];
  readonly resources?: Resources;
  readonly cgroupsPath?: string;
  readonly process?: object;
}

let next = 0;

/** A bundle with a cgroup of its own, `name` below GROUP. */
function bundle(name: string, files: Record<string, string>, settings: Settings = {}): string {
  const { args = ["/bin/forever"], resources, cgroupsPath = `${GROUP}/${name}`, process } = settings;
  return makeBundle(path.join(top, `bundle-${next++}`), {
    args,
    files,
    change(config) {
      Object.assign(config.process as object, process);
      Object.assign(config.linux as object, { resources, ...(cgroupsPath === "" ? {} : { cgroupsPath }) });
    },
  });
}

const group = (name: string): Cgroup => Cgroup.at(system!, `${GROUP}/${name}`)!;

function setting(name: string, controller: string, file: string): string {
  return readFileSync(path.join(group(name).directoryOf(controller)!, file), "utf8").trim();
}

function processesOf(name: string): number[] {
  const lists = group(name).processFiles.map((file) =>
    readFileSync(file, "utf8").split("\n").filter(Boolean),
  );
  // In all hierarchies.
  return lists[0]!.filter((pid) => lists.every((list) => list.includes(pid))).map(Number);
}

function expectNoGroup(name: string): void {
  expect(group(name).directories.filter((directory) => existsSync(directory))).toEqual([]);
}

function removeGroup(): void {
  for (const directory of parent?.directories ?? []) {
    if (existsSync(directory)) rmdirSync(directory);
  }
}

interface Candidate {
  readonly name: string;
  readonly runtime: Runtime;
  readonly missing: string | undefined;
  /** By their paths; /bin/forever runs until it is told not to. */
  readonly files: () => Record<string, string>;
}

const wvisor = new Runtime(path.join(top, "wvisor-root"));
const wvisorFiles = (): Record<string, string> => ({
  "bin/forever": guestFile("spin"),
  ...Object.fromEntries(GUESTS.map((name) => [`bin/${name}`, guestFile(name)])),
});
const pause = () => compileC(path.join(ROOT, "test/support/oci/pause.c"), path.join(top, "pause"));

const candidates: readonly Candidate[] = [
  { name: "wvisor", runtime: wvisor, missing: needsRoot, files: wvisorFiles },
  {
    name: "runc",
    runtime: new Runtime(path.join(top, "runc-root"), ["runc"]),
    missing: noRunc,
    files: () => ({ "bin/forever": pause() }),
  },
];

beforeAll(() => buildGuests(GUESTS));
afterAll(removeGroup);

for (const { name, runtime, missing, files } of candidates) {
  const title = missing === undefined ? name : `${name}: left out, ${missing}`;
  describe.skipIf(missing !== undefined)(title, () => {
    const id = `${name}-c1`;
    const start = (settings: Settings = {}): void => {
      expect(runtime.code("run", "--detach", "--bundle", bundle(id, files(), settings), id)).toBe(0);
    };
    const status = () => runtime.state(id).status;

    afterEach(() => {
      expect(runtime.code("delete", "--force", id)).toBe(0);
      expectNoGroup(id);
    });

    test("a paused container takes nothing but what ends it", async () => {
      start();
      expect(runtime.run("resume", id)).toMatchObject({ code: 1 });
      expect(runtime.run("resume", id).stderr).toContain("container not paused");
      expect(runtime.code("pause", id)).toBe(0);
      expect(status()).toBe("paused");
      expect(runtime.state(id).pid).toBeGreaterThan(0);
      expect(runtime.run("list").stdout).toContain("paused");
      expect(JSON.parse(runtime.run("ps", "--format", "json", id).stdout)).toContain(runtime.state(id).pid);
      expect(runtime.run("pause", id).stderr).toContain("container not running");
      const exec = runtime.run("exec", id, "/bin/forever");
      expect(exec.code).toBe(255);
      expect(exec.stderr).toContain("cannot exec in a paused container (use --ignore-paused to override)");
      expect(runtime.run("delete", id).stderr).toContain("that is not stopped: paused");
      // It has it when it goes on.
      expect(runtime.code("kill", id, "TERM")).toBe(0);
      expect(status()).toBe("paused");
      expect(runtime.code("resume", id)).toBe(0);
    });

    test("SIGKILL ends a paused container", async () => {
      start();
      const { pid } = runtime.state(id);
      expect(runtime.code("pause", id)).toBe(0);
      expect(runtime.code("kill", id, "KILL")).toBe(0);
      await expect.poll(status, POLL).toBe("stopped");
      expect(isRunning(pid)).toBe(false);
      expect(runtime.run("pause", id).code).toBe(1);
    });

    test("a paused container is deleted by force; one that was created can be paused, and not started", () => {
      expect(runtime.code("create", "--bundle", bundle(id, files()), id)).toBe(0);
      expect(runtime.code("pause", id)).toBe(0);
      expect(runtime.run("start", id).stderr).toContain("cannot start a container in the paused state");
      expect(runtime.code("delete", "--force", id)).toBe(0);
    });

    test("what is not there cannot be paused, resumed, updated or watched", () => {
      for (const command of ["pause", "resume", "update", "events"]) {
        expect(runtime.run(command, id)).toMatchObject({ code: 1 });
        expect(runtime.run(command, id).stderr).toContain("does not exist");
      }
    });

    test.skipIf(noMemory !== undefined)("limits are set, updated and shown", () => {
      const memory = { limit: 256 * MiB, reservation: 128 * MiB };
      start({ resources: { memory, cpu: { shares: 512, quota: 50_000, period: 100_000 } } });
      const shown = (): Record<string, string> =>
        system!.version === 2
          ? {
              memory: setting(id, "memory", "memory.max"),
              reservation: setting(id, "memory", "memory.low"),
              weight: setting(id, "cpu", "cpu.weight"),
              cpu: setting(id, "cpu", "cpu.max"),
            }
          : {
              memory: setting(id, "memory", "memory.limit_in_bytes"),
              reservation: setting(id, "memory", "memory.soft_limit_in_bytes"),
              weight: setting(id, "cpu", "cpu.shares"),
              cpu: `${setting(id, "cpu", "cpu.cfs_quota_us")} ${setting(id, "cpu", "cpu.cfs_period_us")}`,
            };
      const weight = (shares: number): string =>
        system!.version === 2 ? String(1 + Math.floor(((shares - 2) * 9999) / 262_142)) : String(shares);
      expect(shown()).toEqual({
        memory: String(256 * MiB),
        reservation: String(128 * MiB),
        weight: weight(512),
        cpu: "50000 100000",
      });
      const flags = ["--memory", "300m", "--cpu-share", "600", "--cpu-quota", "60000"];
      expect(runtime.run("update", ...flags, id)).toMatchObject({ code: 0, stderr: "" });
      expect(shown()).toMatchObject({ memory: String(300 * MiB), weight: weight(600), cpu: "60000 100000" });
      const file = put(
        top,
        `${name}.json`,
        JSON.stringify({ memory: { limit: 200 * MiB }, cpu: { shares: 700 } }),
      );
      expect(runtime.run("update", "--resources", file, id)).toMatchObject({ code: 0, stderr: "" });
      expect(shown()).toMatchObject({ memory: String(200 * MiB), weight: weight(700), cpu: "60000 100000" });
      expect(runtime.run("update", "--memory", "much", id).code).toBe(1);
      expect(runtime.run("update", "--cpu-share", "1x", id).code).toBe(1);
      expect(shown()).toMatchObject({ memory: String(200 * MiB), weight: weight(700) });
    });

    test("events --stats", () => {
      start();
      const { code, stdout, stderr } = runtime.run("events", "--stats", id);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const { type, id: named, data } = JSON.parse(stdout);
      expect({ type, named }).toEqual({ type: "stats", named: id });
      const parts = [
        "cpu",
        "cpuset",
        "memory",
        "pids",
        "blkio",
        "hugetlb",
        "intel_rdt",
        "network_interfaces",
      ];
      expect(Object.keys(data).sort()).toEqual(parts.sort());
      expect(data.cpu.usage.total).toBeGreaterThan(0);
      expect(Object.keys(data.memory)).toEqual(
        expect.arrayContaining(["usage", "swap", "kernel", "kernelTCP"]),
      );
      expect(Object.keys(data.memory.usage)).toEqual(expect.arrayContaining(["limit", "failcnt"]));
      if (noMemory === undefined) expect(data.memory.usage.usage).toBeGreaterThan(0);
      expect(runtime.run("events", "--interval", "0s", id).stderr).toContain("must be greater than 0");
    });
  });
}

const left = needsRoot === undefined ? "" : `: left out, ${needsRoot}`;

describe.skipIf(needsRoot !== undefined)(`cgroups of containers${left}`, () => {
  const id = "c1";
  const start = (settings: Settings = {}) =>
    wvisor.code("run", "--detach", "--bundle", bundle(id, wvisorFiles(), settings), id);
  const exec = (...args: string[]) => wvisor.run("exec", id, ...args);

  afterEach(() => {
    expect(wvisor.run("delete", "--force", id)).toMatchObject({ code: 0, stderr: "" });
    expectNoGroup(id);
  });

  test("all processes are in it before a program runs, and those that exec adds", async () => {
    expect(wvisor.code("create", "--bundle", bundle(id, wvisorFiles()), id)).toBe(0);
    const tree = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(tree)];
    const all = tree(wvisor.state(id).pid);
    // Anchor, sentry, launcher, gofer.
    expect(all.length).toBe(4);
    expect(processesOf(id).sort()).toEqual([...all].sort());
    expect(wvisor.code("start", id)).toBe(0);
    const pidFile = path.join(top, "exec-pid");
    expect(wvisor.code("exec", "--detach", "--pid-file", pidFile, id, "/bin/spin")).toBe(0);
    const added = Number(readFileSync(pidFile, "utf8"));
    // It enters by itself.
    await expect.poll(() => processesOf(id), POLL).toContain(added);
    expect(wvisor.code("pause", id)).toBe(0);
    // Not the sentry's and the gofer's.
    expect(JSON.parse(wvisor.run("ps", "-f", "json", id).stdout)).toEqual([all[0], added]);
  });

  test("a container that cannot be created leaves none", () => {
    expect(wvisor.code("create", "--bundle", bundle(id, wvisorFiles(), { args: ["/bin/nothing"] }), id)).toBe(
      1,
    );
    expectNoGroup(id);
    const resources = { cpu: { cpus: "4000-4001" } };
    const refused = wvisor.run("create", "--bundle", bundle(id, wvisorFiles(), { resources }), id);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("cpuset.cpus");
    expectNoGroup(id);
    expect(wvisor.run("state", id).code).toBe(1);
  });

  test("one that others are in is refused, and stays", () => {
    const other = spawn("sleep", ["1000"], { stdio: "ignore" });
    const [directory] = group(id).directories;
    mkdirSync(directory!, { recursive: true });
    try {
      writeFileSync(path.join(directory!, "cgroup.procs"), String(other.pid));
      const refused = wvisor.run("create", "--bundle", bundle(id, wvisorFiles()), id);
      expect(refused.stderr).toContain("container's cgroup is not empty: 1 process(es) found");
      expect(existsSync(directory!)).toBe(true);
      // The host's own.
      const everyone = wvisor.run("create", "--bundle", bundle(id, wvisorFiles(), { cgroupsPath: "/" }), id);
      expect(everyone.stderr).toContain("is not empty");
    } finally {
      other.kill("SIGKILL");
    }
    return expect
      .poll(() => {
        try {
          rmdirSync(directory!);
        } catch {}
        return existsSync(directory!);
      }, POLL)
      .toBe(false);
  });

  test("without a path each container has one of its own, below the caller's", () => {
    expect(start({ cgroupsPath: "" })).toBe(0);
    const other = new Runtime(path.join(top, "other-root"));
    expect(other.code("run", "-d", "-b", bundle(id, wvisorFiles(), { cgroupsPath: "" }), id)).toBe(0);
    expect(wvisor.code("pause", id)).toBe(0);
    expect(other.state(id).status).toBe("running");
    expect(other.code("delete", "--force", id)).toBe(0);
    expect(wvisor.state(id).status).toBe("paused");
  });

  test("--systemd-cgroup: slice, prefix and name", () => {
    const slice = `wvisortest${process.pid}.slice`;
    const directory = bundle(id, wvisorFiles(), { cgroupsPath: `${slice}:engine:c1` });
    const create = ["--systemd-cgroup", "create", "--bundle", directory, id];
    expect(spawnSync(WVISOR, ["--root", wvisor.root, ...create], { stdio: "ignore" }).status).toBe(0);
    const membership = readFileSync(`/proc/${wvisor.state(id).pid}/cgroup`, "utf8");
    expect(membership).toContain(`/${slice}/engine-c1.scope\n`);
    expect(wvisor.code("delete", "--force", id)).toBe(0);
    for (const above of Cgroup.at(system!, `/${slice}`)!.directories) rmdirSync(above);
  });

  test("--cgroup-manager=disabled: none, nothing to pause, and the sentry's own word about usage", () => {
    const before = readFileSync("/proc/self/cgroup", "utf8");
    const directory = bundle(id, wvisorFiles(), { resources: { pids: { limit: 5 } } });
    const create = ["--cgroup-manager=disabled", "create", "--bundle", directory, id];
    expect(spawnSync(WVISOR, ["--root", wvisor.root, ...create], { stdio: "ignore" }).status).toBe(0);
    expect(readFileSync(`/proc/${wvisor.state(id).pid}/cgroup`, "utf8")).toBe(before);
    expect(wvisor.run("pause", id).stderr).toContain("no cgroup");
    expect(wvisor.run("update", "--memory", "1g", id).stderr).toContain("no cgroup");
    const { data } = JSON.parse(wvisor.run("events", "--stats", id).stdout);
    expect(data.pids).toEqual({ current: 1 });
    expect(data.memory.usage.usage).toBeGreaterThan(MiB);
  });

  test("oomScoreAdj", () => {
    expect(start({ process: { oomScoreAdj: 321 } })).toBe(0);
    for (const pid of processesOf(id))
      expect(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8").trim()).toBe("321");
  });

  test("exec --ignore-paused waits until the container goes on, and nobody waits for it", async () => {
    expect(start()).toBe(0);
    expect(wvisor.code("pause", id)).toBe(0);
    const args = wvisor.arguments(["exec", "--ignore-paused", id, "/bin/exit-code", "7"]);
    const waiting = spawn(WVISOR, args, { stdio: "ignore" });
    const ended = new Promise((resolve) => waiting.once("exit", resolve));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(waiting.exitCode).toBeNull();
    expect(wvisor.code("update", "--pids-limit", "50", id)).toBe(0);
    expect(wvisor.code("resume", id)).toBe(0);
    expect(await ended).toBe(7);
  });

  test("the pids limit counts processes of guests, also when it is changed", () => {
    expect(start({ resources: { pids: { limit: 2 } } })).toBe(0);
    expect(wvisor.code("exec", "--detach", id, "/bin/spin")).toBe(0);
    expect(exec("/bin/exit-code", "7").stderr).toContain("resource temporarily unavailable");
    expect(wvisor.code("update", "--pids-limit", "3", id)).toBe(0);
    expect(exec("/bin/exit-code", "7").code).toBe(7);
  });

  test("limits of a process", () => {
    const process = {
      user: { uid: 1000, gid: 0 },
      rlimits: [
        { type: "RLIMIT_NOFILE", soft: 32, hard: 64 },
        { type: "RLIMIT_FSIZE", soft: 1000, hard: 2 ** 64 },
        { type: "RLIMIT_AS", soft: 32 * MiB, hard: 32 * MiB },
        { type: "RLIMIT_NPROC", soft: 2, hard: 2 },
      ],
    };
    const directory = bundle(id, wvisorFiles(), { process });
    mkdirSync(path.join(directory, "rootfs/data"), { mode: 0o1777 });
    spawnSync("chmod", ["1777", path.join(directory, "rootfs/data")]);
    expect(wvisor.code("run", "--detach", "--bundle", directory, id)).toBe(0);
    const limits = exec("/bin/cat", "/proc/self/limits").stdout;
    expect(limits).toMatch(/^Max open files +32 +64 +files/m);
    expect(limits).toMatch(/^Max file size +1000 +unlimited +bytes/m);
    expect(limits).toMatch(/^Max address space +33554432 +33554432 +bytes/m);
    expect(exec("/bin/limits", "open", "/bin/cat").stdout).toMatch(/^open 2\d MFILE$/m);
    expect(exec("/bin/limits", "write", "/data/file").stdout).toBe("write 1000 FBIG\n");
    expect(readFileSync(path.join(directory, "rootfs/data/file")).length).toBe(1000);
    const pages = Number(/^memory (\d+) -$/m.exec(exec("/bin/limits", "memory").stdout)![1]);
    expect(pages).toBeGreaterThan(480);
    expect(pages).toBeLessThanOrEqual(512);
    // The first process is the user's, too.
    expect(wvisor.code("exec", "--detach", id, "/bin/spin")).toBe(0);
    expect(exec("/bin/exit-code", "7").stderr).toContain("user 1000 may have 2 processes");
    expect(wvisor.run("exec", "--user", "0", id, "/bin/exit-code", "7").code).toBe(7);
  });

  test.each([
    [{ type: "RLIMIT_FOO", soft: 1, hard: 1 }, "invalid rlimit type: RLIMIT_FOO"],
    [{ type: "RLIMIT_NOFILE", soft: 2, hard: 1 }, "above the hard limit"],
    [{ type: "RLIMIT_NOFILE", soft: -1, hard: 1 }, "rlimits[0].soft"],
  ])("the limit %j is refused", (rlimit, message) => {
    const directory = bundle(id, wvisorFiles(), { process: { rlimits: [rlimit] } });
    const { code, stderr } = wvisor.run("create", "--bundle", directory, id);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  const memoryTitle = noMemory === undefined ? "" : ` (left out: ${noMemory})`;

  test.skipIf(noMemory !== undefined)(
    `a guest's memory cannot grow to the limit of its container${memoryTitle}`,
    async () => {
      expect(start({ resources: { memory: { limit: 192 * MiB } } })).toBe(0);
      const guest = spawn(WVISOR, wvisor.arguments(["exec", id, "/bin/limits", "touch"]), {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const told = await new Promise<string>((resolve) =>
        guest.stdout.once("data", (bytes) => resolve(String(bytes))),
      );
      // 192 MiB but 64 for the sandbox are 2,048 pages. All of them are touched, and everybody lives.
      expect(Number(/^touch (\d+) -$/m.exec(told)![1])).toBeGreaterThan(1950);
      expect(wvisor.state(id).status).toBe("running");
      expect(exec("/bin/exit-code", "3").code).toBe(3);
      guest.kill("SIGTERM");
    },
  );

  test.skipIf(noMemory !== undefined)(
    `a guest that declares more than there is ends alone${memoryTitle}`,
    () => {
      expect(start({ resources: { memory: { limit: 128 * MiB } } })).toBe(0);
      // (module (memory 1200) (func (export "_start")) ): 75 MiB.
      const bytes = "0061736d010000000104016000000302010005040100b009070a01065f737461727400000a040102000b";
      writeFileSync(path.join(wvisor.state(id).bundle, "rootfs/bin/large"), Buffer.from(bytes, "hex"));
      expect(exec("/bin/large").code).toBe(137);
      expect(exec("/bin/exit-code", "3").code).toBe(3);
    },
  );

  test.skipIf(noMemory !== undefined)(
    `several guests together reach it: Linux ends the container, 137, and events tell${memoryTitle}`,
    async () => {
      expect(start({ resources: { memory: { limit: 128 * MiB, swap: 128 * MiB } } })).toBe(0);
      const events = spawn(WVISOR, wvisor.arguments(["events", "--interval", "1s", id]), {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let told = "";
      events.stdout.setEncoding("utf8").on("data", (text: string) => {
        told += text;
      });
      const over = new Promise((resolve) => events.once("close", resolve));
      await expect.poll(() => told, POLL).toContain("stats");
      const guests = [1, 2, 3].map(() => {
        const guest = spawn(WVISOR, wvisor.arguments(["exec", id, "/bin/limits", "touch"]), {
          stdio: "ignore",
        });
        return new Promise((resolve) => guest.once("exit", resolve));
      });
      await expect.poll(() => wvisor.state(id).status, POLL).toBe("stopped");
      expect(await Promise.all(guests)).toEqual([137, 137, 137]);
      expect(await over).toBe(0);
      expect(told.split("\n")).toContain(`{"type":"oom","id":"${id}"}`);
      expect(wvisor.run("delete", id).code).toBe(0);
    },
  );
});

/** Runs a command where nothing is below /sys/fs/cgroup but what `mounts` puts there. */
function elsewhere(mounts: string, command: readonly string[]): string[] {
  const script = `umount -R -l /sys/fs/cgroup && ${mounts} && exec "$@"`;
  return ["unshare", "--mount", "sh", "-c", script, "sh", ...command];
}

const V2 = "mount -t cgroup2 cgroup2 /sys/fs/cgroup";
const canMount = (mounts: string): string | undefined => {
  if (needsRoot !== undefined) return needsRoot;
  const [command, ...args] = elsewhere(mounts, ["test", "-e", "/sys/fs/cgroup/cgroup.procs"]);
  return spawnSync(command!, args).status === 0 ? undefined : "version 2 of cgroups cannot be mounted";
};

const noV2 = canMount(V2);

for (const { name, missing, files, runtime } of candidates) {
  const why = missing ?? noV2;
  describe.skipIf(why !== undefined)(
    `version 2 alone, ${name}${why === undefined ? "" : `: left out, ${why}`}`,
    () => {
      const id = `${name}-v2`;
      const second = new Runtime(runtime.root, elsewhere(V2, runtime.command));

      afterAll(() => {
        second.code("delete", "--force", id);
        const [command, ...args] = elsewhere(V2, ["rmdir", `/sys/fs/cgroup${GROUP}`]);
        expect(spawnSync(command!, args).status).toBe(0);
      });

      test("paused and resumed, paused and killed", async () => {
        expect(second.code("run", "--detach", "--bundle", bundle(id, files()), id)).toBe(0);
        const { pid } = second.state(id);
        expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(`0::${GROUP}/${id}\n`);
        expect(second.code("pause", id)).toBe(0);
        expect(second.state(id).status).toBe("paused");
        expect(second.code("resume", id)).toBe(0);
        expect(second.state(id).status).toBe("running");
        expect(second.code("pause", id)).toBe(0);
        expect(second.run("delete", "--force", id)).toMatchObject({ code: 0 });
        expect(isRunning(pid)).toBe(false);
        const [command, ...args] = elsewhere(V2, ["test", "-e", `/sys/fs/cgroup${GROUP}/${id}`]);
        expect(spawnSync(command!, args).status).toBe(1);
      });

      test("a limit whose controller is not there is refused, and leaves nothing", () => {
        const probe = elsewhere(V2, ["grep", "-q", "cpuset", "/sys/fs/cgroup/cgroup.controllers"]);
        // Where version 2 has it, the limit itself is impossible.
        const has = spawnSync(probe[0]!, probe.slice(1)).status === 0;
        const resources = { cpu: { cpus: has ? "4000" : "0" } };
        expect(second.code("create", "--bundle", bundle(id, files(), { resources }), id)).toBe(1);
        expect(second.run("state", id).code).toBe(1);
      });
    },
  );
}

describe.skipIf(noV2 !== undefined)(
  `cgroups that may not be made${noV2 === undefined ? "" : `: left out, ${noV2}`}`,
  () => {
    const id = "c1";
    const readOnly = `${V2} && mount -o remount,ro,bind /sys/fs/cgroup`;

    afterEach(() => {
      wvisor.code("delete", "--force", id);
    });

    test.each([
      ["read-only", readOnly],
      ["not mounted", "true"],
    ])("%s: containers run without, unless limits are asked for", (_, mounts) => {
      const there = new Runtime(wvisor.root, elsewhere(mounts, [WVISOR]));
      expect(there.code("run", "--detach", "--bundle", bundle(id, wvisorFiles()), id)).toBe(0);
      expect(there.state(id).status).toBe("running");
      expect(there.run("pause", id)).toMatchObject({ code: 1 });
      expect(there.code("delete", "--force", id)).toBe(0);
      const limited = bundle(id, wvisorFiles(), { resources: { pids: { limit: 10 } } });
      const refused = there.run("create", "--bundle", limited, id);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain("cannot limit the container's resources");
    });
  },
);
