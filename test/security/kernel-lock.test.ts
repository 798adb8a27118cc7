// No call of a guest's keeps the others, or who wants to stop it, out of the kernel for long.

import { beforeAll, expect, test } from "vitest";
import { loadPrograms, Threads, within } from "../support/threads.ts";

const KILL_CODE = 137;
const START_MS = 20_000;
/** Far more than a pause of the greedy guest's takes, far less than the whole of its call. */
const PROMPT_MS = 2000;

beforeAll(() => loadPrograms("greedy", "hello"));

test.each([
  ["random_get", ["random"]],
  ["a read of /dev/urandom", ["read", "/dev/urandom"]],
  ["a read of /dev/zero", ["read", "/dev/zero"]],
])("%s without end delays neither another guest nor a kill", async (_name, args) => {
  const threads = new Threads();
  const greedy = threads.start("greedy", args);
  await within(START_MS, "starting", greedy.thread.started);
  while (greedy.stdout() === "") await new Promise((resolve) => setTimeout(resolve, 5));
  const hello = await within(START_MS, "a second guest", threads.run("hello"));
  expect(hello.code).toBe(0);
  const killing = performance.now();
  const exit = await within(START_MS, "the kill", greedy.thread.kill(KILL_CODE));
  expect(exit.code).toBe(KILL_CODE);
  expect(performance.now() - killing).toBeLessThan(PROMPT_MS);
  greedy.close();
  threads.close();
});

test("a thread that waits for the kernel gets in between two guests that never leave it for long", async () => {
  const threads = new Threads();
  const greedy = [threads.start("greedy", ["random"]), threads.start("greedy", ["random"])];
  while (greedy.some((guest) => guest.stdout() === ""))
    await new Promise((resolve) => setTimeout(resolve, 5));
  let longest = 0;
  for (let i = 0; i < 200; i++) {
    const before = performance.now();
    threads.machine.kernel.namespace_shrink(threads.namespace);
    longest = Math.max(longest, performance.now() - before);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(longest).toBeLessThan(PROMPT_MS);
  await Promise.all(greedy.map((guest) => guest.thread.kill(KILL_CODE)));
  for (const guest of greedy) guest.close();
  threads.close();
});
