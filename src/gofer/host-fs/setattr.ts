// What Tsetattr changes, in an order in which nothing undoes another thing.

import { ENOENT } from "../../../assembly/abi/errno.ts";
import { O_RDONLY, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import {
  P9_SETATTR_ATIME,
  P9_SETATTR_ATIME_SET,
  P9_SETATTR_CTIME,
  P9_SETATTR_GID,
  P9_SETATTR_MODE,
  P9_SETATTR_MTIME,
  P9_SETATTR_MTIME_SET,
  P9_SETATTR_SIZE,
  P9_SETATTR_UID,
} from "../../../assembly/abi/p9.ts";
import { UTIME_NOW, UTIME_OMIT } from "../../../assembly/abi/stat.ts";
import type { Changes } from "../../p9/server/tree.ts";
import type { HostFs } from "./host-fs.ts";
import type { HostFile } from "./host-node.ts";
import { openNode } from "./open.ts";

const PERMISSIONS = 0o7777;
/** chown(2)'s "leave as it is". */
const KEEP = -1;

/** Stops at the first failure. A new size or owner clears set-id bits, so that the mode comes after them. */
export function applyChanges(host: HostFs, file: HostFile, changes: Changes): number {
  const { valid } = changes;
  const { native, procSelfFd } = host;
  const { fd } = file.node;
  let status = 0;
  if ((valid & P9_SETATTR_SIZE) !== 0) status = resize(host, file, changes);
  if (status === 0 && (valid & (P9_SETATTR_UID | P9_SETATTR_GID)) !== 0) {
    const uid = (valid & P9_SETATTR_UID) !== 0 ? changes.uid : KEEP;
    const gid = (valid & P9_SETATTR_GID) !== 0 ? changes.gid : KEEP;
    status = native.fchown(fd, uid, gid);
  }
  if (status === 0 && (valid & P9_SETATTR_MODE) !== 0) {
    status = native.fchmod(procSelfFd, fd, changes.mode & PERMISSIONS);
  }
  // A change time of its own cannot be set: every change sets it to now, that of nothing (chown(2)) too.
  if (status === 0 && valid === P9_SETATTR_CTIME) status = native.fchown(fd, KEEP, KEEP);
  if (status === 0 && (valid & (P9_SETATTR_ATIME | P9_SETATTR_MTIME)) !== 0) {
    status = setTimes(host, file, changes);
  }
  return status;
}

function setTimes(host: HostFs, file: HostFile, changes: Changes): number {
  const { valid } = changes;
  const atime = pickTime(valid, P9_SETATTR_ATIME, P9_SETATTR_ATIME_SET, changes.atimeNanoseconds);
  const mtime = pickTime(valid, P9_SETATTR_MTIME, P9_SETATTR_MTIME_SET, changes.mtimeNanoseconds);
  return host.native.futimens(file.node.fd, changes.atimeSeconds, atime, changes.mtimeSeconds, mtime);
}

/** The nanoseconds to set, or what utimensat takes in their place: leave alone, or now. */
function pickTime(valid: number, bit: number, setBit: number, nanoseconds: number): number {
  if ((valid & bit) === 0) return UTIME_OMIT;
  return (valid & setBit) === 0 ? UTIME_NOW : nanoseconds;
}

/**
 * With MTIME, or through a fid that can write, as ftruncate(2), which changes the file though its size stays; else as truncate(2).
 * A fid that can write uses its own descriptor, so that an open file keeps working whatever its mode is now.
 */
function resize(host: HostFs, file: HostFile, { valid, size }: Changes): number {
  const { native } = host;
  if (canWrite(file)) return native.ftruncate(file.handle, size);
  // Also for truncate(2): it would wait for the holder of a lease, 45 s long (fcntl(2)). An open that does not wait says EAGAIN,
  // and nobody gets a lease while it lasts.
  const fd = openNode(host, file.node, O_WRONLY);
  if (fd < 0) return fd;
  let status = (valid & P9_SETATTR_MTIME) === 0 ? native.truncate(file.node.fd, size) : -ENOENT;
  if (status === -ENOENT) status = native.ftruncate(fd, size);
  native.close(fd);
  return status;
}

function canWrite(file: HostFile): boolean {
  return file.handle >= 0 && file.access !== O_RDONLY;
}
