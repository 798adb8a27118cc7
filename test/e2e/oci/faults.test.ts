// SIGKILL for each process of a container, at random moments of each part of its life: what `state` says stays true, and
// `delete --force` leaves nothing.
//
// WVISOR_SEED chooses other moments; a failure names the seed of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../fuzz/random.ts";
import { ROOT, scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import { makeBundle, needsRoot, Runtime } from "../../support/oci/runtime.ts";
import { commandLine, isRunning } from "../../support/processes.ts";
import { scaled } from "../../support/scale.ts";

const title = needsRoot === undefined ? "faults" : `left out: ${needsRoot}`;
const SEED = Number(process.env.WVISOR_SEED ?? 1);
const POINTS = scaled(100, 12);
const CONTAINERS = scaled(50, 8);
const CLIENTS = 8;
const SETTLE = { timeout: 60_000, interval: 20 };
const top = scratchDirectory();
const runtime = new Runtime(path.join(top, "root"));

const PHASES = ["create", "start", "running", "exec", "kill", "delete"] as const;
type Phase = (typeof PHASES)[number];
const VICTIMS = ["command", "anchor", "sentry", "gofer"] as const;
type Victim = (typeof VICTIMS)[number];

function commandOf(phase: Phase, id: string, bundle: string): string[] {
  if (phase === "create") return ["create", "--bundle", bundle, id];
  if (phase === "exec") return ["exec", id, "/bin/exit-code", "0"];
  if (phase === "kill") return ["kill", id, "TERM"];
  return phase === "delete" ? ["delete", "--force", id] : [phase, id];
}

/** What has to be done before, for a command of that phase to mean something. */
const BEFORE: Readonly<Record<Phase, readonly Phase[]>> = {
  create: [],
  start: ["create"],
  running: ["create", "start"],
  exec: ["create", "start"],
  kill: ["create", "start"],
  delete: ["create", "start"],
};

function launch(args: readonly string[]): ChildProcess {
  return spawn(runtime.command[0]!, runtime.arguments(args), { stdio: "ignore" });
}

function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.on("exit", (code) => resolve(code)));
}

const BUILD = path.join(ROOT, "build");

/** The program and the arguments of a process; nothing of one that is gone. */
function programOf(pid: number): string {
  try {
    return `${readlinkSync(`/proc/${pid}/exe`)} ${commandLine(pid)}`;
  } catch {
    return "";
  }
}

/** Processes of this build: its programs, and Node with its bundles. */
function processes(): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => isRunning(pid) && programOf(pid).includes(BUILD));
}

/** Those that were there before. */
const others = new Set(processes());

const ours = () => processes().filter((pid) => !others.has(pid));

const LOOKS: Readonly<Record<Exclude<Victim, "command">, string>> = {
  anchor: "/wv-anchor ",
  sentry: "cli.js boot",
  gofer: "gofer.js",
};

/** One of the container's processes of that kind, if there is any at the moment. */
function find(victim: Exclude<Victim, "command">, random: Random): number | undefined {
  const found = ours().filter((pid) => programOf(pid).includes(LOOKS[victim]));
  return found.length === 0 ? undefined : random.pick(found);
}

const lines = (file: string) => readFileSync(file, "utf8").split("\n");

/** Everything that a container could leave on the host. */
function leftOvers(): object {
  return {
    processes: ours().map((pid) => `${pid} ${programOf(pid)}`),
    directories: readdirSync(runtime.root),
    mounts: lines("/proc/self/mountinfo").filter((line) => line.includes(top)),
    sockets: lines("/proc/net/unix").filter((line) => line.includes(top)),
    cgroups: lines("/proc/self/mountinfo")
      .filter((line) => / - cgroup2? /.test(line))
      .flatMap((line) => cgroupsBelow(line.split(" ")[4]!)),
  };
}

/** Those that are named like our containers. */
function cgroupsBelow(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name.includes(PREFIX))
    .map(({ name }) => name);
}

const PREFIX = `wv-faults-${process.pid}`;
const NOTHING = { processes: [], directories: [], mounts: [], sockets: [], cgroups: [] };

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Kills the victim `delay` ms from now, or as soon as there is one before `child` ends. */
async function strike(
  victim: Victim,
  random: Random,
  child: ChildProcess | undefined,
  delay: number,
): Promise<void> {
  sleep(delay);
  for (;;) {
    const pid = victim === "command" ? child?.pid : find(victim, random);
    try {
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("ESRCH");
    }
    await new Promise((resolve) => setImmediate(resolve));
    if (pid !== undefined || child === undefined || child.exitCode !== null || child.signalCode !== null)
      return;
  }
}

interface Namespace {
  readonly type: string;
  readonly path?: string;
}

/** With a cgroup by a name of its own, so that one that stays is found. */
function change(id: string, more: object = {}, namespaces?: readonly Namespace[]) {
  return (config: Record<string, unknown>): void => {
    const { linux } = config as { linux: { namespaces: readonly Namespace[] } };
    config.linux = { namespaces: namespaces ?? linux.namespaces, cgroupsPath: `/${id}` };
    config.annotations = more;
  };
}

/** What `state` says of a container, and whether that is so. */
function seen(id: string): { status: string; truthful: boolean } {
  const { code, stdout, stderr } = runtime.run("state", id);
  if (code !== 0) return { status: stderr.includes("does not exist") ? "gone" : stderr, truthful: true };
  const { status, pid } = JSON.parse(stdout) as { status: string; pid: number };
  return { status, truthful: status === "stopped" ? pid === 0 : isRunning(pid) };
}

describe.skipIf(needsRoot !== undefined)(title, () => {
  /** How long each command takes here, in ms. */
  const usual = new Map<Phase, number>();
  let files: Record<string, string>;

  const bundleOf = (id: string) =>
    makeBundle(path.join(top, id), { args: ["/bin/spin"], files, change: change(id) });

  const perform = async (phase: Phase, id: string, bundle: string): Promise<void> => {
    const begin = performance.now();
    const args = commandOf(phase, id, bundle);
    expect({ args, code: await ended(launch(args)) }).toEqual({ args, code: 0 });
    usual.set(phase, performance.now() - begin);
  };

  beforeAll(async () => {
    await buildGuests(["spin", "exit-code"]);
    files = { "bin/spin": guestFile("spin"), "bin/exit-code": guestFile("exit-code") };
    const id = `${PREFIX}-first`;
    const bundle = bundleOf(id);
    for (const phase of PHASES.filter((each) => each !== "running")) await perform(phase, id, bundle);
    usual.set("running", 100);
  });

  afterAll(() => {
    for (const id of readdirSync(runtime.root)) runtime.code("delete", "--force", id);
  });

  test.each(Array.from({ length: POINTS }, (_, point) => SEED * 1000 + point))("seed %i", async (seed) => {
    const random = new Random(seed);
    const phase = PHASES[seed % PHASES.length]!;
    const victim = random.pick(phase === "running" ? VICTIMS.slice(1) : VICTIMS);
    const id = `${PREFIX}-${seed}`;
    const bundle = bundleOf(id);
    for (const before of BEFORE[phase]) await perform(before, id, bundle);

    const delay = (usual.get(phase)! * 1.2 * random.below(1000)) / 1000;
    const what = `SIGKILL for ${victim} ${delay.toFixed(1)} ms into ${phase}`;
    const child = phase === "running" ? undefined : launch(commandOf(phase, id, bundle));
    await strike(victim, random, child, delay);
    if (child !== undefined) await ended(child);

    const expected = victim === "command" ? /^(created|running|stopped|gone)$/ : /^(stopped|gone)$/;
    // It may be ending at this moment.
    await expect
      .poll(() => ({ what, ...seen(id) }), SETTLE)
      .toEqual({ what, status: expect.stringMatching(expected), truthful: true });
    expect({ what, code: runtime.run("delete", "--force", id).code }).toEqual({ what, code: 0 });
    expect({ what, ...seen(id) }).toEqual({ what, status: "gone", truthful: true });
    await expect.poll(() => ({ what, ...leftOvers() }), SETTLE).toEqual({ what, ...NOTHING });
  });

  describe("a pod", () => {
    const KIND = "io.kubernetes.cri.container-type";
    const SANDBOX = "io.kubernetes.cri.sandbox-id";

    /** A container of the pod, in the namespaces of the process `pid`. */
    const member = (id: string, pod: string, pid: number): string => {
      const joined = ["network", "ipc", "uts"].map((type) => ({
        type,
        path: `/proc/${pid}/ns/${type === "network" ? "net" : type}`,
      }));
      const annotations = { [KIND]: "container", [SANDBOX]: pod };
      const namespaces = [{ type: "mount" }, { type: "pid" }, ...joined];
      const options = { args: ["/bin/spin"], files, change: change(id, annotations, namespaces) };
      return makeBundle(path.join(top, id), options);
    };

    /** What is killed, and which of the pod, its members a and b, and c, which is just being made, are there afterwards. */
    const cases = [
      { victim: "a member's anchor", left: ["pod", "b"] },
      { victim: "the pod's anchor", left: [] },
      { victim: "the sentry", left: [] },
      { victim: "the gofer", left: [] },
      { victim: "a command", left: ["pod", "a", "b"] },
    ] as const;
    const points = Array.from({ length: scaled(25, cases.length) }, (_, point) => SEED * 1000 + point);

    test.each(points)("seed %i", async (seed) => {
      const random = new Random(seed);
      const { victim, left } = cases[seed % cases.length]!;
      const pod = `${PREFIX}-pod-${seed}`;
      const name = (part: string) => (part === "pod" ? pod : `${pod}-${part}`);
      const pidOf = (part: string) =>
        (JSON.parse(runtime.run("state", name(part)).stdout) as { pid: number }).pid;
      const options = { args: ["/bin/spin"], files, change: change(pod, { [KIND]: "sandbox" }) };
      await perform("create", pod, makeBundle(path.join(top, pod), options));
      await perform("start", pod, "");
      for (const part of ["a", "b"]) {
        await perform("create", name(part), member(name(part), pod, pidOf("pod")));
        await perform("start", name(part), "");
      }
      const anchors = { "a member's anchor": pidOf("a"), "the pod's anchor": pidOf("pod") };
      const delay = (usual.get("create")! * random.below(1000)) / 1000;
      const what = `SIGKILL for ${victim} ${delay.toFixed(1)} ms into create of another member`;
      const child = launch(commandOf("create", name("c"), member(name("c"), pod, pidOf("pod"))));
      if (victim in anchors) {
        sleep(delay);
        process.kill(anchors[victim as keyof typeof anchors], "SIGKILL");
      } else {
        await strike(victim.slice(victim.indexOf(" ") + 1) as Victim, random, child, delay);
      }
      await ended(child);

      const parts = ["pod", "a", "b"] as const;
      const running = () => parts.filter((part) => seen(name(part)).status === "running");
      await expect.poll(() => ({ what, running: running() }), SETTLE).toEqual({ what, running: left });
      await expect.poll(() => ({ what, ...seen(name("c")) }), SETTLE).toMatchObject({ what, truthful: true });
      // Who is left is not bothered.
      for (const part of left) expect(runtime.run("exec", name(part), "/bin/exit-code", "7").code).toBe(7);
      for (const part of ["c", ...parts.toReversed()]) {
        const { code, stderr } = runtime.run("delete", "--force", name(part));
        expect({ what, part, code, stderr }).toEqual({ what, part, code: 0, stderr: "" });
      }
      await expect.poll(() => ({ what, ...leftOvers() }), SETTLE).toEqual({ what, ...NOTHING });
    });
  });

  test(`${CONTAINERS} containers of ${CLIENTS} clients at once`, async () => {
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < CONTAINERS) {
        const id = `${PREFIX}-many-${next++}`;
        const bundle = bundleOf(id);
        for (const phase of ["create", "start"] as const) await perform(phase, id, bundle);
        expect(await ended(launch(["exec", id, "/bin/exit-code", "7"]))).toBe(7);
        expect(await ended(launch(["state", id]))).toBe(0);
        for (const phase of ["kill", "delete"] as const) await perform(phase, id, bundle);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    await expect.poll(leftOvers, SETTLE).toEqual(NOTHING);
  });
});
