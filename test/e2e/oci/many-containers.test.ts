// A sandbox with very many containers, most of which wait: what each costs, and that all of it comes back. They are added over the
// control sockets, as `create` does it, without an anchor for each: that would measure the start of Node.

import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { goferMounts } from "../../../src/host/boot/filesystems.ts";
import { encodeConfig } from "../../../src/host/config/config-document.ts";
import { SandboxClient } from "../../../src/host/container/sandbox-client.ts";
import { connectSocket } from "../../../src/host/container/socket.ts";
import { GoferControl } from "../../../src/host/sandbox/gofer-control.ts";
import { openPair } from "../../../src/host/sandbox/gofer-process.ts";
import { loadBundle } from "../../../src/host/spec/bundle.ts";
import { loadNative } from "../../../src/native/index.ts";
import { scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import { buildMonitor, Monitored, makeBundle, needsRoot, Runtime } from "../../support/oci/runtime.ts";
import { childrenOf, commandLine } from "../../support/processes.ts";
import { scaled } from "../../support/scale.ts";

/** What a gofer keeps for each tree, as much again for all, and a little for itself (src/gofer/capacity.ts). */
const DESCRIPTORS_EACH = 19;
const [, LIMIT] = /^Max open files +\S+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))!;
/** CAP_SYS_RESOURCE: with it the limit is raised. */
const mayRaise =
  ((BigInt(`0x${/^CapEff:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]}`) >> 24n) & 1n) ===
  1n;
const WANTED = scaled(1000, 100);
const REGISTERED = mayRaise ? WANTED : Math.min(WANTED, Math.floor(Number(LIMIT) / DESCRIPTORS_EACH));
const RUNNING = scaled(100, 16);
const POD = "pod";
const KIB = 1024;
/** By which two rounds may differ: heaps are not swept at once. */
const SPARE_KIB = 48 * KIB;

const top = scratchDirectory();
const runtime = new Runtime(path.join(top, "root"));
const native = loadNative()!;
const fewer =
  REGISTERED < WANTED ? `, and not ${WANTED}, since a process may have ${LIMIT} descriptors here` : "";
const left = needsRoot === undefined ? "" : ` (left out: ${needsRoot})`;

beforeAll(async () => {
  buildMonitor();
  await buildGuests(["block"]);
});

afterAll(() => {
  runtime.run("delete", "--force", POD);
});

/** KiB that a process has to itself, with its share of what it has with others. */
function memoryOf(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))![1]);
}

const descriptorsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
const threadsOf = (pid: number) => readdirSync(`/proc/${pid}/task`).length;

test.skipIf(needsRoot !== undefined)(
  `${REGISTERED} containers in one sandbox${fewer}; ${RUNNING} of them run${left}`,
  { timeout: 300_000 },
  async () => {
    const files = { "bin/block": guestFile("block"), pause: "/bin/true" };
    const pidFile = path.join(top, "pid");
    const podBundle = makeBundle(path.join(top, "pod"), {
      args: ["/pause"],
      files,
      change: (config) => {
        config.annotations = { "io.kubernetes.cri.container-type": "sandbox" };
      },
    });
    const monitor = new Monitored(runtime, pidFile, [
      "run",
      "-d",
      "-b",
      podBundle,
      "--pid-file",
      pidFile,
      POD,
    ]);
    const { code, pid } = await monitor.started();
    expect({ code, errors: monitor.errors }).toEqual({ code: 0, errors: "" });
    const sentry = childrenOf(pid).find((each) => commandLine(each).includes("cli.js"))!;
    const bundle = makeBundle(path.join(top, "bundle"), { args: ["/bin/block", "sleep"], files });
    const directory = path.join(runtime.root, POD);
    const client = new SandboxClient(native, directory);
    const gofer = new GoferControl(native, connectSocket(native, path.join(directory, "gofer")), -1);
    const config = loadBundle({ id: "member", bundle, overlay: "none", warn: () => {} });
    const Config = encodeConfig(config);
    const phase = path.join(top, "phase");
    writeFileSync(phase, "c");
    const sessions: number[] = [];

    const add = (id: string): void => {
      const [ours, theirs] = openPair(native);
      const streams = [openSync("/dev/null", "r"), openSync("/dev/null", "w"), openSync("/dev/null", "w")];
      const io = goferMounts(config).map(({ source, readonly, donate }, index) =>
        gofer.addAttachPoint(source, { name: `${id}.${index}`, readonly, donate }),
      );
      const own = [...streams, theirs, openSync(phase, "r+"), ...io];
      client.call("CreateSubcontainer", { CID: id, Config }, own);
      for (const fd of own) closeSync(fd);
      sessions.push(ours);
    };

    // The first of each kind also brings what stays.
    add("first");
    client.call("StartSubcontainer", "first");
    client.call("Destroy", "first");
    for (const fd of sessions.splice(0)) native.close(fd);
    const settled = { descriptors: descriptorsOf(sentry), threads: threadsOf(sentry) };
    const ids = Array.from({ length: REGISTERED }, (_, index) => `member-${index}`);

    const round = async (): Promise<number> => {
      const before = memoryOf(sentry);
      let begin = performance.now();
      for (const id of ids) add(id);
      const msPerCreate = (performance.now() - begin) / REGISTERED;
      const registered = memoryOf(sentry);

      begin = performance.now();
      for (const id of ids.slice(0, RUNNING)) client.call("StartSubcontainer", id);
      for (const id of ids.slice(0, RUNNING)) {
        expect((client.call("Processes", id) as { PID: number }[]).map(({ PID }) => PID)).toEqual([1]);
      }
      const running = settled.threads + RUNNING;
      await expect.poll(() => threadsOf(sentry), { timeout: 60_000 }).toBeGreaterThanOrEqual(running);
      const msPerStart = (performance.now() - begin) / RUNNING;
      const all = memoryOf(sentry);
      for (const id of [ids[0]!, ids.at(-1)!]) expect(client.call("ContainerRuntimeState", id)).toBe(2);

      for (const id of ids) client.call("Destroy", id);
      for (const fd of sessions.splice(0)) native.close(fd);
      const now = () => ({ descriptors: descriptorsOf(sentry), threads: threadsOf(sentry) });
      await expect.poll(now, { timeout: 60_000 }).toEqual(settled);
      const kept = memoryOf(sentry);
      const figures = {
        msPerCreate,
        msPerStart,
        kibPerRegistered: (registered - before) / REGISTERED,
        kibPerRunning: (all - registered) / RUNNING,
        kibKept: kept - before,
      };
      const rounded = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(1)}`);
      console.log(`${REGISTERED} containers, ${RUNNING} running: ${rounded.join(", ")}`);
      return kept;
    };
    // What the threads' heaps keep for the next threads comes with the first round.
    const first = await round();
    expect((await round()) - first).toBeLessThan(SPARE_KIB);
    client.close();
    gofer.close();
  },
);
