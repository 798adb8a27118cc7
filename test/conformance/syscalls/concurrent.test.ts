// Calls that sleep, on real Linux and on ours: who wakes them, and that they end with their process.

import { afterAll, describe, expect } from "vitest";
import { KernelThreads } from "../../support/sys/kernel-thread.ts";
import { isRoot } from "../../support/sys/linux.ts";
import { linuxSynthetic, syntheticNamespace } from "../../support/sys/synthetic.ts";
import { kernelModules, makeMachine } from "../../support/wvisor.ts";
import { sleepCases } from "./cases/sleep.ts";

describe.runIf(isRoot)("Linux [needs root]", () => {
  sleepCases(linuxSynthetic);
});

describe("wVisor", () => {
  const machine = makeMachine({ modules: kernelModules("peek", true) });
  const threads = new KernelThreads(machine);
  afterAll(() => threads.close());
  sleepCases(() => {
    const before = machine.kernel.heap_objects();
    const target = threads.target(syntheticNamespace(machine), "wVisor");
    return {
      ...target,
      end() {
        target.end();
        expect(machine.kernel.heap_objects()).toBe(before);
      },
    };
  });
});
