import { describe } from "vitest";
import { kernelTarget } from "../../support/sys/kernel.ts";
import { isRoot, linuxMountTarget } from "../../support/sys/linux.ts";
import { makeMachine } from "../../support/wvisor.ts";
import { tmpfsCases } from "./cases/tmpfs.ts";

describe.runIf(isRoot)("Linux [needs root]", () => {
  tmpfsCases(() => linuxMountTarget("tmpfs"));
});

describe("wVisor", () => {
  tmpfsCases(() => {
    const machine = makeMachine();
    const namespace = machine.namespace(machine.tmpfs("mode=777"), false);
    return kernelTarget(machine, namespace, "tmpfs");
  });
});
