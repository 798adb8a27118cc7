// wvisor/fs against memfs: synchronous calls in one process, interleaved.  node bench/fs.mjs [ROUNDS]

import { createRequire } from "node:module";
import { memfs } from "memfs";
import { duration, interleave, table, writeResults } from "./harness.mjs";

const { createFs } = createRequire(import.meta.url)("../build/fs.js");
const ROUNDS = Number(process.argv[2] ?? 9);
/** Milliseconds for which each operation of a round is repeated. */
const SLICE_MS = 40;

const DEEP = "/one/two/three/four/file.txt";
const SMALL = Buffer.alloc(4096, "x");
const LARGE = Buffer.alloc(1 << 20, "y");

function prepare(fs) {
  fs.mkdirSync("/one/two/three/four", { recursive: true });
  fs.writeFileSync(DEEP, "deep");
  fs.writeFileSync("/small", SMALL);
  fs.writeFileSync("/large", LARGE);
  fs.mkdirSync("/many");
  for (let i = 0; i < 1000; i++) fs.writeFileSync(`/many/file-${String(i).padStart(4, "0")}.txt`, "");
  return fs;
}

/** What acceptance asks for: how many times faster than memfs. */
const OPERATIONS = [
  ["stat", 10, (fs) => fs.statSync(DEEP)],
  ["exists", 10, (fs) => fs.existsSync(DEEP)],
  ["open + close", 10, (fs) => fs.closeSync(fs.openSync(DEEP, "r"))],
  ["read 4 KiB", 2.5, (fs) => fs.readFileSync("/small")],
  ["write 4 KiB", 10, (fs) => fs.writeFileSync("/small", SMALL)],
  ["readdir of 1000", 8, (fs) => fs.readdirSync("/many")],
  [
    "rename",
    10,
    (fs) => {
      fs.renameSync("/small", "/other");
      fs.renameSync("/other", "/small");
    },
  ],
  [
    "create + unlink",
    8,
    (fs) => {
      fs.closeSync(fs.openSync("/one/two/new", "w"));
      fs.unlinkSync("/one/two/new");
    },
  ],
  ["read 1 MiB", 0.9, (fs) => fs.readFileSync("/large")],
  ["write 1 MiB", 0.9, (fs) => fs.writeFileSync("/large", LARGE)],
];

/** Nanoseconds of one call. The clock is read after batches that grow until they fill the slice. */
function measure(call, fs) {
  let batch = 1;
  for (;;) {
    const start = performance.now();
    for (let i = 0; i < batch; i++) call(fs);
    const ms = performance.now() - start;
    if (ms >= SLICE_MS) return (ms / batch) * 1e6;
    batch = Math.ceil(ms < 1 ? batch * 8 : (batch * SLICE_MS * 1.2) / ms);
  }
}

const subjects = new Map([
  ["wvisor/fs", prepare(createFs())],
  ["memfs", prepare(memfs().fs)],
]);

const results = new Map([...subjects.keys()].map((name) => [name, new Map()]));
// One operation after the other, so that what compares lies close together in time.
for (const [name, , call] of OPERATIONS) {
  const variants = [...subjects].map(([subject, fs]) => ({
    name: subject,
    run: () => new Map([[name, [measure(call, fs)]]]),
  }));
  for (const fs of subjects.values()) measure(call, fs);
  for (const [subject, metrics] of await interleave(variants, ROUNDS))
    results.get(subject).set(name, metrics.get(name));
}

const rows = [["operation", "wvisor/fs", "memfs", "faster", "asked for"]];
let missed = 0;
for (const [name, wanted] of OPERATIONS) {
  const ours = results.get("wvisor/fs").get(name).median;
  const theirs = results.get("memfs").get(name).median;
  const ratio = theirs / ours;
  if (ratio < wanted) missed++;
  rows.push([
    name,
    duration(ours),
    duration(theirs),
    `${ratio.toFixed(1)}x`,
    `${wanted}x${ratio < wanted ? " !" : ""}`,
  ]);
}
console.log(table(rows));
console.log(`\n${writeResults("fs", results, { node: process.version, rounds: ROUNDS })}`);
process.exitCode = missed === 0 ? 0 : 1;
