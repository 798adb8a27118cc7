// How many connections a gofer takes for the descriptors that it may have, and what each of them is sure of.

import { describe, expect, test } from "vitest";
import { Capacity } from "../../src/gofer/capacity.ts";
import type { MountConfig } from "../../src/gofer/config.ts";

const mount = (listen = false) => ({ fd: 0, readonly: false, donate: false, listen }) as MountConfig;
const mounts = (count: number, listeners = 0) => [
  ...Array.from({ length: count }, () => mount()),
  ...Array.from({ length: listeners }, () => mount(true)),
];

/** What each of so many clients gets that all take one descriptor after the other, in turns, until there are none. */
function shares(capacity: Capacity, clients: number): number[] {
  const budgets = Array.from({ length: clients }, () => capacity.budget());
  const taken = budgets.map(() => 0);
  for (let more = true; more; ) {
    more = false;
    for (const [index, budget] of budgets.entries()) {
      if (!budget.allows(1)) continue;
      budget.take();
      taken[index]!++;
      more = true;
    }
  }
  return taken;
}

describe("1,024 attach points where a process may have 20,000 descriptors", () => {
  test.each([0, 1, 12])("beside %d mounts", (known) => {
    const capacity = new Capacity(20_000, mounts(known), true);
    expect(capacity.attachPoints).toBe(1024);
    expect(capacity.isEnough).toBe(true);
  });

  test("all of them at once hold no more than there are, and none fewer than 8", () => {
    const capacity = new Capacity(20_000, mounts(2), true);
    const taken = shares(capacity, capacity.connections);
    expect(Math.min(...taken)).toBeGreaterThanOrEqual(8);
    const sum = taken.reduce((all, each) => all + each, 0);
    expect(sum + 2 * capacity.attachPoints).toBeLessThan(20_000);
  });

  test("one that works while others are idle has thousands", () => {
    const [taken] = shares(new Capacity(20_000, mounts(1), true), 1);
    expect(taken).toBeGreaterThan(4000);
  });
});

test.each([
  [256, 1, 0, true],
  [256, 5, 0, true],
  [1024, 30, 0, true],
  [1024, 2, 1, true],
  [1024, 0, 3, false],
  [20_000, 0, 1, false],
  [1024, 20, 0, false],
  [1_000_000, 100, 2, true],
])(
  "%d descriptors, %d mounts, %d that listen, others may be added: %s",
  (descriptors, known, listen, isDynamic) => {
    const capacity = new Capacity(descriptors, mounts(known, listen), isDynamic);
    expect(capacity.isEnough).toBe(true);
    const taken = shares(capacity, capacity.connections);
    const sum = taken.reduce((all, each) => all + each, 0);
    expect(sum + 2 * capacity.attachPoints).toBeLessThanOrEqual(descriptors - known - listen);
    expect(Math.min(...taken)).toBeGreaterThanOrEqual(isDynamic ? 8 : 32);
  },
);

test("too few are said to be too few", () => {
  expect(new Capacity(128, mounts(20), false).isEnough).toBe(false);
  expect(new Capacity(200, mounts(20), true).isEnough).toBe(false);
});
