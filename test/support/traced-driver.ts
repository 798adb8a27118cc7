// A task whose calls of preview1 are traced: as Preview1Driver, through the wrappers that a guest would import.

import { O_WRONLY } from "../../assembly/abi/fcntl.ts";
import { S_IFCHR } from "../../assembly/abi/stat.ts";
import * as wasi from "../../assembly/abi/wasi.ts";
import type { Machine, NamespaceHandle, TaskHandle } from "../../src/host/boot/machine.ts";
import { PREVIEW1_FUNCTIONS } from "../../src/host/guest/runner.ts";
import type { TraceSink } from "../../src/host/trace/sinks.ts";
import { Tracer } from "../../src/host/trace/tracer.ts";
import { callLine } from "../../src/trace/line.ts";
import type { BeginRecord, CallRecord, TraceRecord } from "../../src/trace/record.ts";
import { type Preview1Argument, Preview1Driver } from "./preview1-driver.ts";

export interface TracedTaskOptions {
  readonly uid?: number;
  readonly capabilities?: bigint;
  readonly openFiles?: number;
  readonly fileSize?: number;
  readonly argv?: readonly string[];
  /** A descriptor of the host, open for writing only, as descriptor 0. */
  readonly stdin?: number;
}

type Calls = Record<string, (...args: readonly Preview1Argument[]) => number>;

const RLIMIT_FSIZE = 1;
const RLIMIT_NOFILE = 7;
export const ROOT_FD = 3;

export class TracedDriver {
  readonly driver: Preview1Driver;
  readonly task: TaskHandle;
  readonly records: TraceRecord[] = [];
  readonly #imports: Calls;

  /** A task of root's, or of `uid`, with "/" as descriptor 3. */
  constructor(machine: Machine, namespace: NamespaceHandle, options: TracedTaskOptions = {}) {
    const { uid = 0, capabilities = 0n, openFiles, fileSize, argv = ["guest"], stdin } = options;
    const rlimits = [
      { resource: RLIMIT_NOFILE, value: openFiles },
      { resource: RLIMIT_FSIZE, value: fileSize },
    ].flatMap(({ resource, value }) => (value === undefined ? [] : [{ resource, soft: value, hard: value }]));
    const user = { uid, gid: uid, groups: [], umask: 0o022, capabilities, rlimits };
    this.task = machine.task(namespace, user);
    machine.setArguments(this.task, argv);
    if (stdin !== undefined) machine.setStream(this.task, 0, stdin, S_IFCHR, O_WRONLY);
    machine.preopen(this.task, "/", "/");
    this.driver = new Preview1Driver(machine);
    this.driver.enter(this.task);
    const push = (record: TraceRecord): void => void this.records.push(record);
    const sink: TraceSink = {
      isOpen: true,
      begin: push,
      call: push,
      fd: push,
      end: push,
      prepareEnd: () => {},
    };
    const tracer = new Tracer({ sinks: [sink], tells: () => true, deadline: undefined });
    const { kernel, memory: guestMemory } = this.driver;
    const imports = Object.fromEntries([...PREVIEW1_FUNCTIONS].map((name) => [name, kernel[name]!]));
    const program = {
      program: "/guest.wasm",
      argv,
      environment: 0,
      cwd: "/",
      uid,
      gid: uid,
      mountinfo: machine.mountinfo(this.task),
    };
    const thread = { kernel, memory: machine.memory, guestMemory, task: this.task };
    this.#imports = tracer.attach(program, thread, imports) as Calls;
  }

  get begin(): BeginRecord {
    return this.records[0] as BeginRecord;
  }

  /** Makes a call and returns its record. */
  call(name: string, ...args: readonly Preview1Argument[]): CallRecord {
    const before = this.records.length;
    this.#imports[name]!(...args);
    return this.records.slice(before).find((record) => record.type === "call")!;
  }

  /** Makes a call and returns its line, without the process. */
  line(name: string, ...args: readonly Preview1Argument[]): string {
    return callLine(this.call(name, ...args)).replace("[pid 1] ", "");
  }

  path(text: string | Uint8Array): [number, number] {
    return this.driver.put(text);
  }

  /** Opens a path below a directory; the descriptor, or the record of what went wrong. */
  open(path: string, options: OpenOptions = {}): number | CallRecord {
    const {
      from = ROOT_FD,
      oflags = 0,
      rights = READ,
      follow = true,
      inheriting = wasi.RIGHTS_ALL,
    } = options;
    const out = this.driver.room(4);
    const record = this.call(
      "path_open",
      from,
      follow ? wasi.LOOKUP_SYMLINK_FOLLOW : 0,
      ...this.path(path),
      oflags,
      BigInt(rights),
      BigInt(inheriting),
      0,
      out,
    );
    return record.errno === undefined ? this.driver.u32(out) : record;
  }

  /** Opens what is there, or is made. Throws with the line of a call that fails. */
  mustOpen(path: string, options: OpenOptions = {}): number {
    const fd = this.open(path, options);
    if (typeof fd !== "number") throw new Error(callLine(fd));
    return fd;
  }

  /** Makes a file of that content. */
  make(path: string, content = "x"): void {
    const fd = this.mustOpen(path, { oflags: wasi.OFLAGS_CREAT, rights: WRITE });
    const [at, length] = this.path(content);
    const [vector, count] = this.driver.iovec(at, length);
    this.call("fd_write", fd, vector, count, this.driver.room(4));
    this.call("fd_close", fd);
  }
}

export interface OpenOptions {
  readonly from?: number;
  readonly oflags?: number;
  readonly rights?: number;
  readonly inheriting?: number;
  readonly follow?: boolean;
}

export const READ = wasi.RIGHT_FD_READ | wasi.RIGHT_FD_SEEK | wasi.RIGHT_FD_FILESTAT_GET;
export const WRITE = wasi.RIGHT_FD_WRITE | wasi.RIGHT_FD_FILESTAT_SET_SIZE | wasi.RIGHT_FD_ALLOCATE;
