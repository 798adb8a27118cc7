// What a container uses, in the JSON of runc's `events` (types/events.go): fields that are 0 are left out where runc does so.

import type { Cgroup } from "./cgroup.ts";
import { statsV1 } from "./stats-v1.ts";
import { statsV2 } from "./stats-v2.ts";
import type { BlockEntry, MemoryEntry, Usage } from "./usage.ts";

export function readUsage(cgroup: Cgroup): Usage {
  return cgroup.version === 2 ? statsV2(cgroup) : statsV1(cgroup);
}

/** The event that `events` prints, as a line of JSON. */
export function statsEvent(id: string, { cpu, cpuset, memory, pids, blkio }: Usage): string {
  const usage = {
    ...given({ total: cpu.total }),
    ...filled({ percpu: cpu.perCpu, percpu_kernel: cpu.perCpuKernel, percpu_user: cpu.perCpuUser }),
    kernel: cpu.kernel,
    user: cpu.user,
  };
  const throttling = {
    periods: cpu.periods,
    throttledPeriods: cpu.throttledPeriods,
    throttledTime: cpu.throttledTime,
  };
  const data = {
    cpu: { usage, throttling: given(throttling) },
    cpuset,
    memory: {
      ...given({ cache: memory.cache }),
      usage: memoryEntry(memory.usage),
      swap: memoryEntry(memory.swap),
      kernel: memoryEntry(memory.kernel),
      kernelTCP: memoryEntry(memory.kernelTCP),
      ...(memory.raw.size > 0 ? { raw: Object.fromEntries(memory.raw) } : {}),
    },
    pids: given({ current: pids.current, limit: pids.limit }),
    blkio: filled({
      ioServiceBytesRecursive: blkio.bytes.map(blockEntry),
      ioServicedRecursive: blkio.operations.map(blockEntry),
    }),
    hugetlb: {},
    intel_rdt: {},
    network_interfaces: null,
  };
  return encode({ type: "stats", id, data });
}

export function oomEvent(id: string): string {
  return encode({ type: "oom", id });
}

function memoryEntry({ limit, usage, max, failures }: MemoryEntry): object {
  return { limit, ...given({ usage, max }), failcnt: failures };
}

function blockEntry({ major, minor, op, value }: BlockEntry): object {
  return { ...given({ major, minor }), ...(op === "" ? {} : { op }), ...given({ value }) };
}

function given(values: Readonly<Record<string, bigint>>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0n));
}

function filled(lists: Readonly<Record<string, readonly unknown[]>>): object {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}

/** No string of JSON has this character unescaped. */
const MARK = "\u0001";

/** Numbers of 64 bits keep all their digits, which JSON.stringify() cannot do. */
function encode(value: unknown): string {
  const marked = JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${MARK}${part}` : part));
  return marked.replace(/"\\u0001(-?\d+)"/g, "$1");
}
