// Several containers in one sandbox, as an engine makes them with CRI's annotations: each is found by its own id, sees its own files,
// processes and names, and leaves nothing behind.

import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Cgroup } from "../../../src/host/cgroups/cgroup.ts";
import { findHierarchies } from "../../../src/host/cgroups/hierarchies.ts";
import { encodeConfig } from "../../../src/host/config/config-document.ts";
import { SandboxClient } from "../../../src/host/container/sandbox-client.ts";
import { connectSocket } from "../../../src/host/container/socket.ts";
import { openPair } from "../../../src/host/sandbox/gofer-process.ts";
import { loadBundle } from "../../../src/host/spec/bundle.ts";
import { loadNative } from "../../../src/native/index.ts";
import { UrpcClient } from "../../../src/urpc/client.ts";
import { put, scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import { buildMonitor, Monitored, makeBundle, needsRoot, Runtime } from "../../support/oci/runtime.ts";
import { childrenOf, commandLine, isRunning } from "../../support/processes.ts";

const title = needsRoot === undefined ? "containers of one sandbox" : `left out: ${needsRoot}`;
const top = scratchDirectory();
const runtime = new Runtime(path.join(top, "root"));
const GUESTS = ["spin", "exit-code", "cat", "stdin-copy", "block", "limits"] as const;
const TYPE = "io.kubernetes.cri.container-type";
const SANDBOX = "io.kubernetes.cri.sandbox-id";
const POD = "pod";
const MiB = 1 << 20;
/** Of WebAssembly. */
const PAGE = 65536;
const system = needsRoot === undefined ? findHierarchies() : undefined;
/** Why limits of memory cannot be tested. */
const noMemory =
  needsRoot ??
  (system?.version === 1 &&
  Cgroup.at(system, `/wvisor-pod-${process.pid}`)?.directoryOf("memory") === undefined
    ? "no controller for memory is mounted"
    : undefined);

let next = 0;
let files: Record<string, string>;
let pod: { monitor: Monitored; pid: number };

interface Spec {
  readonly args: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly namespaces?: readonly { type: string; path?: string }[];
  readonly hostname?: string;
  readonly mounts?: readonly object[];
  readonly resources?: object;
}

function bundle({ args, annotations, namespaces, hostname, mounts = [], resources }: Spec): string {
  const directory = path.join(top, `bundle-${next++}`);
  return makeBundle(directory, {
    args,
    files,
    change: (config) => {
      config.annotations = annotations;
      config.hostname = hostname;
      (config.mounts as object[]).push(...mounts);
      if (namespaces !== undefined) config.linux = { namespaces, ...(resources && { resources }) };
    },
  });
}

/** What CRI gives the containers of a pod: the sandbox's network and names, and processes of their own. */
function podNamespaces(...more: { type: string; path?: string }[]): { type: string; path?: string }[] {
  const of = (type: string, file: string) => ({ type, path: `/proc/${pod.pid}/ns/${file}` });
  return [{ type: "mount" }, of("network", "net"), of("ipc", "ipc"), of("uts", "uts"), ...more];
}

const member = (sandbox = POD) => ({ [TYPE]: "container", [SANDBOX]: sandbox });

async function start(id: string, directory: string): Promise<{ monitor: Monitored; pid: number }> {
  const pidFile = path.join(top, `pid-${next++}`);
  const monitor = new Monitored(runtime, pidFile, ["run", "-d", "-b", directory, "--pid-file", pidFile, id]);
  const { code, pid } = await monitor.started();
  expect({ code, errors: monitor.errors }).toEqual({ code: 0, errors: "" });
  return { monitor, pid };
}

function memberBundle(args: readonly string[], more: Partial<Spec> = {}): string {
  return bundle({ args, annotations: member(), namespaces: podNamespaces({ type: "pid" }), ...more });
}

const exec = (id: string, ...args: string[]) => runtime.run("exec", id, ...args);
const read = (id: string, file: string) => exec(id, "/bin/cat", file).stdout;
const sentryOf = (pid: number) => childrenOf(pid).find((each) => commandLine(each).includes("cli.js"))!;
const goferOf = (pid: number) =>
  childrenOf(pid)
    .flatMap((each) => [each, ...childrenOf(each)])
    .find((each) => !commandLine(each).includes("wv-launch") && commandLine(each).includes("gofer.js"))!;
const descriptorsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

/** The thread that prepares what is added has descriptors of its own from then on. */
function prepareOnce(): void {
  expect(exec(POD, "/bin/exit-code", "0").code).toBe(0);
}

/** A number, or what is said instead. */
function runtimeStateOf(manager: SandboxClient, id: string): unknown {
  try {
    return manager.call("ContainerRuntimeState", id);
  } catch (error) {
    return (error as Error).message;
  }
}

describe.skipIf(needsRoot !== undefined)(title, () => {
  beforeAll(async () => {
    buildMonitor();
    await buildGuests(GUESTS);
    files = Object.fromEntries(GUESTS.map((name) => [`bin/${name}`, guestFile(name)]));
    // What pods run is no program for here.
    files.pause = "/bin/true";
  });

  beforeEach(async () => {
    const directory = bundle({ args: ["/pause"], annotations: { [TYPE]: "sandbox" }, hostname: "podbox" });
    pod = await start(POD, directory);
  });

  afterEach(async () => {
    for (const id of readdirSync(runtime.root)) runtime.run("delete", "--force", id);
    await expect.poll(() => isRunning(pod.pid), { timeout: 30_000 }).toBe(false);
    expect(readdirSync(runtime.root)).toEqual([]);
  });

  afterAll(() => {
    expect(readdirSync(runtime.root)).toEqual([]);
  });

  test("the pod's own process waits, and ends as Kubernetes' does", async () => {
    expect(runtime.state(POD).status).toBe("running");
    expect(runtime.run("kill", POD, "CHLD").code).toBe(0);
    expect(exec(POD, "/bin/exit-code", "4").code).toBe(4);
    expect(runtime.run("kill", POD, "TERM").code).toBe(0);
    expect(await pod.monitor.ended()).toBe("exited 0");
    expect(runtime.state(POD).status).toBe("stopped");
  });

  test("a container runs in the pod's sandbox, under a process of its own (D18-01, D18-03)", async () => {
    const { monitor, pid } = await start("c1", memberBundle(["/bin/exit-code", "7"]));
    expect(await monitor.ended()).toBe("exited 7");
    expect(childrenOf(pod.pid).length).toBe(2);
    expect(runtime.state("c1")).toMatchObject({ status: "stopped", pid: 0 });
    expect(runtime.state(POD).status).toBe("running");
    expect(isRunning(pid)).toBe(false);
    expect(runtime.run("delete", "c1").code).toBe(0);
  });

  test.each([
    ["io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID"],
    [TYPE, SANDBOX],
  ])("by the annotations %s and %s", async (type, sandbox) => {
    const annotations = { [type]: "container", [sandbox]: POD };
    await start("c1", memberBundle(["/bin/spin"], { annotations }));
    expect(childrenOf(runtime.state("c1").pid)).toEqual([]);
  });

  test("a container of a pod that is not here has a sandbox of its own", async () => {
    const annotations = member("elsewhere");
    const { pid } = await start("c1", memberBundle(["/bin/spin"], { annotations }));
    expect(childrenOf(pid).length).toBe(2);
  });

  test("its streams are its own, and so are signals and waits (D18-03)", async () => {
    const first = await start("c1", memberBundle(["/bin/spin"]));
    const second = await start("c2", memberBundle(["/bin/spin"]));
    await first.monitor.match(/spinning/);
    await second.monitor.match(/spinning/);
    expect(pod.monitor.output).not.toContain("spinning");
    expect(runtime.run("kill", "c1", "TERM").code).toBe(0);
    expect(await first.monitor.ended()).toBe("exited 143");
    expect(runtime.state("c2").status).toBe("running");
    process.kill(second.pid, "SIGUSR1");
    expect(await second.monitor.ended()).toBe("exited 138");
    expect(runtime.state(POD).status).toBe("running");
  });

  test("each sees its own files, and no other container's (D18-10, D18-24, D18-26)", async () => {
    const directories = ["c1", "c2"].map((id) => {
      const directory = memberBundle(["/bin/spin"]);
      put(directory, "rootfs/who", id);
      put(directory, `rootfs/only-${id}`, "");
      return directory;
    });
    await start("c1", directories[0]!);
    await start("c2", directories[1]!);
    for (const [id, other] of [
      ["c1", "c2"],
      ["c2", "c1"],
    ] as const) {
      expect(read(id, "/who")).toBe(id);
      expect(exec(id, "/bin/cat", `/only-${other}`).code).toBe(1);
      expect(exec(id, "/bin/cat", `/../only-${other}`).code).toBe(1);
      expect(exec(id, "/bin/cat", `/__runsc_containers__/${other}/who`).code).toBe(1);
      expect(read(id, "/proc/self/mountinfo")).not.toContain(directories[0]);
    }
    expect(exec(POD, "/bin/cat", "/who").code).toBe(1);
  });

  test("binds are served for each, with flags of their own (D18-25)", async () => {
    const data = path.join(top, "data");
    put(data, "file", "of the host\n");
    const bind = (...options: string[]) => ({ destination: "/data", type: "bind", source: data, options });
    await start("c1", memberBundle(["/bin/spin"], { mounts: [bind("rbind", "ro")] }));
    await start("c2", memberBundle(["/bin/spin"], { mounts: [bind("rbind", "rw")] }));
    await start("c3", memberBundle(["/bin/spin"]));
    expect(read("c1", "/data/file")).toBe("of the host\n");
    expect(read("c2", "/data/file")).toBe("of the host\n");
    expect(exec("c3", "/bin/cat", "/data/file").code).toBe(1);
    const mountOf = (id: string) => /^.* \/data .*$/m.exec(read(id, "/proc/mounts"))![0];
    expect(mountOf("c1")).toMatch(/^9pfs-\/data \/data 9p ro,/);
    expect(mountOf("c2")).toMatch(/^9pfs-\/data \/data 9p rw,/);
  });

  test("a limit of processes is each container's own", async () => {
    await start("c1", memberBundle(["/bin/spin"], { resources: { pids: { limit: 2 } } }));
    await start("c2", memberBundle(["/bin/spin"]));
    expect(runtime.code("exec", "--detach", "c1", "/bin/spin")).toBe(0);
    expect(exec("c1", "/bin/exit-code", "7").stderr).toContain("2 processes are all that it may have");
    expect(exec("c2", "/bin/exit-code", "7").code).toBe(7);
    expect(runtime.code("update", "--pids-limit", "3", "c1")).toBe(0);
    expect(exec("c1", "/bin/exit-code", "7").code).toBe(7);
  });

  test.skipIf(noMemory !== undefined)(
    `a limit of memory is that of each of a container's guests${noMemory === undefined ? "" : ` (left out: ${noMemory})`}`,
    async () => {
      for (const [id, limit] of [
        ["c1", 32 * MiB],
        ["c2", 96 * MiB],
      ] as const) {
        await start(id, memberBundle(["/bin/spin"], { resources: { memory: { limit } } }));
      }
      const pages = (id: string) =>
        Number(/^memory (\d+) -$/m.exec(exec(id, "/bin/limits", "memory").stdout)![1]);
      expect(pages("c1")).toBeLessThanOrEqual((32 * MiB) / PAGE);
      expect(pages("c1")).toBeGreaterThan((16 * MiB) / PAGE);
      expect(pages("c2")).toBeGreaterThan((48 * MiB) / PAGE);
    },
  );

  test("one container cannot be paused: its guests are threads among others'", async () => {
    await start("c1", memberBundle(["/bin/spin"]));
    const { code, stderr } = runtime.run("pause", "c1");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("cannot pause one container of a pod: pause the pod's own"),
    });
    expect(runtime.state("c1").status).toBe("running");
    expect(runtime.run("resume", "c1").stderr).toContain("container not paused");
    expect(exec("c1", "/bin/exit-code", "3").code).toBe(3);
  });

  test("each has processes of its own, counted from 1", async () => {
    await start("c1", memberBundle(["/bin/spin"]));
    await start("c2", memberBundle(["/bin/spin"]));
    for (const id of ["c1", "c2"]) {
      expect(read(id, "/proc/1/cmdline")).toBe("/bin/spin\0");
      expect(read(id, "/proc/1/status")).toMatch(/^Pid:\t1$/m);
      expect(exec(id, "/bin/cat", "/proc/7/status").code).toBe(1);
      expect(read(id, "/proc/self/status")).toMatch(/^Name:\tcat$/m);
      expect(JSON.parse(runtime.run("ps", "-f", "json", id).stdout)).toEqual([runtime.state(id).pid]);
    }
    expect(read(POD, "/proc/1/cmdline")).toBe("/pause\0");
  });

  test("one that asks for another's processes by a path sees them", async () => {
    const shared = podNamespaces({ type: "pid", path: `/proc/${pod.pid}/ns/pid` });
    await start("c1", memberBundle(["/bin/spin"], { namespaces: shared }));
    expect(read("c1", "/proc/1/cmdline")).toBe("/pause\0");
    expect(read("c1", "/proc/2/cmdline")).toBe("/bin/spin\0");
    await start("c2", memberBundle(["/bin/spin"]));
    const ofTarget = podNamespaces({ type: "pid", path: `/proc/${runtime.state("c2").pid}/ns/pid` });
    await start("c3", memberBundle(["/bin/spin"], { namespaces: ofTarget }));
    expect(read("c2", "/proc/2/cmdline")).toBe("/bin/spin\0");
  });

  test("the system's names are the pod's, or a container's own (D18-03)", async () => {
    const own = podNamespaces({ type: "pid" }).map((each) => (each.type === "uts" ? { type: "uts" } : each));
    await start("c1", memberBundle(["/bin/spin"]));
    await start("c2", memberBundle(["/bin/spin"], { namespaces: own, hostname: "other" }));
    const name = (id: string) => read(id, "/proc/sys/kernel/hostname");
    expect([POD, "c1", "c2"].map(name)).toEqual(["podbox\n", "podbox\n", "other\n"]);
  });

  const badIds = ["..", ".", "a/b", "/x", "", "a b"].map((id) => [JSON.stringify(id), id] as const);
  test.each([...badIds, ["2,000 characters", "x".repeat(2000)] as const])(
    "an id may not be %s (D18-02)",
    (_, id) => {
      const { code, stderr } = runtime.run("create", "-b", memberBundle(["/bin/spin"]), id);
      expect(code).toBe(1);
      expect(stderr).toMatch(/invalid container id|which container/);
    },
  );

  test("an id of 1,024 characters is one, and none is there twice", async () => {
    const id = "x".repeat(1024);
    const directory = memberBundle(["/bin/spin"]);
    await start(id, directory);
    expect(exec(id, "/bin/exit-code", "3").code).toBe(3);
    expect(runtime.run("create", "-b", directory, id).stderr).toContain("already exists");
    expect(runtime.run("delete", "--force", id).code).toBe(0);
  });

  test("a call to add one that is wrong is refused, and leaves nothing (D18-02, D18-05, D18-06)", async () => {
    const native = loadNative()!;
    prepareOnce();
    const before = [sentryOf(pod.pid), goferOf(pod.pid)].map(descriptorsOf);
    const client = new SandboxClient(native, path.join(runtime.root, POD));
    const config = loadBundle({
      id: "c1",
      bundle: memberBundle(["/bin/spin"]),
      overlay: "none",
      warn: () => {},
    });
    const Config = encodeConfig(config);
    const refusal = (arg: unknown, files: readonly number[] = []): string => {
      try {
        client.call("CreateSubcontainer", arg, files);
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    };
    const null0 = openSync("/dev/null", "r+");
    const [session, anchor] = openPair(native);
    const five = [null0, null0, null0, session, null0];
    expect(refusal(null)).toBe("start missing arguments");
    expect(refusal({ CID: "", Config })).toBe("start argument missing container ID");
    for (const CID of ["..", "a/b", "/x", "x".repeat(1025)]) {
      expect(refusal({ CID, Config }, five)).toMatch(/^invalid container id /);
    }
    expect(refusal({ CID: "c1", Config: {} }, five)).toMatch(/^configuration: /);
    expect(refusal({ CID: "c1", Config: { ...Config, id: 1 } }, five)).toMatch(/^configuration: id: /);
    expect(refusal({ CID: "c1", Config, More: 1 }, five)).toMatch(/^argument/);
    expect(refusal({ CID: "c1", Config })).toBe("a container needs 5 descriptors, got 0");
    expect(refusal({ CID: "c1", Config }, Array(6).fill(null0))).toMatch(/^the session's socket: EPERM/);
    expect(refusal({ CID: "c1", Config }, five)).toBe("1 mounts of the host, 0 connections");
    expect(refusal({ CID: "c1", Config }, [...five, null0, null0])).toBe(
      "1 mounts of the host, 2 connections",
    );
    expect(refusal({ CID: "c1", Config }, [...five, null0])).toMatch(/EIO/);
    expect(refusal({ CID: POD, Config }, [...five, null0])).toBe(
      `container with given ID already exists: ${POD}`,
    );
    expect(refusal({ CID: "c1", Config: { ...Config, joins: { pid: "nobody" } } }, [...five, null0])).toBe(
      'container "nobody" does not exist',
    );
    for (const method of ["StartRoot", "StartSubcontainer", "Wait", "Processes", "Event", "Destroy"]) {
      expect(() => client.call(method, "c1")).toThrow('container "c1" does not exist');
    }
    for (const fd of [null0, session, anchor]) closeSync(fd);
    client.close();
    const now = () => [sentryOf(pod.pid), goferOf(pod.pid)].map(descriptorsOf);
    await expect.poll(now, { timeout: 30_000 }).toEqual(before);
    await start("c1", memberBundle(["/bin/spin"]));
  });

  test("a client whose connection says nothing holds up nobody, and is told so when it is gone", async () => {
    const native = loadNative()!;
    const { monitor } = await start("c1", memberBundle(["/bin/spin"]));
    await monitor.match(/spinning/);
    const before = descriptorsOf(sentryOf(pod.pid));
    const config = loadBundle({
      id: "silent",
      bundle: memberBundle(["/bin/spin"]),
      overlay: "none",
      warn: () => {},
    });
    const null0 = openSync("/dev/null", "r+");
    const [session, anchor] = openPair(native);
    const [connection, server] = openPair(native);
    const files = [null0, null0, null0, session, null0, connection];
    const fd = connectSocket(native, path.join(runtime.root, POD, "control"));
    const client = new UrpcClient(native, fd, 13);
    const arg = { CID: "silent", Config: encodeConfig(config) };
    expect(() =>
      client.call("containerManager.CreateSubcontainer", arg, { files, timeoutMs: 500 }),
    ).toThrow();
    for (const each of new Set(files)) closeSync(each);

    const manager = new SandboxClient(native, path.join(runtime.root, POD));
    expect(manager.call("ContainerRuntimeState", "silent")).toBe(1);
    expect(() => manager.call("Signal", { CID: "silent", Signo: 9 })).toThrow("no such process");
    const begin = performance.now();
    expect(runtime.state("c1").status).toBe("running");
    expect(runtime.run("kill", "c1", "TERM").code).toBe(0);
    expect(await monitor.ended()).toBe("exited 143");
    expect(runtime.run("delete", "c1").code).toBe(0);
    // Not as long as anybody waits for the silent one.
    expect(performance.now() - begin).toBeLessThan(20_000);

    // As its anchor's end would have it.
    closeSync(anchor);
    await expect
      .poll(() => runtimeStateOf(manager, "silent"), { timeout: 30_000 })
      .toBe('container "silent" does not exist');
    closeSync(server);
    manager.close();
    await expect
      .poll(() => descriptorsOf(sentryOf(pod.pid)), { timeout: 30_000 })
      .toBeLessThanOrEqual(before);
    expect(exec(POD, "/bin/exit-code", "3").code).toBe(3);
  });

  test("what cannot be created leaves nothing", async () => {
    prepareOnce();
    const before = [sentryOf(pod.pid), goferOf(pod.pid)].map(descriptorsOf);
    const missing = runtime.run("create", "-b", memberBundle(["/bin/nothing"]), "c1");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('exec: "/bin/nothing": stat /bin/nothing: no such file or directory');
    const source = path.join(top, "not-there");
    const mounts = [{ destination: "/data", type: "bind", source, options: ["rbind"] }];
    expect(runtime.run("create", "-b", memberBundle(["/bin/spin"], { mounts }), "c1").code).toBe(1);
    expect(readdirSync(runtime.root)).toEqual([POD]);
    const now = () => [sentryOf(pod.pid), goferOf(pod.pid)].map(descriptorsOf);
    await expect.poll(now, { timeout: 30_000 }).toEqual(before);
  });

  test("what is deleted leaves nothing", async () => {
    prepareOnce();
    const directory = memberBundle(["/bin/spin"]);
    const counts = () => [sentryOf(pod.pid), goferOf(pod.pid)].map(descriptorsOf);
    const threads = () => readdirSync(`/proc/${sentryOf(pod.pid)}/task`).length;
    const settled = { counts: counts(), threads: threads() };
    for (let round = 0; round < 3; round++) {
      await start("c1", directory);
      expect(exec("c1", "/bin/exit-code", "1").code).toBe(1);
      expect(runtime.run("delete", "--force", "c1").code).toBe(0);
    }
    await expect.poll(() => ({ counts: counts(), threads: threads() }), { timeout: 30_000 }).toEqual(settled);
  });

  test("SIGKILL of the process that stands for one ends that one", async () => {
    const { pid, monitor } = await start("c1", memberBundle(["/bin/spin"]));
    await start("c2", memberBundle(["/bin/spin"]));
    process.kill(pid, "SIGKILL");
    expect(await monitor.ended()).toBe("signalled 9");
    expect(runtime.state("c1").status).toBe("stopped");
    expect(runtime.run("delete", "c1").code).toBe(0);
    await start("c1", memberBundle(["/bin/spin"]));
    expect(runtime.state("c2").status).toBe("running");
  });

  test("the end of the pod's own container is the end of all", async () => {
    const first = await start("c1", memberBundle(["/bin/spin"]));
    const second = await start("c2", memberBundle(["/bin/block", "sleep"]));
    expect(runtime.run("kill", POD, "KILL").code).toBe(0);
    for (const { monitor } of [first, second])
      expect(await monitor.ended()).toMatch(/^(exited 137|signalled 9)$/);
    for (const id of ["c1", "c2"]) expect(runtime.state(id).status).toBe("stopped");
    const late = runtime.run("create", "-b", memberBundle(["/bin/spin"], { namespaces: [] }), "c3");
    expect(late).toMatchObject({ code: 1 });
    expect(late.stderr).toContain("not running");
  });

  test("its anchor's root is its own, and it has no descriptor of others", async () => {
    const { pid } = await start("c1", memberBundle(["/bin/spin"]));
    expect(readdirSync(`/proc/${pid}/root`).toSorted()).toEqual(["bin", "pause", "proc"]);
    expect(readFileSync(`/proc/${pid}/environ`, "utf8")).toBe("");
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^CapEff:\t0+$/m);
    expect(descriptorsOf(pid)).toBeLessThanOrEqual(6);
  });
});
