// Runs one WASI guest on the calling thread: a kernel instance over the guest's memory, and the guest on top of it.

import { WvisorError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import { type KernelExports, THREAD_IN_KERNEL } from "../kernel/exports.ts";
import { type GuestModule, MEMORY_MODULE, MEMORY_NAME, type MemoryLimits } from "../kernel/guest-module.ts";
import { KernelPanic } from "../kernel/instance.ts";
import { EXIT_LIMIT, type GuestSetup, type SetupOptions, setUpFor } from "./setup.ts";

const WASM_PAGE = 65536;
/** SIGABRT, as other WASI runtimes report a trap. */
export const EXIT_TRAPPED = 128 + 6;

/** All that a thread needs to run a guest; can be posted to a worker. */
export interface GuestStart extends SetupOptions {
  readonly task: number;
  readonly guest: WebAssembly.Module;
  readonly guestMemory: MemoryLimits | undefined;
  /** What it may write to its streams; as much as it likes when absent. */
  readonly outputBytes?: number | undefined;
}

export type GuestImports = Record<string, WebAssembly.ImportValue>;

/** What the guest runs on. */
export interface WrappedThread {
  readonly kernel: KernelExports;
  readonly guestMemory: WebAssembly.Memory;
}

export interface RunOptions {
  /** Made on this thread by setUpAhead() with the same options. */
  readonly ahead?: GuestSetup;
  /** Called when the guest is about to run. */
  readonly starting?: () => void;
  /** Called when the guest has met its limit on output. */
  readonly outputExceeded?: () => void;
  /** Gives the guest other functions for those of the kernel; its task was entered. */
  readonly wrapImports?: (thread: WrappedThread, imports: GuestImports) => GuestImports;
}

export interface GuestExit {
  readonly code: number;
  /** What to tell the user when the guest did not end by itself: a trap. */
  readonly message: string | undefined;
  /** It had all the memory that its limit allows. */
  readonly memoryFull?: boolean;
}

/** Compiles a guest and names what it wants that nobody here gives. */
export function compileGuest(guest: GuestModule, name: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(guest.bytes);
  } catch (cause) {
    throw notAModule(name, cause as Error);
  }
}

/** The same on the engine's own threads. */
export async function compileGuestLater(guest: GuestModule, name: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(guest.bytes);
  } catch (cause) {
    throw notAModule(name, cause as Error);
  }
}

function notAModule(name: string, cause: Error): WvisorError {
  const why = cause.message.replace(/^WebAssembly\.(Module|compile)\(\): /, "");
  const message = `${name}: not a valid WebAssembly module: ${why}`;
  return new WvisorError("ERR_WVISOR_BAD_MODULE", message, 126, { cause });
}

const PREVIEW1 = "wasi_snapshot_preview1";
/** Where a guest's imports may come from. wasi_unstable, the snapshot before, has other layouts and is not offered. */
const SUPPORTED_MODULES = new Set([PREVIEW1, MEMORY_MODULE]);

function importsOf(module: WebAssembly.Module, exports: WebAssembly.Exports): GuestImports {
  const preview1: GuestImports = {};
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

/**
 * Runs the guest to its end. Errors: WvisorError when it cannot start; KernelPanic when the kernel failed. Its task is ended
 * in the kernel when this returns, unless somebody is killing it: then this thread is about to be terminated.
 */
export function runGuest(native: Native, start: GuestStart, options: RunOptions = {}): GuestExit {
  const { outputBytes } = start;
  const exceeded = options.outputExceeded ?? (() => {});
  const output = outputBytes === undefined ? undefined : { bytes: outputBytes, exceeded };
  const setup = setUpFor(native, start, start.guestMemory, options.ahead, output);
  const { guestMemory, host, kernel } = setup;
  const imports = importsOf(start.guest, kernel);
  kernel.task_enter(start.task);
  const preview1 = options.wrapImports?.({ kernel, guestMemory }, imports) ?? imports;
  const exit = (code: number, message: string | undefined): GuestExit => {
    const isLimited = start.memoryBytes > 0 && setup.maximum * WASM_PAGE <= start.memoryBytes;
    const memoryFull = isLimited && guestMemory.buffer.byteLength >= setup.maximum * WASM_PAGE;
    return { code, message, memoryFull };
  };
  const finish = (code: number, message: string | undefined): GuestExit =>
    kernel.task_finish(start.task, code) ? exit(code, message) : { code: EXIT_LIMIT, message: undefined };
  let entry: unknown;
  try {
    const instance = new WebAssembly.Instance(start.guest, {
      [PREVIEW1]: preview1,
      [MEMORY_MODULE]: { [MEMORY_NAME]: guestMemory },
    });
    entry = instance.exports._start ?? instance.exports._initialize;
    if (typeof entry !== "function") return finish(126, "it exports neither _start nor _initialize");
    options.starting?.();
    entry();
    return finish(0, undefined);
  } catch (error) {
    const code = host.exitCode();
    if (code !== undefined) return exit(code, undefined);
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
