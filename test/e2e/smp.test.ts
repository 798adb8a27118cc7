// Several guests in as many threads over one kernel memory, on the same tree.

import { beforeAll, describe, expect, test } from "vitest";
import type { FilesystemHandle, Machine } from "../../src/host/boot/machine.ts";
import { bestProvider, type GuestMemoryProvider } from "../../src/host/kernel/instance.ts";
import { scaled } from "../support/scale.ts";
import { loadPrograms, SPARE_PAGES, Threads, within } from "../support/threads.ts";

const SECONDS = scaled(20, 1);
const START_MS = 30_000;

interface Build {
  readonly name: string;
  readonly provider: GuestMemoryProvider;
  readonly debug: boolean;
}

const builds: Build[] = [
  { name: "the release kernel", provider: "peek", debug: false },
  { name: "the debug kernel", provider: "peek", debug: true },
];
if (bestProvider() === "merged") builds.push({ name: "the merged kernel", provider: "merged", debug: false });

const trees: Record<string, (machine: Machine) => FilesystemHandle> = {
  tmpfs: (machine) => machine.tmpfs("mode=777"),
  "an overlay over tmpfs": (machine) =>
    machine.overlay(machine.tmpfs("mode=777"), [machine.tmpfs("mode=777")]),
};

function totals(stdout: string): { appended: number; counted: number } {
  const found = /appended (\d+) counted (\d+)/.exec(stdout);
  if (found === null) throw new Error(`unexpected output: ${stdout}`);
  return { appended: Number(found[1]), counted: Number(found[2]) };
}

/** Hammers, verifies and cleans; returns the number of operations. */
async function hammerOnce(threads: Threads, seeds: readonly number[], seconds: number): Promise<number> {
  const running = seeds.map((seed) => threads.start("hammer", [`${seed}`, `${seconds}`, "/work"]));
  const ended = await within(
    seconds * 1000 + START_MS,
    "hammering",
    Promise.all(running.map((guest) => threads.finish(guest))),
  );
  for (const guest of ended) expect(guest).toMatchObject({ code: 0, message: undefined, stderr: "" });
  const expected = { appended: 0, counted: 0 };
  for (const guest of ended) {
    const { appended, counted } = totals(guest.stdout);
    expected.appended += appended;
    expected.counted += counted;
  }
  const left = await within(START_MS, "verifying", threads.run("hammer", "verify", "/work"));
  expect(left).toMatchObject({ code: 0, stderr: "" });
  expect(totals(left.stdout)).toEqual(expected);
  const cleaned = await within(START_MS, "cleaning", threads.run("hammer", "clean", "/work"));
  expect(cleaned).toMatchObject({ code: 0, message: undefined, stderr: "" });
  return ended.reduce((sum, guest) => sum + Number(/operations (\d+)/.exec(guest.stdout)![1]), 0);
}

beforeAll(() => loadPrograms("hammer"));

describe.each(builds)("$name", ({ provider, debug }) => {
  test.each([
    ["tmpfs", 2],
    ["tmpfs", 3],
    ["an overlay over tmpfs", 2],
  ] as const)("%s: %i guests lose no update, leak nothing and end", async (tree, guests) => {
    const threads = new Threads({ provider, debug, work: trees[tree]! });
    const seeds = Array.from({ length: guests }, (_, index) => index + 1);
    await hammerOnce(threads, [90, 91], 0.2);
    const before = threads.counts();
    const operations = await hammerOnce(threads, seeds, SECONDS);
    const after = threads.counts();
    console.log(`${guests} guests on ${tree}, ${SECONDS} s: ${operations} operations`);
    expect(after.objects).toBe(before.objects);
    expect(Math.abs(after.pages - before.pages)).toBeLessThanOrEqual(SPARE_PAGES);
    threads.close();
  });
});
