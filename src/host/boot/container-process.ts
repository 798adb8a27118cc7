// A process of a container, from when its program is loaded until its exit code is known.

import type { ProcessConfig } from "../config/sandbox-config.ts";
import type { GuestThread } from "../guest/guest-thread.ts";
import type { CompiledGuest } from "../guest/module-cache.ts";
import type { Machine, TaskHandle } from "./machine.ts";
import type { LoadedProcess } from "./preparation.ts";

/** What others may know of it. */
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

export class Process implements ContainerProcess {
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

  constructor(machine: Machine, config: ProcessConfig, hostPid: number, loaded: LoadedProcess) {
    this.pid = machine.kernel.task_id(loaded.task);
    this.uid = config.uid;
    this.args = config.args;
    this.hostPid = hostPid;
    this.config = config;
    this.task = loaded.task;
    this.path = loaded.path;
    this.guest = loaded.guest;
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
