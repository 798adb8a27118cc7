// Tsetattr: size, owner, mode and times, in an order in which none undoes another.

import {
  EBADF,
  EFBIG,
  EINVAL,
  EISDIR,
  ENOENT,
  EOPNOTSUPP,
  EPROTO,
  EROFS,
} from "../../../../assembly/abi/errno.ts";
import { O_RDONLY, O_WRONLY } from "../../../../assembly/abi/fcntl.ts";
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
} from "../../../../assembly/abi/p9.ts";
import { S_IFDIR, S_IFLNK, S_IFREG, UTIME_NOW, UTIME_OMIT } from "../../../../assembly/abi/stat.ts";
import type { HostFs } from "../../../gofer/host-fs/host-fs.ts";
import { openNode } from "../../../gofer/host-fs/open.ts";
import type { Decoder } from "../decoder.ts";
import type { Fid } from "../fid.ts";
import type { Session } from "../session.ts";

const KNOWN =
  P9_SETATTR_MODE |
  P9_SETATTR_UID |
  P9_SETATTR_GID |
  P9_SETATTR_SIZE |
  P9_SETATTR_ATIME |
  P9_SETATTR_MTIME |
  P9_SETATTR_CTIME |
  P9_SETATTR_ATIME_SET |
  P9_SETATTR_MTIME_SET;
const PERMISSIONS = 0o7777;
const KEEP = -1;
/** (uid_t) -1, which chown(2) takes for "leave as it is". */
const INVALID_ID = 0xffffffff;
const NANOSECONDS = 1_000_000_000;
const OFFSET_END = 2 ** 63;

interface Changes {
  readonly valid: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly atimeSeconds: number;
  readonly atimeNanoseconds: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
}

export function setattr(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  const changes: Changes = {
    valid: request.u32(),
    mode: request.u32(),
    uid: request.u32(),
    gid: request.u32(),
    size: request.u64(),
    atimeSeconds: request.i64(),
    atimeNanoseconds: request.u64(),
    mtimeSeconds: request.i64(),
    mtimeNanoseconds: request.u64(),
  };
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (session.mount.readonly) return -EROFS;
  const refused = check(fid, changes);
  return refused < 0 ? refused : apply(session.host, fid, changes);
}

/** Everything that can be known to fail is found before anything is changed. */
function check(fid: Fid, changes: Changes): number {
  const { valid } = changes;
  const { type } = fid.node;
  if ((valid & ~KNOWN) !== 0) return -EINVAL;
  if ((valid & P9_SETATTR_UID) !== 0 && changes.uid === INVALID_ID) return -EINVAL;
  if ((valid & P9_SETATTR_GID) !== 0 && changes.gid === INVALID_ID) return -EINVAL;
  if ((valid & P9_SETATTR_MODE) !== 0 && type === S_IFLNK) return -EOPNOTSUPP;
  if ((valid & P9_SETATTR_ATIME_SET) !== 0 && !isTime(changes.atimeSeconds, changes.atimeNanoseconds)) {
    return -EINVAL;
  }
  if ((valid & P9_SETATTR_MTIME_SET) !== 0 && !isTime(changes.mtimeSeconds, changes.mtimeNanoseconds)) {
    return -EINVAL;
  }
  if ((valid & P9_SETATTR_SIZE) === 0) return 0;
  if (type !== S_IFREG) return type === S_IFDIR ? -EISDIR : -EINVAL;
  if (changes.size >= OFFSET_END) return -EINVAL;
  return changes.size > Number.MAX_SAFE_INTEGER ? -EFBIG : 0;
}

/** In particular UTIME_NOW and UTIME_OMIT are no nanoseconds. */
function isTime(seconds: number, nanoseconds: number): boolean {
  return Number.isSafeInteger(seconds) && nanoseconds < NANOSECONDS;
}

/** Stops at the first failure. A new size or owner clears set-id bits, so that the mode comes after them. */
function apply(host: HostFs, fid: Fid, changes: Changes): number {
  const { valid } = changes;
  const { native, procSelfFd } = host;
  const { fd } = fid.node;
  let status = 0;
  if ((valid & P9_SETATTR_SIZE) !== 0) status = resize(host, fid, changes);
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
    status = setTimes(host, fid, changes);
  }
  return status;
}

function setTimes(host: HostFs, fid: Fid, changes: Changes): number {
  const { valid } = changes;
  const atime = pickTime(valid, P9_SETATTR_ATIME, P9_SETATTR_ATIME_SET, changes.atimeNanoseconds);
  const mtime = pickTime(valid, P9_SETATTR_MTIME, P9_SETATTR_MTIME_SET, changes.mtimeNanoseconds);
  return host.native.futimens(fid.node.fd, changes.atimeSeconds, atime, changes.mtimeSeconds, mtime);
}

/** The nanoseconds to set, or what utimensat takes in their place: leave alone, or now. */
function pickTime(valid: number, bit: number, setBit: number, nanoseconds: number): number {
  if ((valid & bit) === 0) return UTIME_OMIT;
  return (valid & setBit) === 0 ? UTIME_NOW : nanoseconds;
}

/** With MTIME, or through a fid that can write, as ftruncate(2), which changes the file though its size stays; else as truncate(2). */
function resize(host: HostFs, fid: Fid, { valid, size }: Changes): number {
  if ((valid & P9_SETATTR_MTIME) === 0 && !(fid.isOpen && fid.access !== O_RDONLY)) {
    const status = host.native.truncate(fid.node.fd, size);
    if (status !== -ENOENT) return status;
  }
  return truncate(host, fid, size);
}

/** Through the fid's own descriptor where that can write, so that an open file keeps working whatever its mode is now. */
function truncate(host: HostFs, fid: Fid, size: number): number {
  const { native } = host;
  if (fid.isOpen && fid.access !== O_RDONLY) return native.ftruncate(fid.openFd, size);
  const fd = openNode(host, fid.node, O_WRONLY);
  if (fd < 0) return fd;
  const status = native.ftruncate(fd, size);
  native.close(fd);
  return status;
}
