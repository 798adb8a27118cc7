// A sandbox's supervisor: it has the kernel and the gofers, and starts and ends the programs, on a thread of its own. So nothing that
// waits, for a gofer or a compiler, keeps the owner's thread busy, and limits hold whatever that thread is at.

import { readFileSync } from "node:fs";
import { EAGAIN, EBUSY, EINVAL, ENOENT } from "../../../assembly/abi/errno.ts";
import { SYS_umount2 } from "../../../assembly/abi/syscall.ts";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import { goferMounts, SandboxMounts } from "../../host/boot/filesystems.ts";
import {
  check,
  Machine,
  type NamespaceHandle,
  type PidsHandle,
  type TaskHandle,
  type UtsHandle,
} from "../../host/boot/machine.ts";
import { ContainerNamespaces } from "../../host/boot/namespaces.ts";
import { addStreams, makeSharedHost, removeStreams } from "../../host/boot/native-host.ts";
import { loadProgram, makeTask, makeWorkingDirectory, prepareTask } from "../../host/boot/process.ts";
import { ProgramNotFoundError } from "../../host/boot/program.ts";
import { ROOT_CAPABILITIES } from "../../host/config/defaults.ts";
import { reasonOf } from "../../host/config/host-file.ts";
import { checkSources } from "../../host/config/mounts.ts";
import { findRuntimes, missingProgramHint } from "../../host/config/runtimes.ts";
import type { MountConfig, RuntimeConfig, SandboxConfig } from "../../host/config/sandbox-config.ts";
import type { KernelModules } from "../../host/kernel/instance.ts";
import type { GoferMount } from "../../host/sandbox/gofer-process.ts";
import { type Native, requireNative } from "../../native/index.ts";
import type { SandboxPlan } from "../options.ts";
import type {
  GuestEnd,
  KernelAddresses,
  KernelImage,
  SandboxUsage,
  SpawnRequest,
  Started,
} from "../protocol.ts";
import { Gofers } from "./gofers.ts";
import { GuestRun } from "./guest-run.ts";
import { copyMemory, putMemory } from "./image.ts";

const PAGE = 4096;
const ADMINISTRATOR = { uid: 0, gid: 0, groups: [], umask: 0o022, capabilities: 2n ** 64n - 1n };

export interface SupervisorEvents {
  ended(key: number, end: GuestEnd): void;
  failed(key: number, error: unknown): void;
}

export class Supervisor {
  readonly #native: Native = requireNative();
  readonly #plan: SandboxPlan;
  readonly #events: SupervisorEvents;
  readonly #machine: Machine;
  readonly #gofers: Gofers;
  readonly #runs = new Map<number, GuestRun>();
  #mounts!: SandboxMounts;
  #addresses!: KernelAddresses;
  /** What is mounted, in its order; the root and what every sandbox has left out. */
  #mounted: readonly MountConfig[] = [];

  constructor(plan: SandboxPlan, modules: KernelModules, events: SupervisorEvents) {
    // Of this thread and those that it starts: guests and gofers.
    this.#native.setNoNewPrivs();
    this.#plan = plan;
    this.#events = events;
    const shared = makeSharedHost([], []);
    this.#gofers = new Gofers(this.#native, shared.connections, plan.confinement);
    this.#machine = new Machine(this.#native, modules, shared);
  }

  /** (blocks until the gofers answer) Errors: WvisorError; close() is to be called all the same. */
  start(image: KernelImage | undefined): Started {
    if (image === undefined) this.#boot();
    else this.#resume(image);
    const { memory, shared } = this.#machine;
    return { memory, shared, task: this.#addresses.host, mounts: this.#mounted };
  }

  #boot(): void {
    const config = this.#withRuntimes();
    const served = goferMounts(config);
    const connection = served.length === 0 ? 0 : this.#gofers.serve(served);
    const control = this.#machine.kernel.attach();
    const namespaces = new ContainerNamespaces(this.#machine, config, {});
    this.#mounts = new SandboxMounts(this.#machine, config, {
      connection,
      namespaces,
      connect: this.#connect,
    });
    this.#explain(connection, () => this.#mounts.mountAll());
    makeWorkingDirectory(this.#machine, this.#mounts, config);
    this.#mounted = config.mounts;
    const { namespace } = this.#mounts;
    const { pids, uts } = namespaces;
    this.#addresses = { namespace, pids, uts, control, host: this.#makeHostTask() };
    const { diskBytes, inodes } = this.#plan.limits;
    this.#machine.kernel.limit_tmpfs(Math.ceil(diskBytes / PAGE), inodes);
  }

  /** Goes on from a copy, with gofers of its own. */
  #resume(image: KernelImage): void {
    const { config } = this.#plan;
    this.#gofers.serveAgain(image.trees);
    this.#load(image);
    const { namespace, pids, uts } = image.addresses;
    const joined = { pids: pids as PidsHandle, uts: uts as UtsHandle };
    const namespaces = new ContainerNamespaces(this.#machine, config, joined);
    const existing = namespace as NamespaceHandle;
    this.#mounts = new SandboxMounts(this.#machine, config, {
      namespace: existing,
      namespaces,
      connect: this.#connect,
    });
  }

  #load(image: KernelImage): void {
    const { kernel } = this.#machine;
    putMemory(this.#machine, image.bytes);
    kernel.task_enter(image.addresses.control);
    this.#addresses = image.addresses;
    this.#mounted = image.mounts;
    check(kernel.namespace_reattach(image.addresses.namespace), "reaching the gofers again");
  }

  /** Where there is a gofer from the start, it serves the runtimes that are known, too. */
  #withRuntimes(): SandboxConfig {
    const { config } = this.#plan;
    if (goferMounts(config).length === 0) return config;
    return { ...config, runtimes: this.#runtimesFor("", process.cwd()) };
  }

  #runtimesFor(program: string, cwd: string): RuntimeConfig[] {
    return findRuntimes({ program, named: this.#plan.runtimes, cwd, ownDirectory: import.meta.dirname });
  }

  readonly #connect = (served: readonly GoferMount[]): number => this.#gofers.serve(served);

  /** A dead gofer explains every error that comes after it. */
  #explain(connection: number, mount: () => void): void {
    try {
      mount();
    } catch (error) {
      const end = this.#gofers.endOf(connection);
      if (end === undefined || !(error instanceof WvisorError)) throw error;
      throw new WvisorError("ERR_WVISOR_GOFER", `the gofer ${end}: ${error.message}`, 125, { cause: error });
    }
  }

  /** The owner may do what root may, and makes files that the sandbox's user owns. */
  #makeHostTask(): TaskHandle {
    const { uid, gid, groups, umask } = this.#plan.config.process;
    const owner = { uid, gid, groups, umask, capabilities: ROOT_CAPABILITIES };
    return this.#machine.task(this.#mounts.namespace, owner, this.#mounts.others);
  }

  /** Begins to run a program; settles when its thread is started. Ownership: takes the streams. Errors: WvisorError. */
  async spawn(request: SpawnRequest): Promise<{ pid: number }> {
    const { key, streams } = request;
    addStreams(this.#machine.shared, streams);
    let loaded: Loaded;
    try {
      this.#admit();
      loaded = this.#loadProgram(request);
    } catch (error) {
      removeStreams(this.#machine.shared, streams);
      for (const fd of streams) this.#native.close(fd);
      throw error;
    }
    const run = new GuestRun(this.#machine, loaded.task, request, this.#plan.limits);
    const compiling = this.#machine.programs.compileLater(loaded.bytes, loaded.name);
    this.#runs.set(key, run);
    const ended = run.run(compiling);
    void this.#await(key, ended);
    await Promise.race([run.started, ended]);
    return { pid: run.pid };
  }

  #admit(): void {
    const { processes } = this.#plan.limits;
    if (this.#runs.size < processes) return;
    const cause = new ErrnoError(EAGAIN, "spawn");
    const message = `EAGAIN: spawn: stopped by the limit on processes (${processes})`;
    throw new WvisorError("ERR_WVISOR_LIMIT", message, 125, { cause });
  }

  async #await(key: number, ended: Promise<GuestEnd>): Promise<void> {
    try {
      const end = await ended;
      this.#runs.delete(key);
      this.#events.ended(key, end);
    } catch (error) {
      this.#runs.delete(key);
      this.#events.failed(key, error);
    }
  }

  #loadProgram(request: SpawnRequest): Loaded {
    const { program, process, streams } = request;
    const machine = this.#machine;
    const config = { ...this.#plan.config, process, mounts: this.#mounted };
    const task = makeTask(machine, this.#mounts, process, streams);
    try {
      if (program.kind === "name") {
        const runtimes = this.#runtimesFor(program.name, program.cwd);
        const { bytes, path } = loadProgram(machine, task, { ...config, runtimes }, this.#mounts);
        return { task, bytes, name: path };
      }
      prepareTask(machine, task, config, process.args);
      if (program.kind === "bytes") return { task, bytes: program.bytes, name: process.args[0]! };
      return { task, bytes: readModule(program.file), name: program.file };
    } catch (error) {
      machine.dropTask(task);
      throw program.kind === "name" ? withHint(error, program) : error;
    }
  }

  kill({ key, signal }: { readonly key: number; readonly signal: number }): void {
    this.#runs.get(key)?.kill(signal);
  }

  /** (blocks until the gofer answers) Errors: WvisorError. */
  mount(mount: MountConfig): void {
    checkSources([mount.source]);
    this.#mounts.mount(mount);
    this.#mounted = [...this.#mounted, mount];
  }

  /** Errors: WvisorError; EBUSY while a program uses it. */
  umount(path: string): void {
    const index = this.#mounted.findLastIndex(({ destination }) => destination === path);
    const result = index < 0 ? -EINVAL : this.#unmount(path);
    if (result < 0) {
      const cause = new ErrnoError(-result, "umount2");
      const message = `${cause.code}: ${index < 0 ? "nothing is mounted there" : "it is in use"}, umount '${path}'`;
      throw new WvisorError("ERR_WVISOR_MOUNT", message, 125, { cause, path });
    }
    this.#mounted = this.#mounted.toSpliced(index, 1);
  }

  #unmount(path: string): number {
    const machine = this.#machine;
    const { kernel } = machine;
    const task = machine.task(this.#mounts.namespace, ADMINISTRATOR, this.#mounts.others);
    try {
      kernel.namespace_shrink(this.#mounts.namespace);
      kernel.task_enter(task);
      const text = new TextEncoder().encode(`${path}\0`);
      return machine.withBytes(text, (at) => kernel.syscall(SYS_umount2, at, 0, 0, 0, 0, 0));
    } finally {
      kernel.task_enter(this.#addresses.control);
      machine.dropTask(task);
    }
  }

  /** Errors: WvisorError: ERR_WVISOR_BUSY while programs run or files of the host are open. */
  snapshot(): KernelImage {
    this.#settle("a snapshot");
    const bytes = copyMemory(this.#machine);
    return { bytes, addresses: this.#addresses, trees: this.#gofers.trees, mounts: this.#mounted };
  }

  /** Errors: WvisorError as snapshot(), and for trees of the host that were unmounted since. */
  restore(image: KernelImage): void {
    this.#settle("restoring");
    const gone = image.trees.find(({ connection }) => !this.#gofers.isConnected(connection));
    if (gone !== undefined) {
      throw new WvisorError("ERR_WVISOR_SNAPSHOT", `${gone.source} was unmounted since the snapshot`);
    }
    this.#load(image);
    for (const { connection } of this.#gofers.trees) {
      if (!image.trees.some((tree) => tree.connection === connection)) this.#gofers.release(connection);
    }
  }

  #settle(what: string): void {
    const running = this.#runs.size;
    if (running > 0)
      throw busy(`${what} while ${running === 1 ? "a program runs" : `${running} programs run`}`);
    const result = this.#machine.kernel.namespace_quiet(this.#mounts.namespace);
    if (result === -EBUSY) throw busy(`${what} while files of the host are open or mounted on`);
    check(result, "settling the gofers");
  }

  usage(): SandboxUsage {
    const kernelBytes = this.#machine.kernel.heap_pages() * PAGE;
    return { processes: this.#runs.size, kernelBytes, gofers: this.#gofers.pids };
  }

  /** Ends all programs and all gofers. */
  async close(): Promise<void> {
    const ended = [...this.#runs.values()].map((run) => run.end());
    await Promise.allSettled(ended);
    await this.#gofers.end();
  }
}

interface Loaded {
  readonly task: TaskHandle;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly name: string;
}

function readModule(file: string): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(file);
  } catch (cause) {
    const { errno, syscall, path } = cause as NodeJS.ErrnoException;
    const message = `${file}: ${reasonOf(cause)}`;
    throw new WvisorError("ERR_WVISOR_PROGRAM_NOT_FOUND", message, 127, { cause, errno, syscall, path });
  }
}

function withHint(error: unknown, { cwd }: { readonly cwd: string }): unknown {
  if (!(error instanceof ProgramNotFoundError)) return error;
  const hint = missingProgramHint(error.program, cwd);
  const message = hint === "" ? error.message : `${error.message}; ${hint}`;
  const refused = { cause: error, errno: -ENOENT, syscall: "spawn", path: error.program };
  return new WvisorError(error.code, message, error.exitCode, refused);
}

function busy(what: string): WvisorError {
  const cause = new ErrnoError(EBUSY, "snapshot");
  return new WvisorError("ERR_WVISOR_BUSY", `EBUSY: ${what}`, 125, { cause });
}
