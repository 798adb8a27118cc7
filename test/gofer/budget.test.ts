// Shares of descriptors: of connections that are known, and of those that come and go.

import { describe, expect, test } from "vitest";
import { DescriptorBudget } from "../../src/gofer/host-fs/budget.ts";

/** Takes as many as there are; how many. */
function takeAll(budget: DescriptorBudget): number {
  let count = 0;
  for (; budget.allows(1); count++) budget.take();
  expect(budget.exhausted).toBe(true);
  return count;
}

test("a share of its own is used up to its end, and comes back", () => {
  const budget = new DescriptorBudget(100);
  expect(budget.allows(100)).toBe(true);
  expect(budget.allows(101)).toBe(false);
  expect(takeAll(budget)).toBe(100);
  budget.release();
  expect(takeAll(budget)).toBe(1);
});

test("the last few are for names", () => {
  const budget = new DescriptorBudget(160);
  expect(budget.allowsOpen(150)).toBe(true);
  expect(budget.allowsOpen(151)).toBe(false);
  expect(budget.allows(160)).toBe(true);
});

describe("a pool", () => {
  test("gives each greedy one half of what is left, and all their own", () => {
    const pool = { free: 1000 };
    const budgets = Array.from({ length: 12 }, () => new DescriptorBudget(10, pool));
    expect(budgets.map(takeAll)).toEqual([510, 260, 135, 72, 41, 26, 18, 14, 12, 11, 10, 10]);
    expect(pool.free).toBe(1);
  });

  test("is as it was when all is given back, in any order", () => {
    const pool = { free: 100 };
    const [a, b] = [new DescriptorBudget(5, pool), new DescriptorBudget(5, pool)];
    const counts = [takeAll(a), takeAll(b)];
    for (let i = 0; i < counts[0]!; i++) a.release();
    expect(takeAll(b)).toBeGreaterThan(0);
    for (let i = pool.free; i < 100; i++) b.release();
    expect(pool.free).toBe(100);
  });
});
