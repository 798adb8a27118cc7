// Starts a sandbox from its configuration and runs its program to the end, on this thread.
//
// While a guest runs here nothing else does: no timer, no event. So what must happen meanwhile happens elsewhere: a signal
// has its default action on the whole process, a deadline is a native thread of the helper's, and a gofer that dies is end
// of stream on its socket.

import { WvisorError } from "../../common/errors.ts";
import { type Native, requireNative } from "../../native/index.ts";
import { memoryLimit } from "../config/resource-limits.ts";
import type { ProcessConfig, SandboxConfig } from "../config/sandbox-config.ts";
import { runGuest } from "../guest/runner.ts";
import { setUpAhead } from "../guest/setup.ts";
import { KernelPanic } from "../kernel/instance.ts";
import {
  type ConfineOptions,
  confinementHint,
  dropGofer,
  type GoferProcess,
  goferEnd,
  type SpawnedGofer,
  startGofer,
} from "../sandbox/gofer-process.ts";
import { beginSentryConfinement } from "../sandbox/sentry-confinement.ts";
import type { TracedProgram, Tracer } from "../trace/tracer.ts";
import { loadKernelModules } from "./files.ts";
import { goferMounts, SandboxMounts } from "./filesystems.ts";
import { Machine, type TaskHandle } from "./machine.ts";
import { makeSharedHost } from "./native-host.ts";
import { loadProgram, makeTask, makeWorkingDirectory, STREAMS } from "./process.ts";
import type { Program } from "./program.ts";
import { rehearse } from "./rehearsal.ts";

export const EXIT_TIMEOUT = 124;
/** The helper's slot for the deadline's message. */
const MESSAGE_SLOT = 14;

export interface SandboxOptions extends ConfineOptions {
  /** Takes what the user should know although the guest came to its end. */
  warn(text: string): void;
  /** Started ahead, for this sandbox. */
  readonly gofer?: SpawnedGofer | undefined;
  /**
   * Called when the program has ended, with the connections to the gofer in the order of goferMounts(), which are the caller's then:
   * nothing else uses them any more.
   */
  readonly onEnd?: ((connections: readonly GoferConnection[]) => void) | undefined;
  readonly tracer?: Tracer | undefined;
  /** This process is the sandbox's for the rest of its life: it is confined too, unless `confinement` is "none". */
  readonly ownProcess: boolean;
}

export interface GoferConnection {
  readonly socket: number;
  /** The helper's number of its window, if it has one. */
  readonly window: number | undefined;
}

/** Runs the sandbox in this process and returns the guest's exit code. Throws WvisorError for wVisor's own failures. */
export async function runSandbox(config: SandboxConfig, options: SandboxOptions): Promise<number> {
  const native = requireNative();
  // For this thread and those that it starts from here on: whoever breaks out of the sandbox gains nothing by set-id programs.
  native.setNoNewPrivs();
  if (config.limits.timeoutMs > 0) setDeadline(native, config);
  const confines = options.ownProcess && options.confinement !== "none";
  const confine = confines ? beginSentryConfinement(native, options.report ?? false) : () => {};
  const served = goferMounts(config);
  if (served.length === 0) {
    dropGofer(native, options.gofer);
    return runProgram(native, config, undefined, confine, options.tracer);
  }
  const gofer = startGofer(native, served, { windows: true, ...options, ahead: options.gofer });
  let code: number;
  try {
    code = runProgram(native, config, gofer, confine, options.tracer);
  } catch (error) {
    throw withGoferEnd(native, gofer, error, options);
  }
  const end = goferEnd(native, gofer);
  if (end !== undefined)
    options.warn(`the gofer ${end} before the program did: files of the host gave EIO from then on`);
  else options.onEnd?.(gofer.sockets.map((socket, index) => ({ socket, window: gofer.windows[index] })));
  return code;
}

/** A dead gofer explains every error that comes after it. */
function withGoferEnd(native: Native, gofer: GoferProcess, error: unknown, options: ConfineOptions): unknown {
  const end = goferEnd(native, gofer);
  if (end === undefined || !(error instanceof WvisorError)) return error;
  const message = `the gofer ${end}: ${error.message}${confinementHint(options)}`;
  return new WvisorError("ERR_WVISOR_GOFER", message, error.exitCode, { cause: error });
}

/** `confine` is called when the last file of the host's is open, while the gofer still starts. */
function runProgram(
  native: Native,
  config: SandboxConfig,
  gofer: GoferProcess | undefined,
  confine: () => void,
  tracer: Tracer | undefined,
): number {
  const host = makeSharedHost(gofer?.sockets ?? [], STREAMS, gofer?.windows);
  const machine = new Machine(native, loadKernelModules(), host);
  machine.setNames(config.hostname, config.domainname);
  const { modules, memory, shared } = machine;
  const options = {
    modules,
    memory,
    shared,
    cancelFd: -1,
    memoryBytes: memoryLimit(config.process, config.limits.memoryBytes),
  };
  // All that needs no file of the host comes before the first that does: the gofer starts meanwhile.
  const ahead = setUpAhead(native, options);
  if (config.root.type !== "tmpfs") confine();
  const mounts = new SandboxMounts(machine, config);
  const task = makeTask(machine, mounts, config.process, STREAMS);
  // With a root of the host's the gofer has answered already.
  if (config.root.type === "tmpfs") {
    if (gofer !== undefined) rehearse(machine, task, ahead);
    confine();
  }
  mounts.mountAll();
  makeWorkingDirectory(machine, mounts, config);
  const program = loadProgram(machine, task, config, mounts);
  const exit = withContext(program.path, () => {
    const guest = machine.programs.compile(program.bytes, program.path);
    const start = { ...options, task, guest: guest.module, guestMemory: guest.memory };
    if (tracer === undefined) return runGuest(native, start, { ahead });
    const traced = tracedProgram(machine, task, program, config.process);
    const end = runGuest(native, start, {
      ahead,
      wrapImports: (thread, imports) => tracer.attach(traced, { ...thread, memory, task }, imports),
    });
    tracer.end(end.code, end.message);
    return end;
  });
  if (exit.message !== undefined)
    throw new WvisorError("ERR_WVISOR_GUEST", `${program.path}: ${exit.message}`, exit.code);
  return exit.code;
}

function tracedProgram(
  machine: Machine,
  task: TaskHandle,
  { path, args }: Program,
  { env, cwd, uid, gid }: ProcessConfig,
): TracedProgram {
  const mountinfo = machine.mountinfo(task);
  return { program: path, argv: args, environment: env.length, cwd, uid, gid, mountinfo };
}

function setDeadline(native: Native, config: SandboxConfig): void {
  const { timeoutMs } = config.limits;
  const message = new TextEncoder().encode(`wvisor: stopped after ${timeoutMs} ms (--timeout)\n`);
  native.registerMemory(MESSAGE_SLOT, message);
  native.deadline(timeoutMs, EXIT_TIMEOUT, MESSAGE_SLOT, 0, message.length);
}

function withContext<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof KernelPanic) {
      throw new WvisorError("ERR_WVISOR_PANIC", `kernel panic: ${error.message}`, 125, { cause: error });
    }
    if (error instanceof WvisorError && !error.message.startsWith(path)) {
      throw new WvisorError(error.code, `${path}: ${error.message}`, error.exitCode, { cause: error });
    }
    throw error;
  }
}
