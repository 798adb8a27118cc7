// Usage from the files of version 2, under the names of version 1, as runc tells it.

import type { Cgroup } from "./cgroup.ts";
import { parseKeyed, readIfThere } from "./files.ts";
import { UNIFIED } from "./hierarchies.ts";
import { type BlockEntry, type MemoryEntry, NO_CPUSET, NO_MEMORY, type Usage } from "./usage.ts";

const NS_PER_US = 1000n;
/** "max" */
const UNLIMITED = 2n ** 64n - 1n;
/** Keys of io.stat. */
const BYTES = { rbytes: "Read", wbytes: "Write" };
const OPERATIONS = { rios: "Read", wios: "Write" };

export function statsV2(cgroup: Cgroup): Usage {
  const directory = cgroup.directoryOf(UNIFIED);
  const read = (file: string): string => readIfThere(directory, file) ?? "";
  const cpu = parseKeyed(read("cpu.stat"));
  const microseconds = (name: string): bigint => (cpu.get(name) ?? 0n) * NS_PER_US;
  const limit = read("pids.max");
  return {
    cpu: {
      total: microseconds("usage_usec"),
      kernel: microseconds("system_usec"),
      user: microseconds("user_usec"),
      perCpu: [],
      perCpuKernel: [],
      perCpuUser: [],
      periods: cpu.get("nr_periods") ?? 0n,
      throttledPeriods: cpu.get("nr_throttled") ?? 0n,
      throttledTime: microseconds("throttled_usec"),
    },
    cpuset: NO_CPUSET,
    memory: memoryUsage(read),
    pids: { current: numberOf(read("pids.current")), limit: limit === "max" ? 0n : numberOf(limit) },
    blkio: {
      bytes: blockEntries(read("io.stat"), BYTES),
      operations: blockEntries(read("io.stat"), OPERATIONS),
    },
  };
}

function numberOf(text: string): bigint {
  if (text === "max") return UNLIMITED;
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
}

/** Version 1 counts memory and swap together. */
function memoryUsage(read: (file: string) => string): Usage["memory"] {
  const raw = parseKeyed(read("memory.stat"));
  const usage = memoryEntry(read, "memory");
  const swap = memoryEntry(read, "memory.swap");
  const both = swap.limit === UNLIMITED ? UNLIMITED : swap.limit + usage.limit;
  return {
    cache: raw.get("file") ?? 0n,
    usage,
    swap: { ...NO_MEMORY, usage: swap.usage + usage.usage, limit: both },
    kernel: NO_MEMORY,
    kernelTCP: NO_MEMORY,
    raw,
  };
}

function memoryEntry(read: (file: string) => string, prefix: string): MemoryEntry {
  return {
    limit: numberOf(read(`${prefix}.max`)),
    usage: numberOf(read(`${prefix}.current`)),
    max: numberOf(read(`${prefix}.peak`)),
    failures: 0n,
  };
}

/** "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 ..." */
function blockEntries(text: string, keys: Readonly<Record<string, string>>): BlockEntry[] {
  return text.split("\n").flatMap((line) => {
    const [device = "", ...items] = line.split(" ");
    const [, major, minor] = /^(\d+):(\d+)$/.exec(device) ?? [];
    if (major === undefined) return [];
    return items.flatMap((item) => {
      const [key = "", value = ""] = item.split("=");
      if (!Object.hasOwn(keys, key) || !/^\d+$/.test(value)) return [];
      return [{ major: BigInt(major), minor: BigInt(minor!), op: keys[key]!, value: BigInt(value) }];
    });
  });
}
