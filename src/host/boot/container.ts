// A container in its sandbox: its first process, which is the container's life, and those that were added to it.
//
// Phases
//   creating   the kernel runs and nothing of the container's is known to be right
//   created    mounted, the program found and compiled; waits for the start signal
//   running    the first process runs
//   stopped    it has ended, the others were ended, the exit status is known, and nothing is left of it in the kernel
//
// Every process runs on a thread of its own; this thread never runs a guest, so that it answers at any time.

import { RLIMIT_NPROC } from "../../../assembly/abi/resource.ts";
import { WvisorError } from "../../common/errors.ts";
import { SIGINT, SIGKILL, SIGTERM, terminates } from "../../common/signals.ts";
import type { Native } from "../../native/index.ts";
import { memoryLimit, softLimit } from "../config/resource-limits.ts";
import type { MountConfig, ProcessConfig, SandboxConfig } from "../config/sandbox-config.ts";
import { GuestThread } from "../guest/guest-thread.ts";
import type { GuestExit } from "../guest/runner.ts";
import { KernelPanic } from "../kernel/instance.ts";
import { type ContainerProcess, Process } from "./container-process.ts";
import { ContainerError } from "./errors.ts";
import type { Machine } from "./machine.ts";
import { ContainerNamespaces, type JoinedNamespaces } from "./namespaces.ts";
import { addStreams, removeStreams } from "./native-host.ts";
import type { Jobs, LoadedProcess, MountedPlace } from "./preparation.ts";
import type { PreparationThread, Preparing } from "./preparation-thread.ts";

type Limits = SandboxConfig["limits"];
export type Phase = "creating" | "created" | "running" | "stopped";

/** Each has a thread, which costs megabytes. */
const PROCESSES_MAX = 1000;
export const EXIT_PANIC = 125;
const SIGNALLED = 128;
const DESTROYED = "the container was destroyed";

export interface ContainerOptions {
  /** Descriptors of the host: 0, 1 and 2 of the first process. They stay the caller's. */
  readonly streams: readonly number[];
  /** The number of its first connection to the gofer; the others follow, in the order of goferMounts(). */
  readonly connection: number;
  /** Those of the sandbox. */
  readonly preparations: PreparationThread;
  /** Of other containers, whose namespaces this one is in. */
  readonly joined: JoinedNamespaces;
  /** Told when the container begins to run. */
  started(): void;
  /** Takes what the user should know: how a process failed. */
  tell(text: string): void;
  /** Told when the kernel failed, for all containers. */
  panicked(panic: KernelPanic): void;
}

export class Container {
  readonly #native: Native;
  readonly #machine: Machine;
  readonly #config: SandboxConfig;
  readonly #options: ContainerOptions;
  readonly #processes = new Map<number, Process>();
  #limits: Limits;
  #namespaces: ContainerNamespaces | undefined;
  /** While it has mounts. */
  #place: MountedPlace | undefined;
  /** What is prepared for it at the moment. */
  readonly #preparing = new Set<Preparing<unknown>>();
  /** Calls under way that need the mounts. */
  readonly #calls = new Set<Promise<unknown>>();
  #first: Process | undefined;
  #phase: Phase = "creating";
  #destroyed = false;
  #end!: (code: number) => void;
  /** The container's exit code. */
  readonly exited: Promise<number>;

  constructor(native: Native, machine: Machine, config: SandboxConfig, options: ContainerOptions) {
    this.#native = native;
    this.#machine = machine;
    this.#config = config;
    this.#limits = config.limits;
    this.#options = options;
    this.exited = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get id(): string {
    return this.#config.id;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** For another container that is to be in them; undefined when this one has stopped. */
  get namespaces(): ContainerNamespaces | undefined {
    return this.#namespaces;
  }

  get processes(): ContainerProcess[] {
    return [...this.#processes.values()];
  }

  /** Makes the file systems, waits for the gofer, finds the program. Errors: WvisorError; it has stopped then. */
  async create(): Promise<void> {
    try {
      const { connection, streams, joined } = this.#options;
      const config = this.#config;
      const namespaces = new ContainerNamespaces(this.#machine, config, joined);
      this.#namespaces = namespaces;
      const { pids, uts } = namespaces;
      const place = { config, connection, namespaces: { pids, uts } };
      const { namespace, first } = await this.#prepare("create", place, streams);
      this.#place = { ...place, namespace };
      if (this.#destroyed) {
        this.#machine.dropTask(first.task);
        throw new ContainerError(DESTROYED);
      }
      this.#first = this.#add(first, config.process, 0);
      this.#phase = "created";
    } catch (error) {
      this.#leave();
      this.#end(SIGNALLED + SIGKILL);
      throw error;
    }
  }

  /** A job of preparation.ts, which destroy() calls off. */
  async #prepare<Name extends keyof Jobs>(
    name: Name,
    ...args: Parameters<Jobs[Name]>
  ): Promise<ReturnType<Jobs[Name]>> {
    const preparing = this.#options.preparations.order(name, ...args);
    this.#preparing.add(preparing);
    try {
      return await preparing.done;
    } finally {
      this.#preparing.delete(preparing);
    }
  }

  #add(loaded: LoadedProcess, config: ProcessConfig, hostPid: number): Process {
    const process = new Process(this.#machine, config, hostPid, loaded);
    this.#processes.set(process.pid, process);
    return process;
  }

  /** Gives back what is left in the kernel when no process is. */
  #leave(): void {
    this.#phase = "stopped";
    if (this.#place !== undefined) this.#machine.releaseNamespace(this.#place.namespace);
    this.#place = undefined;
    this.#namespaces?.release();
    this.#namespaces = undefined;
  }

  start(): void {
    if (this.#phase === "creating") throw new ContainerError("the container is not created yet");
    if (this.#phase !== "created") throw new ContainerError("cannot start an already running container");
    this.#phase = "running";
    this.#options.started();
    void this.#run(this.#first!).then((code) => this.#finish(code));
  }

  /**
   * Adds a process and runs it. `streams`: descriptors of the host, which become 0, 1 and 2 and are closed when it has ended.
   * Ownership: takes `streams`, unless it rejects.
   */
  execute(config: ProcessConfig, streams: readonly number[], hostPid: number): Promise<ContainerProcess> {
    return this.#calling(this.#execute(config, streams, hostPid));
  }

  async #execute(
    config: ProcessConfig,
    streams: readonly number[],
    hostPid: number,
  ): Promise<ContainerProcess> {
    this.#checkRoom(config);
    addStreams(this.#machine.shared, streams);
    let process: Process;
    try {
      const loaded = await this.#prepare("load", this.#place!, config, streams);
      process = this.#admit(loaded, config, hostPid);
    } catch (error) {
      removeStreams(this.#machine.shared, streams);
      throw error;
    }
    void this.#run(process).then((code) => {
      removeStreams(this.#machine.shared, streams);
      for (const fd of streams) this.#native.close(fd);
      this.#processes.delete(process.pid);
      process.end(code);
    });
    return process;
  }

  /** What it had room for when it was loaded may be gone. */
  #admit(loaded: LoadedProcess, config: ProcessConfig, hostPid: number): Process {
    try {
      this.#checkRoom(config);
      return this.#add(loaded, config, hostPid);
    } catch (error) {
      this.#machine.dropTask(loaded.task);
      throw error;
    }
  }

  /** The container has not ended before the call has: its mounts are there until then. */
  async #calling<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Errors: ContainerError. */
  #checkRoom(config: ProcessConfig): void {
    if (this.#phase !== "running" && this.#phase !== "created") {
      throw new ContainerError(`cannot exec in a ${this.#phase === "stopped" ? "stopped" : "new"} container`);
    }
    this.#checkUser(config);
    const most = Math.min(this.#limits.processes || PROCESSES_MAX, PROCESSES_MAX);
    if (this.#processes.size >= most) {
      throw new ContainerError(
        `resource temporarily unavailable: ${most} processes are all that it may have`,
      );
    }
  }

  /** RLIMIT_NPROC, which is no limit to root (Linux: copy_process()). */
  #checkUser(config: ProcessConfig): void {
    const { uid } = config;
    const limit = softLimit(config, RLIMIT_NPROC);
    if (uid === 0 || limit === undefined) return;
    const has = this.processes.filter((process) => process.uid === uid).length;
    if (has < limit) return;
    throw new ContainerError(`resource temporarily unavailable: user ${uid} may have ${limit} processes`);
  }

  /** As kill(2) with the default action: nobody in here can have handlers. `pid` 0: the first process. */
  signal(number: number, pid = 0): void {
    const process = pid === 0 ? this.#first : this.#processes.get(pid);
    if (process === undefined || this.#phase === "stopped") throw new ContainerError("no such process");
    if (number === 0 || !terminates(number)) return;
    // As the pods' own process of Kubernetes does, which has handlers for these two.
    const isExit = process.guest === undefined && (number === SIGINT || number === SIGTERM);
    this.#kill(process, isExit ? 0 : SIGNALLED + number);
  }

  /** For the processes that are added from now on. What is not given stays. */
  update(limits: Partial<Limits>): void {
    this.#limits = { ...this.#limits, ...limits };
  }

  /** Mounts one more file system, which needs no connection. Errors: WvisorError. */
  async mount(mount: MountConfig): Promise<void> {
    if (this.#phase !== "running" && this.#phase !== "created") throw new ContainerError("no such mounts");
    await this.#calling(this.#prepare("mount", this.#place!, mount));
  }

  /** Gives back what the kernel keeps of its files only to find them sooner. */
  shrink(): void {
    if (this.#place !== undefined) this.#machine.kernel.namespace_shrink(this.#place.namespace);
  }

  /** What somebody says to the process that stands for the container: before there is one inside, it means nothing. */
  signalFirst(number: number): void {
    if (this.#phase === "created" || this.#phase === "running") this.signal(number);
  }

  /** Ends all processes, and what would become one. */
  destroy(): void {
    this.#destroyed = true;
    for (const preparing of this.#preparing) preparing.cancel(DESTROYED);
    for (const process of this.#processes.values()) this.#kill(process, SIGNALLED + SIGKILL);
  }

  /** The exit code of one of the processes. */
  wait(pid: number): Promise<number> {
    const process = this.#processes.get(pid);
    if (process === undefined) throw new ContainerError("no such process");
    return process.exited;
  }

  #kill(process: Process, code: number): void {
    if (process.thread !== undefined) {
      // How it ended is told by `exited`.
      process.thread.kill(code).catch(() => {});
    } else if (process === this.#first && this.#phase === "created") {
      // It never ran.
      this.#machine.dropTask(process.task);
      void this.#finish(code);
    } else {
      process.pause.end(code);
    }
  }

  /** Runs it to its end; its exit code. Never rejects, and never settles when the kernel failed. */
  async #run(process: Process): Promise<number> {
    if (process.guest === undefined) return this.#wait(process);
    const { module, memory } = process.guest;
    const memoryBytes = memoryLimit(process.config, this.#limits.memoryBytes);
    try {
      process.thread = new GuestThread(this.#machine, process.task, {
        guest: module,
        guestMemory: memory,
        memoryBytes,
      });
      return this.#report(process, await process.thread.exited);
    } catch (error) {
      return this.#fail(process, error);
    }
  }

  async #wait(process: Process): Promise<number> {
    const code = await process.pause.ended;
    this.#machine.dropTask(process.task);
    return code;
  }

  #report(process: Process, exit: GuestExit): number {
    if (exit.message !== undefined) this.#options.tell(`${process.path}: ${exit.message}`);
    return exit.code;
  }

  #fail(process: Process, error: unknown): number | Promise<never> {
    const { message } = error as Error;
    if (error instanceof KernelPanic) {
      this.#options.panicked(error);
      return new Promise(() => {});
    }
    this.#options.tell(`${process.path}: ${message}`);
    return error instanceof WvisorError ? error.exitCode : EXIT_PANIC;
  }

  /** The first process ended: so do all others. */
  async #finish(code: number): Promise<void> {
    this.#phase = "stopped";
    const first = this.#first!;
    this.#processes.delete(first.pid);
    this.destroy();
    await Promise.allSettled(this.#calls);
    await Promise.all([...this.#processes.values()].map(({ exited }) => exited));
    this.#leave();
    first.end(code);
    this.#end(code);
  }
}
