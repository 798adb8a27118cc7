// What is written to which file: the numbers are those that runc 1.1 writes for the same configuration.

import * as v from "valibot";
import { describe, expect, test } from "vitest";
import {
  asksForLimits,
  memoryLimitOf,
  type Resources,
  resourcesSchema,
} from "../../../src/host/cgroups/resources.ts";
import { writesV1 } from "../../../src/host/cgroups/v1.ts";
import { ioWeight, swapLimit, weightFromShares, writesV2 } from "../../../src/host/cgroups/v2.ts";
import { failure } from "../scratch.ts";

const MiB = 1 << 20;
const parse = (value: unknown): Resources => v.parse(resourcesSchema(), value);
const first = (value: unknown, limit = 0n, hasSwap = true): string[] =>
  writesV1(parse(value), () => ({ limit, hasSwap })).map(({ file, value }) => `${file}=${value}`);
const second = (value: unknown): string[] =>
  writesV2(parse(value)).map(({ file, value }) => `${file}=${value}`);

describe("version 1", () => {
  test("memory", () => {
    expect(first({ memory: { limit: 64 * MiB, reservation: 32 * MiB, swappiness: 0 } })).toEqual([
      "memory.limit_in_bytes=67108864",
      "memory.soft_limit_in_bytes=33554432",
      "memory.swappiness=0",
    ]);
  });

  test("the limit of memory and swap together is raised first, and lowered last", () => {
    const memory = { limit: 64 * MiB, swap: 128 * MiB };
    const limit = "memory.limit_in_bytes=67108864";
    const both = "memory.memsw.limit_in_bytes=134217728";
    expect(first({ memory }, 32n << 20n)).toEqual([both, limit]);
    expect(first({ memory }, 512n << 20n)).toEqual([limit, both]);
    expect(first({ memory: { limit: 64 * MiB, swap: -1 } }, 512n << 20n)).toEqual([
      "memory.memsw.limit_in_bytes=-1",
      limit,
    ]);
  });

  test("no limit of memory is none of swap, where swap is counted", () => {
    expect(first({ memory: { limit: -1 } })).toEqual([
      "memory.memsw.limit_in_bytes=-1",
      "memory.limit_in_bytes=-1",
    ]);
    expect(first({ memory: { limit: -1 } }, 0n, false)).toEqual(["memory.limit_in_bytes=-1"]);
  });

  test("cpu: a period that does not fit the old quota is set behind the new one", () => {
    expect(first({ cpu: { shares: 512, quota: 50_000, period: 100_000 } })).toEqual([
      "cpu.shares=512",
      "cpu.cfs_period_us=100000",
      "cpu.cfs_quota_us=50000",
      "cpu.cfs_period_us=100000",
    ]);
    expect(first({ cpu: { period: 100_000 } })).toEqual(["cpu.cfs_period_us=100000"]);
    expect(first({ cpu: { quota: -1 } })).toEqual(["cpu.cfs_quota_us=-1"]);
    expect(first({ cpu: { cpus: "0-1", mems: "0" } })).toEqual(["cpuset.cpus=0-1", "cpuset.mems=0"]);
  });

  test("pids, block devices", () => {
    expect(first({ pids: { limit: 10 } })).toEqual(["pids.max=10"]);
    expect(first({ pids: { limit: -1 } })).toEqual(["pids.max=max"]);
    const [weight, ...rates] = writesV1(
      parse({ blockIO: { weight: 500, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }] } }),
      () => ({ limit: 0n, hasSwap: false }),
    );
    expect(weight).toMatchObject({
      file: "blkio.weight",
      value: "500",
      otherwise: { file: "blkio.bfq.weight" },
    });
    expect(rates).toMatchObject([{ file: "blkio.throttle.read_bps_device", value: "8:0 1000" }]);
  });

  test("what there is none of is an error", () => {
    expect(failure(() => first({ unified: { "memory.high": "1" } }))).toContain("unified on cgroup v1");
    expect(failure(() => first({ memory: { swappiness: 101 } }))).toContain("0-100");
    expect(first({ memory: { swappiness: 2 ** 64 } })).toEqual([]);
  });
});

describe("version 2", () => {
  test("memory and swap are apart", () => {
    expect(second({ memory: { limit: 64 * MiB, swap: 96 * MiB, reservation: 32 * MiB } })).toEqual([
      "memory.swap.max=33554432",
      "memory.max=67108864",
      "memory.low=33554432",
    ]);
    expect(second({ memory: { limit: -1 } })).toEqual(["memory.swap.max=max", "memory.max=max"]);
    expect(swapLimit(10, 10)).toBe("0");
    expect(swapLimit(10, 0)).toBeUndefined();
    expect(swapLimit(10, -1)).toBe("max");
    expect(failure(() => swapLimit(0, 10))).toBe("unable to set swap limit without memory limit");
    expect(failure(() => swapLimit(11, 10))).toBe("memory+swap limit should be >= memory limit");
  });

  test.each([
    [0, 0],
    [1, 1],
    [2, 1],
    [512, 20],
    [1024, 39],
    [262_144, 10_000],
    [1_000_000, 10_000],
  ])("%i shares are the weight %i", (shares, weight) => {
    expect(weightFromShares(shares)).toBe(weight);
  });

  test.each([
    [0, 0],
    [10, 1],
    [500, 4950],
    [1000, 10_000],
  ])("the weight %i of blkio is %i of io", (weight, io) => {
    expect(ioWeight(weight)).toBe(io);
  });

  test("cpu", () => {
    expect(second({ cpu: { quota: 50_000, period: 200_000 } })).toEqual(["cpu.max=50000 200000"]);
    expect(second({ cpu: { quota: 50_000 } })).toEqual(["cpu.max=50000 100000"]);
    expect(second({ cpu: { quota: -1, period: 50_000 } })).toEqual(["cpu.max=max 50000"]);
    expect(second({ cpu: { shares: 1024 } })).toEqual(["cpu.weight=39"]);
    expect(second({ cpu: { shares: 1024, idle: 1 } })).toEqual(["cpu.idle=1"]);
    expect(failure(() => second({ cpu: { realtimeRuntime: 1 } }))).toContain("realtime");
  });

  test("io, pids, and whatever else by the names of files", () => {
    expect(second({ pids: { limit: -1 } })).toEqual(["pids.max=max"]);
    expect(second({ blockIO: { throttleWriteIOPSDevice: [{ major: 8, minor: 1, rate: 0 }] } })).toEqual([
      "io.max=8:1 wiops=max",
    ]);
    expect(second({ unified: { "memory.high": "1000", "io.latency": "8:0 target=1" } })).toEqual([
      "memory.high=1000",
      "io.latency=8:0 target=1",
    ]);
  });
});

describe("linux.resources", () => {
  test.each([
    { memory: { limit: 1.5 } },
    { memory: { limit: "64m" } },
    { memory: 1 },
    { cpu: { shares: -1 } },
    { cpu: { cpus: "0\n1" } },
    { cpu: { mems: "x" } },
    { pids: { limit: 1e30 } },
    { unified: { "../memory.max": "1" } },
    { unified: { "..": "1" } },
    { unified: { "memory.max": "1\n2" } },
    { unified: { "memory.max": 1 } },
    { blockIO: { throttleReadBpsDevice: [{ major: "8:0 1\n", minor: 0, rate: 1 }] } },
  ])("%j is refused", (value) => {
    expect(v.safeParse(resourcesSchema(), value).success).toBe(false);
  });

  test("numbers of 64 bits, of which JSON keeps 53", () => {
    expect(first({ memory: { limit: 2 ** 63 - 4096 } })).toEqual([
      "memory.limit_in_bytes=9223372036854771712",
    ]);
    expect(first({ memory: { limit: 2 ** 63 } })).toEqual(["memory.limit_in_bytes=9223372036854775807"]);
    expect(memoryLimitOf(parse({ memory: { limit: 2 ** 63 } }))).toBe(0);
  });

  test.each([
    [{}, false],
    [{ devices: [{ allow: false, access: "rwm" }] }, false],
    [{ memory: { limit: -1 }, pids: { limit: 0 }, cpu: { cpus: "" }, unified: {} }, false],
    [{ memory: { limit: 1 } }, true],
    [{ cpu: { cpus: "0" } }, true],
    [{ unified: { "memory.high": "1" } }, true],
    [{ blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }] } }, true],
  ])("%j asks for limits: %j", (value, asks) => {
    expect(asksForLimits(parse(value))).toBe(asks);
  });
});
