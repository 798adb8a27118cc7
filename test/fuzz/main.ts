// npm run fuzz -- [--minutes N] [--seed S] [--fs tmpfs|overlay|gofer|gofer-shared] [--episode N] [--failures N] [--shrink N] [--without KIND,KIND]
//
// Without --fs all, one after the other. Each ends at its first difference (or --failures of them), with a test that shows it.

import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import type { FsType } from "./worlds.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    fs: { type: "string", default: "tmpfs,overlay,gofer,gofer-shared" },
    /** How many differences to look for. */
    failures: { type: "string", default: "1" },
    /** How often to try to make a difference simpler; 0 shows it as it was found. */
    shrink: { type: "string", default: "1500" },
    /** The episode to begin with, as a difference names it. */
    episode: { type: "string", default: "0" },
    without: { type: "string", default: "" },
  },
});

for (const type of values.fs.split(",")) {
  const end = performance.now() + Number(values.minutes) * 60_000;
  const report = fuzz({
    type: type as FsType,
    seed: Number(values.seed),
    first: Number(values.episode),
    more: () => performance.now() < end,
    without: values.without.split(","),
    failuresMax: Number(values.failures),
    shrinkSteps: Number(values.shrink),
    progress: (text) => process.stderr.write(`\r${type}: ${text} `),
  });
  const { calls, kinds, leftOut, lacks, callsPerSecond, failures } = report;
  console.log(`\n${type}: seed ${values.seed}, ${calls} calls of ${kinds.size} kinds, ${callsPerSecond}/s`);
  if (leftOut.length > 0) console.log(`not in the table: ${leftOut.join(", ")}`);
  for (const lack of lacks) console.log(`not asked for: ${lack}`);
  for (const failure of failures) console.log(failure);
  if (failures.length > 0) process.exitCode = 1;
}
