// Opening for data: from an O_PATH descriptor to one that reads or writes.

import { EINVAL, EISDIR, ELOOP, ENOTDIR, ENXIO, EPERM } from "../../../assembly/abi/errno.ts";
import {
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_DIRECTORY,
  O_DSYNC,
  O_NOATIME,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDONLY,
  O_SYNC,
  O_TRUNC,
} from "../../../assembly/abi/fcntl.ts";
import { S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } from "../../../assembly/abi/stat.ts";
import type { HostFs } from "./host-fs.ts";
import type { HostNode } from "./host-node.ts";

/** What a client may ask of the host's open. The rest is the client's own business or changes what is opened. */
const OPEN_FLAGS = O_ACCMODE | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC | O_DIRECTORY | O_NOATIME;

/** What every open adds. O_NONBLOCK: a FIFO waits for its other end, and even a regular file for whoever has a lease on it. */
export const SAFE_FLAGS = O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

export function hostFlags(clientFlags: number): number {
  return (clientFlags & OPEN_FLAGS) | SAFE_FLAGS;
}

function isMutating(clientFlags: number): boolean {
  return (clientFlags & O_ACCMODE) !== O_RDONLY || (clientFlags & O_TRUNC) !== 0;
}

/**
 * Opens `node`'s own inode, wherever its names have gone. Returns a descriptor, or -errno.
 *
 * Errors: EINVAL for access mode 3; ELOOP for a symlink; ENXIO for a socket or device, and for a FIFO without `fifos`; EISDIR;
 * ENOTDIR; then the host's.
 */
export function openNode(host: HostFs, node: HostNode, clientFlags: number, fifos = false): number {
  if ((clientFlags & O_ACCMODE) === O_ACCMODE) return -EINVAL;
  const refused = checkType(node.type, clientFlags, fifos);
  if (refused < 0) return refused;
  const flags = hostFlags(clientFlags);
  const fd = host.native.reopen(host.procSelfFd, node.fd, flags);
  // Only the owner may leave the access time alone; everybody else still may read.
  if (fd === -EPERM && (flags & O_NOATIME) !== 0) {
    return host.native.reopen(host.procSelfFd, node.fd, flags & ~O_NOATIME);
  }
  return fd;
}

function checkType(type: number, clientFlags: number, fifos: boolean): number {
  if (type === S_IFDIR) return isMutating(clientFlags) ? -EISDIR : 0;
  if (type === S_IFLNK) return -ELOOP;
  if ((clientFlags & O_DIRECTORY) !== 0) return -ENOTDIR;
  // FIFOs and sockets belong to the kernel that our client is: an open here would meet the host's processes, which is for the
  // user to allow. A device node in a served tree would reach the host's driver, which nobody allows.
  return type === S_IFREG || (type === S_IFIFO && fifos) ? 0 : -ENXIO;
}
