// Mounts, on real Linux and on ours. Linux's part works in mount namespaces of its own, and needs root.

import { describe } from "vitest";
import { kernelTarget } from "../../support/sys/kernel.ts";
import { isRoot, linuxMountTarget } from "../../support/sys/linux.ts";
import { makeMachine } from "../../support/wvisor.ts";
import { mountCases } from "./cases/mounts.ts";

describe.runIf(isRoot)("Linux [needs root]", () => {
  mountCases(() => linuxMountTarget("Linux"));
});

describe("wVisor", () => {
  mountCases(() => {
    const machine = makeMachine();
    const namespace = machine.namespace(machine.tmpfs("mode=777"), false);
    return kernelTarget(machine, namespace, "wVisor");
  });
});
