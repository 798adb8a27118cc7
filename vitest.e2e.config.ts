import { defineConfig } from "vitest/config";
import { SCALE } from "./test/support/scale.ts";
import { SLOW } from "./vitest.config.ts";

// The slow suites: several guests at once, kills, stack ends, the built command line. `npm run soak` runs them at full length.
console.log(`WVISOR_SCALE=${SCALE}: counts and times are ${SCALE} of the full ones`);

export default defineConfig({
  test: {
    include: ["test/e2e/**/*.test.ts", ...SLOW],
    globalSetup: ["test/support/build-all.mjs"],
    testTimeout: 120_000 + 600_000 * SCALE,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 1,
  },
});
