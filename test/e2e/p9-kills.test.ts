// Clients, gofers and sandboxes are killed at random points of their work: what was theirs is gone, and whoever is left goes on or
// ends, as documented. WVISOR_SCALE=1: 200 kills of each kind of work.

import { type ChildProcess, spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { P9Client } from "../../src/p9/index.ts";
import { Random } from "../fuzz/random.ts";
import { RunningWvisor } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";
import { goferBelow, ListeningGofer } from "../support/listening-gofer.ts";
import { childrenOf, commandLine, isRunning } from "../support/processes.ts";
import { SCALE, scaled } from "../support/scale.ts";

const KILLS = scaled(200, 9);
const SEED = 20_251_123;
/** After the first sign of life; the work goes on for ever. */
const DELAY_MS = 200;
/** From the start of a sandbox, so that some die in it. */
const START_MS = 800;
/** On a busy machine; otherwise it is a few milliseconds. */
const GONE_MS = 20_000;
const TIMEOUT_MS = 180_000 + 1_800_000 * SCALE;
const BUSY_CLIENT = fileURLToPath(new URL("../support/p9-busy-client.mjs", import.meta.url));
const NAMESPACES = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"];

let top: string;
let served: string;
let temporary: string;
let env: NodeJS.ProcessEnv;
/** What is to end with a test that fails. */
const running: ChildProcess[] = [];

beforeAll(async () => {
  await buildGuests(["hammer"]);
});

beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), "wvisor-kills-"));
  served = path.join(top, "served");
  temporary = path.join(top, "tmp");
  mkdirSync(served);
  mkdirSync(temporary);
  writeFileSync(path.join(served, "locked"), "");
  env = { ...process.env, TMPDIR: temporary, XDG_RUNTIME_DIR: temporary, HOME: temporary };
});

afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
  rmSync(top, { recursive: true });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Processes, and the namespaces that they and nobody else are in. */
class Party {
  private readonly pids = new Set<number>();
  private readonly namespaces = new Set<string>();

  /** Adds a process and all below it. */
  add(pid: number): void {
    this.pids.add(pid);
    for (const name of namespacesOf(pid)) this.namespaces.add(name);
    for (const child of childrenOf(pid)) this.add(child);
  }

  /** Waits until all are gone but `survivors`, and what was theirs. */
  async expectGone(survivors: readonly number[] = []): Promise<void> {
    const traces = () => this.traces(new Set(survivors));
    await expect.poll(traces, { timeout: GONE_MS, interval: 20 }).toEqual([]);
  }

  private traces(survivors: ReadonlySet<number>): string[] {
    const left = [...this.pids].filter((pid) => !survivors.has(pid) && isRunning(pid));
    const kept = new Set([process.pid, ...survivors].flatMap((pid) => namespacesOf(pid)));
    const held = allProcesses().flatMap((pid) => {
      if (this.pids.has(pid)) return [];
      return namespacesOf(pid)
        .filter((name) => this.namespaces.has(name) && !kept.has(name))
        .map((name) => `${pid} is in ${name}`);
    });
    return [
      ...left.map((pid) => `process ${pid}: ${commandLine(pid)}`),
      ...held,
      ...locks(),
      ...linesWith("/proc/self/mountinfo", top),
      ...readdirSync(temporary).map((name) => `temporary file ${name}`),
    ];
  }
}

/** Those of anybody on the file that clients lock. */
function locks(): string[] {
  const { dev, ino } = statSync(path.join(served, "locked"));
  const device = [dev >> 8, dev & 0xff].map((part) => part.toString(16).padStart(2, "0")).join(":");
  return linesWith("/proc/locks", ` ${device}:${ino} `);
}

function allProcesses(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function namespacesOf(pid: number): string[] {
  return NAMESPACES.flatMap((kind) => {
    try {
      return [readlinkSync(`/proc/${pid}/ns/${kind}`)];
    } catch {
      // It has gone, or is somebody else's.
      return [];
    }
  });
}

function linesWith(file: string, text: string): string[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.includes(text));
}

interface Busy {
  readonly process: ChildProcess;
  /** What it has said at its end. */
  readonly end: Promise<string>;
}

/** Starts a client, and waits until it works. */
async function startClient(address: string, name: string): Promise<Busy> {
  const child = spawn(process.execPath, [BUSY_CLIENT, address, name], {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  running.push(child);
  let text = "";
  const end = new Promise<string>((resolve) => child.on("close", () => resolve(text)));
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (part) => {
      text += part;
      if (text.includes("busy\n")) resolve();
    });
    void end.then(() => resolve());
  });
  expect(text).toBe("busy\n");
  return { process: child, end };
}

test("clients, gofers and their commands are killed: nothing is left, and the next one starts", {
  timeout: TIMEOUT_MS,
}, async () => {
  const random = new Random(SEED);
  const socket = path.join(top, "socket");
  const flags = ["--listen", `unix:${socket}`, "--root", served];
  const start = async () => {
    const started = await ListeningGofer.start(flags, { env });
    running.push(started.command);
    return started;
  };
  let gofer = await start();
  const killed = { client: 0, gofer: 0, command: 0 };
  for (let kill = 0; kill < KILLS; kill++) {
    const witness = await P9Client.connect(gofer.address);
    const root = await witness.attach();
    const before = gofer.descriptors();
    const party = new Party();
    const clients = [await startClient(gofer.address, "a"), await startClient(gofer.address, "b")];
    party.add(gofer.command.pid!);
    for (const client of clients) party.add(client.process.pid!);
    await pause(random.below(DELAY_MS));
    const victim = (["client", "gofer", "command"] as const)[kill % 3]!;
    killed[victim]++;
    if (victim === "client") {
      for (const { process: client } of clients) client.kill("SIGKILL");
      for (const { end } of clients) await end;
      // The gofer lets go of all that was theirs, and serves on.
      await expect.poll(() => gofer.descriptors(), { timeout: GONE_MS }).toBe(before);
      const file = await (await root.walk("locked")).open(2);
      const lock = { type: 1, start: 0n, length: 0n, processId: 1, clientId: "witness" };
      expect(await file.lock(lock)).toBe(true);
      expect(locks(), "one that is there is seen").toHaveLength(1);
      witness.close();
      const tree = [gofer.command.pid!, ...childrenOf(gofer.command.pid!), gofer.pid];
      await party.expectGone(tree);
      for (const name of readdirSync(served)) expect(name).toMatch(/^(locked|[ab]\.(\d|moved))$/);
      continue;
    }
    process.kill(victim === "gofer" ? gofer.pid : gofer.command.pid!, "SIGKILL");
    for (const { end } of clients) expect(await end).toBe("busy\nERR_WVISOR_P9\n");
    const { code, signal, stderr } = await gofer.end;
    if (victim === "gofer") {
      expect([code, signal, stderr]).toEqual([1, null, "wvisor gofer: the gofer was ended by signal 9\n"]);
    } else {
      expect([code, signal, stderr]).toEqual([null, "SIGKILL", ""]);
    }
    await expect(root.getattr()).rejects.toMatchObject({ code: "ERR_WVISOR_P9" });
    await party.expectGone();
    // On the same socket, whatever is left of it.
    gofer = await start();
  }
  console.log(`killed: ${JSON.stringify(killed)}`);
});

test("sandboxes and their gofers are killed from their start on: nothing is left", {
  timeout: TIMEOUT_MS,
}, async () => {
  const random = new Random(SEED);
  const ends = new Map<string, number>();
  for (let kill = 0; kill < KILLS; kill++) {
    const args = ["do", "-v", `${served}:/data`, "--", guestFile("hammer"), `${kill}`, "0", "/data"];
    const sandbox = new RunningWvisor(args, { env });
    running.push(sandbox.process);
    await pause(random.below(START_MS));
    const party = new Party();
    party.add(sandbox.pid);
    const isCommand = kill % 2 === 0;
    if (isCommand) {
      sandbox.process.kill("SIGKILL");
    } else {
      const gofer = await goferBelow(sandbox.pid);
      party.add(sandbox.pid);
      process.kill(gofer, "SIGKILL");
    }
    const { code, signal, stderr } = await sandbox.exit;
    if (isCommand) {
      expect([code, signal]).toEqual([null, "SIGKILL"]);
    } else {
      // The guest finds its files gone (EIO) and fails, or there never was one.
      expect([typeof code, signal]).toEqual(["number", null]);
      expect(code).not.toBe(0);
      expect(stderr).toContain("gofer");
    }
    const end = isCommand ? "command" : `gofer: exit code ${code}`;
    ends.set(end, (ends.get(end) ?? 0) + 1);
    await party.expectGone();
  }
  console.log(`killed: ${JSON.stringify([...ends])}`);
});
