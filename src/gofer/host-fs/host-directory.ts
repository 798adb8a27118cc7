// A directory of the host to be served by the library, within a program that does other things too. The gofer process does the
// same for each of its mounts.

import { EINVAL, ENAMETOOLONG } from "../../../assembly/abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../assembly/abi/fcntl.ts";
import { PATH_MAX } from "../../../assembly/abi/limits.ts";
import { ErrnoError } from "../../common/errors.ts";
import { requireNative } from "../../native/index.ts";
import { PATH } from "../../p9/server/memory.ts";
import type { TreeProvider } from "../../p9/server/server.ts";
import { Arena, SLOT } from "../arena.ts";
import { readIdentity } from "../confine/process.ts";
import { openRoot } from "./attach-point.ts";
import { DescriptorBudget } from "./budget.ts";
import { HostFs } from "./host-fs.ts";
import { HostTree } from "./host-tree.ts";

/** Of one connection, when it is not said: a program has other uses for descriptors. */
const DESCRIPTORS = 1024;

export interface HostDirectoryOptions {
  /** Refuse every change. */
  readonly readonly?: boolean;
  /** How many descriptors one connection may hold. */
  readonly descriptors?: number;
}

let shared: HostFs | undefined;

/**
 * A directory of the host (or one regular file) and all below it. Symbolic links are never followed, and no name leads outside.
 * `path` is absolute; links in it are followed once, here. The program's umask takes permissions from what clients make.
 *
 * Throws a WvisorError (ERR_WVISOR_DEGRADED) without the native helper, and an ErrnoError when the path cannot be opened.
 */
export function serveDirectory(path: string, options: HostDirectoryOptions = {}): TreeProvider {
  const { readonly = false, descriptors = DESCRIPTORS } = options;
  if (!path.startsWith("/") || path.includes("\0")) throw new ErrnoError(EINVAL, "open");
  if (Buffer.byteLength(path) >= PATH_MAX) throw new ErrnoError(ENAMETOOLONG, "open");
  shared ??= openHost();
  const host = shared;
  const root = openRoot(host, path);
  if (typeof root === "number") throw new ErrnoError(-root, "open");
  return {
    connect: () =>
      new HostTree(host, root, { readonly, donates: false, budget: new DescriptorBudget(descriptors) }),
    input: host.arena.input(0),
    name: path,
  };
}

function openHost(): HostFs {
  const native = requireNative();
  const arena = new Arena(1);
  check(native.registerMemory(SLOT, arena.bytes), "registerMemory");
  arena.putPath("/proc/self/fd");
  const procSelfFd = native.openat(AT_FDCWD, SLOT, PATH, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  return new HostFs(native, arena, check(procSelfFd, "open"), readIdentity());
}

function check(result: number, syscall: string): number {
  if (result < 0) throw new ErrnoError(-result, syscall);
  return result;
}
