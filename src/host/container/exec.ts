// wvisor exec: a process more in a container that runs.

import { EINTR } from "../../../assembly/abi/errno.ts";
import { POLLIN } from "../../../assembly/abi/poll.ts";
import { SIGKILL } from "../../common/signals.ts";
import { anchorPath, type Native } from "../../native/index.ts";
import { readCgroup } from "../cgroups/cgroup.ts";
import type { ProcessConfig } from "../config/sandbox-config.ts";
import { openPair, spawnCommand } from "../sandbox/gofer-process.ts";
import { cgroupArguments, titleArgument } from "./anchor.ts";
import type { Containers } from "./containers.ts";
import { failed } from "./errors.ts";
import { writePidFile } from "./pid-file.ts";
import { identify, signalProcess } from "./process-id.ts";
import { type ContainerRecord, statusOf } from "./record.ts";
import { SandboxClient } from "./sandbox-client.ts";
import { openTerminal, showTerminal, type Terminal, type TerminalRequest } from "./terminal.ts";

const STREAMS = [0, 1, 2];
const HEXADECIMAL = 16;
const DEV_NULL = -1;
const SESSION_SLOT = 14;
/** Two of struct pollfd, and a byte. */
const POLLFD_BYTES = 8;
const BYTE_AT = 2 * POLLFD_BYTES;
const EXIT_KILLED = 137;
const SIGCHLD = 17;
const SIGSTOP = 19;
/** All that can be caught, but one about children. */
const FORWARDED = 0x7fffffff & ~(bit(SIGKILL) | bit(SIGSTOP) | bit(SIGCHLD));

function bit(signal: number): number {
  return 1 << (signal - 1);
}

export interface ExecOptions extends TerminalRequest {
  readonly id: string;
  /** It may be paused: this waits until it is resumed. */
  readonly ignorePaused: boolean;
  readonly pidFile: string | undefined;
  /** Descriptors of ours from 3 on, one after the other, that the program gets. They stay ours. */
  readonly preserved: readonly number[];
  /** What it is, made of what the container has for processes that say less. */
  process(record: ContainerRecord): ProcessConfig;
}

/** (blocks) The process's exit code; 0 at once when it is detached. Errors: WvisorError. */
export function executeIn(native: Native, containers: Containers, options: ExecOptions): number {
  const { directory, record } = checkedContainer(containers, options);
  const client = new SandboxClient(native, directory);
  const added = begin(native, { client, directory }, options, options.process(record));
  client.close();
  const { session, master, pid } = added;
  if (master !== undefined) showTerminal(native, master, pid);
  return session === undefined ? 0 : stand(native, session);
}

/** Without its lock, which nobody may hold who waits for one that is paused. Errors: WvisorError. */
function checkedContainer(
  containers: Containers,
  { id, ignorePaused }: ExecOptions,
): { directory: string; record: ContainerRecord } {
  const container = containers.lock(id);
  const { directory, record } = container;
  const status = statusOf(directory, record);
  container.unlock();
  if (status === "stopped") throw failed("cannot exec in a stopped container");
  if (status === "paused" && !ignorePaused) {
    throw failed("cannot exec in a paused container (use --ignore-paused to override)");
  }
  return { directory, record };
}

/** Whose sentry is asked. */
interface Target {
  readonly client: SandboxClient;
  /** The container's. */
  readonly directory: string;
}

/** A process that was added. */
interface Added {
  /** Of the process on the host that stands for it. */
  readonly pid: number;
  /** Our end, where that is this process. */
  readonly session: number | undefined;
  /** Of its terminal, where that is shown here. */
  readonly master: number | undefined;
}

function begin(native: Native, target: Target, options: ExecOptions, config: ProcessConfig): Added {
  const terminal = openTerminal(native, options);
  try {
    const streams = [...STREAMS.map((stream) => terminal?.slave ?? stream), ...options.preserved];
    const session = startSession(native, target, options, config, { streams, terminal });
    return { ...session, master: terminal?.takeMaster() };
  } finally {
    terminal?.close();
  }
}

interface Streams {
  readonly streams: readonly number[];
  readonly terminal: Terminal | undefined;
}

/** Starts the process, and another one that stands for it, unless this one does. */
function startSession(
  native: Native,
  { client, directory }: Target,
  options: ExecOptions,
  config: ProcessConfig,
  { streams, terminal }: Streams,
): { pid: number; session: number | undefined } {
  const [ours, theirs] = openPair(native);
  const proxied = options.detached || terminal !== undefined;
  const pid = proxied ? spawnProxy(native, directory, ours, terminal, config.args) : process.pid;
  try {
    client.call("Execute", callArguments(options.id, config, pid), [...streams, theirs]);
    terminal?.sendMaster();
    if (options.pidFile !== undefined) writePidFile(options.pidFile, pid);
  } catch (error) {
    native.close(ours);
    if (proxied) endProxy(native, pid);
    throw error;
  } finally {
    native.close(theirs);
  }
  if (!proxied) return { pid, session: ours };
  native.close(ours);
  return { pid, session: undefined };
}

/** The process that an engine waits for and signals instead of this one; a terminal's signals go to it, too. */
function spawnProxy(
  native: Native,
  directory: string,
  session: number,
  terminal: Terminal | undefined,
  args: readonly string[],
): number {
  const cgroup = cgroupArguments(readCgroup(directory)?.processFiles ?? []);
  const flags = [...cgroup, titleArgument(args), ...(terminal === undefined ? [] : ["--terminal"])];
  const streams = [terminal?.slave ?? DEV_NULL, DEV_NULL, DEV_NULL];
  return spawnCommand(native, [anchorPath(), "--session", ...flags], [...streams, session]);
}

function endProxy(native: Native, pid: number): void {
  const proxy = identify(pid);
  if (proxy !== undefined) signalProcess(native, proxy, SIGKILL);
}

/** Of containerManager.Execute. */
export function callArguments(id: string, config: ProcessConfig, hostPid: number): object {
  return {
    container_id: id,
    argv: config.args,
    envv: config.env,
    wd: config.cwd,
    KUID: config.uid,
    KGID: config.gid,
    extraKGIDs: config.groups,
    umask: config.umask,
    ...(config.rlimits === undefined ? {} : { rlimits: config.rlimits }),
    capabilities: config.capabilities.toString(HEXADECIMAL),
    host_pid: hostPid,
  };
}

/** (blocks) Stands for the process: forwards signals, returns its exit code. */
function stand(native: Native, session: number): number {
  const signals = native.signalfd(FORWARDED);
  const memory = new Uint8Array(BYTE_AT + 1);
  const view = new DataView(memory.buffer);
  for (;;) {
    native.registerMemory(SESSION_SLOT, memory);
    [session, signals].forEach((fd, index) => {
      view.setInt32(index * POLLFD_BYTES, fd, true);
      view.setUint32(index * POLLFD_BYTES + 4, POLLIN, true);
    });
    const ready = native.poll(SESSION_SLOT, 0, 2, -1, -1);
    if (ready < 0 && ready !== -EINTR) throw failed(`waiting for the process: errno ${-ready}`);
    if (view.getUint16(6, true) !== 0) {
      const count = native.read(session, SESSION_SLOT, BYTE_AT, 1);
      return count === 1 ? memory[BYTE_AT]! : EXIT_KILLED;
    }
    const signal = native.signalfdRead(signals, 0);
    if (signal > 0) forward(native, session, memory, signal);
  }
}

function forward(native: Native, session: number, memory: Uint8Array, signal: number): void {
  memory[BYTE_AT] = signal;
  native.write(session, SESSION_SLOT, BYTE_AT, 1);
}
