// The gofer as a 9P2000.L server, beside Debian's diod.
//
// Measured: what a client waits for, the median over single operations of some messages each (bench/p9/operations.mjs): raw
// requests over a unix socket, one at a time, message size 64 KiB, warm server, warm file system cache. Client and servers share
// one CPU, so that the time is that of the work and not of waking an idle core. All servers have the same directory, and take turns
// of a millisecond, so that whatever else the machine does falls on all alike; each round starts them anew.
// Not included: many requests under way (the gofer answers one after the other), a disk (the directory is on tmpfs where there is
// one: how long ext4 looks for a free inode hides all else), wVisor's extension of the protocol, which needs fewer messages for the
// same, and donated descriptors, which need none. Meant to notice: system calls per message, work per message in JavaScript.
//
//   node bench/p9.mjs [--rounds N] [--dir DIRECTORY] [--cpu N] [--only OPERATION] [--servers NAME,NAME]
//
// The verdict: at least 1.3 times as fast as diod where nothing confines either (64 KiB, and a large directory: as fast), and as fast with confinement.
// Without a compiler (--gofer-jitless) there is no bound.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { duration, machine, median, summarize, table, writeResults } from "./harness.mjs";
import { Client } from "./p9/client.mjs";
import { makeTree, prepare } from "./p9/operations.mjs";
import { diod, donated, gofer, hasDiod } from "./p9/servers.mjs";

const SELF = fileURLToPath(import.meta.url);
const HELPER = fileURLToPath(new URL("../build/native/wv.node", import.meta.url));
const PINNED = "WVISOR_BENCH_PINNED";
/** Of an operation's runs, before the clock runs: V8 compiles what runs often. */
const WARM_UP = 0.5;
/** Runs of one server in a row, of which the first ones find the caches full of another's. */
const TURN = 20;
const COLD = 3;
const TMPFS = "/dev/shm";
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
    rounds: { type: "string", default: "5" },
    dir: { type: "string", default: existsSync(TMPFS) ? TMPFS : tmpdir() },
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

/** Starts a server and gives its operations: { server, operations, stop }. */
async function open(native, server, folder, slot) {
  const running = await server.start(native, folder, path.join(path.dirname(folder), `socket-${slot}`));
  const client = new Client(native, running.socket, slot);
  const size = client.attach(server.tree(folder));
  const operations = prepare(client, size).filter(({ name }) => name.includes(values.only));
  const stop = async () => {
    client.close();
    await running.stop();
  };
  return { server, operations, stop };
}

/** The nanoseconds of each run of operation number `index` on each server, which take turns. */
function measure(opened, index) {
  const { count } = opened[0].operations[index];
  const times = opened.map(() => []);
  for (const { operations } of opened) for (let i = 0; i < count * WARM_UP; i++) operations[index].run();
  for (let done = 0; done < count; done += TURN) {
    for (const [at, { operations }] of opened.entries()) {
      const { run } = operations[index];
      for (let i = 0; i < TURN; i++) {
        const start = performance.now();
        run();
        const time = performance.now() - start;
        if (i >= COLD) times[at].push(time * 1e6);
      }
    }
  }
  return times;
}

/** One round: calls `record` with server, operation and the median of its times. */
async function round(native, servers, folder, record) {
  const opened = [];
  try {
    for (const [slot, server] of servers.entries()) opened.push(await open(native, server, folder, slot));
    for (const [index, operation] of opened[0].operations.entries()) {
      const times = measure(opened, index);
      for (const [at, { server }] of opened.entries()) record(server, operation, median(times[at]));
    }
  } finally {
    for (const { stop } of opened) await stop();
  }
}

/** All rounds: server name -> operation name -> summary of the rounds' medians; and the operations. */
async function measureAll(native, servers, folder, rounds) {
  const samples = new Map(servers.map(({ name }) => [name, new Map()]));
  const operations = new Map();
  for (let done = 1; done <= rounds; done++) {
    await round(native, servers, folder, (server, operation, time) => {
      operations.set(operation.name, operation);
      const known = samples.get(server.name).get(operation.name) ?? [];
      samples.get(server.name).set(operation.name, known.concat(time));
    });
    console.error(`round ${done} of ${rounds}`);
  }
  const results = new Map(
    [...samples].map(([name, metrics]) => [
      name,
      new Map([...metrics].map(([metric, times]) => [metric, summarize(times)])),
    ]),
  );
  return { results, operations };
}

/** Prints times and ratios, and returns how many bounds were missed. */
function print({ results, operations }, chosen) {
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
    rows.push([name, reference === undefined ? "-" : duration(base), ...cells]);
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
    const { cpu, cores, kernel, commit } = machine();
    console.log(`${cpu}, ${cores} cores, ${kernel}, Node ${process.version}, commit ${commit}`);
    const folder = path.join(root, "served");
    mkdirSync(folder);
    makeTree(folder);
    const servers = chosen.map(({ server }) => server);
    const measured = await measureAll(native, servers, folder, rounds);
    const missed = print(measured, chosen);
    console.log(`\n${writeResults("p9", measured.results, { rounds })}`);
    process.exitCode = missed > 0 ? 1 : 0;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

if (process.env[PINNED] === undefined) pin();
else await main();
