// Jobs of preparation.ts on a thread of its own, so that the supervising thread answers while one of them waits for a gofer, whoever
// that is: connections come from who makes a container. One job is done at a time, and has a bound.
//
// The first job is done by the calling thread: that is the sandbox's own container, beside which there is nothing to supervise yet,
// and most sandboxes have no other job, nor so the thread.

import { Worker } from "node:worker_threads";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import { KernelPanic } from "../kernel/instance.ts";
import { ContainerError } from "./errors.ts";
import type { Machine } from "./machine.ts";
import { type Jobs, Preparation } from "./preparation.ts";
import type { Answer, Order, PreparationStart } from "./preparation-start.ts";
import { SharedVolumes } from "./shared-volumes.ts";
import { workerSource } from "./worker-source.ts";

/** How long a job may take before what it waits for is taken to be gone. */
const PATIENCE_MS = 30_000;
/** Jobs that wait for their turn. */
const WAITING_MAX = 1024;
/** The helper's slot for the counter of an eventfd. */
const COUNTER_SLOT = 9;
const COUNTER = new Uint8Array(8);

/** Read before the process confines itself. */
export function loadPreparationWorker(): string {
  return workerSource("preparation-worker.js");
}

/** A job that was ordered. */
export interface Preparing<T> {
  /** Rejects with a WvisorError, or with a KernelPanic. */
  readonly done: Promise<T>;
  /** Nobody wants its result any more: `done` rejects soon with `why`, or has the result after all. */
  cancel(why: string): void;
}

class Waiting {
  readonly order: Order;
  readonly done: Promise<unknown>;
  resolve!: (value: unknown) => void;
  reject!: (error: Error) => void;
  /** Why it is being interrupted. */
  interrupted: string | undefined;

  constructor(order: Order) {
    this.order = order;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

interface Thread {
  readonly worker: Worker;
  readonly cancelFd: number;
  /** What the kernel knows it by; undefined until it says so. */
  number: number | undefined;
}

export class PreparationThread {
  readonly #machine: Machine;
  readonly #volumes: SharedVolumes;
  readonly #panicked: (panic: KernelPanic) => void;
  readonly #patienceMs: number;
  readonly #waiting: Waiting[] = [];
  #isFirst = true;
  #thread: Thread | undefined;
  #current: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;
  #panic: KernelPanic | undefined;

  /** `panicked`: told when the thread failed; nobody may enter the kernel any more. */
  constructor(machine: Machine, panicked: (panic: KernelPanic) => void, patienceMs = PATIENCE_MS) {
    this.#machine = machine;
    this.#panicked = panicked;
    this.#volumes = new SharedVolumes(machine);
    this.#patienceMs = patienceMs;
  }

  /** Errors: WvisorError when there are too many, or there is no room for the thread. */
  order<Name extends keyof Jobs>(
    name: Name,
    ...args: Parameters<Jobs[Name]>
  ): Preparing<ReturnType<Jobs[Name]>> {
    type Result = ReturnType<Jobs[Name]>;
    const waiting = new Waiting({ name, args } as Order);
    const done = waiting.done as Promise<Result>;
    if (this.#isFirst) {
      this.#isFirst = false;
      this.#doHere(waiting);
      return { done, cancel: () => {} };
    }
    if (this.#panic !== undefined) throw this.#panic;
    if (this.#waiting.length >= WAITING_MAX)
      throw new ContainerError("resource temporarily unavailable: too many calls");
    this.#thread ??= this.#start();
    this.#waiting.push(waiting);
    this.#next();
    return { done, cancel: (why) => this.#cancel(waiting, why) };
  }

  #doHere(waiting: Waiting): void {
    const { name, args } = waiting.order;
    const preparation = new Preparation(this.#machine, this.#volumes);
    try {
      waiting.resolve((preparation[name] as (...values: unknown[]) => unknown)(...args));
    } catch (error) {
      waiting.reject(error as Error);
    }
  }

  #start(): Thread {
    const { native, modules, memory, shared, programs } = this.#machine;
    const cancelFd = native.eventfd(0);
    if (cancelFd < 0) throw outOf(new ErrnoError(-cancelFd, "eventfd"));
    const start: PreparationStart = {
      modules,
      memory,
      shared,
      cancelFd,
      programs: programs.known(),
      volumes: this.#volumes.known(),
    };
    let worker: Worker;
    try {
      worker = new Worker(loadPreparationWorker(), {
        eval: true,
        workerData: start,
        stdout: true,
        stderr: true,
      });
    } catch (error) {
      native.close(cancelFd);
      throw outOf(error as Error);
    }
    worker.on("message", (answer: Answer) => this.#hear(answer));
    worker.on("error", (error) => this.#fail(error.message));
    worker.on("exit", () => this.#fail("it ended"));
    return { worker, cancelFd, number: undefined };
  }

  #next(): void {
    if (this.#thread?.number === undefined || this.#current !== undefined) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    this.#current = waiting;
    const late = `no answer from the files' server within ${this.#patienceMs} ms`;
    this.#timer = setTimeout(() => this.#cancel(waiting, late), this.#patienceMs);
    this.#thread.worker.postMessage(waiting.order);
  }

  #cancel(waiting: Waiting, why: string): void {
    if (waiting === this.#current) {
      this.#interrupt(waiting, why);
      return;
    }
    const at = this.#waiting.indexOf(waiting);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    waiting.reject(new ContainerError(why));
  }

  #interrupt(waiting: Waiting, why: string): void {
    if (waiting.interrupted !== undefined) return;
    waiting.interrupted = why;
    const { kernel, native } = this.#machine;
    kernel.thread_interrupt(this.#thread!.number!);
    native.eventfdSignal(this.#thread!.cancelFd);
  }

  #hear(answer: Answer): void {
    if (answer.kind === "panic") {
      this.#fail(answer.message);
      return;
    }
    if (answer.kind === "ready") this.#thread!.number = answer.thread;
    else this.#settle(answer);
    this.#next();
  }

  #settle(answer: Exclude<Answer, { kind: "ready" | "panic" }>): void {
    const waiting = this.#current!;
    this.#current = undefined;
    clearTimeout(this.#timer);
    if (waiting.interrupted !== undefined) this.#resume();
    if (answer.kind === "done") waiting.resolve(answer.result);
    else if (waiting.interrupted !== undefined) waiting.reject(new ContainerError(waiting.interrupted));
    else waiting.reject(new WvisorError(answer.code, answer.message, answer.exitCode));
  }

  /** After an interruption: the next job may wait again. */
  #resume(): void {
    const { kernel, native } = this.#machine;
    native.registerMemory(COUNTER_SLOT, COUNTER);
    native.read(this.#thread!.cancelFd, COUNTER_SLOT, 0, COUNTER.length);
    kernel.thread_resume(this.#thread!.number!);
  }

  /** Nobody knows what it left in the kernel. */
  #fail(why: string): void {
    if (this.#panic !== undefined) return;
    this.#panic = new KernelPanic(`the thread that prepares containers failed: ${why}`);
    this.#machine.kernel.kernel_panic();
    clearTimeout(this.#timer);
    for (const waiting of [this.#current, ...this.#waiting.splice(0)]) waiting?.reject(this.#panic);
    this.#panicked(this.#panic);
  }
}

function outOf(cause: Error): WvisorError {
  return new WvisorError("ERR_WVISOR_CONTAINER", cause.message, undefined, { cause });
}
