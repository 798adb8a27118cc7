// The suite over the kernel's file systems in memory.

import type { FilesystemHandle, Machine } from "../../../src/host/boot/machine.ts";
import { KERNEL_CAPABILITIES, kernelBackends } from "../../support/kernel-fs.ts";
import { kernelModules, makeMachine } from "../../support/wvisor.ts";
import { fsSuite } from "./suite.ts";

function tmpfs(machine: Machine): FilesystemHandle {
  return machine.tmpfs("mode=755");
}

/** An empty upper layer over an empty lower one. */
function overlay(machine: Machine): FilesystemHandle {
  return machine.overlay(tmpfs(machine), [tmpfs(machine)]);
}

const checked = (): Machine => makeMachine({ modules: kernelModules("javascript", true) });

fsSuite(
  "tmpfs",
  KERNEL_CAPABILITIES,
  kernelBackends(() => makeMachine(), tmpfs),
);
fsSuite("tmpfs, kernel with assertions", KERNEL_CAPABILITIES, kernelBackends(checked, tmpfs));
fsSuite(
  "overlay over tmpfs",
  KERNEL_CAPABILITIES,
  kernelBackends(() => makeMachine(), overlay),
);
