// The gofer as a 9P2000.L server, beside Debian's diod.
//
// Measured: what a client waits for, the median over single operations of some messages each (bench/p9/operations.mjs): raw
// requests over a unix socket, one at a time, message size 64 KiB, warm server, warm file system cache. Client and server share
// one CPU, so that the time is that of the work and not of waking an idle core. Each round starts every server anew.
// Not included: many requests under way (the gofer answers one after the other), files that are not cached, wVisor's extension
// of the protocol, which needs fewer messages for the same, and donated descriptors, which need none. Meant to notice: system calls
// per message, work per message in JavaScript.
//
//   node bench/p9.mjs [--rounds N] [--dir DIRECTORY] [--cpu N] [--only OPERATION] [--servers NAME,NAME]
//
// The verdict: at least 1.3 times as fast as diod where nothing confines either (64 KiB, and a large directory: as fast), and as fast with confinement.
// Without a compiler (--gofer-jitless) there is no bound.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { duration, interleave, machine, table, writeResults } from "./harness.mjs";
import { Client } from "./p9/client.mjs";
import { makeTree, prepare } from "./p9/operations.mjs";
import { diod, donated, gofer, hasDiod } from "./p9/servers.mjs";

const SELF = fileURLToPath(import.meta.url);
const HELPER = fileURLToPath(new URL("../build/native/wv.node", import.meta.url));
const PINNED = "WVISOR_BENCH_PINNED";
/** Each operation's, before the clock runs: V8 compiles what runs often. */
const WARM_UP = 0.5;
const FASTER = 1.3;
const AS_FAST = 1;

/** `bound`: what each operation must reach against diod. */
const SERVERS = [
  { server: diod, bound: () => undefined },
  { server: gofer("unconfined", "--confine=none"), bound: ({ small }) => (small ? FASTER : AS_FAST) },
  { server: donated, bound: ({ small }) => (small ? FASTER : AS_FAST) },
  { server: gofer("native", "--confine=native"), bound: () => AS_FAST },
  { server: gofer("native+ns", "--confine=native+ns"), bound: () => AS_FAST },
  { server: gofer("jitless", "--gofer-jitless"), bound: () => undefined },
];

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    dir: { type: "string", default: tmpdir() },
    cpu: { type: "string", default: "0" },
    only: { type: "string", default: "" },
    servers: { type: "string", default: SERVERS.map(({ server }) => server.name).join(",") },
  },
});

/** Runs this very program on one CPU, which its children inherit. */
function pin() {
  const args = ["-c", values.cpu, process.execPath, SELF, ...process.argv.slice(2)];
  const { status, error } = spawnSync("taskset", args, {
    stdio: "inherit",
    env: { ...process.env, [PINNED]: "1" },
  });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
}

function loadHelper() {
  const module = { exports: {} };
  process.dlopen(module, HELPER);
  return module.exports;
}

/** The nanoseconds of each of `count` runs. */
function measure({ run, count }) {
  for (let i = 0; i < count * WARM_UP; i++) run();
  const times = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    run();
    times[i] = (performance.now() - start) * 1e6;
  }
  return times;
}

/** Filled by the first round: the operations, without what runs them. */
const operations = new Map();

function variant(native, root, folder, server) {
  return {
    name: server.name,
    run: async () => {
      const running = await server.start(native, folder, path.join(root, "socket"));
      try {
        const client = new Client(native, running.socket);
        const size = client.attach(server.tree(folder));
        const samples = new Map();
        for (const operation of prepare(client, size)) {
          if (!operation.name.includes(values.only)) continue;
          operations.set(operation.name, operation);
          samples.set(operation.name, measure(operation));
        }
        client.close();
        return samples;
      } finally {
        await running.stop();
      }
    },
  };
}

/** Prints times and ratios, and returns how many bounds were missed. */
function print(results, chosen) {
  const reference = results.get(diod.name);
  const shown = chosen.filter(({ server }) => server !== diod && results.has(server.name));
  const rows = [["", "diod", ...shown.flatMap(({ server }) => [server.name, "faster"])]];
  const missed = [];
  for (const [name, operation] of operations) {
    const base = reference?.get(name).median ?? Number.NaN;
    const cells = shown.flatMap(({ server, bound }) => {
      const own = results.get(server.name).get(name).median;
      const ratio = base / own;
      const wanted = bound(operation);
      if (wanted !== undefined && ratio < wanted)
        missed.push(`${name}, ${server.name}: ${ratio.toFixed(2)}x of ${wanted}x`);
      return [duration(own), Number.isNaN(ratio) ? "-" : `${ratio.toFixed(2)}x`];
    });
    rows.push([name, duration(base), ...cells]);
  }
  console.log(table(rows));
  if (reference === undefined) return 0;
  for (const line of missed) console.log(`missed: ${line}`);
  if (missed.length === 0) console.log("every bound is kept");
  return missed.length;
}

async function main() {
  const wanted = values.servers.split(",");
  const chosen = SERVERS.filter(
    ({ server }) => wanted.includes(server.name) && (server !== diod || hasDiod()),
  );
  if (!hasDiod()) console.log("diod is not installed: times without ratios");
  const native = loadHelper();
  const root = mkdtempSync(path.join(values.dir, "wvisor-bench-"));
  const rounds = Number(values.rounds);
  try {
    const { cpu, cores, kernel, commit, load } = machine();
    console.log(
      `${cpu}, ${cores} cores, ${kernel}, Node ${process.version}, commit ${commit}, load ${load.toFixed(1)}`,
    );
    // One directory for all: how long ext4 looks for a free inode depends on where on the disk a directory is.
    const folder = path.join(root, "served");
    mkdirSync(folder);
    makeTree(folder);
    const variants = chosen.map(({ server }) => variant(native, root, folder, server));
    const results = await interleave(variants, rounds, (done, all) =>
      console.error(`round ${done} of ${all}`),
    );
    const missed = print(results, chosen);
    console.log(`\n${writeResults("p9", results, { rounds })}`);
    process.exitCode = missed > 0 ? 1 : 0;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

if (process.env[PINNED] === undefined) pin();
else await main();
