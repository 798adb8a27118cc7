// Calls counted by their names, as `strace -c` does.

interface Count {
  calls: number;
  errors: number;
  /** Nanoseconds inside the kernel. */
  time: number;
}

const NS_PER_S = 1e9;
const NS_PER_US = 1e3;
const PER_CENT = 100;
/** Widths of the columns; the last one, the call's name, takes what it needs. */
const HEAD = "% time     seconds  usecs/call     calls    errors call";
const RULE = "------ ----------- ----------- --------- --------- ----------------";

export class Summary {
  readonly #counts = new Map<string, Count>();

  /** `time` in nanoseconds. */
  add(name: string, time: number, failed: boolean): void {
    let count = this.#counts.get(name);
    if (count === undefined) {
      count = { calls: 0, errors: 0, time: 0 };
      this.#counts.set(name, count);
    }
    count.calls++;
    count.time += time;
    if (failed) count.errors++;
  }

  /** The table, the call that took most time first; ends with a line end. */
  table(): string {
    const all = { calls: 0, errors: 0, time: 0 };
    for (const { calls, errors, time } of this.#counts.values()) {
      all.calls += calls;
      all.errors += errors;
      all.time += time;
    }
    const rows = [...this.#counts].sort(([, a], [, b]) => b.time - a.time || b.calls - a.calls);
    const lines = rows.map(([name, count]) => row(name, count, all.time));
    return `${[HEAD, RULE, ...lines, RULE, row("total", all, all.time)].join("\n")}\n`;
  }
}

function row(name: string, { calls, errors, time }: Count, total: number): string {
  const share = total === 0 ? 0 : (time / total) * PER_CENT;
  const each = calls === 0 ? 0 : Math.round(time / calls / NS_PER_US);
  return [
    share.toFixed(2).padStart(6),
    (time / NS_PER_S).toFixed(6).padStart(11),
    `${each}`.padStart(11),
    `${calls}`.padStart(9),
    `${errors || ""}`.padStart(9),
    name,
  ].join(" ");
}
