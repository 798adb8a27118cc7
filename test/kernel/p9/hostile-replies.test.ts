// Hostile replies against the kernel's client, some; test/e2e/p9-fuzz.test.ts has them by the million.

import { expect, test } from "vitest";
import { attackKernel } from "../../fuzz/p9/kernel.ts";
import { kernelModule } from "./world.ts";

const FRAMES = 20_000;
const SEED = 20_251_123;
const HANG_MS = 1000;
const TIMEOUT_MS = 120_000;

test("the kernel outlives every server, and keeps nothing of it", { timeout: TIMEOUT_MS }, () => {
  const report = attackKernel(kernelModule(), FRAMES, SEED);
  console.log(`kernel: ${JSON.stringify(report)}`);
  expect(report.hostile).toBeGreaterThan(report.frames / 20);
  expect(report.slowestMs).toBeLessThan(HANG_MS);
});
