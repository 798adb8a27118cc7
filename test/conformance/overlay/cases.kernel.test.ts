import { kernelTarget } from "../../support/sys/kernel.ts";
import { makeMachine } from "../../support/wvisor.ts";
import { overlayCases } from "../syscalls/cases/overlay.ts";

overlayCases(() => {
  const machine = makeMachine();
  const namespace = machine.namespace(machine.tmpfs("mode=777"), false);
  return kernelTarget(machine, namespace, "tmpfs");
});
