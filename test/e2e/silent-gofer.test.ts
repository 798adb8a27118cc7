// A gofer that stops answering, between two messages or inside one, holds up only who waits for it: a guest on a tmpfs works
// on, and whoever waits for the gofer can be killed at once.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type GoferProcess, startGofer } from "../../src/host/sandbox/gofer-process.ts";
import { loadNative } from "../../src/native/index.ts";
import { socketPair } from "../support/p9-client.ts";
import { scaled } from "../support/scale.ts";
import { loadPrograms, Threads, within } from "../support/threads.ts";

/** What a silent gofer may add to anything. */
const DELAY_MS = 50;
/** How seldom a window's client looks whether it is to stop waiting. */
const SLICE_MS = 20;
/** Terminating a worker that is in its own code takes this without any gofer, on a loaded machine. */
const TERMINATE_MS = 100;
const LATEST_MS = 20_000;
const ROUNDS = scaled(100, 5);
const KILL_CODE = 137;

const source = mkdtempSync(path.join(tmpdir(), "wvisor-silent-"));
let gofer: GoferProcess;
let threads: Threads;
let proxy: ChildProcess | undefined;

beforeAll(async () => {
  await loadPrograms("hammer", "block");
  writeFileSync(path.join(source, "file"), "text\n");
});

afterAll(() => rmSync(source, { recursive: true }));

afterEach(() => {
  process.kill(gofer.pid, "SIGKILL");
  proxy?.kill("SIGKILL");
  proxy = undefined;
  threads.close();
});

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A kernel with the gofer's tree at /work, which answers until it is stopped. */
function start(windows: boolean): void {
  const native = loadNative()!;
  const mount = { source, readonly: false, donate: false };
  gofer = startGofer(native, [mount], { confinement: "native", windows });
  threads = new Threads({
    sockets: gofer.sockets,
    windows: gofer.windows,
    work: (machine) => machine.gofer(0, { readonly: false, shared: true, uid: process.getuid!() }),
  });
}

/** The same behind a proxy, which can stop in the middle of a message. */
async function startBehindProxy(): Promise<void> {
  const native = loadNative()!;
  gofer = startGofer(native, [{ source, readonly: false, donate: false }], { confinement: "native" });
  const [ours, theirs] = socketPair(native);
  const program = fileURLToPath(new URL("../support/half-frame-proxy.mjs", import.meta.url));
  proxy = spawn(process.execPath, [program], {
    stdio: ["ignore", "ignore", "inherit", theirs, gofer.sockets[0]!, "ipc"],
  });
  await once(proxy, "message");
  closeSync(theirs);
  closeSync(gofer.sockets[0]!);
  threads = new Threads({
    sockets: [ours],
    work: (machine) => machine.gofer(0, { readonly: false, shared: true, uid: process.getuid!() }),
  });
}

function operations(stdout: string): number {
  return Number(/operations (\d+)/.exec(stdout)?.[1]);
}

describe.each([
  ["sockets", false],
  ["windows", true],
])("through %s,", (_, windows) => {
  test("a guest on a tmpfs works on while others wait for a silent gofer, and they can be killed at once", async () => {
    start(windows);
    const free = await within(LATEST_MS, "hammering alone", threads.run("hammer", "1", "0.5", "/tmp"));
    expect(free).toMatchObject({ code: 0, stderr: "" });
    const waiting = threads.startQuiet("block", ["open", "/work/file"]);
    await waiting.started;
    await delay(20);
    process.kill(gofer.pid, "SIGSTOP");
    await delay(20);
    // Another one, which finds the connection taken.
    const behind = threads.startQuiet("block", ["open", "/work/file"]);
    await behind.started;
    const held = await within(LATEST_MS, "hammering beside them", threads.run("hammer", "2", "0.5", "/tmp"));
    expect(held).toMatchObject({ code: 0, stderr: "" });
    // What is left of the pace is what a loaded machine leaves; a guest that waits for the gofer would do nothing at all.
    expect(operations(held.stdout)).toBeGreaterThan(operations(free.stdout) / 10);
    for (const guest of [behind, waiting]) {
      const before = performance.now();
      expect(await within(LATEST_MS, "killing", guest.kill(KILL_CODE))).toMatchObject({ code: KILL_CODE });
      expect(performance.now() - before).toBeLessThan(DELAY_MS + SLICE_MS + TERMINATE_MS);
    }
  });

  test("guests that wait for a silent gofer are killed at once, one after the other, and lose nothing", async () => {
    start(windows);
    const warm = threads.startQuiet("block", ["open", "/work/file"]);
    await warm.started;
    await delay(20);
    await within(LATEST_MS, "killing the first", warm.kill(KILL_CODE));
    process.kill(gofer.pid, "SIGSTOP");
    const slow: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const guest = threads.startQuiet("block", ["open", "/work/file"]);
      await guest.started;
      await delay(Math.random() * 10);
      const before = performance.now();
      const exit = await within(LATEST_MS, "killing", guest.kill(KILL_CODE));
      slow.push(performance.now() - before);
      expect(exit).toMatchObject({ code: KILL_CODE, message: undefined });
    }
    slow.sort((a, b) => a - b);
    console.log(
      `${ROUNDS} kills: median ${slow[ROUNDS >> 1]!.toFixed(1)} ms, max ${slow.at(-1)!.toFixed(1)} ms`,
    );
    expect(slow[ROUNDS >> 1]).toBeLessThan(DELAY_MS + (windows ? SLICE_MS : 0));
    expect(slow.at(-1)).toBeLessThan(DELAY_MS + SLICE_MS + TERMINATE_MS);
    // It speaks again: the connection has lost no step.
    process.kill(gofer.pid, "SIGCONT");
    const after = await within(
      LATEST_MS,
      "hammering behind the gofer",
      threads.run("hammer", "3", "0.2", "/work"),
    );
    expect(after).toMatchObject({ code: 0, stderr: "" });
  });

  test("a silent gofer's guests leave nothing behind in the kernel", async () => {
    start(windows);
    const round = async (): Promise<void> => {
      const guests = [1, 2, 3].map(() => threads.startQuiet("block", ["open", "/work/file"]));
      await Promise.all(guests.map((guest) => guest.started));
      await delay(10);
      process.kill(gofer.pid, "SIGSTOP");
      await delay(10);
      await within(LATEST_MS, "killing all", Promise.all(guests.map((guest) => guest.kill(KILL_CODE))));
      process.kill(gofer.pid, "SIGCONT");
      // Takes the answers that come late, and gives back what they brought.
      const settled = await within(LATEST_MS, "settling", threads.run("hammer", "clean", "/work"));
      expect(settled).toMatchObject({ code: 0, stderr: "" });
      writeFileSync(path.join(source, "file"), "text\n");
    };
    await round();
    const before = threads.counts();
    for (let i = 0; i < scaled(20, 3); i++) await round();
    expect(threads.counts().objects).toBe(before.objects);
  });
});

test("a gofer that stops inside a message delays a kill no longer than one that stops before it", async () => {
  await startBehindProxy();
  const guest = threads.startQuiet("block", ["open", "/work/file"]);
  await guest.started;
  await delay(50);
  proxy!.kill("SIGUSR1");
  await delay(50);
  const before = performance.now();
  const exit = await within(LATEST_MS, "killing", guest.kill(KILL_CODE));
  const took = performance.now() - before;
  console.log(`killed inside a message after ${took.toFixed(1)} ms`);
  expect(exit).toMatchObject({ code: KILL_CODE, message: undefined });
  expect(took).toBeLessThan(DELAY_MS + TERMINATE_MS);
  // Both sides have lost step: nobody uses the connection again, and nobody waits for it.
  const later = await within(LATEST_MS, "working on a tmpfs", threads.run("hammer", "4", "0.1", "/tmp"));
  expect(later).toMatchObject({ code: 0, stderr: "" });
});
