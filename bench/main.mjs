// File operations: wVisor's file systems against node:wasi.
//
// Measured: single preview1 calls (bench/guests/fsbench.ts) in a loop inside the guest, warm, by the guest's
// own clock. Against: node:wasi on a host directory of the same kind as the binds', with the same Node, in
// the same run. Not included: starting up (bench/startup.mjs), cold caches, concurrency. Meant to notice:
// changes to the walk of a path, the descriptor table, the guest's memory, the gofer's round trips.
//
//   node bench/main.mjs [--rounds N] [--inner N] [--dir DIRECTORY] [--modes tmpfs,bind,overlay]

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildGuests, guestFile } from "../scripts/build-guests.mjs";
import { otherNode } from "../scripts/other-node.mjs";
import { duration, interleave, machine, table, writeResults } from "./harness.mjs";
import * as nodeWasi from "./node-wasi.mjs";
import { runProcess } from "./process.mjs";
import * as wvisor from "./wvisor.mjs";

const GUEST = "bench/fsbench";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    /** Measurements of each operation in one process: its median is the round's sample. */
    inner: { type: "string", default: "3" },
    dir: { type: "string", default: tmpdir() },
    modes: { type: "string", default: "tmpfs,bind,overlay" },
  },
});
const rounds = Number(values.rounds);
const modes = values.modes.split(",");

/** "stat 0 12.34" lines to a Map of operation to nanoseconds. */
function parse(output) {
  const samples = new Map();
  for (const line of output.trim().split("\n")) {
    const [operation, , ns] = line.split(" ");
    samples.set(operation, [...(samples.get(operation) ?? []), Number(ns)]);
  }
  return samples;
}

function variant(name, node, directory, run) {
  return {
    name,
    run: async () => {
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(directory, { recursive: true });
      const args = ["all", values.inner, "/bench"];
      return parse(await run({ node, directory, guest: guestFile(GUEST), args }));
    },
  };
}

async function versionOf(node) {
  return (await runProcess(node, ["--version"])).trim();
}

async function makeVariants(root, nodes) {
  const variants = [];
  for (const node of nodes) {
    const version = await versionOf(node);
    const directory = (name) => path.join(root, version, name);
    variants.push(variant(`${version} node:wasi`, node, directory("node-wasi"), nodeWasi.run));
    for (const mode of modes) {
      const run = (task) => wvisor.run({ ...task, mode });
      variants.push(variant(`${version} ${mode}`, node, directory(mode), run));
    }
  }
  return variants;
}

/** One table for each Node: node:wasi's time, then time and ratio of each file system. */
function print(results, version) {
  const reference = results.get(`${version} node:wasi`);
  if (reference === undefined) return;
  const shown = modes.filter((mode) => results.has(`${version} ${mode}`));
  const rows = [["", "node:wasi", ...shown.flatMap((mode) => [mode, "faster"])]];
  for (const [operation, base] of reference) {
    const cells = shown.flatMap((mode) => {
      const own = results.get(`${version} ${mode}`).get(operation);
      return [duration(own.median), `${(base.median / own.median).toFixed(1)}x`];
    });
    rows.push([operation, duration(base.median), ...cells]);
  }
  console.log(`\nNode ${version}, medians of ${rounds} interleaved rounds\n${table(rows)}`);
}

await buildGuests([GUEST]);
const nodes = [process.execPath];
const newer = await otherNode(24);
if (newer !== undefined && newer !== process.execPath) nodes.push(newer);

const root = mkdtempSync(path.join(values.dir, "wvisor-bench-"));
try {
  const { cpu, cores, kernel, commit } = machine();
  console.log(`${cpu}, ${cores} cores, ${kernel}, commit ${commit}`);
  const variants = await makeVariants(root, nodes);
  const results = await interleave(variants, rounds, (done, all) => console.error(`round ${done} of ${all}`));
  for (const node of nodes) print(results, await versionOf(node));
  console.log(`\n${writeResults("fs", results, { rounds })}`);
} finally {
  rmSync(root, { recursive: true, force: true });
}
