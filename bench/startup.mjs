// Whole processes, from spawn to exit, on a guest that prints one line.
//
// Measured: `wvisor do -- hello.wasm`; `node` running the same file by node:wasi; an empty Node; the gofer
// alone, from its spawn until it has ended because its socket is closed. Not included: the file system's
// cache of a cold machine; npx. Meant to notice: modules that are loaded without need, waits between the
// processes.
//
//   node bench/startup.mjs [--rounds N]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildGuests, guestFile } from "../scripts/build-guests.mjs";
import { otherNode } from "../scripts/other-node.mjs";
import * as gofer from "./gofer.mjs";
import { duration, interleave, table, writeResults } from "./harness.mjs";
import * as nodeWasi from "./node-wasi.mjs";
import { runProcess } from "./process.mjs";

const CLI = fileURLToPath(new URL("../build/cli.js", import.meta.url));
const CODE_CACHE = fileURLToPath(new URL("../scripts/code-cache.mjs", import.meta.url));

const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" } } });
const rounds = Number(values.rounds);

function timed(name, run) {
  return {
    name,
    run: async () => {
      const start = process.hrtime.bigint();
      await run();
      return new Map([["wall", [Number(process.hrtime.bigint() - start)]]]);
    },
  };
}

async function makeVariants(nodes, directory, config) {
  const guest = guestFile("hello");
  const variants = [];
  for (const node of nodes) {
    const version = (await runProcess(node, ["--version"])).trim();
    await runProcess(node, [CODE_CACHE]);
    variants.push(
      timed(`${version} node -e 0`, () => runProcess(node, ["-e", "0"])),
      timed(`${version} node:wasi`, () => nodeWasi.run({ node, directory, guest })),
      timed(`${version} gofer alone`, () => gofer.run(node, config)),
      timed(`${version} wvisor do`, () => runProcess(node, [CLI, "do", "--", guest], { cwd: directory })),
      timed(`${version} wvisor do, changes in memory`, () =>
        runProcess(node, [CLI, "do", "--session=none", "--", guest], { cwd: directory }),
      ),
      timed(`${version} wvisor do, no host directory`, () =>
        runProcess(node, [CLI, "do", "--tmpfs", "/work", "-w", "/work", "--", guest], { cwd: directory }),
      ),
    );
  }
  return variants;
}

function print(results) {
  const rows = [["", "median", "min", "spread"]];
  for (const [name, metrics] of results) {
    const { median, min, spread } = metrics.get("wall");
    rows.push([name, duration(median), duration(min), `${(spread * 100).toFixed(0)} %`]);
  }
  console.log(`medians of ${rounds} interleaved rounds, whole processes\n${table(rows)}`);
}

/** `wvisor do` may take node:wasi's time and one start of the gofer. */
function printBudget(results) {
  for (const [name, metrics] of results) {
    const version = /^(\S+) wvisor do$/.exec(name)?.[1];
    if (version === undefined) continue;
    const medianOf = (variant) => results.get(`${version} ${variant}`)?.get("wall").median ?? Number.NaN;
    const budget = medianOf("node:wasi") + medianOf("gofer alone");
    const own = metrics.get("wall").median;
    const verdict = own <= budget ? "within" : "over";
    console.log(
      `Node ${version}: wvisor do ${duration(own)}, ${verdict} node:wasi + gofer ${duration(budget)}`,
    );
  }
}

await buildGuests(["hello"]);
const nodes = [process.execPath];
const newer = await otherNode(24);
if (newer !== undefined && newer !== process.execPath) nodes.push(newer);

const directory = mkdtempSync(path.join(tmpdir(), "wvisor-bench-"));
try {
  const results = await interleave(
    await makeVariants(nodes, directory, gofer.writeConfig(directory)),
    rounds,
  );
  print(results);
  printBudget(results);
  console.log(writeResults("startup", results, { rounds }));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
