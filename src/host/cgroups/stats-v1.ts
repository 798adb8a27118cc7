// Usage from the files of version 1. A controller that is not mounted has used nothing.

import type { Cgroup } from "./cgroup.ts";
import { parseKeyed, readIfThere } from "./files.ts";
import { type BlockEntry, type MemoryEntry, NO_CPUSET, NO_MEMORY, type Usage } from "./usage.ts";

/** Nanoseconds of a tick of cpuacct.stat (USER_HZ is 100 on all that Node runs on). */
const TICK_NS = 10_000_000n;

export function statsV1(cgroup: Cgroup): Usage {
  return {
    cpu: cpuUsage(cgroup),
    cpuset: cpuset(cgroup),
    memory: memoryUsage(cgroup),
    pids: {
      current: numberIn(cgroup, "pids", "pids.current"),
      limit: numberIn(cgroup, "pids", "pids.max"),
    },
    blkio: {
      bytes: blockEntries(cgroup, "io_service_bytes_recursive"),
      operations: blockEntries(cgroup, "io_serviced_recursive"),
    },
  };
}

/** "max", and what is not there, is 0. */
function numberIn(cgroup: Cgroup, controller: string, file: string): bigint {
  const text = readIfThere(cgroup.directoryOf(controller), file);
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : 0n;
}

function keyedIn(cgroup: Cgroup, controller: string, file: string): Map<string, bigint> {
  return parseKeyed(readIfThere(cgroup.directoryOf(controller), file) ?? "");
}

function cpuUsage(cgroup: Cgroup): Usage["cpu"] {
  const times = keyedIn(cgroup, "cpuacct", "cpuacct.stat");
  const throttling = keyedIn(cgroup, "cpu", "cpu.stat");
  const directory = cgroup.directoryOf("cpuacct");
  const each = (readIfThere(directory, "cpuacct.usage_percpu") ?? "").split(" ").filter(Boolean);
  // A heading, then "CPU USER SYSTEM".
  const all = (readIfThere(directory, "cpuacct.usage_all") ?? "").split("\n").slice(1);
  const columns = all.map((line) => line.split(" ").map(BigInt));
  return {
    total: numberIn(cgroup, "cpuacct", "cpuacct.usage"),
    kernel: (times.get("system") ?? 0n) * TICK_NS,
    user: (times.get("user") ?? 0n) * TICK_NS,
    perCpu: each.map(BigInt),
    perCpuKernel: columns.map(([, , system]) => system ?? 0n),
    perCpuUser: columns.map(([, user]) => user ?? 0n),
    periods: throttling.get("nr_periods") ?? 0n,
    throttledPeriods: throttling.get("nr_throttled") ?? 0n,
    throttledTime: throttling.get("throttled_time") ?? 0n,
  };
}

function cpuset(cgroup: Cgroup): Usage["cpuset"] {
  const numbers = Object.keys(NO_CPUSET).map((name): [string, bigint] => [
    name,
    numberIn(cgroup, "cpuset", `cpuset.${name}`),
  ]);
  const list = (file: string) => parseList(readIfThere(cgroup.directoryOf("cpuset"), file) ?? "");
  return { cpus: list("cpuset.cpus"), mems: list("cpuset.mems"), ...Object.fromEntries(numbers) };
}

/** "0-2,4" */
export function parseList(text: string): number[] {
  const ranges = text.split(",").filter((range) => /^\d+(-\d+)?$/.test(range));
  return ranges.flatMap((range) => {
    const [first, last] = range.split("-").map(Number) as [number, number?];
    return Array.from({ length: (last ?? first) - first + 1 }, (_, at) => first + at);
  });
}

function memoryUsage(cgroup: Cgroup): Usage["memory"] {
  const raw = keyedIn(cgroup, "memory", "memory.stat");
  return {
    cache: raw.get("cache") ?? 0n,
    usage: memoryEntry(cgroup, "memory"),
    swap: memoryEntry(cgroup, "memory.memsw"),
    kernel: memoryEntry(cgroup, "memory.kmem"),
    kernelTCP: memoryEntry(cgroup, "memory.kmem.tcp"),
    raw,
  };
}

function memoryEntry(cgroup: Cgroup, prefix: string): MemoryEntry {
  if (readIfThere(cgroup.directoryOf("memory"), `${prefix}.usage_in_bytes`) === undefined) return NO_MEMORY;
  return {
    limit: numberIn(cgroup, "memory", `${prefix}.limit_in_bytes`),
    usage: numberIn(cgroup, "memory", `${prefix}.usage_in_bytes`),
    max: numberIn(cgroup, "memory", `${prefix}.max_usage_in_bytes`),
    failures: numberIn(cgroup, "memory", `${prefix}.failcnt`),
  };
}

/** By the I/O scheduler that counts: "8:0 Read 4096". */
function blockEntries(cgroup: Cgroup, name: string): BlockEntry[] {
  for (const scheduler of ["bfq", "throttle"]) {
    const text = readIfThere(cgroup.directoryOf("blkio"), `blkio.${scheduler}.${name}`) ?? "";
    const entries = text.split("\n").flatMap((line) => {
      const [, major, minor, op, value] = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line) ?? [];
      return major === undefined
        ? []
        : [{ major: BigInt(major), minor: BigInt(minor!), op: op!, value: BigInt(value!) }];
    });
    if (entries.length > 0) return entries;
  }
  return [];
}
