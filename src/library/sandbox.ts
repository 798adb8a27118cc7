// A sandbox in this process: a kernel in memory of its own, a thread that supervises it, and a gofer process where files of the host
// are mounted.

import { EventEmitter } from "node:events";
import { WvisorError } from "../common/errors.ts";
import type { FileSystem } from "../fs/face.ts";
import { requireNative } from "../native/index.ts";
import { wrongType } from "./arguments.ts";
import { type ExitResult, GuestProcess } from "./guest-process.ts";
import { kernelDigest, kernelModules } from "./kernel.ts";
import { SupervisorLink } from "./link.ts";
import { type Mount, type MountInfo, mountConfig, mountInfo } from "./mounts.ts";
import { planSandbox, type SandboxOptions, type SandboxPlan } from "./options.ts";
import { OwnerFiles } from "./owner-files.ts";
import type { GuestEnd, KernelImage, LimitName } from "./protocol.ts";
import { contentsOf, Snapshot } from "./snapshot.ts";
import {
  type CheckedSpawn,
  type Command,
  checkExec,
  checkSpawn,
  type ExecOptions,
  type SpawnOptions,
} from "./spawn-options.ts";
import { closeDescriptors, openStdio } from "./stdio.ts";
import { checkDirectory } from "./values.ts";

/** What this machine gives to a sandbox. */
export interface Capabilities {
  /** What serves files of the host: a confined process, or nothing where none are mounted. */
  readonly gofer: "native" | "memory";
  /** How it opens them: from directory descriptors, beneath what is mounted. */
  readonly confinement: "openat2" | "none";
  readonly platform: "wasm";
}

export interface ExecResult extends ExitResult {
  readonly stdout: string;
  readonly stderr: string;
}

export interface SandboxStats {
  /** Programs that run. */
  readonly processes: number;
  /** Memory that the kernel uses, data of files in memory included. */
  readonly kernelBytes: number;
  /** Process ids of the gofers. */
  readonly gofers: readonly number[];
}

export interface LimitEvent {
  readonly limit: LimitName;
  readonly process: GuestProcess;
  readonly message: string;
}

interface SandboxEvents {
  /** A program met a limit; it has ended. */
  limit: [event: LimitEvent];
  /** Nothing can be done with the sandbox any more; for who does not wait for a call. */
  broken: [error: WvisorError];
}

/** Boots a sandbox. Errors: TypeError and RangeError for options; WvisorError. */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  return startSandbox(planSandbox(options), undefined);
}

async function startSandbox(plan: SandboxPlan, image: KernelImage | undefined): Promise<Sandbox> {
  requireNative();
  const sandbox = new Sandbox(plan, image);
  try {
    await sandbox[START]();
    return sandbox;
  } catch (error) {
    await sandbox.close();
    throw error;
  }
}

const START = Symbol("start");

export class Sandbox extends EventEmitter<SandboxEvents> implements AsyncDisposable {
  readonly #plan: SandboxPlan;
  readonly #link: SupervisorLink;
  readonly #processes = new Map<number, RunningProcess>();
  #lastKey = 0;
  #mounted: readonly MountInfo[] = [];
  #files!: OwnerFiles;
  #closing: Promise<void> | undefined;

  /** Use createSandbox(). */
  constructor(plan: SandboxPlan, image: KernelImage | undefined) {
    super();
    this.#plan = plan;
    this.#link = new SupervisorLink(
      { plan, modules: kernelModules(), image },
      {
        ended: (key, end) => this.#end(key, end),
        failed: (key, error) => this.#fail(key, error),
        broken: (error) => this.#break(error),
      },
    );
  }

  async [START](): Promise<void> {
    const started = await this.#link.call("start", undefined);
    this.#mounted = started.mounts.map(mountInfo);
    // From the start, so that every copy of the kernel's memory has what it uses there.
    this.#files = new OwnerFiles(started, kernelModules());
  }

  /**
   * The sandbox's files as a node:fs, with root's rights; what it makes belongs to the sandbox's user. Calls fail while a snapshot is
   * taken or restored (ERR_WVISOR_BUSY).
   */
  get fs(): FileSystem {
    return this.#files.fs;
  }

  get id(): string {
    return this.#plan.config.id;
  }

  get capabilities(): Capabilities {
    const { root } = this.#plan.config;
    const isServed = root.type !== "tmpfs" || this.#mounted.some(({ type }) => type !== "tmpfs");
    return {
      gofer: isServed ? "native" : "memory",
      confinement: isServed ? "openat2" : "none",
      platform: "wasm",
    };
  }

  /**
   * Starts a program, as child_process.spawn() does. Errors that are known only later are told by the process. Errors: TypeError and
   * RangeError for arguments, WvisorError.
   */
  spawn(command: Command, args: readonly string[] = [], options: SpawnOptions = {}): GuestProcess {
    return this.#spawn(checkSpawn(this.#plan, command, args, options));
  }

  /**
   * Runs a program to its end and collects what it writes. Rejects when it could not start or was aborted, not for how it ended.
   */
  async exec(command: Command, args: readonly string[] = [], options: ExecOptions = {}): Promise<ExecResult> {
    const checked = checkExec(this.#plan, command, args, options);
    const process = this.#spawn(checked);
    let aborted: Error | undefined;
    process.on("error", (error) => {
      aborted = error;
    });
    process.stdin?.end(checked.input);
    const [stdout, stderr] = await Promise.all([textOf(process.stdout!), textOf(process.stderr!)]);
    const result = await process.exited;
    if (aborted !== undefined) throw aborted;
    return { ...result, stdout, stderr };
  }

  #spawn({ request, stdio, signal }: CheckedSpawn): GuestProcess {
    this.#checkOpen();
    const native = requireNative();
    const key = ++this.#lastKey;
    const open = openStdio(native, stdio);
    const kill = (number: number): void => this.#kill(key, number);
    const process = new GuestProcess(request.process.args, open, { kill });
    if (signal?.aborted) {
      closeDescriptors(open.descriptors);
      queueMicrotask(() => process.fail(abortError(signal)));
      return process;
    }
    const running = {
      process,
      descriptors: open.descriptors,
      stop: watch(signal, process, request.killSignal),
    };
    this.#processes.set(key, running);
    this.#link.hold();
    this.#link.call("spawn", { ...request, key, streams: open.descriptors }).then(
      ({ pid }) => process.begin(pid),
      (error: WvisorError) => this.#fail(key, error),
    );
    return process;
  }

  #kill(key: number, signal: number): void {
    // A sandbox that is gone has no programs: how this one ended is told by it.
    this.#link.call("kill", { key, signal }).catch(() => {});
  }

  #end(key: number, end: GuestEnd): void {
    const process = this.#forget(key);
    if (process === undefined) return;
    process.finish(end);
    const { limit, message } = end;
    if (limit !== null) this.emit("limit", { limit, process, message: message ?? "" });
  }

  #fail(key: number, error: Error): void {
    this.#forget(key)?.fail(error);
  }

  #forget(key: number): GuestProcess | undefined {
    const running = this.#processes.get(key);
    if (running === undefined) return undefined;
    this.#processes.delete(key);
    running.stop();
    this.#link.release();
    return running.process;
  }

  /** The supervisor is gone, and with it whoever would close the programs' descriptors. */
  #break(error: WvisorError): void {
    this.#files?.suspend(error);
    for (const [key, { descriptors }] of this.#processes) {
      closeDescriptors(descriptors);
      this.#fail(key, error);
    }
    if (this.#closing === undefined) this.emit("broken", error);
  }

  /** Mounts one more; made where it is missing. Errors: TypeError and RangeError for the mount, WvisorError. */
  async mount(mount: Mount): Promise<void> {
    const config = mountConfig(mount, "mount");
    await this.#link.call("mount", config);
    this.#mounted = [...this.#mounted, mountInfo(config)];
  }

  /** Unmounts what was mounted last at a path. Errors: WvisorError: EBUSY while a program uses it, EINVAL where nothing is. */
  async umount(path: string): Promise<void> {
    const clean = checkDirectory("path", path);
    await this.#link.call("umount", clean);
    const index = this.#mounted.findLastIndex(({ dst }) => dst === clean);
    this.#mounted = this.#mounted.toSpliced(index, 1);
  }

  /** What is mounted, in the order of mounting, without the root and the kernel's own file systems. */
  mounts(): readonly MountInfo[] {
    return this.#mounted;
  }

  /** Copies the file systems and open descriptors. Errors: WvisorError: ERR_WVISOR_BUSY while programs run. */
  async snapshot(): Promise<Snapshot> {
    this.#checkWritable();
    const image = await this.#withoutFiles(() => this.#link.call("snapshot", undefined));
    return new Snapshot({ image, plan: this.#plan }, kernelDigest());
  }

  /**
   * Goes back to a snapshot of this sandbox. Files of the host are as they are now. Errors: WvisorError: ERR_WVISOR_BUSY while programs
   * run, ERR_WVISOR_SNAPSHOT for one of another sandbox.
   */
  async restore(snapshot: Snapshot): Promise<void> {
    const contents = contentsOf(snapshot);
    if (contents === undefined) throw wrongType("snapshot", "an instance of Snapshot", snapshot);
    if (contents.plan !== this.#plan || snapshot.kernel !== kernelDigest()) {
      throw new WvisorError("ERR_WVISOR_SNAPSHOT", "the snapshot is of another sandbox");
    }
    await this.#withoutFiles(() => this.#link.call("restore", contents.image));
    this.#mounted = contents.image.mounts.map(mountInfo);
  }

  /** Another sandbox with the same files, mounts and limits. Errors: as snapshot(), and those of createSandbox(). */
  async fork(): Promise<Sandbox> {
    const contents = contentsOf(await this.snapshot())!;
    const config = { ...this.#plan.config, id: planSandbox({}).config.id };
    return startSandbox({ ...this.#plan, config }, contents.image);
  }

  async #withoutFiles<T>(use: () => Promise<T>): Promise<T> {
    const busy = new WvisorError("ERR_WVISOR_BUSY", "EBUSY: the sandbox is being copied or restored");
    this.#files.suspend(busy);
    try {
      return await use();
    } finally {
      if (this.#closing === undefined) this.#files.resume();
    }
  }

  /** A tree that the sandbox may change and thinks nobody else does would be another than the one that a copy remembers. */
  #checkWritable(): void {
    const { root, mounts } = this.#plan.config;
    for (const source of [root, ...mounts.map((mount) => mount.source)]) {
      if (source.type !== "bind" || source.cache === "shared" || source.readonly || source.overlay) continue;
      const message = `${source.source} is writable and cached as exclusive: mount it as shared, or with an overlay`;
      throw new WvisorError("ERR_WVISOR_SNAPSHOT", message);
    }
  }

  async stats(): Promise<SandboxStats> {
    return this.#link.call("usage", undefined);
  }

  /** Ends all programs and the gofers; nothing of the sandbox stays. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#files?.suspend(new WvisorError("ERR_WVISOR_CLOSED", "the sandbox is closed"));
    // A supervisor that failed has nothing left to close.
    await this.#link.call("close", undefined).catch(() => {});
    await this.#link.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return;
    throw new WvisorError("ERR_WVISOR_CLOSED", "the sandbox is closed");
  }
}

interface RunningProcess {
  readonly process: GuestProcess;
  /** Until it has ended, the supervisor's. */
  readonly descriptors: readonly number[];
  /** Nobody aborts it any more. */
  stop(): void;
}

function abortError(signal: AbortSignal): Error {
  const error = new Error("The operation was aborted", { cause: signal.reason });
  return Object.assign(error, { name: "AbortError", code: "ABORT_ERR" });
}

function watch(signal: AbortSignal | undefined, process: GuestProcess, killSignal: number): () => void {
  if (signal === undefined) return () => {};
  const abort = (): void => {
    if (process.kill(killSignal)) process.report(abortError(signal));
  };
  signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}
