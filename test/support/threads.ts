// Guests on worker threads over one kernel memory, and what the kernel holds when they are gone.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { FilesystemHandle, Machine, NamespaceHandle } from "../../src/host/boot/machine.ts";
import { GuestThread } from "../../src/host/guest/guest-thread.ts";
import { compileGuest, type GuestExit } from "../../src/host/guest/runner.ts";
import { confineModule, type MemoryLimits } from "../../src/host/kernel/guest-module.ts";
import type { GuestMemoryProvider } from "../../src/host/kernel/instance.ts";
import { buildGuests } from "./guests.ts";
import { kernelModules, makeMachine, makeTask, memoryNamespace } from "./wvisor.ts";

/** What memory() of a tree that is empty again may differ by: the slab allocator keeps the last slab of each size class. */
export const SPARE_PAGES = 16 * 4;

export interface HeapCounts {
  readonly objects: number;
  readonly pages: number;
}

export interface RunningGuest {
  readonly thread: GuestThread;
  stdout(): string;
  stderr(): string;
  /** Closes its streams: after the end. */
  close(): void;
}

export interface FinishedGuest extends GuestExit {
  readonly stdout: string;
  readonly stderr: string;
}

interface Program {
  readonly guest: WebAssembly.Module;
  readonly guestMemory: MemoryLimits | undefined;
}

export interface ThreadsOptions {
  readonly provider?: GuestMemoryProvider;
  readonly debug?: boolean;
  readonly sockets?: readonly number[];
  readonly windows?: readonly (number | undefined)[];
  /** What is mounted at /work; a tmpfs when absent. */
  readonly work?: (machine: Machine) => FilesystemHandle;
}

const programs = new Map<string, Program>();

/** Compiles the named guests of test/guests, once. */
export async function loadPrograms(...names: readonly string[]): Promise<void> {
  for (const [name, bytes] of await buildGuests(names)) {
    const module = confineModule(bytes);
    programs.set(name, { guest: compileGuest(module, name), guestMemory: module.memory });
  }
}

/** Fails when `promise` takes longer than `ms`. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not done after ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One kernel with a namespace: /dev, /tmp, and /work to work in. */
export class Threads {
  readonly machine: Machine;
  readonly namespace: NamespaceHandle;
  readonly #scratch = mkdtempSync(path.join(tmpdir(), "wvisor-threads-"));
  readonly #null = openSync("/dev/null", "r+");
  #started = 0;

  constructor(options: ThreadsOptions = {}) {
    const { provider, debug, sockets = [], windows = [], work } = options;
    this.machine = makeMachine({ modules: kernelModules(provider, debug), sockets, windows });
    this.namespace = memoryNamespace(this.machine);
    this.allow(this.#null);
    const filesystem = work?.(this.machine) ?? this.machine.tmpfs("mode=777");
    this.machine.mount(this.namespace, filesystem, "/work", false);
  }

  /** Lets tasks have the host descriptor as a stream. */
  allow(fd: number): void {
    new Uint8Array(this.machine.shared.handles)[fd] = 1;
  }

  forbid(fd: number): void {
    new Uint8Array(this.machine.shared.handles)[fd] = 0;
  }

  /** Starts a guest whose streams lead nowhere, but for those given. */
  startQuiet(
    name: string,
    args: readonly string[],
    streams: { stdin?: number | undefined; stdout?: number | undefined } = {},
  ): GuestThread {
    const { stdin = this.#null, stdout = this.#null } = streams;
    return this.#start(name, args, [stdin, stdout, this.#null]);
  }

  /** Starts a guest whose output is kept. */
  start(name: string, args: readonly string[]): RunningGuest {
    const file = path.join(this.#scratch, `${this.#started++}`);
    const outputs = [openSync(`${file}.out`, "w+"), openSync(`${file}.err`, "w+")];
    for (const fd of outputs) this.allow(fd);
    return {
      thread: this.#start(name, args, [this.#null, ...outputs]),
      stdout: () => readFileSync(`${file}.out`, "utf8"),
      stderr: () => readFileSync(`${file}.err`, "utf8"),
      close: () => {
        for (const fd of outputs) {
          this.forbid(fd);
          closeSync(fd);
        }
      },
    };
  }

  async run(name: string, ...args: readonly string[]): Promise<FinishedGuest> {
    return this.finish(this.start(name, args));
  }

  async finish(running: RunningGuest): Promise<FinishedGuest> {
    const exit = await running.thread.exited;
    running.close();
    return { ...exit, stdout: running.stdout(), stderr: running.stderr() };
  }

  #start(name: string, args: readonly string[], streams: readonly number[]): GuestThread {
    const program = programs.get(name);
    if (program === undefined) throw new Error(`${name} was not loaded`);
    const task = makeTask(this.machine, this.namespace, { args: [name, ...args] }, streams);
    return new GuestThread(this.machine, task, program);
  }

  /** What is in use with every cache emptied. */
  counts(): HeapCounts {
    const { kernel } = this.machine;
    kernel.namespace_shrink(this.namespace);
    return { objects: kernel.heap_objects(), pages: kernel.heap_pages() };
  }

  close(): void {
    closeSync(this.#null);
    rmSync(this.#scratch, { recursive: true });
  }
}
