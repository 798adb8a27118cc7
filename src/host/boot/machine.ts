// The kernel of a sandbox: what controls it, with the host's side of it over the native helper.
//
// The Machine belongs to the thread that made it and runs on an instance of its own, whose guest memory is empty. Guests
// run on further instances over the same kernel memory (guest/).

import type { Native } from "../../native/index.ts";
import { type KnownGuest, ModuleCache } from "../guest/module-cache.ts";
import { KernelControl } from "../kernel/control.ts";
import { instantiateKernel, type KernelModules, makeKernelMemory } from "../kernel/instance.ts";
import { keepCompiledCode } from "./engine.ts";
import { makeThreadHost, type SharedHost } from "./native-host.ts";

export type {
  FileHandle,
  FilesystemHandle,
  NamespaceHandle,
  PidsHandle,
  TaskHandle,
  TaskOptions,
  UtsHandle,
  VolumeHandle,
} from "../kernel/control.ts";
export { check } from "../kernel/control.ts";

/** A kernel that runs already, for a thread of its own. */
export interface RunningKernel {
  readonly memory: WebAssembly.Memory;
  /** An eventfd that ends this thread's native waits. */
  readonly cancelFd: number;
  /** Programs that were compiled already. */
  readonly programs: readonly KnownGuest[];
}

export class Machine extends KernelControl {
  readonly native: Native;
  readonly modules: KernelModules;
  readonly shared: SharedHost;
  readonly programs: ModuleCache;

  /** Boots a kernel, unless one runs already. */
  constructor(native: Native, modules: KernelModules, shared: SharedHost, running?: RunningKernel) {
    if (running === undefined) keepCompiledCode();
    const memory = running?.memory ?? makeKernelMemory(!modules.portable);
    const nowhere = new WebAssembly.Memory({ initial: 0, maximum: 0 });
    const host = makeThreadHost(native, memory, nowhere, shared, running?.cancelFd ?? -1);
    super(memory, instantiateKernel(modules, memory, nowhere, host.functions), running === undefined);
    this.native = native;
    this.modules = modules;
    this.shared = shared;
    this.programs = new ModuleCache(running?.programs);
  }
}
