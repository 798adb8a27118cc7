// A guest that uses up its stack dies alone: through each import, at each depth around the limit, with each compiler of the
// engine, on the main thread and in a worker. The probe that sees to that has the frame that it should have.

import { execFile } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { otherNode } from "../../scripts/other-node.mjs";
import type { GuestMemoryProvider } from "../../src/host/kernel/instance.ts";
import { bundleProgram } from "../support/bundle.ts";
import { buildGuests, guestFile } from "../support/guests.ts";
import type { OverflowPlan, OverflowResult } from "../support/overflow-process.ts";
import { SCALE, scaled } from "../support/scale.ts";
import { runInProcess } from "../support/wvisor.ts";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const run = promisify(execFile);
const TIME_MS = 120_000 + 600_000 * SCALE;
/** What the probe asks for: assembly/kernel/stack.ts has the reason. */
const PROBE_BYTES = 8192;
const HOST_CALLS = ["stdin", "stdout", "poll-stdin", "realtime", "random_get", "clock_res_get", "proc_exit"];
const FILE_CALLS = [
  "read-file",
  "list",
  "make-file",
  "path_filestat_get",
  "fd_filestat_get",
  "write-file",
  "rename",
];

const PROBE_FRAME = path.join(root, "build/probe-frame-test.wasm");

/** At the full scale only: other ways to the same machine code. */
const THOROUGH = SCALE >= 1;

const compilers: Record<string, readonly string[]> = {
  "V8's choice": [],
  TurboFan: ["--no-liftoff"],
  ...(THOROUGH && { Liftoff: ["--liftoff", "--no-wasm-tier-up"] }),
};

interface Engine {
  readonly name: string;
  readonly node: string;
  readonly provider: GuestMemoryProvider;
}

const engines: Engine[] = [
  { name: `Node ${process.versions.node}`, node: process.execPath, provider: "peek" },
];
const newer = await otherNode(24);
if (newer !== undefined) {
  engines.push({ name: "Node 24, merged memory", node: newer, provider: "merged" });
  if (newer !== process.execPath && THOROUGH)
    engines.push({ name: "Node 24", node: newer, provider: "peek" });
}

let programs: { overflow: string; hello: string };
let overflowProcess = "";
let imports: string[] = [];

beforeAll(async () => {
  const modules = await buildGuests(["overflow", "hello"]);
  programs = { overflow: guestFile("overflow"), hello: guestFile("hello") };
  const listed = runInProcess(modules.get("overflow")!, { args: ["overflow", "--list"] });
  imports = listed.stdout.trim().split("\n");
  expect(imports.length).toBeGreaterThan(40);
  overflowProcess = await bundleProgram("test/support/overflow-process.ts", "overflow-process");
  await run(path.join(root, "node_modules/.bin/wasm-as"), [
    path.join(root, "test/fixtures/probe-frame.wat"),
    "-o",
    PROBE_FRAME,
  ]);
});

type Part = Pick<OverflowPlan, "where" | "provider" | "calls"> & Partial<OverflowPlan>;

async function overflowIn(node: string, flags: readonly string[], part: Part): Promise<OverflowResult> {
  const plan: OverflowPlan = {
    debug: false,
    root: "tmpfs",
    donate: false,
    pads: [0],
    lead: -1,
    ...programs,
    ...part,
  };
  const { stdout } = await run(node, [...flags, overflowProcess, JSON.stringify(plan)], {
    timeout: TIME_MS,
    maxBuffer: 1 << 24,
  });
  return JSON.parse(stdout) as OverflowResult;
}

describe.each(engines)("$name", ({ node, provider }) => {
  describe.each(Object.entries(compilers))("%s", (_name, flags) => {
    test("the probe needs the stack that it stands for", async () => {
      const { stdout } = await run(node, [
        ...flags,
        path.join(root, "test/support/probe-frame.mjs"),
        path.join(root, "build", provider === "merged" ? "kernel-merged.wasm" : "kernel.wasm"),
        PROBE_FRAME,
      ]);
      const { bytes, nanoseconds } = JSON.parse(stdout) as { bytes: number; nanoseconds: number };
      console.log(
        `${path.basename(node)} ${flags.join(" ")}: ${bytes} bytes, ${nanoseconds.toFixed(1)} ns a call`,
      );
      expect(bytes).toBeGreaterThan(PROBE_BYTES * 0.95);
      // A larger one would take stack from every guest for nothing.
      expect(bytes).toBeLessThan(PROBE_BYTES * 1.1);
    });

    test("on the main thread: each import from the first frame on", async () => {
      const pads = [...Array(scaled(16, 1)).keys()];
      const result = await overflowIn(node, flags, { where: "main", provider, calls: imports, pads });
      expect(result.runs).toBe(imports.length * pads.length);
    });

    test("on the main thread: each import around the limit, at every alignment", async () => {
      const pads = [...Array(scaled(64, 4)).keys()];
      const part = { where: "main", provider, calls: [...imports, ...HOST_CALLS], pads, lead: 40 } as const;
      const result = await overflowIn(node, flags, part);
      expect(result.runs).toBe((imports.length + HOST_CALLS.length) * pads.length);
    });

    test("in a worker: each import around the limit", async () => {
      const pads = [...Array(scaled(16, 1)).keys()];
      const part = { where: "worker", provider, calls: [...imports, ...HOST_CALLS], pads, lead: 40 } as const;
      const result = await overflowIn(node, flags, part);
      expect(result.runs).toBe((imports.length + HOST_CALLS.length) * pads.length);
    });

    test.each([
      ["gofer", true],
      ["gofer", false],
      ["overlay", true],
      ["overlay", false],
    ] as const)("files of a gofer around the limit: %s, donated: %s", async (kind, donate) => {
      const pads = [...Array(scaled(64, 3)).keys()];
      const part = { provider, root: kind, donate, calls: FILE_CALLS, pads, lead: 40 } as const;
      const main = await overflowIn(node, flags, { where: "main", ...part });
      expect(main.runs).toBe(FILE_CALLS.length * pads.length);
      const few = { ...part, pads: pads.slice(0, scaled(8, 1)) };
      const worker = await overflowIn(node, flags, { where: "worker", ...few });
      expect(worker.runs).toBe(FILE_CALLS.length * few.pads.length);
    });

    test("the first copy-up and the first rename at the limit", async () => {
      for (const call of ["write-file", "rename"]) {
        for (const lead of [2, 4, 8, 16]) {
          const part = { where: "main", provider, root: "overlay", calls: [call], lead } as const;
          expect((await overflowIn(node, flags, part)).runs).toBe(1);
        }
      }
    });

    test("a host call for the first time at the limit, where the engine still has to compile it", async () => {
      const calls = THOROUGH ? [...imports, ...HOST_CALLS] : HOST_CALLS;
      for (const call of calls) {
        const part = { where: "main", provider, calls: [call], lead: 0 } as const;
        expect((await overflowIn(node, flags, part)).runs).toBe(1);
      }
    });
  });
});

test("the debug kernel, whose assertions a guest at the end of its stack does not meet", async () => {
  const calls = [...imports, ...HOST_CALLS];
  const part = { where: "main", provider: "peek", debug: true, calls, lead: 40 } as const;
  expect((await overflowIn(process.execPath, [], part)).runs).toBe(calls.length);
});
