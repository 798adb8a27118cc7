import { defineConfig } from "vitest/config";
import { kernelTests } from "./test/support/kernel-tests.mjs";

// The quick suites: `npm test`. Slower end-to-end suites are in vitest.e2e.config.ts.

/** Too slow for here: they run with the slow suites. The first mounts a Linux overlay for each of its cases. */
export const SLOW = [
  "test/conformance/syscalls/overlay.linux.test.ts",
  "test/conformance/syscalls/overlay.kernel.test.ts",
  "test/conformance/overlay/overlay.test.ts",
  "test/security/confinement.test.ts",
  "test/fuzz/fuzz.test.ts",
];

export default defineConfig({
  plugins: [kernelTests()],
  test: {
    include: ["test/**/*.test.ts", "test/kernel/**/*.as.ts"],
    exclude: ["test/e2e/**", "test/interop/**", ...SLOW],
    testTimeout: 30_000,
    // Some compile a kernel first, which takes half a minute on a busy machine.
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
