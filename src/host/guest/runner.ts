// Runs one WASI guest on the calling thread: a kernel instance over the guest's memory, and the guest on top of it.

import { WvisorError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import { makeThreadHost, type SharedHost } from "../boot/native-host.ts";
import { THREAD_IN_KERNEL } from "../kernel/exports.ts";
import { type GuestModule, MEMORY_MODULE, MEMORY_NAME, type MemoryLimits } from "../kernel/guest-module.ts";
import { instantiateKernel, type KernelModules, KernelPanic } from "../kernel/instance.ts";

const PAGE = 65536;
/** SIGABRT, as other WASI runtimes report a trap. */
export const EXIT_TRAPPED = 128 + 6;
/** SIGKILL: killed, or met its memory limit, as docker reports it. */
export const EXIT_LIMIT = 128 + 9;

/** All that a thread needs to run a guest; can be posted to a worker. */
export interface GuestStart {
  readonly modules: KernelModules;
  readonly memory: WebAssembly.Memory;
  readonly shared: SharedHost;
  readonly task: number;
  readonly cancelFd: number;
  readonly guest: WebAssembly.Module;
  readonly guestMemory: MemoryLimits | undefined;
  /** Bytes that the guest's memory may have at most; 0 = its own maximum. */
  readonly memoryBytes: number;
}

export interface GuestExit {
  readonly code: number;
  /** What to tell the user when the guest did not end by itself: a trap. */
  readonly message: string | undefined;
}

/** Compiles a guest and names what it wants that nobody here gives. */
export function compileGuest(guest: GuestModule, name: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(guest.bytes);
  } catch (cause) {
    const why = (cause as Error).message.replace(/^WebAssembly\.Module\(\): /, "");
    throw new WvisorError("ERR_WVISOR_BAD_MODULE", `${name}: not a valid WebAssembly module: ${why}`, 126, {
      cause,
    });
  }
}

const PREVIEW1 = "wasi_snapshot_preview1";
/** The snapshot before, whose functions that programs of that time use are the same but for a few layouts: not offered. */
const SUPPORTED_MODULES = new Set([PREVIEW1, MEMORY_MODULE]);

function importsOf(
  module: WebAssembly.Module,
  exports: WebAssembly.Exports,
): Record<string, WebAssembly.ImportValue> {
  const preview1: Record<string, WebAssembly.ImportValue> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (!SUPPORTED_MODULES.has(from)) {
      throw new WvisorError(
        "ERR_WVISOR_IMPORT",
        `it imports ${from}.${name}, which is not WASI preview1`,
        126,
      );
    }
    if (from === MEMORY_MODULE) continue;
    const found = kind === "function" && PREVIEW1_FUNCTIONS.has(name) ? exports[name] : undefined;
    if (found === undefined) {
      throw new WvisorError(
        "ERR_WVISOR_IMPORT",
        `it imports ${from}.${name}, which preview1 does not have`,
        126,
      );
    }
    preview1[name] = found;
  }
  return preview1;
}

/** The functions of the snapshot; the kernel exports them under the same names. */
export const PREVIEW1_FUNCTIONS: ReadonlySet<string> = new Set(
  `args_get args_sizes_get clock_res_get clock_time_get environ_get environ_sizes_get fd_advise fd_allocate fd_close
  fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size
  fd_filestat_set_times fd_pread fd_prestat_dir_name fd_prestat_get fd_pwrite fd_read fd_readdir fd_renumber fd_seek
  fd_sync fd_tell fd_write path_create_directory path_filestat_get path_filestat_set_times path_link path_open
  path_readlink path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff proc_exit proc_raise
  random_get sched_yield sock_accept sock_recv sock_send sock_shutdown`.split(/\s+/),
);

/** A memory within the guest's own limits and the sandbox's. */
function makeGuestMemory(limits: MemoryLimits | undefined, memoryBytes: number): WebAssembly.Memory {
  if (limits === undefined) return new WebAssembly.Memory({ initial: 0, maximum: 0 });
  const allowed = memoryBytes === 0 ? limits.maximum : Math.floor(memoryBytes / PAGE);
  if (limits.minimum > allowed) {
    const need = Math.ceil((limits.minimum * PAGE) / (1 << 20));
    throw new WvisorError(
      "ERR_WVISOR_MEMORY",
      `it needs ${need} MiB of memory to start, more than --memory allows`,
      EXIT_LIMIT,
    );
  }
  try {
    return new WebAssembly.Memory({ initial: limits.minimum, maximum: Math.min(limits.maximum, allowed) });
  } catch (cause) {
    // The guest's end, not the sandbox's: a module may declare any size.
    throw new WvisorError(
      "ERR_WVISOR_MEMORY",
      `the host has no room for its memory: ${(cause as Error).message}`,
      EXIT_LIMIT,
      { cause },
    );
  }
}

/**
 * Runs the guest to its end. Errors: WvisorError when it cannot start; KernelPanic when the kernel failed. Its task is ended
 * in the kernel when this returns, unless somebody is killing it: then this thread is about to be terminated.
 */
export function runGuest(native: Native, start: GuestStart, starting?: () => void): GuestExit {
  const guestMemory = makeGuestMemory(start.guestMemory, start.memoryBytes);
  const host = makeThreadHost(native, start.memory, guestMemory, start.shared, start.cancelFd);
  const kernel = instantiateKernel(start.modules, start.memory, guestMemory, host.functions);
  const preview1 = importsOf(start.guest, kernel);
  host.compile();
  kernel.task_enter(start.task);
  const finish = (code: number, message: string | undefined): GuestExit => {
    return kernel.task_finish(start.task, code)
      ? { code, message }
      : { code: EXIT_LIMIT, message: undefined };
  };
  let entry: unknown;
  try {
    const instance = new WebAssembly.Instance(start.guest, {
      [PREVIEW1]: preview1,
      [MEMORY_MODULE]: { [MEMORY_NAME]: guestMemory },
    });
    entry = instance.exports._start ?? instance.exports._initialize;
    if (typeof entry !== "function") return finish(126, "it exports neither _start nor _initialize");
    starting?.();
    entry();
    return finish(0, undefined);
  } catch (error) {
    const code = host.exitCode();
    if (code !== undefined) return { code, message: undefined };
    if (error instanceof KernelPanic || kernel.task_state(start.task) === THREAD_IN_KERNEL) {
      kernel.kernel_panic();
      throw new KernelPanic(`the kernel failed: ${(error as Error).message}`, { cause: error });
    }
    if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
      return finish(EXIT_TRAPPED, `the program trapped: ${error.message}`);
    }
    return finish(EXIT_TRAPPED, `the program failed: ${(error as Error).message}`);
  }
}
