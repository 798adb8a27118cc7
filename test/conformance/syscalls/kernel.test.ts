import { afterAll, describe } from "vitest";
import { goferTargets } from "../../support/sys/gofer.ts";
import { kernelTarget } from "../../support/sys/kernel.ts";
import { makeMachine } from "../../support/wvisor.ts";
import { syscallCases } from "./cases.ts";

describe("tmpfs", () => {
  syscallCases(() => {
    const machine = makeMachine();
    const namespace = machine.namespace(machine.tmpfs(0, 0o777, 0, 0), false);
    return kernelTarget(machine, namespace, "tmpfs");
  });
});

describe.each([
  ["gofer, exclusive", false],
  ["gofer, shared", true],
])("%s", (_name, shared) => {
  const targets = goferTargets(shared);
  afterAll(() => targets.close());
  syscallCases(() => targets.make());
});
