// The gofer's view of host files, in the test's own process.

import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../assembly/abi/fcntl.ts";
import { Arena, SLOT } from "../../src/gofer/arena.ts";
import { openRoot } from "../../src/gofer/host-fs/attach-point.ts";
import { HostFs } from "../../src/gofer/host-fs/host-fs.ts";
import type { HostNode } from "../../src/gofer/host-fs/host-node.ts";
import type { Native } from "../../src/native/interface.ts";
import { PATH } from "../../src/p9/server/memory.ts";

export function openHostFs(native: Native): HostFs {
  const arena = new Arena(1);
  if (native.registerMemory(SLOT, arena.bytes) !== 0) throw new Error("registerMemory failed");
  arena.putPath("/proc/self/fd");
  const procSelfFd = native.openat(AT_FDCWD, SLOT, PATH, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  return new HostFs(native, arena, procSelfFd, { uid: process.geteuid!(), canChown: false });
}

/** A node of a path; nobody gives it back. */
export function nodeOf(host: HostFs, path: string): HostNode {
  const node = openRoot(host, path);
  if (typeof node === "number") throw new Error(`${path}: ${node}`);
  return node;
}
