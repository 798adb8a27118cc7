// The kernel's innermost loops, beside what they should cost.
//
// Measured: functions of bench/kernel/micro.ts inside one instance of the kernel's own code, warm, less the loop around them; this
// Node. Not included: the way into the kernel, copies, locks (bench/main.mjs). Meant to notice: changes to the dentry cache,
// the walk and the slabs that a whole call hides.
//
//   node bench/kernel.mjs [--rounds N]

import { parseArgs } from "node:util";
import { compileKernel } from "../scripts/asc-kernel.mjs";
import { duration, interleave, machine, table, writeResults } from "./harness.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
const rounds = Number(values.rounds);
const LOOPS = 200_000;
/** Nanoseconds on Node 20, from a prototype that does nothing else. */
const TARGETS = new Map([
  ["lookupComponent", 5.1],
  ["walkFive", 43],
  ["walkFiveRemembered", 11],
  ["slabObject", 2.4],
]);

const files = await compileKernel("bench/kernel/micro.ts", { target: "release" });
const module = new WebAssembly.Module(files.get("kernel.wasm"));
const memory = new WebAssembly.Memory({ initial: 64, maximum: 32768, shared: true });
let clock = 0n;
const answers = {
  "env.memory": memory,
  "env.abort": () => {
    throw new Error("an assertion failed");
  },
  "host.clockTime": (_clock, out) => {
    clock += 1000n;
    new DataView(memory.buffer).setBigInt64(out, clock, true);
    return 0;
  },
};
const imports = {};
for (const { module: from, name } of WebAssembly.Module.imports(module)) {
  imports[from] ??= {};
  imports[from][name] =
    answers[`${from}.${name}`] ??
    (() => {
      throw new Error(`${from}.${name} is not to be called`);
    });
}
const kernel = new WebAssembly.Instance(module, imports).exports;
kernel.setUp();

function nanoseconds(name) {
  const start = process.hrtime.bigint();
  kernel[name](LOOPS);
  return Number(process.hrtime.bigint() - start) / LOOPS;
}

const variants = [...TARGETS.keys()].map((name) => ({
  name,
  run: () => new Map([["time", [nanoseconds(name) - nanoseconds("nothing")]]]),
}));
// The engine compiles what is hot; that is not what is measured.
for (let i = 0; i < 5; i++) for (const { run } of variants) run();
const results = await interleave(variants, rounds);

const { cpu, kernel: system, commit } = machine();
console.log(`${cpu}, ${system}, Node ${process.version}, commit ${commit}, medians of ${rounds} rounds`);
const rows = [["", "median", "spread", "target"]];
for (const [name, metrics] of results) {
  const { median, spread } = metrics.get("time");
  rows.push([name, duration(median), `${(spread * 100).toFixed(0)} %`, duration(TARGETS.get(name))]);
}
console.log(table(rows));
console.log(writeResults("kernel", results, { rounds }));
