// How long something takes on a machine that has other things to do.

import { readFileSync } from "node:fs";

/**
 * Milliseconds for which the main thread of a process was ready to run and others had the processors (proc(5): schedstat); 0 where
 * the kernel does not count them.
 */
function waited(pid: number | "self"): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1e6;
  } catch {
    return 0;
  }
}

export class Stopwatch {
  private readonly pids: readonly (number | "self")[];
  private time = 0;
  private waited = 0;

  /** For work that this process does, and `others` for it. */
  constructor(...others: number[]) {
    this.pids = ["self", ...others];
    this.lap();
  }

  /** Milliseconds since the last lap, without those in which one of the processes waited for a processor. */
  lap(): number {
    const now = performance.now();
    const all = this.pids.reduce<number>((sum, pid) => sum + waited(pid), 0);
    const took = now - this.time - (all - this.waited);
    this.time = now;
    this.waited = all;
    return Math.max(0, took);
  }
}
