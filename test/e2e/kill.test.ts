// Guests are killed at random points: in the kernel, asleep in it or in the helper, in their own code, or before they began.

import { closeSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { GuestThread } from "../../src/host/guest/guest-thread.ts";
import { loadNative } from "../../src/native/index.ts";
import { SCALE, scaled } from "../support/scale.ts";
import { loadPrograms, SPARE_PAGES, Threads, within } from "../support/threads.ts";

const KILLS = scaled(2000, 60);
const BATCH = 20;
/** Threads at once. */
const AT_ONCE = 4;
const KILL_CODE = 137;
/** After the guest's first sign of life, or after its thread's creation when it is to die early. */
const DELAY_MS = 20;
const LATEST_MS = 20_000;

const silent: number[] = [];
let stuckWriter = -1;

beforeAll(async () => {
  await loadPrograms("hammer", "block", "spin");
});

afterAll(() => {
  for (const fd of silent) closeSync(fd);
});

/** Two ends of a stream on which nobody ever writes, and whose buffer is full towards `stuckWriter`. */
function silentStream(): number {
  const native = loadNative()!;
  const ends = new Int32Array(2);
  native.registerMemory(7, new Uint8Array(ends.buffer));
  if (native.socketpair(7, 0) < 0) throw new Error("socketpair failed");
  silent.push(ends[0]!, ends[1]!);
  return ends[0]!;
}

interface Way {
  readonly name: string;
  readonly program: string;
  readonly args: (seed: number) => readonly string[];
}

const ways: readonly Way[] = [
  { name: "hammering", program: "hammer", args: (seed) => [`${seed}`, "0", "/work"] },
  { name: "hammering too", program: "hammer", args: (seed) => [`${seed}`, "0", "/work"] },
  { name: "asleep", program: "block", args: () => ["sleep"] },
  { name: "napping", program: "block", args: () => ["naps"] },
  { name: "polling a stream", program: "block", args: () => ["poll"] },
  { name: "reading a stream", program: "block", args: () => ["read"] },
  { name: "writing a full stream", program: "block", args: () => ["write"] },
  { name: "in its own code", program: "spin", args: () => [] },
];

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts a guest, kills it at a random moment, and returns the milliseconds that the kill took. */
async function killOne(threads: Threads, way: Way, seed: number): Promise<number> {
  const thread: GuestThread = threads.startQuiet(way.program, way.args(seed), {
    stdin: silent[0]!,
    ...(way.name === "in its own code" ? {} : { stdout: stuckWriter }),
  });
  // One in eight dies while its thread starts.
  if (seed % 8 !== 0) await thread.started;
  await delay(Math.random() * DELAY_MS);
  const before = performance.now();
  const exit = await within(LATEST_MS, `killing a guest ${way.name}`, thread.kill(KILL_CODE));
  expect(exit).toMatchObject({ code: KILL_CODE, message: undefined });
  return performance.now() - before;
}

test.each([
  ["release", false],
  ["debug", true],
] as const)("%s kernel: kills at random points leave the counts where they were", async (_name, debug) => {
  const threads = new Threads({ provider: "peek", debug });
  stuckWriter = silentStream();
  threads.allow(stuckWriter);
  threads.allow(silent[0]!);
  const latencies = new Map<string, number[]>();
  let seed = 1;
  const batch = async (kills: number): Promise<void> => {
    const one = async (first: number): Promise<void> => {
      for (let i = first; i < kills; i += AT_ONCE) {
        const mine = seed++;
        const way = ways[mine % ways.length]!;
        const took = await killOne(threads, way, mine);
        const list = latencies.get(way.name);
        if (list === undefined) latencies.set(way.name, [took]);
        else list.push(took);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, (_, first) => one(first)));
    const cleaned = await within(LATEST_MS, "cleaning", threads.run("hammer", "clean", "/work"));
    expect(cleaned).toMatchObject({ code: 0, message: undefined, stderr: "" });
  };
  await batch(BATCH);
  const before = threads.counts();
  for (let done = 0; done < KILLS; done += BATCH) {
    await batch(BATCH);
    const after = threads.counts();
    expect(after.objects).toBe(before.objects);
    expect(Math.abs(after.pages - before.pages)).toBeLessThanOrEqual(SPARE_PAGES);
  }
  threads.close();
  const all = [...latencies.values()].flat().sort((a, b) => a - b);
  const at = (part: number): string =>
    all[Math.min(all.length - 1, Math.floor(all.length * part))]!.toFixed(1);
  console.log(`${all.length} kills (scale ${SCALE}): p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`);
  // Few milliseconds on an idle machine; four threads at once and other work on the processors make a tail.
  expect(all[all.length >> 1]).toBeLessThan(50);
  for (const [name, list] of latencies) {
    list.sort((a, b) => a - b);
    console.log(`  ${name}: p50 ${list[list.length >> 1]!.toFixed(1)} ms, max ${list.at(-1)!.toFixed(1)} ms`);
  }
});
