// Interleaved rounds: A, B, C, A, B, C. What the machine does meanwhile falls on all variants alike, so that
// ratios within one run hold where times from two runs do not. Medians, because a mean carries every hiccup.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median, and how far apart the middle half of the samples lies, in parts of the median. */
export function summarize(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = median(sorted);
  const quarter = sorted[Math.floor((sorted.length - 1) / 4)];
  const threeQuarters = sorted[Math.ceil(((sorted.length - 1) * 3) / 4)];
  return {
    median: middle,
    min: sorted[0],
    max: sorted.at(-1),
    spread: middle === 0 ? 0 : (threeQuarters - quarter) / middle,
    samples,
  };
}

/**
 * Runs each variant once per round. A variant's `run` returns a Map of metric to its samples of this round.
 * Returns variant name -> metric -> summary over all rounds. A variant that fails is told, and left out from
 * then on.
 */
export async function interleave(variants, rounds, onRound = () => {}) {
  const samples = new Map(variants.map((variant) => [variant.name, new Map()]));
  const failed = new Set();
  for (let round = 0; round < rounds; round++) {
    for (const variant of variants) {
      if (failed.has(variant.name)) continue;
      try {
        for (const [metric, values] of await variant.run(round)) {
          const known = samples.get(variant.name).get(metric) ?? [];
          samples.get(variant.name).set(metric, known.concat(median(values)));
        }
      } catch (error) {
        failed.add(variant.name);
        samples.delete(variant.name);
        console.error(`${variant.name} is left out: ${error.message}`);
      }
    }
    onRound(round + 1, rounds);
  }
  return new Map(
    [...samples].map(([name, metrics]) => [
      name,
      new Map([...metrics].map(([metric, values]) => [metric, summarize(values)])),
    ]),
  );
}

function commit() {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], { cwd: ROOT, encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

export function machine() {
  const cpus = os.cpus();
  return {
    date: new Date().toISOString(),
    cpu: cpus[0]?.model.trim() ?? "unknown",
    cores: cpus.length,
    load: os.loadavg()[0],
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()}`,
    commit: commit(),
    version: JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")).version,
  };
}

/** "1.23 µs" */
export function duration(ns) {
  if (ns < 1000) return `${ns.toFixed(ns < 100 ? 1 : 0)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(ns < 1e5 ? 2 : 0)} µs`;
  return `${(ns / 1e6).toFixed(1)} ms`;
}

export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  "),
    )
    .join("\n");
}

/** Summaries as plain objects, with the machine, to build/bench/NAME.json. Returns the file's path. */
export function writeResults(name, results, more = {}) {
  const folder = path.join(ROOT, "build", "bench");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.json`);
  const plain = Object.fromEntries([...results].map(([key, metrics]) => [key, Object.fromEntries(metrics)]));
  writeFileSync(file, `${JSON.stringify({ machine: machine(), ...more, results: plain }, null, 2)}\n`);
  return file;
}
