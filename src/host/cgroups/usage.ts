// What a container has used, whatever version of cgroups counts it.

export interface BlockEntry {
  readonly major: bigint;
  readonly minor: bigint;
  readonly op: string;
  readonly value: bigint;
}

/** Bytes and times count from the making of the cgroup. 64 bits each. */
export interface Usage {
  readonly cpu: {
    /** Nanoseconds. */
    readonly total: bigint;
    readonly kernel: bigint;
    readonly user: bigint;
    readonly perCpu: readonly bigint[];
    readonly perCpuKernel: readonly bigint[];
    readonly perCpuUser: readonly bigint[];
    readonly periods: bigint;
    readonly throttledPeriods: bigint;
    readonly throttledTime: bigint;
  };
  readonly cpuset: Readonly<Record<string, bigint | readonly number[]>>;
  readonly memory: {
    readonly cache: bigint;
    readonly usage: MemoryEntry;
    readonly swap: MemoryEntry;
    readonly kernel: MemoryEntry;
    readonly kernelTCP: MemoryEntry;
    readonly raw: ReadonlyMap<string, bigint>;
  };
  readonly pids: { readonly current: bigint; readonly limit: bigint };
  readonly blkio: { readonly bytes: readonly BlockEntry[]; readonly operations: readonly BlockEntry[] };
}

export interface MemoryEntry {
  readonly limit: bigint;
  readonly usage: bigint;
  readonly max: bigint;
  readonly failures: bigint;
}

export const NO_MEMORY: MemoryEntry = { limit: 0n, usage: 0n, max: 0n, failures: 0n };

export const NO_CPUSET: Usage["cpuset"] = Object.fromEntries(
  [
    "cpu_exclusive",
    "mem_hardwall",
    "mem_exclusive",
    "memory_migrate",
    "memory_spread_page",
    "memory_spread_slab",
    "memory_pressure",
    "sched_load_balance",
    "sched_relax_domain_level",
  ].map((name) => [name, 0n]),
);
