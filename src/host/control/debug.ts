// What the control socket says about the sandbox itself, with gVisor's names (CT-01, CT-03).
//
//   debug.Stacks    null      a text: where each guest's thread is, and what the supervising thread waits for
//   Usage.Collect   {Full}    bytes of memory, which a full account would not know better
//   Usage.Reduce    {Wait}    gives back what the kernel keeps only to be quicker; it has always when this is answered

import * as v from "valibot";
import type { Method } from "../../urpc/dispatcher.ts";
import type { Container } from "../boot/container.ts";
import type { Machine } from "../boot/machine.ts";
import type { Sandbox } from "../boot/sandbox.ts";
import { parseArgument } from "./argument.ts";

const nullSchema = v.null();
const collectSchema = v.strictObject({ Full: v.optional(v.boolean(), false) });
const reduceSchema = v.strictObject({ Wait: v.optional(v.boolean(), true) });

const PAGE_BYTES = 4096;
const KIB = 1024;

export interface DebugOptions {
  readonly machine: Machine;
  readonly sandbox: Sandbox;
}

export function debugMethods({ machine, sandbox }: DebugOptions): Record<string, Method> {
  return {
    "debug.Stacks": (arg) => {
      parseArgument(nullSchema, arg);
      return { result: describeThreads(sandbox.containers) };
    },
    "Usage.Collect": (arg) => {
      parseArgument(collectSchema, arg);
      return { result: collect(machine) };
    },
    "Usage.Reduce": (arg) => {
      parseArgument(reduceSchema, arg);
      for (const container of sandbox.containers) container.shrink();
      return { result: null };
    },
  };
}

/** One line each; what guests chose is in quotes, so that no name makes a line of its own. */
function describeThreads(containers: readonly Container[]): string {
  const resources = process.getActiveResourcesInfo().join(" ");
  return [...containers.flatMap(describeContainer), `supervisor: waits for ${resources}`, ""].join("\n");
}

function describeContainer({ id, phase, processes }: Container): string[] {
  const guests = processes.map(
    ({ pid, args, place }) => `process ${pid} ${JSON.stringify(args[0])}: ${place}`,
  );
  return [`container ${id}: ${phase}`, ...guests];
}

/** gVisor's keys. The most that the process ever had is what Linux tells a confined process of the whole. */
function collect({ kernel }: Machine): object {
  const Total = process.resourceUsage().maxRSS * KIB;
  const System = Math.min(kernel.heap_pages() * PAGE_BYTES, Total);
  return { Unknown: Total - System, System, Total };
}
