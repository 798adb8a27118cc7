// A kernel inside the program that uses it: one thread, a memory of its own, no helper and no other process. It runs wherever
// WebAssembly does.
//
// Its memory is an ordinary object: when nothing refers to the kernel any more, the engine takes it back.

import { KernelControl, type TaskOptions } from "../host/kernel/control.ts";
import type { KernelExports } from "../host/kernel/exports.ts";
import { instantiateKernel, makeKernelMemory } from "../host/kernel/instance.ts";
import { type Clock, plainHost } from "./host.ts";

/** One task of a kernel, on an instance that runs it: whose system calls it makes, and where their arguments lie. */
export interface RunningTask {
  readonly kernel: KernelExports;
  readonly memory: WebAssembly.Memory;
}

export interface EmbeddedOptions {
  /** Options of the tmpfs that is the root, as mount(8) takes them: "size=64m,nr_inodes=1000,mode=755". */
  readonly root?: string;
  readonly task: TaskOptions;
  readonly clock?: Clock;
}

/** Boots a kernel whose root is an empty tmpfs, and enters a task of it. `module`: kernel-portable.wasm. */
export function embeddedTask(module: WebAssembly.Module, options: EmbeddedOptions): RunningTask {
  const memory = makeKernelMemory(false);
  const nowhere = new WebAssembly.Memory({ initial: 0, maximum: 0 });
  const modules = { provider: "javascript", kernel: module, peek: undefined, portable: true } as const;
  // Looked up at each reading: whoever replaces Date.now() for a test means the files, too.
  const host = plainHost(memory, options.clock ?? (() => Date.now()));
  const kernel = instantiateKernel(modules, memory, nowhere, host);
  const control = new KernelControl(memory, kernel, true);
  const namespace = control.namespace(control.tmpfs(options.root ?? "mode=755"), false, "tmpfs");
  const task = control.task(namespace, options.task);
  control.releaseNamespace(namespace);
  kernel.task_enter(task);
  return { kernel, memory };
}
