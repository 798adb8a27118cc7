// A guest on a worker thread, as its supervisor sees it: start, end, kill.
//
// A guest is never stopped inside the kernel. kill() marks its task dead there, which ends a sleep in the kernel, and signals
// its eventfd, which ends a wait in the helper; a task that is in guest code is claimed and its worker terminated; what it
// owned is then given back for it.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Machine, TaskHandle } from "../boot/machine.ts";
import { THREAD_GONE, THREAD_IN_KERNEL } from "../kernel/exports.ts";
import { KernelPanic } from "../kernel/instance.ts";
import type { MemoryLimits } from "../kernel/guest-module.ts";
import type { GuestExit } from "./runner.ts";
import type { GuestReport } from "./worker-main.ts";

export interface GuestThreadOptions {
  readonly guest: WebAssembly.Module;
  readonly guestMemory: MemoryLimits | undefined;
  readonly memoryBytes?: number;
}

/** How long one look at a task that is inside the kernel waits for it to leave. */
const CLAIM_WAIT_MS = 5;

export class GuestThread {
  readonly #machine: Machine;
  readonly #task: TaskHandle;
  readonly #worker: Worker;
  readonly #cancelFd: number;
  readonly #ended: Promise<void>;
  #report: GuestReport | undefined;
  #killed = false;
  /** The guest's end; rejects with a KernelPanic when the kernel failed. */
  readonly exited: Promise<GuestExit>;

  constructor(machine: Machine, task: TaskHandle, options: GuestThreadOptions) {
    this.#machine = machine;
    this.#task = task;
    this.#cancelFd = machine.native.eventfd(0);
    this.#worker = new Worker(workerProgram(), {
      workerData: {
        modules: machine.modules,
        memory: machine.memory,
        shared: machine.shared,
        task,
        cancelFd: this.#cancelFd,
        guest: options.guest,
        guestMemory: options.guestMemory,
        memoryBytes: options.memoryBytes ?? 0,
      },
    });
    this.#worker.on("message", (report: GuestReport) => {
      this.#report = report;
    });
    this.#worker.on("error", (error: Error) => {
      this.#report ??= { error };
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", () => resolve());
    });
    this.exited = this.#ended.then(() => this.#finish());
  }

  #finish(): GuestExit {
    const { kernel, native } = this.#machine;
    native.close(this.#cancelFd);
    const report = this.#report;
    if (report !== undefined && "exit" in report) {
      kernel.task_free(this.#task);
      return report.exit;
    }
    if (this.#killed) {
      kernel.task_reap(this.#task);
      return { code: kernel.task_free(this.#task), message: undefined };
    }
    throw new KernelPanic(`a guest thread failed: ${report?.error.message ?? "it ended without a word"}`, {
      cause: report?.error,
    });
  }

  /** Ends the guest; resolves when it is gone. `code` is its exit code unless it ended by itself first. */
  async kill(code: number): Promise<GuestExit> {
    const { kernel, native } = this.#machine;
    if (kernel.task_kill(this.#task, code) === 0) {
      this.#killed = true;
      native.eventfdSignal(this.#cancelFd);
      await this.#leaveKernel();
      await this.#worker.terminate();
    }
    return this.exited;
  }

  /** Returns when the task is claimed in guest code, or gone. */
  async #leaveKernel(): Promise<void> {
    const { kernel } = this.#machine;
    for (let state = THREAD_IN_KERNEL; state === THREAD_IN_KERNEL; ) {
      state = kernel.task_claim(this.#task, CLAIM_WAIT_MS);
      if (state === THREAD_GONE) {
        await this.#ended;
        return;
      }
      if (state === THREAD_IN_KERNEL) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** build/guest-worker.js, seen from the sources or from a bundle in build/. */
function workerProgram(): string {
  const self = fileURLToPath(import.meta.url);
  const folder = path.dirname(self);
  return self.endsWith(".ts")
    ? path.join(folder, "../../../build/guest-worker.js")
    : path.join(folder, "guest-worker.js");
}
