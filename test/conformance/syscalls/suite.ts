// The cases over one file system, counted: what ran, what was skipped, and why.

import { afterAll, afterEach, describe } from "vitest";
import type { LayeredTarget } from "../../support/sys/layers.ts";
import type { Target } from "../../support/sys/target.ts";
import { syscallCases } from "./cases.ts";

function isLayered(target: Target): target is LayeredTarget {
  return "pushed" in target;
}

/** Declares all cases over what `make` gives. */
export function suite(name: string, make: () => Target): void {
  describe(name, () => {
    let passed = 0;
    let pushed = 0;
    let last: Target | undefined;
    const skipped: string[] = [];
    afterEach(({ task }) => {
      // The runner's types do not tell what context.skip() leaves.
      const result = task.result as { pending?: boolean; note?: string } | undefined;
      if (result?.pending) skipped.push(result.note ?? task.name);
      else passed++;
      if (last !== undefined && isLayered(last) && last.pushed() > 0) pushed++;
      last = undefined;
    });
    afterAll(() => {
      const reasons = [...new Set(skipped)].map((reason) => `\n  skipped: ${reason}`).join("");
      const lower = pushed > 0 ? `, ${pushed} with what they prepare in lower layers` : "";
      console.log(`${name}: ${passed} cases${lower}, ${skipped.length} skipped${reasons}`);
    });
    syscallCases(() => {
      last = make();
      return last;
    });
  });
}
