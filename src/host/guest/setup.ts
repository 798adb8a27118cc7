// What a guest runs on: its memory, a kernel instance over that, and the host functions that the kernel may call.
//
// It can be made ahead, while it is not known yet which program will run: with a memory of no pages that may grow as far as the
// sandbox allows. It fits every guest but those that limit their memory to less.

import { WvisorError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import { makeThreadHost, type OutputLimit, type SharedHost, type ThreadHost } from "../boot/native-host.ts";
import type { KernelExports } from "../kernel/exports.ts";
import { MAX_PAGES, type MemoryLimits } from "../kernel/guest-module.ts";
import { instantiateKernel, type KernelModules } from "../kernel/instance.ts";

const PAGE = 65536;
/** SIGKILL: killed, or met its memory limit, as docker reports it. */
export const EXIT_LIMIT = 128 + 9;

export interface SetupOptions {
  readonly modules: KernelModules;
  /** The kernel's. */
  readonly memory: WebAssembly.Memory;
  readonly shared: SharedHost;
  readonly cancelFd: number;
  /** Bytes that the guest's memory may have at most; 0 = its own maximum. */
  readonly memoryBytes: number;
}

export interface GuestSetup {
  readonly guestMemory: WebAssembly.Memory;
  /** Pages that it may grow to. */
  readonly maximum: number;
  readonly host: ThreadHost;
  readonly kernel: KernelExports;
}

/** For a guest that is not known yet. */
export function setUpAhead(native: Native, options: SetupOptions): GuestSetup {
  return setUp(native, options, { minimum: 0, maximum: allowedPages(options) });
}

/** For a guest whose module has these limits; by what was made ahead when that fits. Errors: WvisorError. */
export function setUpFor(
  native: Native,
  options: SetupOptions,
  limits: MemoryLimits | undefined,
  ahead: GuestSetup | undefined,
  output?: OutputLimit,
): GuestSetup {
  if (limits === undefined) return ahead ?? setUp(native, options, { minimum: 0, maximum: 0 }, output);
  const allowed = allowedPages(options);
  if (limits.minimum > allowed) {
    const need = Math.ceil((limits.minimum * PAGE) / (1 << 20));
    throw tooLarge(`it needs ${need} MiB of memory to start, more than its memory limit allows`);
  }
  try {
    if (ahead === undefined || ahead.maximum > limits.maximum) {
      return setUp(native, options, { ...limits, maximum: Math.min(limits.maximum, allowed) }, output);
    }
    ahead.guestMemory.grow(limits.minimum);
    return ahead;
  } catch (cause) {
    // The guest's end, not the sandbox's: a module may declare any size.
    if (!(cause instanceof RangeError)) throw cause;
    throw tooLarge(`the host has no room for its memory: ${cause.message}`, cause);
  }
}

function allowedPages({ memoryBytes }: SetupOptions): number {
  return memoryBytes === 0 ? MAX_PAGES : Math.min(Math.floor(memoryBytes / PAGE), MAX_PAGES);
}

function setUp(
  native: Native,
  options: SetupOptions,
  limits: MemoryLimits,
  output?: OutputLimit,
): GuestSetup {
  const { minimum, maximum } = limits;
  const guestMemory = new WebAssembly.Memory({ initial: minimum, maximum });
  const host = makeThreadHost(native, options.memory, guestMemory, options.shared, options.cancelFd, output);
  const kernel = instantiateKernel(options.modules, options.memory, guestMemory, host.functions, host.copies);
  host.compile();
  return { guestMemory, maximum, host, kernel };
}

function tooLarge(message: string, cause?: unknown): WvisorError {
  return new WvisorError("ERR_WVISOR_MEMORY", message, EXIT_LIMIT, { cause });
}
