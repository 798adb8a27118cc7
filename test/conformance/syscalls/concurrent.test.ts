// Calls that sleep, on real Linux and on ours: who wakes them, and that they end with their process.

import { afterAll, describe, expect } from "vitest";
import { KernelThreads } from "../../support/sys/kernel-thread.ts";
import { isRoot } from "../../support/sys/linux.ts";
import { linuxSynthetic, syntheticNamespace } from "../../support/sys/synthetic.ts";
import type { ConcurrentTarget } from "../../support/sys/target.ts";
import { kernelModules, makeMachine } from "../../support/wvisor.ts";
import { sharedFilesCases } from "./cases/shared-files.ts";
import { sleepCases } from "./cases/sleep.ts";

describe.runIf(isRoot)("Linux [needs root]", () => {
  sleepCases(linuxSynthetic);
  describe("processes that share descriptors", () => sharedFilesCases(linuxSynthetic));
});

describe("wVisor", () => {
  const machine = makeMachine({ modules: kernelModules("peek", true) });
  const threads = new KernelThreads(machine);
  afterAll(() => threads.close());
  const make = (): ConcurrentTarget => {
    const before = machine.kernel.heap_objects();
    const target = threads.target(syntheticNamespace(machine), "wVisor");
    return {
      ...target,
      end() {
        target.end();
        expect(machine.kernel.heap_objects()).toBe(before);
      },
    };
  };
  sleepCases(make);
  describe("processes that share descriptors", () => sharedFilesCases(make));
});
