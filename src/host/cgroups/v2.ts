// Limits in the files of version 2 (Documentation/admin-guide/cgroup-v2.rst). What OCI says in the numbers of version 1 is
// converted as runc does.

import { UNIFIED } from "./hierarchies.ts";
import { decimal, type Resources } from "./resources.ts";
import { limitError, type Write } from "./writes.ts";

const UNLIMITED = -1;
const MAX = "max";
const DEFAULT_PERIOD_US = "100000";

/** Errors: WvisorError. */
export function writesV2(resources: Resources): Write[] {
  return [
    ...cpusetWrites(resources),
    ...memoryWrites(resources),
    ...cpuWrites(resources),
    ...write("pids.max", maximum(resources.pids?.limit)),
    ...ioWrites(resources),
    ...Object.entries(resources.unified ?? {}).flatMap(([file, value]) => write(file, value)),
  ];
}

function write(file: string, value: string | undefined, more: Partial<Write> = {}): Write[] {
  return value === undefined ? [] : [{ controller: UNIFIED, file, value, ...more }];
}

function maximum(value: number | null | undefined): string | undefined {
  const text = decimal(value);
  return text?.startsWith("-") ? MAX : text;
}

function cpusetWrites({ cpu }: Resources): Write[] {
  return [...write("cpuset.cpus", cpu?.cpus || undefined), ...write("cpuset.mems", cpu?.mems || undefined)];
}

function memoryWrites({ memory }: Resources): Write[] {
  if (memory === undefined || memory === null) return [];
  const swap = swapLimit(memory.limit ?? 0, memory.swap ?? 0);
  // Where Linux counts no swap there is nothing to limit it to.
  const harmless = swap === MAX || swap === "0";
  return [
    ...write("memory.swap.max", swap, { tolerates: harmless ? ["ENOENT"] : [] }),
    ...write("memory.max", maximum(memory.limit)),
    ...write("memory.low", maximum(memory.reservation)),
  ];
}

/** Version 1 limits memory and swap together, version 2 swap alone. Errors: WvisorError. */
export function swapLimit(limit: number, swap: number): string | undefined {
  if (swap === UNLIMITED || (limit === UNLIMITED && swap === 0)) return MAX;
  if (swap === 0) return undefined;
  if (limit === 0 || limit === UNLIMITED) throw limitError("unable to set swap limit without memory limit");
  if (limit < 0) throw limitError(`invalid memory value: ${limit}`);
  if (swap < limit) throw limitError("memory+swap limit should be >= memory limit");
  return String(BigInt(swap) - BigInt(limit));
}

/** 2 to 262,144 become 1 to 10,000. */
export function weightFromShares(shares: number): number {
  if (shares === 0) return 0;
  const within = Math.min(Math.max(shares, 2), 262_144);
  return 1 + Math.floor(((within - 2) * 9999) / 262_142);
}

/** 10 to 1,000 become 1 to 10,000. */
export function ioWeight(weight: number): number {
  return weight === 0 ? 0 : 1 + Math.floor(((weight - 10) * 9999) / 990);
}

function cpuWrites({ cpu }: Resources): Write[] {
  if (cpu === undefined || cpu === null) return [];
  if ((cpu.realtimePeriod ?? 0) !== 0 || (cpu.realtimeRuntime ?? 0) !== 0) {
    throw limitError("linux.resources.cpu: cgroup v2 has no limits of realtime");
  }
  const idle = cpu.idle === undefined || cpu.idle === null ? undefined : String(cpu.idle);
  return [
    ...write("cpu.idle", idle),
    // A group of that kind has no weight.
    ...write("cpu.weight", cpu.idle === 1 ? undefined : decimal(weightFromShares(cpu.shares ?? 0))),
    ...write("cpu.max", cpuMaximum(cpu.quota ?? 0, decimal(cpu.period))),
  ];
}

function cpuMaximum(quota: number, period: string | undefined): string | undefined {
  if (quota === 0 && period === undefined) return undefined;
  return `${quota > 0 ? decimal(quota) : MAX} ${period ?? DEFAULT_PERIOD_US}`;
}

function ioWrites({ blockIO }: Resources): Write[] {
  if (blockIO === undefined || blockIO === null) return [];
  const weight = blockIO.weight ?? 0;
  const otherwise = write("io.weight", decimal(ioWeight(weight)))[0];
  const rates = [
    ["rbps", blockIO.throttleReadBpsDevice],
    ["wbps", blockIO.throttleWriteBpsDevice],
    ["riops", blockIO.throttleReadIOPSDevice],
    ["wiops", blockIO.throttleWriteIOPSDevice],
  ] as const;
  return [
    ...write("io.bfq.weight", decimal(weight), otherwise === undefined ? {} : { otherwise }),
    ...rates.flatMap(([key, list]) =>
      (list ?? []).flatMap(({ major, minor, rate }) =>
        write("io.max", `${major}:${minor} ${key}=${rate === 0 ? MAX : BigInt(rate)}`),
      ),
    ),
  ];
}
