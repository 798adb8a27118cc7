import { mkdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { put, scratchDirectory } from "../scratch.ts";
import { wvisor } from "./harness.ts";

const top = scratchDirectory();

describe("wvisor boot", () => {
  test.each([
    [["--controller-fd=3"], "--bundle is required"],
    [["--bundle="], "--bundle is required"],
    [["--bundle=/b"], "--controller-fd is required"],
    [["--bundle=/b", "--controller-fd=-1"], "--controller-fd is required"],
    [["--bundle=/b", "--controller-fd=x"], "--controller-fd x: expected the number of a descriptor"],
    [["--bundle=/b", "--controller-fd=3", "more"], "unexpected argument more"],
    [["--bundle=/b", "--controller-fd=3", "--restore-fd=4"], "--restore-fd: this version restores nothing"],
  ])("%j: %s (B18-02, B18-03, B18-07, B18-08)", async (flags, problem) => {
    const { code, err } = await wvisor("boot", ...flags);
    expect({ code, err }).toEqual({ code: 125, err: `wvisor boot: ${problem} (see 'wvisor boot --help')\n` });
  });

  test("takes a connection for each tree of the host, neither more nor less (B18-04, D18-05, D18-06)", async () => {
    const bundle = path.join(top, "bundle");
    mkdirSync(path.join(bundle, "rootfs"), { recursive: true });
    put(
      bundle,
      "config.json",
      JSON.stringify({ root: { path: "rootfs" }, process: { args: ["x"], cwd: "/" } }),
    );
    const { code, err } = await wvisor("boot", `--bundle=${bundle}`, "--controller-fd=3");
    expect(code).toBe(125);
    expect(err).toContain("--io-fds: 1 mounts of the host, 0 connections");
    const wrong = await wvisor("boot", `--bundle=${bundle}`, "--controller-fd=3", "--io-fds=1023");
    expect(wrong.err).toContain("--io-fds 1023: not a connected unix stream socket");
  });
});
