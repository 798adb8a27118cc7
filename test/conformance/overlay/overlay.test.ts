// The overlay beside Linux's own: random programs, whose every result and every tree must be the same. Needs the right to
// mount, in a mount namespace that ends with the test.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { compileKernel } from "../../../scripts/asc-kernel.mjs";
import { runInKernel } from "./kernel.ts";
import { type Outcome, randomProgram, type Step } from "./program.ts";

const PROGRAMS = 40;
const STEPS = 160;

function runOnLinux(options: string, programs: readonly Step[][]): Outcome[][] | null {
  const script = path.join(import.meta.dirname, "linux.mjs");
  const { status, stdout, stderr } = spawnSync("unshare", ["-m", process.execPath, script], {
    input: JSON.stringify({ options, programs }),
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status === 0) return JSON.parse(stdout);
  if (/permission denied|not permitted|only root|must be superuser|unknown filesystem/i.test(stderr ?? ""))
    return null;
  throw new Error(`Linux's side failed: ${stderr}`);
}

/** Outcomes with what led to them, so that a difference explains itself. */
function describe(steps: readonly Step[], outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap((outcome, i) => {
    const { call, tree, path: at, other, number } = steps[i] as Step;
    const head = `${i} ${call} ${tree} ${at} ${other} ${number.toString(8)}:`;
    return typeof outcome === "number"
      ? `${head} ${outcome}`
      : [head, ...outcome.map((line) => `    ${line}`)];
  });
}

// The flags are OVL_REDIRECT and OVL_INDEX (assembly/fs/overlay/filesystem.ts).
const MODES: readonly (readonly [string, number])[] = [
  ["redirect_dir=off,index=off", 0],
  ["redirect_dir=on,index=on", 5],
];

test.for(MODES)(
  "random programs do the same as on Linux's overlayfs: %s",
  { timeout: 60_000 },
  async ([options, flags], context) => {
    const programs = Array.from({ length: PROGRAMS }, (_, seed) => randomProgram(seed + 1, STEPS));
    const linux = runOnLinux(options, programs);
    if (!linux) return context.skip("no right to mount an overlay here");
    const files = await compileKernel("test/kernel/overlay/driver.ts", { target: "test-release" });
    const module = new WebAssembly.Module(files.get("kernel.wasm") as Uint8Array<ArrayBuffer>);
    for (const [i, steps] of programs.entries()) {
      const ours = runInKernel(module, flags, steps);
      expect(describe(steps, ours), `program ${i + 1}`).toEqual(describe(steps, linux[i] as Outcome[]));
    }
  },
);
