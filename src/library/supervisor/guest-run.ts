// A program of a sandbox, from its request to its end.
//
// States
//   loading   its task is made; its module is compiled on other threads
//   running   it has a thread
//   ended     told by `ended`, once; the task is freed and its streams are closed
// It may be killed in each of them.

import { terminates } from "../../common/signals.ts";
import type { Machine, TaskHandle } from "../../host/boot/machine.ts";
import { removeStreams } from "../../host/boot/native-host.ts";
import { GuestThread, type ThreadExit } from "../../host/guest/guest-thread.ts";
import type { CompiledGuest } from "../../host/guest/module-cache.ts";
import { EXIT_TRAPPED } from "../../host/guest/runner.ts";
import type { CheckedLimits } from "../options.ts";
import type { GuestEnd, LimitName, SpawnRequest } from "../protocol.ts";

const SIGNALLED = 128;
const SIGKILL = 9;
const SIGABRT = 6;
const NOTHING_USED = { cpuMs: 0, memoryBytes: 0, bytesRead: 0, bytesWritten: 0 };

export class GuestRun {
  readonly pid: number;
  /** Its thread was made. */
  readonly started: Promise<void>;
  readonly #machine: Machine;
  readonly #task: TaskHandle;
  readonly #request: SpawnRequest;
  readonly #limits: CheckedLimits;
  readonly #begun = performance.now();
  #thread: GuestThread | undefined;
  #tellStarted!: () => void;
  #ended: Promise<GuestEnd> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What it was killed with first, and for which limit. */
  #killed: { readonly signal: number; readonly limit: LimitName | null } | undefined;

  /** Takes over the task, and the request's streams. */
  constructor(machine: Machine, task: TaskHandle, request: SpawnRequest, limits: CheckedLimits) {
    this.#machine = machine;
    this.#task = task;
    this.#request = request;
    this.#limits = limits;
    this.pid = machine.kernel.task_id(task);
    this.started = new Promise((resolve) => {
      this.#tellStarted = resolve;
    });
    const { timeMs, killSignal } = request;
    if (timeMs > 0) this.#timer = setTimeout(() => this.#kill(killSignal, "time"), timeMs);
  }

  /** Runs it to its end. Rejects with a WvisorError when it could not start, and with a KernelPanic. */
  run(compiling: Promise<CompiledGuest>): Promise<GuestEnd> {
    this.#ended = this.#run(compiling);
    return this.#ended;
  }

  async #run(compiling: Promise<CompiledGuest>): Promise<GuestEnd> {
    try {
      const guest = await this.#unlessKilled(compiling);
      if (guest === undefined) return this.#neverRan();
      const { memoryBytes } = this.#limits;
      const { outputBytes } = this.#request;
      this.#thread = new GuestThread(this.#machine, this.#task, {
        guest: guest.module,
        guestMemory: guest.memory,
        memoryBytes,
        outputBytes: outputBytes === 0 ? undefined : outputBytes,
      });
      void this.#thread.started.then(this.#tellStarted);
      return this.#describe(await this.#thread.exited);
    } finally {
      this.#clear();
    }
  }

  async #unlessKilled(compiling: Promise<CompiledGuest>): Promise<CompiledGuest | undefined> {
    try {
      const guest = await compiling;
      if (this.#killed === undefined) return guest;
    } catch (error) {
      this.#machine.dropTask(this.#task);
      throw error;
    }
    this.#machine.dropTask(this.#task);
    return undefined;
  }

  /** As kill(2) with the default action: nothing where the signal ends nobody. */
  kill(signal: number): void {
    if (signal !== 0 && terminates(signal)) this.#kill(signal, null);
  }

  #kill(signal: number, limit: LimitName | null): void {
    this.#killed ??= { signal, limit };
    // How it ended is told by `exited`.
    this.#thread?.kill(SIGNALLED + signal).catch(() => {});
  }

  /** Ends it, for no reason of its own; settles when it has ended. */
  async end(): Promise<void> {
    this.#kill(SIGKILL, null);
    await this.#ended;
  }

  #clear(): void {
    clearTimeout(this.#timer);
    const { streams } = this.#request;
    removeStreams(this.#machine.shared, streams);
    for (const fd of streams) this.#machine.native.close(fd);
  }

  #neverRan(): GuestEnd {
    const { signal, limit } = this.#killed!;
    return {
      code: SIGNALLED + signal,
      signal,
      limit,
      message: this.#explain(limit),
      usage: { ...NOTHING_USED, wallMs: this.#wallMs },
    };
  }

  get #wallMs(): number {
    return performance.now() - this.#begun;
  }

  #describe({ code, message, usage, outputFull, memoryFull }: ThreadExit): GuestEnd {
    const killed = this.#killed;
    const told = { code, usage: { ...usage, wallMs: this.#wallMs } };
    if (killed !== undefined && code === SIGNALLED + killed.signal && message === undefined) {
      return { ...told, signal: killed.signal, limit: killed.limit, message: this.#explain(killed.limit) };
    }
    if (outputFull) return { ...told, signal: SIGKILL, limit: "output", message: this.#explain("output") };
    const limit = memoryFull && code !== 0 ? "memory" : null;
    const trapped = message !== undefined && code === EXIT_TRAPPED;
    const explained = [message, this.#explain(limit)].filter((part) => part !== null && part !== undefined);
    return { ...told, signal: trapped ? SIGABRT : 0, limit, message: explained.join("; ") || null };
  }

  #explain(limit: LimitName | null): string | null {
    const { memoryBytes } = this.#limits;
    const { timeMs, outputBytes } = this.#request;
    if (limit === "time") return `stopped by its limit on time (${timeMs} ms)`;
    if (limit === "output") return `stopped by its limit on output (${outputBytes} bytes)`;
    if (limit === "memory") return `it had all the memory that its limit allows (${memoryBytes} bytes)`;
    return null;
  }
}
