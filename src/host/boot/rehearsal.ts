// Calls of the kernel whose only use is that they were made: the engine compiles a function at its first call, and those that
// every start calls are compiled while the gofer comes up, not when it has answered (2 ms of the start of a sandbox).

import { MNT_RELATIME } from "../kernel/exports.ts";
import { memoryUpper } from "./filesystems.ts";
import type { Machine, TaskHandle } from "./machine.ts";

/** `task` has the sandbox's root and nothing else yet. Nothing stays of what is made here. */
export function rehearse(machine: Machine, task: TaskHandle): void {
  const overlay = machine.overlay(memoryUpper(machine), [memoryUpper(machine)]);
  const namespace = machine.namespace(overlay, false);
  machine.mount(namespace, memoryUpper(machine), "/a/b", MNT_RELATIME);
  machine.kernel.namespace_release(namespace);
  machine.chdir(task, "/");
  machine.list(task, "/");
}
