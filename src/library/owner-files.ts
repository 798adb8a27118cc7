// The sandbox's files for its owner: a node:fs over a task of its kernel that this thread runs, on an instance of its own. The kernel
// is the one that programs call; its lock is held for no longer than a memory copy, so a call here waits for none of theirs.

import type { WvisorError } from "../common/errors.ts";
import { type FileSystem, makeFace } from "../fs/face.ts";
import { makeThreadHost } from "../host/boot/native-host.ts";
import type { KernelExports } from "../host/kernel/exports.ts";
import { instantiateKernel, type KernelModules } from "../host/kernel/instance.ts";
import { requireNative } from "../native/index.ts";
import type { KernelSeat } from "./protocol.ts";

const NO_CANCEL = -1;

export class OwnerFiles {
  readonly fs: FileSystem;
  /** Why no call can be made at the moment. */
  #refusal: WvisorError | undefined;

  constructor({ memory, shared, task }: KernelSeat, modules: KernelModules) {
    const nowhere = new WebAssembly.Memory({ initial: 0, maximum: 0 });
    const host = makeThreadHost(requireNative(), memory, nowhere, shared, NO_CANCEL);
    const kernel = instantiateKernel(modules, memory, nowhere, host.functions);
    kernel.task_enter(task);
    this.fs = makeFace({ kernel: this.#guard(kernel), memory });
  }

  /** Until resume() calls fail with that error: the kernel's memory is being copied or replaced, or is gone. */
  suspend(refusal: WvisorError): void {
    this.#refusal ??= refusal;
  }

  resume(): void {
    this.#refusal = undefined;
  }

  #guard(kernel: KernelExports): KernelExports {
    return {
      ...kernel,
      syscall: (number, a, b, c, d, e, f) => {
        if (this.#refusal !== undefined) throw this.#refusal;
        return kernel.syscall(number, a, b, c, d, e, f);
      },
    };
  }
}
