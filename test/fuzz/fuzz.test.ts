// The differential fuzzer with seeds that stay the same: 200,000 calls for each type of file system at full scale. Needs root, for file
// systems of its own. `npm run fuzz` goes on for as long as it is told.

import { expect, test } from "vitest";
import { scaled } from "../support/scale.ts";
import { isRoot } from "../support/sys/linux.ts";
import { fuzz } from "./fuzz.ts";
import { RULES } from "./grammar.ts";
import { KNOWN_DIFFERENCES } from "./known-differences.ts";
import type { FsType } from "./worlds.ts";

const CALLS = 200_000;
const CALLS_MIN = 4000;
const TIMEOUT_MS = 1_800_000;

/** As many kinds of calls are asked for. */
const KINDS = 60;

function fuzzCase(type: FsType, seed: number): void {
  test.runIf(isRoot)(
    `random calls do on ${type} what they do on Linux (seed ${seed}) [needs root]`,
    () => {
      const without = KNOWN_DIFFERENCES[type].map(({ kind }) => kind);
      const count = scaled(CALLS, CALLS_MIN);
      const report = fuzz({ type, seed, more: (calls) => calls < count, without });
      console.log(`${type}: ${report.calls} calls of ${report.kinds.size} kinds, ${report.callsPerSecond}/s`);
      for (const { kind, why } of KNOWN_DIFFERENCES[type]) console.log(`${type}: without ${kind}: ${why}`);
      for (const lack of report.lacks) console.log(`${type}: without ${lack}`);
      if (report.leftOut.length > 0) console.log(`${type}: not in the table: ${report.leftOut.join(", ")}`);
      expect(report.failures.join("\n")).toBe("");
    },
    TIMEOUT_MS,
  );
}

fuzzCase("tmpfs", 1);
fuzzCase("overlay", 2);
fuzzCase("gofer", 3);
fuzzCase("gofer-shared", 4);

test("there are rules for sixty calls and more", () => {
  expect(new Set(RULES.map(({ number }) => number)).size).toBeGreaterThanOrEqual(KINDS);
});
