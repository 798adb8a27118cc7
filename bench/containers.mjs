// What containers cost: how long a bundle takes to run, what engines' most frequent calls cost, and what an idle container holds.
//
// Measured: `wvisor run` of a bundle that prints one line, beside `node` running the same module by node:wasi and one start of the
// gofer; `create`, `start`, `state`, `kill` and `delete` as an engine calls them, by wall clock and by the CPU time of the process
// that was called, and the same `state` by the CLI without the native front; the memory (Pss) that the processes of a created and of
// a running container have. Needs root. Not included: the file system's cache of a cold machine; engines.
// Meant to notice: a call that starts Node, modules that are loaded without need.
//
//   node bench/containers.mjs [--rounds N]

import { spawn } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildGuests, guestFile } from "../scripts/build-guests.mjs";
import * as gofer from "./gofer.mjs";
import { duration, interleave, machine, table, writeResults } from "./harness.mjs";
import * as nodeWasi from "./node-wasi.mjs";
import { quietEnvironment, runProcess } from "./process.mjs";

const FRONT = fileURLToPath(new URL("../build/wvisor", import.meta.url));
const CLI = fileURLToPath(new URL("../build/cli.js", import.meta.url));
const RUN_BUDGET = 1.3;
const CPU_BUDGET_NS = 10e6;
const NAMESPACES = ["pid", "mount", "ipc", "uts", "network"].map((type) => ({ type }));

const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" } } });
const rounds = Number(values.rounds);
if (process.getuid() !== 0) throw new Error("containers are made by root");
const directory = mkdtempSync(path.join(tmpdir(), "wvisor-bench-"));
const root = path.join(directory, "root");
let containers = 0;

function makeBundle(name, guest) {
  const bundle = path.join(directory, name);
  mkdirSync(path.join(bundle, "rootfs"), { recursive: true });
  copyFileSync(guestFile(guest), path.join(bundle, "rootfs/program.wasm"));
  const config = {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["/program.wasm"], env: [], cwd: "/" },
    root: { path: "rootfs" },
    linux: { namespaces: NAMESPACES },
  };
  writeFileSync(path.join(bundle, "config.json"), JSON.stringify(config));
  return bundle;
}

async function wallOf(run) {
  const begin = process.hrtime.bigint();
  await run();
  return Number(process.hrtime.bigint() - begin);
}

function timed(name, run) {
  return { name, run: async () => new Map([["wall", [await wallOf(run)]]]) };
}

/** Runs a command to its end; what it leaves behind has none of our streams. */
async function call(...args) {
  const child = spawn(args[0], args.slice(1), { stdio: "ignore", env: quietEnvironment() });
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("exit", resolve));
  if (code !== 0) throw new Error(`${args.slice(1).join(" ")}: exit code ${code}`);
}

/** Enough for the thousandths of seconds that bash tells. */
const CPU_CALLS = 100;

/** The CPU time of a command in ns: bash tells that of all that it waited for. */
async function cpuOf(...args) {
  const loop = `for ((i = 0; i < ${CPU_CALLS}; i++)); do "$@" >/dev/null || exit 1; done; times`;
  const output = await runProcess("/bin/bash", ["-c", loop, "bash", ...args], { env: {} });
  const [user, system] = output.trim().split("\n")[1].split(" ");
  return (seconds(user) + seconds(system)) / CPU_CALLS;
}

function seconds(text) {
  const [, minutes, rest] = /^(\d+)m([\d.]+)s$/.exec(text);
  return (Number(minutes) * 60 + Number(rest)) * 1e9;
}

const front = (...args) => [FRONT, "--root", root, ...args];
const cli = (...args) => [process.execPath, "--no-warnings", CLI, "--root", root, ...args];

/** One container's life, call by call. */
async function life(bundle) {
  const id = `c${containers++}`;
  const times = new Map();
  for (const command of ["create", "start", "state", "kill", "delete"]) {
    const args = { create: ["--bundle", bundle, id], kill: [id, "KILL"] }[command] ?? [id];
    if (command === "delete") await stopped(id);
    times.set(command, [await wallOf(() => call(...front(command, ...args)))]);
  }
  return times;
}

async function stopped(id) {
  while (!(await runProcess(FRONT, front("state", id).slice(1))).includes('"stopped"'));
}

function childrenOf(pid) {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

const treeOf = (pid) => [pid, ...childrenOf(pid).flatMap(treeOf)];

/** Bytes: what a process has alone, and its part of what several have. */
function pssOf(pid) {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) * 1024;
}

/** What containers hold when several of them are there and do nothing. */
async function memory(bundle, start, count = 4) {
  const ids = Array.from({ length: count }, () => `c${containers++}`);
  for (const id of ids) {
    await call(...front("create", "--bundle", bundle, id));
    if (start) await call(...front("start", id));
  }
  const states = await Promise.all(ids.map((id) => runProcess(FRONT, front("state", id).slice(1))));
  const bytes = states.map((state) =>
    treeOf(JSON.parse(state).pid).reduce((sum, pid) => sum + pssOf(pid), 0),
  );
  for (const id of ids) await call(...front("delete", "--force", id));
  return bytes.reduce((sum, each) => sum + each, 0) / count;
}

const mebibytes = (bytes) => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
const verdict = (ok) => (ok ? "within" : "OVER");

try {
  await buildGuests(["hello", "spin"]);
  const hello = makeBundle("hello", "hello");
  const spin = makeBundle("spin", "spin");
  const guest = guestFile("hello");
  const config = gofer.writeConfig(directory);
  const results = await interleave(
    [
      timed("wvisor run", () => runProcess(FRONT, ["run", "--bundle", hello])),
      timed("node:wasi", () => nodeWasi.run({ node: process.execPath, directory, guest })),
      timed("gofer alone", () => gofer.run(process.execPath, config)),
      { name: "container", run: () => life(spin) },
    ],
    rounds,
  );

  const id = `c${containers++}`;
  await call(...front("create", "--bundle", spin, id));
  await call(...front("start", id));
  const cpu = new Map();
  for (const [name, command] of [
    ["state", front("state", id)],
    // A signal that changes nothing, so that it can be sent again and again.
    ["kill", front("kill", id, "URG")],
    ["ps", front("ps", "--format", "json", id)],
    ["list", front("list")],
    ["features", front("features")],
    ["--version", front("--version")],
    ["state, by the CLI in JavaScript", cli("state", id)],
  ])
    cpu.set(name, await cpuOf(...command));
  await call(...front("delete", "--force", id));

  const median = (name, metric) => results.get(name).get(metric).median;
  const rows = [["", "median", "min", "spread"]];
  for (const [name, metrics] of results) {
    for (const [metric, { median: middle, min, spread }] of metrics) {
      rows.push([
        metric === "wall" ? name : `  ${metric}`,
        duration(middle),
        duration(min),
        `${(spread * 100).toFixed(0)} %`,
      ]);
    }
  }
  const { cpu: model, cores, load } = machine();
  console.log(
    `${model}, ${cores} cores, load ${load.toFixed(1)}; wall clock, ${rounds} interleaved rounds\n${table(rows)}\n`,
  );
  const budget = RUN_BUDGET * (median("node:wasi", "wall") + median("gofer alone", "wall"));
  const own = median("wvisor run", "wall");
  console.log(
    `wvisor run ${duration(own)}: ${verdict(own <= budget)} ${RUN_BUDGET} x (node:wasi + gofer) = ${duration(budget)}\n`,
  );

  console.log(`CPU time of a call, mean of ${CPU_CALLS}`);
  console.log(table([["", "CPU time"], ...[...cpu].map(([name, ns]) => [name, duration(ns)])]));
  const dearest = Math.max(cpu.get("state"), cpu.get("kill"));
  console.log(`state and kill: ${verdict(dearest < CPU_BUDGET_NS)} ${duration(CPU_BUDGET_NS)}\n`);

  console.log("Memory (Pss) of one container's processes, of four at once");
  console.log(
    table([
      ["", "memory"],
      ["created", mebibytes(await memory(spin, false))],
      ["a guest that spins", mebibytes(await memory(spin, true))],
    ]),
  );
  console.log(writeResults("containers", results, { rounds }));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
