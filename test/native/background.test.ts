// Calls by threads of the helper. There is one set of threads in a process, so this file is one story.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { EAGAIN, EBADF, EBUSY, EINVAL } from "../../assembly/abi/errno.ts";
import { BACKGROUND_FALLOCATE, BACKGROUND_FDATASYNC, BACKGROUND_FSYNC } from "../../src/native/interface.ts";
import { native, scratch } from "./support.ts";

const CAPACITY = 4;

test("calls are made elsewhere, ring the bell, and are taken back once", async () => {
  const bell = native.eventfd(0);
  expect(native.backgroundAsk(0, BACKGROUND_FSYNC, 0, 0, 0, 0)).toBe(-EAGAIN);
  for (const [threads, capacity] of [
    [0, 1],
    [17, 1],
    [1, 0],
    [1, 65537],
  ] as const) {
    expect(native.backgroundStart(threads, capacity, bell)).toBe(-EINVAL);
  }
  expect(native.backgroundStart(2, CAPACITY, bell)).toBe(0);
  expect(native.backgroundStart(2, CAPACITY, bell)).toBe(-EBUSY);
  expect(native.backgroundTake()).toBe(-EAGAIN);

  const fd = openSync(path.join(scratch(), "file"), "w");
  expect(native.backgroundAsk(-1, BACKGROUND_FSYNC, fd, 0, 0, 0)).toBe(-EINVAL);
  expect(native.backgroundAsk(2 ** 30, BACKGROUND_FSYNC, fd, 0, 0, 0)).toBe(-EINVAL);
  expect(native.backgroundAsk(1, BACKGROUND_FALLOCATE + 1, fd, 0, 0, 0)).toBe(-EINVAL);

  const done = new Map<number, number>();
  const takeAll = async () => {
    for (let tries = 0; done.size < CAPACITY && tries < 10_000; tries++) {
      const result = native.backgroundTake();
      if (result >= 0) done.set(Math.floor(result / 4096), result % 4096);
      else await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  // More rounds than the ring has room for.
  for (let round = 0; round < 10; round++) {
    done.clear();
    const first = round === 9 ? 2 ** 30 - CAPACITY : round * CAPACITY;
    expect(native.backgroundAsk(first, BACKGROUND_FSYNC, fd, 0, 0, 0)).toBe(0);
    expect(native.backgroundAsk(first + 1, BACKGROUND_FDATASYNC, -1, 0, 0, 0)).toBe(0);
    expect(native.backgroundAsk(first + 2, BACKGROUND_FALLOCATE, fd, 0, 0, 1000 * (round + 1))).toBe(0);
    expect(native.backgroundAsk(first + 3, BACKGROUND_FALLOCATE, fd, 0, -1, 1)).toBe(0);
    // Those that are done and were not taken back count too.
    expect(native.backgroundAsk(first + 4, BACKGROUND_FSYNC, fd, 0, 0, 0)).toBe(
      round === 9 ? -EINVAL : -EAGAIN,
    );
    await takeAll();
    expect([...done].sort(([a], [b]) => a - b)).toEqual([
      [first, 0],
      [first + 1, EBADF],
      [first + 2, 0],
      [first + 3, EINVAL],
    ]);
    expect(fstatSync(fd).size).toBe(1000 * (round + 1));
  }
  expect(native.backgroundTake()).toBe(-EAGAIN);
  const rings = Buffer.alloc(8);
  readSync(bell, rings);
  expect(rings.readBigUInt64LE()).toBe(40n);
  closeSync(fd);
  closeSync(bell);
});
