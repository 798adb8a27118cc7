import { defineConfig } from "vitest/config";

// Against other people's programs, which come from the system's packages: diod's server and tools.
export default defineConfig({
  test: {
    include: ["test/interop/**/*.test.ts"],
    globalSetup: ["test/support/build-all.mjs"],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    pool: "forks",
    maxWorkers: 1,
  },
});
