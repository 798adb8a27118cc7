// Traces the guest of one thread: its imports are wrapped, so that each call is told when it has returned.
//
// A guest that is not traced imports the kernel's functions themselves, and nothing of this is loaded. The wrappers are JavaScript on
// the guest's stack, outside of the kernel, and hold nothing: one that finds no stack left ends the guest as the kernel's own probe would,
// which asks for more.

import { REFUSAL_FD_PATH, REFUSAL_REASON } from "../../../assembly/abi/refusal.ts";
import { VERSION } from "../../common/version.ts";
import {
  type BeginRecord,
  type CallRecord,
  type EndRecord,
  type MountRecord,
  TRACE_VERSION,
} from "../../trace/record.ts";
import type { Text, Value } from "../../trace/value.ts";
import type { KernelExports } from "../kernel/exports.ts";
import { callTable, type StringCounts } from "./calls.ts";
import { GuestMemory, textOf } from "./guest-memory.ts";
import { parseMountinfo } from "./mount-table.ts";
import { wasiErrnoName } from "./names.ts";
import { type Argument, type CallSite, type Parameter, word } from "./parameters.ts";
import { readReason } from "./reason.ts";
import type { TraceSink } from "./sinks.ts";

type Import = (...args: readonly Argument[]) => number;
type Imports = Record<string, WebAssembly.ImportValue>;

/** What is told of a program before it runs. */
export interface TracedProgram {
  readonly program: string;
  readonly argv: readonly string[];
  readonly environment: number;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  /** As /proc/PID/mountinfo has it. */
  readonly mountinfo: Uint8Array;
}

/** What a guest runs on, as its thread has it. */
export interface TracedThread {
  readonly kernel: KernelExports;
  /** The kernel's. */
  readonly memory: WebAssembly.Memory;
  readonly guestMemory: WebAssembly.Memory;
  readonly task: number;
}

export interface TracerOptions {
  readonly sinks: readonly TraceSink[];
  /** Which calls are told. */
  readonly tells: (name: string) => boolean;
  /** What a deadline of the process will say, when there is one. */
  readonly deadline: Pick<EndRecord, "code" | "message"> | undefined;
}

const NS_PER_MS = 1e6;
/** Descriptors above the standard streams are looked for until one is closed. */
const FIRST_OTHER_FD = 3;

export class Tracer {
  readonly #options: TracerOptions;
  #start = 0;
  readonly #mounts = new Map<number, MountRecord>();
  #thread: TracedThread | undefined;
  #memory!: GuestMemory;
  /** The kernel's record of refusals. */
  #refusal = 0;
  #pid = 0;
  #words = new Int32Array(0);

  constructor(options: TracerOptions) {
    this.#options = options;
  }

  /** The imports for the guest. Its task was entered on this thread and has not run. */
  attach(program: TracedProgram, thread: TracedThread, imports: Imports): Imports {
    this.#thread = thread;
    this.#start = performance.now();
    this.#memory = new GuestMemory(thread.guestMemory);
    this.#refusal = thread.kernel.trace_begin(thread.task);
    this.#pid = thread.kernel.task_id(thread.task);
    const mounts = parseMountinfo(program.mountinfo);
    for (const mount of mounts) this.#mounts.set(mount.id, mount);
    this.#tellBegin(program, mounts);
    const counts: StringCounts = { args: program.argv.length, env: program.environment };
    const table = callTable(counts);
    return Object.fromEntries(
      Object.entries(imports).map(([name, call]) => [
        name,
        this.#wrap(name, table.get(name) ?? [], call as Import),
      ]),
    );
  }

  /** How it ended; `message` when that was not the program's own wish. */
  end(code: number, message?: string): void {
    this.#tell((sink) => sink.end(this.#endRecord(code, message)));
  }

  #endRecord(code: number, message: string | undefined): EndRecord {
    return {
      type: "end",
      pid: this.#pid,
      t: this.#now(),
      code,
      ...(message === undefined ? {} : { message }),
    };
  }

  #tellBegin({ program, argv, cwd, uid, gid }: TracedProgram, mounts: readonly MountRecord[]): void {
    const fds: { fd: number; path: Text }[] = [];
    for (let fd = 0; fd < FIRST_OTHER_FD || fds.at(-1)?.fd === fd - 1; fd++) {
      const path = this.#fdPath(fd);
      if (path !== undefined) fds.push({ fd, path });
    }
    const record: BeginRecord = {
      type: "begin",
      version: TRACE_VERSION,
      generator: `wvisor ${VERSION}`,
      time: new Date().toISOString(),
      pid: this.#pid,
      program,
      argv,
      cwd,
      uid,
      gid,
      mounts,
      fds,
    };
    this.#tell((sink) => sink.begin(record));
    this.#prepareEnd(undefined);
  }

  #tell(to: (sink: TraceSink) => void): void {
    for (const sink of this.#options.sinks) to(sink);
  }

  #prepareEnd(call: CallRecord | undefined): void {
    const { deadline } = this.#options;
    if (deadline === undefined) return;
    const end = this.#endRecord(deadline.code, deadline.message);
    this.#tell((sink) => sink.prepareEnd(end, call));
  }

  /** Nanoseconds since the trace began. */
  #now(): number {
    return Math.round((performance.now() - this.#start) * NS_PER_MS);
  }

  #wrap(name: string, parameters: readonly Parameter[], call: Import): Import {
    const told = this.#options.tells(name);
    const changesFds = FD_CHANGES.has(name);
    if (!told && !changesFds) return call;
    return (...args) => {
      if (!this.#options.sinks.some((sink) => sink.isOpen)) return call(...args);
      const pending = this.#enter(name, parameters, args, told);
      let errno: number;
      try {
        errno = call(...args);
      } catch (error) {
        // A trap: the program's end, which goes on through the guest as it is.
        if (told) this.#tell((sink) => sink.call(this.#record(pending)));
        throw error;
      }
      this.#leave(pending, parameters, errno, told, changesFds);
      return errno;
    };
  }

  #enter(name: string, parameters: readonly Parameter[], args: readonly Argument[], told: boolean): Pending {
    const site: CallSite = { memory: this.#memory, args, fdPath: (fd) => this.#fdPath(fd) };
    const values: [string, Value][] = [];
    let at = 0;
    for (const parameter of parameters) {
      values.push([parameter.name, parameter.out ? { address: word(site, at) } : parameter.read(site, at)]);
      at += parameter.words;
    }
    const pending = { name, site, values, t: this.#now() };
    if (told) this.#prepareEnd(this.#record(pending));
    this.#clearRefusal();
    pending.t = this.#now();
    return pending;
  }

  #record({ name, values, t }: Pending): CallRecord {
    return { type: "call", pid: this.#pid, t, name, args: Object.fromEntries(values) };
  }

  #leave(
    pending: Pending,
    parameters: readonly Parameter[],
    errno: number,
    told: boolean,
    changesFds: boolean,
  ): void {
    const dur = this.#now() - pending.t;
    if (told) {
      if (errno === 0) this.#readWritten(pending, parameters);
      const record = this.#record(pending);
      const failure = errno === 0 ? {} : this.#failure(errno);
      this.#tell((sink) => sink.call({ ...record, dur, ...failure }));
    }
    if (changesFds && errno === 0) this.#tellFds(pending);
    if (told) this.#prepareEnd(undefined);
  }

  #failure(errno: number): Pick<CallRecord, "errno" | "reason"> {
    const name = wasiErrnoName(errno);
    const reason = readReason(this.#thread!.memory.buffer, this.#refusal, name, this.#mounts);
    return reason === undefined ? { errno: name } : { errno: name, reason };
  }

  /** The parameters that the call wrote. */
  #readWritten({ site, values }: Pending, parameters: readonly Parameter[]): void {
    let at = 0;
    parameters.forEach((parameter, index) => {
      if (parameter.out) values[index] = [parameter.name, parameter.read(site, at)];
      at += parameter.words;
    });
  }

  /** What the call did to the table of descriptors. */
  #tellFds({ name, site }: Pending): void {
    const common = { pid: this.#pid, t: this.#now() };
    const close = (fd: number): void => this.#tell((sink) => sink.fd({ type: "close", ...common, fd }));
    const open = (fd: number): void => {
      const path = this.#fdPath(fd);
      if (path !== undefined) this.#tell((sink) => sink.fd({ type: "open", ...common, fd, path }));
    };
    if (name === "fd_close") {
      close(word(site, 0));
    } else if (name === "fd_renumber") {
      if (word(site, 0) === word(site, 1)) return;
      close(word(site, 0));
      close(word(site, 1));
      open(word(site, 1));
    } else {
      const cell = word(site, OPENED_FD);
      if (this.#memory.has(cell, 4)) open(this.#memory.u32(cell));
    }
  }

  #clearRefusal(): void {
    const { buffer } = this.#thread!.memory;
    if (this.#words.buffer !== buffer) this.#words = new Int32Array(buffer);
    this.#words[(this.#refusal + REFUSAL_REASON) >>> 2] = 0;
  }

  #fdPath(fd: number): Text | undefined {
    const { kernel, memory } = this.#thread!;
    const length = kernel.trace_fd_path(fd);
    if (length < 0) return undefined;
    return textOf(new Uint8Array(memory.buffer, this.#refusal + REFUSAL_FD_PATH, length).slice());
  }
}

interface Pending {
  readonly name: string;
  readonly site: CallSite;
  readonly values: [string, Value][];
  t: number;
}

/** Calls that make or end descriptors. */
const FD_CHANGES: ReadonlySet<string> = new Set(["path_open", "fd_close", "fd_renumber"]);
/** path_open's argument that says where it writes the new one. */
const OPENED_FD = 8;
