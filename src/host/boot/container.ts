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
import type { CompiledGuest } from "../guest/module-cache.ts";
import type { GuestExit } from "../guest/runner.ts";
import { KernelPanic } from "../kernel/instance.ts";
import { SandboxMounts } from "./filesystems.ts";
import type { Machine, TaskHandle } from "./machine.ts";
import { ContainerNamespaces, type JoinedNamespaces } from "./namespaces.ts";
import { addStreams, removeStreams } from "./native-host.ts";
import { loadProgram, makeTask, makeWorkingDirectory } from "./process.ts";
import { execProblem, ProgramFormatError } from "./program.ts";
import type { SharedVolumes } from "./shared-volumes.ts";

type Limits = SandboxConfig["limits"];
export type Phase = "creating" | "created" | "running" | "stopped";

/** Each has a thread, which costs megabytes. */
const PROCESSES_MAX = 1000;
export const EXIT_PANIC = 125;
const SIGNALLED = 128;

/** What a call names that is not there, or not in that state. */
export class ContainerError extends WvisorError {
  constructor(message: string) {
    super("ERR_WVISOR_CONTAINER", message);
    this.name = "ContainerError";
  }
}

/** A process of the container's. */
export interface ContainerProcess {
  readonly pid: number;
  readonly uid: number;
  readonly args: readonly string[];
  /** Of the process that stands for it on the host, as who added it said; 0 for the container's own. */
  readonly hostPid: number;
  /** Where its thread is at the moment, in words. */
  readonly place: string;
  /** Its exit code. */
  readonly exited: Promise<number>;
}

/** What a pod's own process does: nothing, until somebody says with which code it is to end. */
class Pause {
  end!: (code: number) => void;
  readonly ended = new Promise<number>((resolve) => {
    this.end = resolve;
  });
}

class Process implements ContainerProcess {
  readonly pid: number;
  readonly uid: number;
  readonly args: readonly string[];
  readonly hostPid: number;
  readonly exited: Promise<number>;
  readonly path: string;
  readonly config: ProcessConfig;
  readonly task: TaskHandle;
  /** Undefined: it runs nothing, and waits to be ended. */
  readonly guest: CompiledGuest | undefined;
  thread: GuestThread | undefined;
  /** Ends one that runs nothing. */
  readonly pause = new Pause();
  #resolve!: (code: number) => void;

  constructor(machine: Machine, task: TaskHandle, config: ProcessConfig, hostPid: number, program: Loaded) {
    this.pid = machine.kernel.task_id(task);
    this.uid = config.uid;
    this.args = config.args;
    this.hostPid = hostPid;
    this.config = config;
    this.task = task;
    this.path = program.path;
    this.guest = program.guest;
    this.exited = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get place(): string {
    return this.thread?.place ?? "not started";
  }

  end(code: number): void {
    this.#resolve(code);
  }
}

interface Loaded {
  readonly path: string;
  readonly guest: CompiledGuest | undefined;
}

export interface ContainerOptions {
  /** Descriptors of the host: 0, 1 and 2 of the first process. They stay the caller's. */
  readonly streams: readonly number[];
  /** The number of its first connection to the gofer; the others follow, in the order of goferMounts(). */
  readonly connection: number;
  /** Those of the sandbox. */
  readonly volumes: SharedVolumes;
  /** Of other containers, whose namespaces this one is in. */
  readonly joined: JoinedNamespaces;
  /** Told when the container begins to run. */
  started(): void;
  /** Takes what the user should know: how a process failed. */
  tell(text: string): void;
  /** Told when the kernel failed, for all containers. */
  panicked(): void;
}

export class Container {
  readonly #native: Native;
  readonly #machine: Machine;
  readonly #config: SandboxConfig;
  readonly #options: ContainerOptions;
  readonly #processes = new Map<number, Process>();
  #limits: Limits;
  #namespaces: ContainerNamespaces | undefined;
  #mounts: SandboxMounts | undefined;
  #first: Process | undefined;
  #phase: Phase = "creating";
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

  /** Makes the file systems, waits for the gofer, finds the program. Errors: WvisorError. */
  create(): void {
    try {
      const { connection, volumes, joined } = this.#options;
      const namespaces = new ContainerNamespaces(this.#machine, this.#config, joined);
      this.#namespaces = namespaces;
      this.#mounts = new SandboxMounts(this.#machine, this.#config, { connection, volumes, namespaces });
      const task = makeTask(this.#machine, this.#mounts, this.#config.process, this.#options.streams);
      this.#mountAll(task);
      this.#first = this.#load(task, this.#config.process, 0);
      this.#phase = "created";
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #mountAll(task: TaskHandle): void {
    try {
      this.#mounts!.mountAll();
      makeWorkingDirectory(this.#machine, this.#mounts!, this.#config);
    } catch (error) {
      this.#machine.dropTask(task);
      throw error;
    }
  }

  /** Gives back what is left in the kernel when no process is. */
  #leave(): void {
    this.#phase = "stopped";
    this.#mounts?.release();
    this.#mounts = undefined;
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
   * Ownership: takes `streams`, unless it throws.
   */
  execute(config: ProcessConfig, streams: readonly number[], hostPid: number): ContainerProcess {
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
    addStreams(this.#machine.shared, streams);
    let process: Process;
    try {
      const task = makeTask(this.#machine, this.#mounts!, config, streams);
      process = this.#load(task, config, hostPid);
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
  mount(mount: MountConfig): void {
    if (this.#phase !== "running" && this.#phase !== "created") throw new ContainerError("no such mounts");
    this.#mounts!.mount(mount);
  }

  /** Gives back what the kernel keeps of its files only to find them sooner. */
  shrink(): void {
    if (this.#mounts !== undefined) this.#machine.kernel.namespace_shrink(this.#mounts.namespace);
  }

  /** What somebody says to the process that stands for the container: before there is one inside, it means nothing. */
  signalFirst(number: number): void {
    if (this.#phase === "created" || this.#phase === "running") this.signal(number);
  }

  /** Ends all processes. */
  destroy(): void {
    for (const process of this.#processes.values()) this.#kill(process, SIGNALLED + SIGKILL);
  }

  /** The exit code of one of the processes. */
  wait(pid: number): Promise<number> {
    const process = this.#processes.get(pid);
    if (process === undefined) throw new ContainerError("no such process");
    return process.exited;
  }

  #load(task: TaskHandle, config: ProcessConfig, hostPid: number): Process {
    try {
      const process = new Process(this.#machine, task, config, hostPid, this.#loadProgram(task, config));
      this.#processes.set(process.pid, process);
      return process;
    } catch (error) {
      this.#machine.dropTask(task);
      throw error instanceof WvisorError ? execProblem(error, config.args[0]!) : error;
    }
  }

  #loadProgram(task: TaskHandle, config: ProcessConfig): Loaded {
    try {
      const program = loadProgram(this.#machine, task, { ...this.#config, process: config }, this.#mounts!);
      return { path: program.path, guest: this.#machine.programs.compile(program.bytes, program.path) };
    } catch (error) {
      const isPause = this.#phase === "creating" && this.#config.pauses === true;
      if (!isPause || !(error instanceof ProgramFormatError)) throw error;
      this.#machine.setArguments(task, config.args);
      return { path: config.args[0]!, guest: undefined };
    }
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
      this.#options.tell(`kernel panic: ${message}`);
      this.#options.panicked();
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
    const others = [...this.#processes.values()];
    this.destroy();
    await Promise.all(others.map(({ exited }) => exited));
    this.#leave();
    first.end(code);
    this.#end(code);
  }
}
