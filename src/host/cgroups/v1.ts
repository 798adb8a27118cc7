// Limits in the files of version 1 (Documentation/admin-guide/cgroup-v1), as runc sets them.

import { decimal, type Resources } from "./resources.ts";
import { limitError, type Write } from "./writes.ts";

const UNLIMITED = -1;
const SWAPPINESS_MAX = 100;

/** What the cgroup has before. */
export interface CurrentMemory {
  readonly limit: bigint;
  /** Linux counts swap, too. */
  readonly hasSwap: boolean;
}

/** `memory` is asked only where the order of writes depends on it. Errors: WvisorError. */
export function writesV1(resources: Resources, memory: () => CurrentMemory): Write[] {
  if (Object.keys(resources.unified ?? {}).length > 0) {
    throw limitError("invalid configuration: cannot use unified on cgroup v1");
  }
  return [
    ...cpusetWrites(resources),
    ...memoryWrites(resources, memory),
    ...cpuWrites(resources),
    ...pidsWrites(resources),
    ...blkioWrites(resources),
  ];
}

function write(
  controller: string,
  file: string,
  value: string | undefined,
  more: Partial<Write> = {},
): Write[] {
  return value === undefined ? [] : [{ controller, file, value, ...more }];
}

function cpusetWrites({ cpu }: Resources): Write[] {
  return [
    ...write("cpuset", "cpuset.cpus", cpu?.cpus || undefined),
    ...write("cpuset", "cpuset.mems", cpu?.mems || undefined),
  ];
}

/** The limit of both together is never below that of memory alone, after any single write. */
function memoryWrites({ memory }: Resources, current: () => CurrentMemory): Write[] {
  if (memory === undefined || memory === null) return [];
  const { swappiness } = memory;
  if (
    swappiness !== undefined &&
    swappiness !== null &&
    swappiness > SWAPPINESS_MAX &&
    swappiness < 2 ** 63
  ) {
    throw limitError(`invalid value: ${swappiness}. valid memory swappiness range is 0-100`);
  }
  return [
    ...limitWrites(memory.limit ?? 0, memory.swap ?? 0, current),
    ...write("memory", "memory.soft_limit_in_bytes", decimal(memory.reservation)),
    ...write("memory", "memory.oom_control", memory.disableOOMKiller ? "1" : undefined),
    ...write("memory", "memory.swappiness", swappinessText(swappiness)),
  ];
}

/** 2^64 - 1 is docker's -1. */
function swappinessText(value: number | null | undefined): string | undefined {
  return value === undefined || value === null || value > SWAPPINESS_MAX ? undefined : String(value);
}

function limitWrites(limit: number, givenSwap: number, current: () => CurrentMemory): Write[] {
  const lifts = limit === UNLIMITED && givenSwap === 0 && current().hasSwap;
  const swap = lifts ? UNLIMITED : givenSwap;
  const first = write("memory", "memory.limit_in_bytes", decimal(limit));
  const second = write("memory", "memory.memsw.limit_in_bytes", decimal(swap));
  if (limit === 0 || swap === 0) return [...first, ...second];
  const rises = swap === UNLIMITED || current().limit < BigInt(swap);
  return rises ? [...second, ...first] : [...first, ...second];
}

function cpuWrites({ cpu }: Resources): Write[] {
  if (cpu === undefined || cpu === null) return [];
  const period = decimal(cpu.period);
  const quota = decimal(cpu.quota);
  // A shorter period may not fit the old quota: then it is set behind the new one.
  const tolerates = quota === undefined ? [] : ["EINVAL"];
  return [
    ...write("cpu", "cpu.shares", decimal(cpu.shares), { exact: "cpu-shares" }),
    ...write("cpu", "cpu.idle", cpu.idle === undefined || cpu.idle === null ? undefined : String(cpu.idle)),
    ...write("cpu", "cpu.cfs_period_us", period, { tolerates }),
    ...write("cpu", "cpu.cfs_quota_us", quota),
    ...write("cpu", "cpu.cfs_period_us", quota === undefined ? undefined : period),
    ...write("cpu", "cpu.rt_period_us", decimal(cpu.realtimePeriod)),
    ...write("cpu", "cpu.rt_runtime_us", decimal(cpu.realtimeRuntime)),
  ];
}

function pidsWrites({ pids }: Resources): Write[] {
  const limit = decimal(pids?.limit);
  return write("pids", "pids.max", limit?.startsWith("-") ? "max" : limit);
}

function blkioWrites({ blockIO }: Resources): Write[] {
  if (blockIO === undefined || blockIO === null) return [];
  const weight = write("blkio", "blkio.weight", decimal(blockIO.weight));
  const bfq = write("blkio", "blkio.bfq.weight", decimal(blockIO.weight))[0];
  const rates = [
    ["blkio.throttle.read_bps_device", blockIO.throttleReadBpsDevice],
    ["blkio.throttle.write_bps_device", blockIO.throttleWriteBpsDevice],
    ["blkio.throttle.read_iops_device", blockIO.throttleReadIOPSDevice],
    ["blkio.throttle.write_iops_device", blockIO.throttleWriteIOPSDevice],
  ] as const;
  return [
    ...weight.map((first) => (bfq === undefined ? first : { ...first, otherwise: bfq })),
    ...write("blkio", "blkio.leaf_weight", decimal(blockIO.leafWeight)),
    ...rates.flatMap(([file, list]) =>
      (list ?? []).flatMap(({ major, minor, rate }) =>
        write("blkio", file, `${major}:${minor} ${BigInt(rate)}`),
      ),
    ),
  ];
}
