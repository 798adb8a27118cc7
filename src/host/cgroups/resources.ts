// linux.resources of OCI's config.json and of `update`: what it may say, and what it asks for.

import * as v from "valibot";

/** int64 and uint64; beyond 2^53 a number of JSON has lost its last digits, and means "no limit" in practice. */
const INT64_MAX = 2 ** 63;
const UINT64_MAX = 2 ** 64;
const INT64_CLAMP = 2n ** 63n - 1n;

const integer = (least: number, most: number) =>
  v.pipe(
    v.number("must be a number"),
    v.check((value) => Number.isInteger(value), "must be a whole number"),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );
const signed = () => v.optional(v.nullable(integer(-INT64_MAX, INT64_MAX)));
const unsigned = () => v.optional(v.nullable(integer(0, UINT64_MAX)));
const object = <T extends v.ObjectEntries>(entries: T) =>
  v.optional(v.nullable(v.object(entries, "must be an object")));
/** It is written to a file of Linux's, which takes lines. */
const setting = () =>
  v.pipe(
    v.string("must be a string"),
    v.maxLength(4096, "must have at most 4096 characters"),
    v.check((text) => !/[\0\n]/.test(text), "must be one line"),
  );
const cpuList = () => v.optional(v.pipe(setting(), v.regex(/^[0-9,\- ]*$/, "must be a list of numbers")), "");
const fileName = () =>
  v.pipe(
    setting(),
    v.regex(/^[a-zA-Z0-9_.-]+$/, "must be the name of a file of cgroups"),
    v.check((name) => name !== "." && name !== "..", "must be the name of a file of cgroups"),
  );
const rates = () =>
  v.optional(
    v.nullable(
      v.array(
        v.object({
          major: integer(0, UINT64_MAX),
          minor: integer(0, UINT64_MAX),
          rate: integer(0, UINT64_MAX),
        }),
      ),
    ),
  );

export function resourcesSchema() {
  return v.object(
    {
      memory: object({
        limit: signed(),
        reservation: signed(),
        swap: signed(),
        swappiness: unsigned(),
        disableOOMKiller: v.optional(v.nullable(v.boolean("must be true or false"))),
        useHierarchy: v.optional(v.unknown()),
      }),
      cpu: object({
        shares: unsigned(),
        quota: signed(),
        period: unsigned(),
        realtimeRuntime: signed(),
        realtimePeriod: unsigned(),
        idle: signed(),
        cpus: cpuList(),
        mems: cpuList(),
      }),
      pids: object({ limit: signed() }),
      blockIO: object({
        weight: unsigned(),
        leafWeight: unsigned(),
        throttleReadBpsDevice: rates(),
        throttleWriteBpsDevice: rates(),
        throttleReadIOPSDevice: rates(),
        throttleWriteIOPSDevice: rates(),
      }),
      unified: v.optional(v.nullable(v.record(fileName(), setting(), "must be an object"))),
      // The sandbox opens no device of the host, and has no huge pages, network or RDMA devices: nothing to limit.
      devices: v.optional(v.unknown()),
      hugepageLimits: v.optional(v.nullable(v.array(v.unknown(), "must be an array"))),
      network: v.optional(v.unknown()),
      rdma: v.optional(v.unknown()),
    },
    "must be an object",
  );
}

export type Resources = v.InferOutput<ReturnType<typeof resourcesSchema>>;

/** As a file of Linux's takes it. Absent and 0 are nothing to set, for all but swap of version 2. */
export function decimal(value: number | null | undefined): string | undefined {
  if (value === undefined || value === null || value === 0) return undefined;
  const exact = BigInt(value);
  return String(exact > INT64_CLAMP ? INT64_CLAMP : exact);
}

/** Whether something is to be limited: what a system without cgroups then cannot do. */
export function asksForLimits({ memory, cpu, pids, blockIO, unified }: Resources): boolean {
  const given = [memory, cpu, pids, blockIO].flatMap((part) => Object.values(part ?? {}));
  const numbers = given.some((value) => typeof value === "number" && value !== 0 && value !== -1);
  const texts = Boolean(cpu?.cpus) || Boolean(cpu?.mems);
  const rates = given.some((value) => Array.isArray(value) && value.length > 0);
  return numbers || texts || rates || Object.keys(unified ?? {}).length > 0;
}

/** What is accepted and not done, each with its reason. */
export function ignoredResources({ hugepageLimits }: Resources): string[] {
  if (!hugepageLimits?.length) return [];
  return ["linux.resources.hugepageLimits: ignoring them, a sandbox has no huge pages of its own"];
}

/** Bytes that the container's memory is limited to; 0 when it is not. -1 means "no limit" to OCI. */
export function memoryLimitOf(resources: Resources | null | undefined): number {
  const limit = resources?.memory?.limit ?? 0;
  return limit > 0 && limit < Number.MAX_SAFE_INTEGER ? limit : 0;
}

/** Processes that the container may have; 0 when there is no limit. */
export function pidsLimitOf(resources: Resources | null | undefined): number {
  const limit = resources?.pids?.limit ?? 0;
  return limit > 0 ? Math.min(limit, Number.MAX_SAFE_INTEGER) : 0;
}
