// wvisor update: other limits for a container.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as v from "valibot";
import { requireNative } from "../../native/index.ts";
import { type Resources, resourcesSchema } from "../cgroups/resources.ts";
import { parseSize } from "../config/units.ts";
import { failed } from "../container/errors.ts";
import { updateContainer } from "../container/update.ts";
import { readJson } from "../spec/bundle.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import type { Flags, FlagTable } from "./flags.ts";
import { OCI_EXIT_CODES, onlyId, openContainers } from "./oci.ts";

const USAGE = `Usage: wvisor update [flags] ID

Changes the limits of a container, by its cgroup. What is not given stays as it is.

  wvisor update --memory 512m --pids-limit 100 c1
  echo '{"cpu":{"shares":512}}' | wvisor update --resources - c1

Flags:
  -r, --resources FILE           All of them as JSON, as linux.resources in config.json; "-" reads stdin
      --blkio-weight N           10 to 1000
      --cpu-period MICROSECONDS  Of --cpu-quota
      --cpu-quota MICROSECONDS   Processor time in one period; -1 is no limit
      --cpu-rt-period MICROSECONDS, --cpu-rt-runtime MICROSECONDS
                                 The same of realtime (cgroup v1)
      --cpu-share N              Weight among other containers
      --cpu-idle 0|1             1: only when nobody else wants a processor
      --cpuset-cpus LIST         Processors: 0-3,6
      --cpuset-mems LIST         Memory nodes
      --memory SIZE              Bytes, or 512m, 1g; -1 is no limit
      --memory-reservation SIZE  What is left to it when memory is short
      --memory-swap SIZE         Memory and swap together; -1 is no limit
      --pids-limit N             Processes; -1 is no limit
      --debug                    With an error, show where it arose

Accepted without effect: --kernel-memory, --kernel-memory-tcp

Exit code: 0 changed, 1 not: then nothing has changed.
`;

const FLAGS: FlagTable = Object.fromEntries(
  [
    "blkio-weight",
    "cpu-period",
    "cpu-quota",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "cpu-share",
    "cpu-idle",
    "cpuset-cpus",
    "cpuset-mems",
    "kernel-memory",
    "kernel-memory-tcp",
    "memory",
    "memory-reservation",
    "memory-swap",
    "pids-limit",
    "l3-cache-schema",
    "mem-bw-schema",
  ].map((name) => [name, { type: "string" } as const]),
);

export const updateCommand: Command = {
  name: "update",
  summary: "Change the limits of a container",
  usage: USAGE,
  flags: { ...FLAGS, resources: { type: "string", short: "r" } },
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run: runUpdate,
};

function runUpdate(input: CommandInput): number {
  const { flags, warn } = input;
  const id = onlyId(input);
  for (const name of ["l3-cache-schema", "mem-bw-schema"]) {
    if (flags.has(name)) throw failed(`--${name}: Intel RDT is not supported`);
  }
  for (const name of ["kernel-memory", "kernel-memory-tcp"]) {
    if (flags.has(name)) warn(`--${name} is ignored: Linux has no such limit any more`);
  }
  const file = flags.text("resources");
  const value = file === undefined ? fromFlags(flags) : readResources(file);
  const native = requireNative();
  updateContainer(native, openContainers(native, input), id, parseResources(value), warn);
  return 0;
}

function readResources(file: string): unknown {
  if (file !== "-") return readJson(resolve(file));
  try {
    return JSON.parse(readFileSync(0, "utf8"));
  } catch (error) {
    throw failed(`--resources: not JSON: ${(error as Error).message}`, error);
  }
}

/** Errors: WvisorError that names the field. */
function parseResources(value: unknown): Resources {
  const result = v.safeParse(resourcesSchema(), value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw failed(`resources: ${v.getDotPath(issue) ?? ""}: ${issue.message}`);
}

function fromFlags(flags: Flags): object {
  return {
    blockIO: { weight: numberOf(flags, "blkio-weight") },
    cpu: {
      period: numberOf(flags, "cpu-period"),
      quota: numberOf(flags, "cpu-quota"),
      realtimePeriod: numberOf(flags, "cpu-rt-period"),
      realtimeRuntime: numberOf(flags, "cpu-rt-runtime"),
      shares: numberOf(flags, "cpu-share"),
      idle: numberOf(flags, "cpu-idle"),
      cpus: flags.text("cpuset-cpus"),
      mems: flags.text("cpuset-mems"),
    },
    memory: {
      limit: sizeOf(flags, "memory"),
      reservation: sizeOf(flags, "memory-reservation"),
      swap: sizeOf(flags, "memory-swap"),
    },
    pids: { limit: numberOf(flags, "pids-limit") },
  };
}

function numberOf(flags: Flags, name: string): number | undefined {
  const text = flags.text(name);
  if (text === undefined || text === "") return undefined;
  if (!/^-?\d{1,19}$/.test(text)) throw new UsageError(`invalid value for ${name}: ${text}`);
  return Number(text);
}

function sizeOf(flags: Flags, name: string): number | undefined {
  const text = flags.text(name);
  if (text === undefined || text === "") return undefined;
  const size = text === "-1" ? -1 : parseSize(text);
  if (size === undefined) throw new UsageError(`invalid value for ${name}: ${text}`);
  return size;
}
