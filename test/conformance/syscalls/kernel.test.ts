// The cases over our file systems. Cases that a file system cannot pass are skipped by skipWithout(), which tells why.

import { afterAll, afterEach, describe } from "vitest";
import { OVERLAY, portable, TMPFS } from "../../support/sys/backends.ts";
import { goferTargets } from "../../support/sys/gofer.ts";
import { portableModules } from "../../support/sys/portable.ts";
import type { Target } from "../../support/sys/target.ts";
import { syscallCases } from "./cases.ts";

const counts = new Map<string, { passed: number; skipped: number }>();

/** Declares all cases over a backend, and counts them. */
function suite(name: string, make: () => Target): void {
  describe(name, () => {
    afterEach(({ task }) => {
      const count = counts.get(name) ?? { passed: 0, skipped: 0 };
      counts.set(name, count);
      if (task.result?.state === "skip" || task.mode === "skip") count.skipped++;
      else count.passed++;
    });
    syscallCases(make);
  });
}

afterAll(() => {
  for (const [name, { passed, skipped }] of counts)
    console.log(`${name}: ${passed} cases, ${skipped} skipped`);
});

for (const { name, make } of [TMPFS, OVERLAY, portable(await portableModules())]) suite(name, make);

for (const [name, shared] of [
  ["gofer, exclusive", false],
  ["gofer, shared", true],
] as const) {
  const targets = goferTargets(shared);
  afterAll(() => targets.close());
  suite(name, () => targets.make());
}
