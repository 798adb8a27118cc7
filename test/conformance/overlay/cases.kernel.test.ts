import { kernelTarget } from "../../support/sys/kernel.ts";
import type { Target } from "../../support/sys/target.ts";
import { makeMachine } from "../../support/wvisor.ts";
import { overlayCases } from "../syscalls/cases/overlay.ts";
import { overlayDataCases } from "../syscalls/cases/overlay-data.ts";
import { overlayNameCases } from "../syscalls/cases/overlay-names.ts";

function make(): Target {
  const machine = makeMachine();
  const namespace = machine.namespace(machine.tmpfs("mode=777"), false);
  return kernelTarget(machine, namespace, "tmpfs");
}

overlayCases(make);
overlayDataCases(make);
overlayNameCases(make);
