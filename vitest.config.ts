import { defineConfig } from "vitest/config";
import { kernelTests } from "./test/support/kernel-tests.mjs";

// The quick suites: `npm test`. Slower end-to-end suites are in vitest.e2e.config.ts.
/** They mount a Linux overlay for each of their cases, as root: too slow for here, and run with the slow suites. */
export const MOUNTING = "test/conformance/syscalls/overlay.linux.test.ts";

export default defineConfig({
  plugins: [kernelTests()],
  test: {
    include: ["test/**/*.test.ts", "test/kernel/**/*.as.ts"],
    exclude: ["test/e2e/**", "test/interop/**", MOUNTING],
    testTimeout: 30_000,
    // Some compile a kernel first, which takes half a minute on a busy machine.
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
