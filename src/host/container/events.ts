// wvisor events: what a container uses, and when Linux ended a process of it because memory was short.
//
// All of it comes from the container's cgroup. What cannot be had there, where there is none, its sentry tells of itself.

import * as v from "valibot";
import type { Native } from "../../native/index.ts";
import { type Cgroup, readCgroup } from "../cgroups/cgroup.ts";
import { oomKills } from "../cgroups/oom.ts";
import { oomEvent, readUsage, statsEvent } from "../cgroups/stats.ts";
import { NO_CPUSET, NO_MEMORY, type Usage } from "../cgroups/usage.ts";
import type { Containers } from "./containers.ts";
import { failed } from "./errors.ts";
import { type ContainerRecord, statusOf } from "./record.ts";
import { SandboxClient } from "./sandbox-client.ts";

/** The count of Linux is looked at so often: no kill is missed, however many there were. */
const LOOK_MS = 100;

export interface EventsOptions {
  readonly id: string;
  /** One event, and no more. */
  readonly once: boolean;
  readonly intervalMs: number;
  /** Takes an event as JSON. */
  print(event: string): void;
}

interface Watched {
  readonly directory: string;
  readonly record: ContainerRecord;
  readonly cgroup: Cgroup | undefined;
}

/** Settles when the container has stopped, unless it is to be once. Errors: WvisorError. */
export async function watchContainer(
  native: Native,
  containers: Containers,
  options: EventsOptions,
): Promise<void> {
  const watched = find(containers, options.id);
  const stats = () => options.print(statsEvent(options.id, usageOf(native, watched)));
  if (options.once) return stats();
  let kills = 0n;
  let next = performance.now() + options.intervalMs;
  for (let stopped = false; !stopped; ) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_MS, options.intervalMs)));
    // Looked at before the count, which so has the kill that stopped it.
    stopped = isStopped(watched);
    const now = killsOf(watched) ?? kills;
    for (; kills < now; kills++) options.print(oomEvent(options.id));
    if (stopped || performance.now() < next) continue;
    stats();
    next += options.intervalMs;
  }
}

function find(containers: Containers, id: string): Watched {
  const container = containers.lock(id);
  try {
    const { directory, record } = container;
    const watched = { directory, record, cgroup: readCgroup(directory) };
    if (isStopped(watched)) throw failed(`container with id ${id} is not running`);
    return watched;
  } finally {
    container.unlock();
  }
}

function isStopped({ directory, record }: Watched): boolean {
  return statusOf(directory, record) === "stopped";
}

function killsOf({ cgroup }: Watched): bigint | undefined {
  return cgroup === undefined ? undefined : oomKills(cgroup);
}

function usageOf(native: Native, { directory, record, cgroup }: Watched): Usage {
  return cgroup === undefined ? askSandbox(native, directory, record.id) : readUsage(cgroup);
}

const count = () => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));

/** A sentry may say anything. */
const eventSchema = v.object({
  data: v.object({
    cpu: v.object({ usage: v.object({ total: count(), kernel: count(), user: count() }) }),
    memory: v.object({ usage: v.object({ usage: count() }) }),
    pids: v.object({ current: count() }),
  }),
});

function askSandbox(native: Native, directory: string, id: string): Usage {
  const client = new SandboxClient(native, directory);
  const answer = v.safeParse(eventSchema, client.call("Event", id));
  client.close();
  if (!answer.success) throw failed("the sandbox does not answer with an event");
  const { cpu, memory, pids } = answer.output.data;
  const { total, kernel, user } = cpu.usage;
  return {
    cpu: {
      total: BigInt(total),
      kernel: BigInt(kernel),
      user: BigInt(user),
      perCpu: [],
      perCpuKernel: [],
      perCpuUser: [],
      periods: 0n,
      throttledPeriods: 0n,
      throttledTime: 0n,
    },
    cpuset: NO_CPUSET,
    memory: {
      cache: 0n,
      usage: { ...NO_MEMORY, usage: BigInt(memory.usage.usage) },
      swap: NO_MEMORY,
      kernel: NO_MEMORY,
      kernelTCP: NO_MEMORY,
      raw: new Map(),
    },
    pids: { current: BigInt(pids.current), limit: 0n },
    blkio: { bytes: [], operations: [] },
  };
}
