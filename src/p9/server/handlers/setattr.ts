// Tsetattr: size, owner, mode and times.

import { EBADF, EINVAL, EISDIR, EOPNOTSUPP, EPROTO, EROFS } from "../../../../assembly/abi/errno.ts";
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
import { S_IFDIR, S_IFLNK, S_IFREG } from "../../../../assembly/abi/stat.ts";
import type { Decoder } from "../decoder.ts";
import type { Fid } from "../fid.ts";
import type { Session } from "../session.ts";
import type { Changes } from "../tree.ts";

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
/** (uid_t) -1, which chown(2) takes for "leave as it is". */
const INVALID_ID = 0xffffffff;
const NANOSECONDS = 1_000_000_000;
const OFFSET_END = 2 ** 63;

export function setattr(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  const changes: Changes = {
    valid: request.u32(),
    mode: request.u32(),
    uid: request.u32(),
    gid: request.u32(),
    size: request.wide(),
    atimeSeconds: request.i64(),
    atimeNanoseconds: request.u64(),
    mtimeSeconds: request.i64(),
    mtimeNanoseconds: request.u64(),
  };
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (session.tree.readonly) return -EROFS;
  const refused = check(fid, changes);
  return refused < 0 ? refused : session.tree.setattr(fid, changes);
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
  return changes.size >= OFFSET_END ? -EINVAL : 0;
}

/** In particular UTIME_NOW and UTIME_OMIT are no nanoseconds. */
function isTime(seconds: number, nanoseconds: number): boolean {
  return Number.isSafeInteger(seconds) && nanoseconds < NANOSECONDS;
}
