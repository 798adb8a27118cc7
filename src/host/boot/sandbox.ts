// The containers of a sandbox: the first one, whose end is the sandbox's, and those that were added to it. They have one kernel and one
// gofer, and nothing of each other's: mounts, processes and names are each container's own, unless it asked for the sandbox's.

import { ErrnoError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import { containerIdProblem } from "../config/container-id.ts";
import type { SandboxConfig } from "../config/sandbox-config.ts";
import type { KernelPanic } from "../kernel/instance.ts";
import { Connections } from "./connections.ts";
import { Container, type ContainerOptions, EXIT_PANIC } from "./container.ts";
import { ContainerError } from "./errors.ts";
import { goferMounts } from "./filesystems.ts";
import type { Machine } from "./machine.ts";
import type { ContainerNamespaces, JoinedNamespaces } from "./namespaces.ts";
import { addStreams, removeStreams } from "./native-host.ts";
import { PreparationThread } from "./preparation-thread.ts";
import { tellOn } from "./tell.ts";

/** Each has descriptors and mounts, which the kernel and the gofer have room for. */
const CONTAINERS_MAX = 4096;
const SHOWN_MAX = 64;
const STDERR = 2;

export interface SandboxOptions {
  readonly native: Native;
  readonly machine: Machine;
  /** Of the first container. */
  readonly config: SandboxConfig;
  /** Of the first container. */
  readonly streams: readonly number[];
  /** Told when the first container begins to run. */
  started(): void;
  /** Takes what the user should know: how a process failed. */
  tell(text: string): void;
}

/** What a container that is added brings: descriptors of the host. */
export interface ContainerFiles {
  readonly streams: readonly number[];
  /** Connections to the gofer, in the order of goferMounts(). */
  readonly io: readonly number[];
}

export interface AddedContainer {
  readonly container: Container;
  readonly created: Promise<void>;
}

export class Sandbox {
  readonly root: Container;
  readonly #options: SandboxOptions;
  readonly #connections: Connections;
  readonly #preparations: PreparationThread;
  /** Those that were added, also those that have stopped. */
  readonly #added = new Map<string, Container>();
  /** Those that are being removed. */
  readonly #leaving = new Map<string, Promise<void>>();
  #exit!: (code: number) => void;
  /** The sandbox's exit code: that of its first container. */
  readonly exited: Promise<number>;

  constructor(options: SandboxOptions) {
    const { machine, config, streams, started, tell } = options;
    this.#options = options;
    this.#connections = new Connections(machine.shared.connections);
    this.#preparations = new PreparationThread(machine, (panic) => this.#panic(panic));
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
    this.root = this.#make(config, { streams, connection: 0, joined: {}, started, tell });
    void this.root.exited.then((code) => this.#exit(code));
  }

  get containers(): Container[] {
    return [this.root, ...this.#added.values()];
  }

  /** Errors: ContainerError. */
  find(id: string): Container {
    const found = id === this.root.id ? this.root : this.#added.get(id);
    if (found !== undefined) return found;
    throw new ContainerError(`container ${JSON.stringify(id.slice(0, SHOWN_MAX))} does not exist`);
  }

  /**
   * Adds a container, which waits to be started when `created` is settled. One of that id that has stopped is forgotten. `started`: told
   * when it begins to run. Ownership: takes the files. Errors, of both: WvisorError; then nothing of it stays.
   */
  add(config: SandboxConfig, files: ContainerFiles, started: () => void): AddedContainer {
    const { native, machine } = this.#options;
    const { streams } = files;
    const tell = (text: string): void => tellOn(native, streams[STDERR]!, text);
    const { connection, joined } = this.#admit(config, files);
    addStreams(machine.shared, streams);
    const container = this.#make(config, { streams, connection, joined, started, tell });
    this.#added.set(config.id, container);
    void container.exited.then(() => this.#closeStreams(streams));
    return { container, created: this.#create(container, files, connection) };
  }

  async #create(container: Container, { io }: ContainerFiles, connection: number): Promise<void> {
    try {
      await container.create();
    } catch (error) {
      // The kernel has ended those that it had.
      for (const index of io.keys()) this.#connections.release(this.#options.native, connection + index);
      if (this.#added.get(container.id) === container) this.#added.delete(container.id);
      throw error;
    }
  }

  #closeStreams(streams: readonly number[]): void {
    const { native, machine } = this.#options;
    removeStreams(machine.shared, streams);
    for (const fd of streams) native.close(fd);
  }

  /** The number of the first connection, and the namespaces of others. Errors: ContainerError; then the files are closed. */
  #admit(
    config: SandboxConfig,
    { streams, io }: ContainerFiles,
  ): { connection: number; joined: JoinedNamespaces } {
    try {
      this.#check(config);
      const joined = this.#join(config);
      return { connection: this.#number(config, io), joined };
    } catch (error) {
      for (const fd of [...streams, ...io]) this.#options.native.close(fd);
      throw error;
    }
  }

  /** Ends all its processes; it is gone from the sandbox when this has settled. Errors: ContainerError. */
  async remove(id: string): Promise<void> {
    const container = this.find(id);
    const left = this.#leaving.get(id) ?? this.#end(container);
    this.#leaving.set(id, left);
    await left;
  }

  /** Settles when nothing of that id is being removed any more. */
  async vacated(id: string): Promise<void> {
    await this.#leaving.get(id);
  }

  async #end(container: Container): Promise<void> {
    container.destroy();
    await container.exited;
    this.#added.delete(container.id);
    this.#leaving.delete(container.id);
  }

  #check({ id }: SandboxConfig): void {
    const problem = containerIdProblem(id);
    if (problem !== undefined) throw new ContainerError(problem);
    const there = this.#added.get(id);
    if (id === this.root.id || (there !== undefined && there.phase !== "stopped")) {
      throw new ContainerError(`container with given ID already exists: ${id}`);
    }
    if (this.root.phase !== "created" && this.root.phase !== "running") {
      throw new ContainerError(`the sandbox's container is ${this.root.phase}`);
    }
    if (this.#added.size >= CONTAINERS_MAX) {
      throw new ContainerError(`the sandbox has ${CONTAINERS_MAX} containers already`);
    }
  }

  /** The namespaces of other containers that it asks for. Errors: ContainerError. */
  #join({ joins = {} }: SandboxConfig): JoinedNamespaces {
    const namespacesOf = (id: string): ContainerNamespaces => {
      const found = this.find(id).namespaces;
      if (found === undefined) throw new ContainerError(`container ${JSON.stringify(id)} has stopped`);
      return found;
    };
    return {
      pids: joins.pid === undefined ? undefined : namespacesOf(joins.pid).pids,
      uts: joins.uts === undefined ? undefined : namespacesOf(joins.uts).uts,
    };
  }

  /** The number of the first connection. */
  #number(config: SandboxConfig, io: readonly number[]): number {
    const wanted = goferMounts(config).length;
    if (io.length !== wanted) {
      throw new ContainerError(`${wanted} mounts of the host, ${io.length} connections`);
    }
    try {
      return this.#connections.add(io, true);
    } catch (error) {
      if (!(error instanceof ErrnoError)) throw error;
      throw new ContainerError("the sandbox has too many mounts of the host");
    }
  }

  #make(config: SandboxConfig, options: Omit<ContainerOptions, "panicked" | "preparations">): Container {
    const { native, machine } = this.#options;
    const panicked = (panic: KernelPanic): void => this.#panic(panic);
    return new Container(native, machine, config, { ...options, preparations: this.#preparations, panicked });
  }

  #panic({ message }: KernelPanic): void {
    this.#options.tell(`kernel panic: ${message}`);
    this.#exit(EXIT_PANIC);
  }
}
