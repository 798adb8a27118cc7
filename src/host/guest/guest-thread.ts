// A guest on a worker thread, as its supervisor sees it: start, end, kill.
//
// A guest is never stopped inside the kernel. kill() marks its task dead there, which ends a sleep in the kernel, and signals
// its eventfd, which ends a wait in the helper; a task that is in guest code is claimed and its worker terminated; what it
// owned is then given back for it.
//
// How a guest ended is decided by where its task is when the worker is gone, not by what the worker said last:
//   GONE          it ended itself and gave back what it owned; the report has its exit code
//   IN_KERNEL     the kernel failed: a panic
//   else          it was terminated in guest code, by kill() or by the engine (out of memory), and is reaped
// The task is freed then, and nothing may name it to the kernel afterwards.

import { Worker } from "node:worker_threads";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import type { Machine, TaskHandle } from "../boot/machine.ts";
import { workerSource } from "../boot/worker-source.ts";
import { THREAD_GONE, THREAD_IN_GUEST, THREAD_IN_KERNEL } from "../kernel/exports.ts";
import type { MemoryLimits } from "../kernel/guest-module.ts";
import { KernelPanic } from "../kernel/instance.ts";
import type { GuestExit, GuestStart } from "./runner.ts";
import { EXIT_LIMIT } from "./setup.ts";
import type { GuestEnd, GuestReport } from "./worker-main.ts";

const PLACES: ReadonlyMap<number, string> = new Map([
  [THREAD_IN_GUEST, "in its own code"],
  [THREAD_IN_KERNEL, "in the kernel"],
]);

export interface GuestThreadOptions {
  readonly guest: WebAssembly.Module;
  readonly guestMemory: MemoryLimits | undefined;
  readonly memoryBytes?: number;
  /** What it may write to its streams; as much as it likes when absent. Meeting the limit ends it. */
  readonly outputBytes?: number | undefined;
}

/** What a guest has used. */
export interface GuestUsage {
  /** Of its thread: up to its last wait where it was killed. */
  readonly cpuMs: number;
  /** Of its own memory, when it called the kernel last. */
  readonly memoryBytes: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** How a guest ended, as its supervisor sees it. */
export interface ThreadExit extends GuestExit {
  readonly usage: GuestUsage;
  /** It was ended because it met its limit on output. */
  readonly outputFull: boolean;
}

const USAGE_BYTES = 32;
const NS_PER_MS = 1e6;

/** Between two looks at a task that is inside the kernel: what it does there takes less, unless it does not get the processor. */
const CLAIM_INTERVAL_MS = 1;

/**
 * The text of what a guest's worker runs. A process that confines itself calls this before: afterwards it opens no file, and
 * starts its workers from what it has in memory.
 */
export function loadGuestWorker(): string {
  return workerSource("guest-worker.js");
}

export class GuestThread {
  readonly #machine: Machine;
  readonly #task: TaskHandle;
  readonly #worker: Worker;
  readonly #cancelFd: number;
  #report: GuestEnd | undefined;
  #error: (Error & { code?: string }) | undefined;
  #killing: Promise<ThreadExit> | undefined;
  /** The worker is gone and the task freed. */
  #over = false;
  #outputFull = false;
  /** The guest is about to run, or did. */
  readonly started: Promise<void>;
  /** The guest's end. Rejects with a WvisorError when it could not start, with a KernelPanic when the kernel failed. */
  readonly exited: Promise<ThreadExit>;

  /** Takes over the task, which is freed when there is no room for the thread. Errors: ErrnoError, or Node's. */
  constructor(machine: Machine, task: TaskHandle, options: GuestThreadOptions) {
    this.#machine = machine;
    this.#task = task;
    this.#cancelFd = machine.native.eventfd(0);
    if (this.#cancelFd < 0) {
      machine.dropTask(task);
      throw new ErrnoError(-this.#cancelFd, "eventfd");
    }
    const start: GuestStart = {
      modules: machine.modules,
      memory: machine.memory,
      shared: machine.shared,
      task,
      cancelFd: this.#cancelFd,
      guest: options.guest,
      guestMemory: options.guestMemory,
      memoryBytes: options.memoryBytes ?? 0,
      outputBytes: options.outputBytes,
    };
    try {
      this.#worker = startWorker(start);
    } catch (error) {
      machine.native.close(this.#cancelFd);
      machine.dropTask(task);
      throw error;
    }
    this.started = new Promise((resolve) => {
      this.#worker.on("message", (report: GuestReport) => {
        if (report.kind === "output") this.#stopOutput();
        else if (report.kind !== "started") this.#report = report;
        resolve();
      });
      this.#worker.once("exit", () => resolve());
    });
    this.#worker.on("error", (error: Error) => {
      this.#error = error;
    });
    this.exited = new Promise<void>((resolve) => {
      this.#worker.once("exit", () => resolve());
    }).then(() => this.#finish());
  }

  /** Where it is, for whoever looks at the sandbox from outside. */
  get place(): string {
    if (this.#over) return "gone";
    return PLACES.get(this.#machine.kernel.task_state(this.#task)) ?? "at its end";
  }

  #stopOutput(): void {
    this.#outputFull = true;
    // How it ended is told by `exited`.
    this.kill(EXIT_LIMIT).catch(() => {});
  }

  #finish(): ThreadExit {
    const { kernel, native } = this.#machine;
    this.#over = true;
    native.close(this.#cancelFd);
    const report = this.#report;
    const state = kernel.task_state(this.#task);
    if (state === THREAD_IN_KERNEL || report?.kind === "panic") {
      kernel.kernel_panic();
      const why =
        report?.kind === "panic" ? report.message : (this.#error?.message ?? "it ended inside the kernel");
      throw new KernelPanic(`a guest thread failed: ${why}`, { cause: this.#error });
    }
    if (state !== THREAD_GONE) kernel.task_reap(this.#task);
    const told = { usage: this.#usage(), outputFull: this.#outputFull };
    const code = kernel.task_free(this.#task);
    if (report?.kind === "refused") throw new WvisorError(report.code, report.message, report.exitCode);
    if (state === THREAD_GONE && report !== undefined) return { ...report.exit, ...told };
    if (this.#killing !== undefined) return { code, message: undefined, ...told };
    if (this.#error?.code === "ERR_WORKER_OUT_OF_MEMORY") {
      return { code: EXIT_LIMIT, message: "the program used up its thread's memory", ...told };
    }
    throw new KernelPanic(`a guest thread failed: ${this.#error?.message ?? "it ended without a word"}`, {
      cause: this.#error,
    });
  }

  #usage(): GuestUsage {
    const { kernel, memory } = this.#machine;
    const buffer = kernel.buffer_alloc(USAGE_BYTES);
    kernel.task_usage(this.#task, buffer);
    const [cpuNs, memoryBytes, bytesRead, bytesWritten] = new Float64Array(memory.buffer, buffer, 4);
    const usage = {
      cpuMs: cpuNs! / NS_PER_MS,
      memoryBytes: memoryBytes!,
      bytesRead: bytesRead!,
      bytesWritten: bytesWritten!,
    };
    kernel.buffer_free(buffer);
    return usage;
  }

  /** Ends the guest; resolves as `exited` does, when it is gone. `code` is its exit code unless it ended by itself first. */
  kill(code: number): Promise<ThreadExit> {
    this.#killing ??= this.#kill(code);
    return this.#killing;
  }

  async #kill(code: number): Promise<ThreadExit> {
    const { kernel, native } = this.#machine;
    if (!this.#over && kernel.task_kill(this.#task, code) === 0) {
      native.eventfdSignal(this.#cancelFd);
      if (await this.#claim()) await this.#worker.terminate();
    }
    return this.exited;
  }

  /** True when the task was caught in guest code, false when it left by itself. */
  async #claim(): Promise<boolean> {
    while (!this.#over) {
      const state = this.#machine.kernel.task_claim(this.#task);
      if (state !== THREAD_IN_KERNEL) return state === THREAD_IN_GUEST;
      await new Promise((resolve) => setTimeout(resolve, CLAIM_INTERVAL_MS));
    }
    return false;
  }
}

function startWorker(workerData: GuestStart): Worker {
  // Its output is nobody's: what the guest says goes through the helper. To hand it on, Node would make streams of ours, for
  // which it looks at what they are, as a confined process may not.
  return new Worker(loadGuestWorker(), { eval: true, workerData, stdout: true, stderr: true });
}
