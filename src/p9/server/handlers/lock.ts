// Tlock and Tgetlock: locks of byte ranges, which whoever else uses the tree sees.
//
// An owner is a pair (client_id, proc_id); its locks on one file belong to one handle of the tree, which nothing else uses. It
// goes with the last fid through which the owner asked, and all its locks with it. Nothing here waits: a lock that somebody
// else has is BLOCKED, and the client tries again.

import { EAGAIN, EBADF, EINVAL, EPROTO } from "../../../../assembly/abi/errno.ts";
import {
  P9_LOCK_BLOCKED,
  P9_LOCK_SUCCESS,
  P9_LOCK_TYPE_UNLCK,
  P9_LOCK_TYPE_WRLCK,
} from "../../../../assembly/abi/p9.ts";
import { S_IFREG } from "../../../../assembly/abi/stat.ts";
import type { Wide } from "../../../common/wide.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid } from "../fid.ts";
import { LockOwner } from "../lock-owner.ts";
import type { Session } from "../session.ts";

/** One past the largest offset of Linux (loff_t). */
const OFFSET_END = 2n ** 63n;

export function lock(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const type = request.u8();
  request.u32();
  const start = request.wide();
  const length = request.wide();
  const process = request.u32();
  const client = request.text();
  if (!request.complete()) return -EPROTO;
  const refused = check(fid, type, start, length);
  if (refused < 0) return refused;
  const isUnlock = type === P9_LOCK_TYPE_UNLCK;
  const owner = findOwner(session, fid!, process, client, !isUnlock);
  let status = 0;
  if (typeof owner === "number") status = owner;
  else if (owner !== undefined) status = session.tree.setLock(owner.handle, type, start, length);
  if (status < 0 && status !== -EAGAIN) return status;
  reply.u8(status === 0 ? P9_LOCK_SUCCESS : P9_LOCK_BLOCKED);
  return 0;
}

/** The first lock in the way; its owner is nobody that the client knows: process 0 of no client. */
export function getlock(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const type = request.u8();
  const start = request.wide();
  const length = request.wide();
  const process = request.u32();
  const client = request.text();
  if (!request.complete()) return -EPROTO;
  const refused = check(fid, type, start, length);
  if (refused < 0) return refused;
  // Linux's client (v9fs_file_getlock) forgets what it was asked for and always says UNLCK: it is told whatever is there.
  const wanted = type === P9_LOCK_TYPE_UNLCK ? P9_LOCK_TYPE_WRLCK : type;
  const owner = findOwner(session, fid!, process, client, false);
  const handle = owner instanceof LockOwner ? owner.handle : fid!.handle;
  const status = session.tree.getLock(handle, wanted, start, length, reply);
  if (status < 0) return status;
  reply.u32(0);
  reply.text("");
  return 0;
}

function check(fid: Fid | undefined, type: number, start: Wide, length: Wide): number {
  if (fid === undefined) return -EBADF;
  if (type > P9_LOCK_TYPE_UNLCK || !fid.isOpen || fid.node.type !== S_IFREG) return -EINVAL;
  // Length 0 is as far as it goes.
  return start < OFFSET_END && BigInt(start) + BigInt(length) <= OFFSET_END ? 0 : -EINVAL;
}

/** The owner on the fid's file; with `makes` also a new one; undefined when there is none; or -errno. */
function findOwner(
  session: Session,
  fid: Fid,
  process: number,
  client: string,
  makes: boolean,
): LockOwner | number | undefined {
  const { tree, fids } = session;
  const key = LockOwner.key(fid.node, process, client);
  const known = fids.lockOwners.get(key);
  if (known !== undefined) {
    if (makes) fids.lockOwners.attach(fid, known);
    return known;
  }
  if (!makes) return undefined;
  const handle = tree.openLock(fid.node, fid.access);
  if (handle < 0) return handle;
  const owner = new LockOwner(key, handle);
  fids.lockOwners.attach(fid, owner);
  return owner;
}
