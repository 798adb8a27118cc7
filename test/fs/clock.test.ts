// What files are stamped with: the caller's clock, and within one of its milliseconds a time of its own for each change.

import { expect, test, vi } from "vitest";
import { createFs } from "../../src/fs/index.ts";

test("the clock is the caller's, before the epoch too", () => {
  let now = 1_000_000_000_123.5;
  const fs = createFs({}, { clock: () => now });
  fs.writeFileSync("/a", "");
  const microseconds = fs.statSync("/a", { bigint: true }).mtimeNs / 1000n;
  expect(microseconds).toBeGreaterThanOrEqual(1_000_000_000_123_500n);
  expect(microseconds).toBeLessThan(1_000_000_000_124_000n);
  now = -1500;
  fs.writeFileSync("/b", "");
  const { mtimeNs } = fs.statSync("/b", { bigint: true });
  expect(mtimeNs).toBeGreaterThanOrEqual(-1_500_000_000n);
  expect(mtimeNs).toBeLessThan(-1_499_000_000n);
  expect(fs.statSync("/b").mtimeMs).toBeLessThan(-1499);
});

test("a clock that stands still tells changes apart", () => {
  const fs = createFs({ "/a": "" }, { clock: () => 5000 });
  const seen = new Set<bigint>();
  for (let i = 0; i < 50; i++) {
    fs.writeFileSync("/a", String(i));
    seen.add(fs.statSync("/a", { bigint: true }).mtimeNs);
  }
  expect(seen.size).toBe(50);
  expect(fs.statSync("/a").mtime).toEqual(new Date(5000));
});

test("fake timers are the clock of file systems that were there before", () => {
  const fs = createFs();
  vi.useFakeTimers({ now: new Date("2001-02-03T04:05:06Z") });
  try {
    fs.writeFileSync("/a", "");
    expect(fs.statSync("/a").mtime).toEqual(new Date("2001-02-03T04:05:06Z"));
  } finally {
    vi.useRealTimers();
  }
});
