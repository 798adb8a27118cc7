// Each version of Node makes system calls of its own: whatever a sandbox does, it does under both filters, and nobody is killed.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otherNode } from "../../scripts/other-node.mjs";
import { launcherPath } from "../../src/native/index.ts";
import { bundleProgram } from "../support/bundle.ts";
import { CLI, type Finished, put, runCommand, scratchDirectory } from "../support/cli.ts";
import type { GoferPlan } from "../support/confine/gofer-soak.ts";
import { busyGofer, removeProbes } from "../support/confine/probes.ts";
import type { SentryPlan, SentryResult } from "../support/confine/sentry.ts";
import { expectNoFault } from "../support/faults.ts";
import { buildGuests, guestFile } from "../support/guests.ts";
import { scaled } from "../support/scale.ts";

const top = scratchDirectory();
const SOAK_MS = scaled(60_000, 2_000);
const GUESTS = 20;
const AT_ONCE = 3;
const isRoot = process.getuid?.() === 0;

const nodes: [string, string][] = [[process.version, process.execPath]];
for (const major of [22, 24, 26] as const) {
  const node = await otherNode(major);
  if (node !== undefined && node !== process.execPath) nodes.push([`Node ${major}`, node]);
}

/** Numbers, a list, a rename, a removal, and what is left. */
const FILES = `
import os
os.mkdir("made")
for i in range(50):
    with open(f"made/{i}", "w") as f: f.write("x" * i)
os.rename("made/0", "made/first")
for i in range(1, 50): os.remove(f"made/{i}")
print(os.listdir("made"), os.stat("given").st_size, len(bytearray(200 << 20)))
`;

// (module (func (export "_start") unreachable))
const TRAPPING = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
  ...[7, 10, 1, 6, ...Buffer.from("_start"), 0, 0, 10, 5, 1, 3, 0, 0, 0x0b],
]);

let sentry: string;
let gofer: string;
let busy: string;

beforeAll(async () => {
  await buildGuests(["hello", "overflow"]);
  sentry = await bundleProgram("test/support/confine/sentry.ts", "confined-sentry");
  gofer = await bundleProgram("test/support/confine/gofer-soak.ts", "gofer-soak");
  busy = busyGofer();
  put(top, "trap.wasm", TRAPPING);
});

afterAll(removeProbes);

describe.each(nodes)("%s", (name, node) => {
  const directory = path.join(top, name.replace(" ", "-"));
  const run = (...args: string[]): Finished => runCommand(node, [CLI, "do", ...args], { cwd: directory });

  beforeAll(() => {
    mkdirSync(directory);
    put(directory, "given", "12345");
    put(directory, "main.ts", "export const answer: number = 6 * 7; console.log(answer);\n");
  });

  test("a program that prints a line", () => {
    expect(run("--session=none", "--", guestFile("hello"))).toMatchObject({
      code: 0,
      stdout: "hello from wasm\n",
      stderr: "",
    });
  });

  test("Python with files, and a memory that grows", () => {
    const { code, stdout, stderr } = run(
      "-v",
      `${directory}:/data`,
      "-w",
      "/data",
      "--",
      "python3",
      "-c",
      FILES,
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "['first'] 5 209715200\n", stderr: "" });
    expect(existsSync(path.join(directory, "made/first"))).toBe(true);
  });

  test("esbuild", () => {
    const { code, stderr } = run(
      ...["-v", `${directory}:/src`, "-w", "/src", "--", "esbuild", "main.ts", "--outfile=main.js"],
      "--log-level=warning",
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(readFileSync(path.join(directory, "main.js"), "utf8")).toContain("console.log(answer)");
  });

  test("a program that traps, and one that comes to the end of its stack", () => {
    const trapped = run("--session=none", "--", path.join(top, "trap.wasm"));
    expect(trapped).toMatchObject({
      code: 134,
      stderr: expect.stringMatching(/^wvisor do: .* trapped: unreachable\n$/),
    });
    const overflowed = run("--session=none", "--", guestFile("overflow"));
    expect(overflowed).toMatchObject({ code: 134, stdout: "ready\n" });
    expect(overflowed.stderr).toMatch(/^wvisor do: .* trapped: Maximum call stack size exceeded\n$/);
  });

  test(
    `a confined sentry starts ${GUESTS} guests one after another and ${AT_ONCE} at once, and lives through ${SOAK_MS} ms of garbage and compilation`,
    () => {
      const plan: SentryPlan = {
        guest: guestFile("hello"),
        guests: GUESTS,
        atOnce: AT_ONCE,
        soakMs: SOAK_MS,
        report: false,
      };
      const args = ["--fds=3", "--", node, sentry, JSON.stringify(plan)];
      const { status, signal, stdout, stderr } = spawnSync(launcherPath(), args, { encoding: "utf8" });
      expectNoFault("the sentry", { code: status, signal, stderr });
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
      const lines = stdout.trim().split("\n");
      const result = JSON.parse(lines.pop()!) as SentryResult;
      expect(lines).toEqual(Array(GUESTS + AT_ONCE).fill("hello from wasm"));
      expect(result.exits).toEqual(Array(GUESTS + AT_ONCE).fill(0));
      expect(result.rounds).toBeGreaterThan(0);
      const none = "0000000000000000";
      // The launcher's filter and its own.
      if (isRoot) expect(new Set(result.threads)).toEqual(new Set([`${none} ${none} ${none} 1 2`]));
    },
    SOAK_MS + 120_000,
  );

  test.each([
    ["native", false],
    ["native+ns", false],
    ["native+ns", true],
  ] as const)(
    `a gofer at level %s (without a compiler: %s) lives through ${SOAK_MS} ms of garbage and compilation`,
    (confinement, jitless) => {
      const plan: GoferPlan = { program: busy, source: directory, confinement, jitless, soakMs: SOAK_MS };
      const { code, stdout, stderr } = runCommand(node, [gofer, JSON.stringify(plan)]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(/^[1-9]\d* rounds\n$/);
    },
    SOAK_MS + 120_000,
  );
});
