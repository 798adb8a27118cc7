// The cases over one file system, counted: what ran, what was skipped, and why.

import { afterAll, afterEach, describe } from "vitest";
import type { Target } from "../../support/sys/target.ts";
import { syscallCases } from "./cases.ts";

/** Declares all cases over what `make` gives. */
export function suite(name: string, make: () => Target): void {
  describe(name, () => {
    let passed = 0;
    const skipped: string[] = [];
    afterEach(({ task }) => {
      // The runner's types do not tell what context.skip() leaves.
      const result = task.result as { pending?: boolean; note?: string } | undefined;
      if (result?.pending) skipped.push(result.note ?? task.name);
      else passed++;
    });
    afterAll(() => {
      const reasons = [...new Set(skipped)].map((reason) => `\n  skipped: ${reason}`).join("");
      console.log(`${name}: ${passed} cases, ${skipped.length} skipped${reasons}`);
    });
    syscallCases(make);
  });
}
