// What a container needs of its files before a program of its runs, or while they do: mounts, and finding the program. All of it may
// wait for a gofer, and compiling takes as long as a module is large. So in a sandbox that serves others it has a thread of its own
// (preparation-thread.ts): jobs and their results can be posted to a worker.

import { WvisorError } from "../../common/errors.ts";
import type { MountConfig, ProcessConfig, SandboxConfig } from "../config/sandbox-config.ts";
import type { CompiledGuest } from "../guest/module-cache.ts";
import { SandboxMounts } from "./filesystems.ts";
import type { Machine, NamespaceHandle, TaskHandle } from "./machine.ts";
import type { NamespaceHandles } from "./namespaces.ts";
import { loadProgram, makeTask, makeWorkingDirectory } from "./process.ts";
import { execProblem, ProgramFormatError } from "./program.ts";
import type { SharedVolumes } from "./shared-volumes.ts";

/** A container whose file systems are to be made, or are: then it has a mount namespace. */
export interface ContainerPlace {
  readonly config: SandboxConfig;
  /** The number of its first connection to the gofer; the others follow, in the order of goferMounts(). */
  readonly connection: number;
  readonly namespaces: NamespaceHandles;
}

export interface MountedPlace extends ContainerPlace {
  readonly namespace: NamespaceHandle;
}

/** A process that could run: its task, and its program. */
export interface LoadedProcess {
  readonly task: TaskHandle;
  readonly path: string;
  /** Undefined: it runs nothing, and waits to be ended. */
  readonly guest: CompiledGuest | undefined;
}

/** The results are the caller's: a mount namespace, a task. */
export interface Jobs {
  /** All mounts of a container, and its first process. `streams`: descriptors of the host, the process's 0, 1, 2, ... */
  create(
    place: ContainerPlace,
    streams: readonly number[],
  ): { readonly namespace: NamespaceHandle; readonly first: LoadedProcess };
  /** One more process. */
  load(place: MountedPlace, process: ProcessConfig, streams: readonly number[]): LoadedProcess;
  /** One more file system of the kernel's own. */
  mount(place: MountedPlace, mount: MountConfig): void;
}

/** Errors of all jobs: WvisorError; then nothing of them stays. */
export class Preparation implements Jobs {
  readonly #machine: Machine;
  readonly #volumes: SharedVolumes;

  constructor(machine: Machine, volumes: SharedVolumes) {
    this.#machine = machine;
    this.#volumes = volumes;
  }

  create(place: ContainerPlace, streams: readonly number[]): ReturnType<Jobs["create"]> {
    const mounts = this.#mountsOf(place);
    try {
      const task = makeTask(this.#machine, mounts, place.config.process, streams);
      const first = this.#keep(task, () => {
        mounts.mountAll();
        makeWorkingDirectory(this.#machine, mounts, place.config);
        return this.#loadProgram(task, mounts, place.config);
      });
      return { namespace: mounts.namespace, first };
    } catch (error) {
      mounts.release();
      throw error;
    }
  }

  load(place: MountedPlace, process: ProcessConfig, streams: readonly number[]): LoadedProcess {
    const mounts = this.#mountsOf(place);
    const task = makeTask(this.#machine, mounts, process, streams);
    const config = { ...place.config, process, pauses: false };
    return this.#keep(task, () => this.#loadProgram(task, mounts, config));
  }

  mount(place: MountedPlace, mount: MountConfig): void {
    this.#mountsOf(place).mount(mount);
  }

  #mountsOf(place: ContainerPlace | MountedPlace): SandboxMounts {
    return new SandboxMounts(this.#machine, place.config, { ...place, volumes: this.#volumes });
  }

  /** Drops the task when `use` fails. */
  #keep(task: TaskHandle, use: () => LoadedProcess): LoadedProcess {
    try {
      return use();
    } catch (error) {
      this.#machine.dropTask(task);
      throw error;
    }
  }

  #loadProgram(task: TaskHandle, mounts: SandboxMounts, config: SandboxConfig): LoadedProcess {
    const { args } = config.process;
    try {
      const { bytes, path } = loadProgram(this.#machine, task, config, mounts);
      return { task, path, guest: this.#machine.programs.compile(bytes, path) };
    } catch (error) {
      if (config.pauses === true && error instanceof ProgramFormatError) {
        this.#machine.setArguments(task, args);
        return { task, path: args[0]!, guest: undefined };
      }
      throw error instanceof WvisorError ? execProblem(error, args[0]!) : error;
    }
  }
}
