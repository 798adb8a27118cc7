// Calls whose only use is that they were made: the engine compiles a function at its first call, and those that every start
// makes are compiled while the gofer comes up, not when it has answered (3 ms of the start of a sandbox).

import { compileProgram } from "../guest/module-cache.ts";
import type { GuestSetup } from "../guest/setup.ts";
import { MNT_RELATIME } from "../kernel/exports.ts";
import { memoryUpper } from "./filesystems.ts";
import type { Machine, TaskHandle } from "./machine.ts";

/** A program with a memory and nothing else. */
const EMPTY_PROGRAM = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 0, 0]);

const STDOUT = 1;

/** `task` has its streams, the sandbox's root and nothing else yet. Nothing of what is made here stays. */
export function rehearse(machine: Machine, task: TaskHandle, { kernel }: GuestSetup): void {
  const overlay = machine.overlay(memoryUpper(machine), [memoryUpper(machine)]);
  const namespace = machine.namespace(overlay, false);
  machine.mount(namespace, memoryUpper(machine), "/a/b", MNT_RELATIME);
  machine.kernel.namespace_release(namespace);
  machine.chdir(task, "/");
  machine.list(task, "/");
  compileProgram(EMPTY_PROGRAM, "rehearsal");
  kernel.task_enter(task);
  // Nothing is written, and the addresses are in a memory that has no pages yet.
  const preview1 = kernel as unknown as Record<string, (...numbers: number[]) => number>;
  preview1.fd_write!(STDOUT, 0, 0, 0);
  preview1.fd_fdstat_get!(STDOUT, 0);
  preview1.fd_prestat_get!(STDOUT, 0);
}
