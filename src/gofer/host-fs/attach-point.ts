// The root of one mount: the only place where the gofer opens a path.

import { EINVAL } from "../../../assembly/abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../../../assembly/abi/fcntl.ts";
import { S_IFDIR, S_IFREG } from "../../../assembly/abi/stat.ts";
import { PATH } from "../../p9/server/memory.ts";
import { SLOT } from "../arena.ts";
import type { HostFs } from "./host-fs.ts";
import { HostNode } from "./host-node.ts";

/** Opens `source`, an absolute path that the host chose and whose symlinks are therefore followed. Returns -errno if it cannot be. */
export function openSource(host: HostFs, source: string): number {
  host.arena.putPath(source);
  return host.native.openat(AT_FDCWD, SLOT, PATH, O_PATH | O_CLOEXEC, 0);
}

/**
 * A node of an O_PATH descriptor, which it takes: without parent, so that no connection's budget pays for it.
 *
 * Errors: the host's, or -EINVAL for what is neither a directory nor a regular file.
 */
export function makeRoot(host: HostFs, fd: number): HostNode | number {
  let status = host.statFd(fd);
  if (status === 0 && host.stat.type !== S_IFDIR && host.stat.type !== S_IFREG) status = -EINVAL;
  if (status < 0) {
    host.native.close(fd);
    return status;
  }
  return new HostNode(host.native, fd, null, new Uint8Array(0), host.stat, null);
}

/** A node of `source`, which is opened here. Errors: those of both. */
export function openRoot(host: HostFs, source: string): HostNode | number {
  const fd = openSource(host, source);
  return fd < 0 ? fd : makeRoot(host, fd);
}
