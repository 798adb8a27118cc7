// Tlock and Tgetlock: locks of byte ranges on the host's files, so that whoever else uses the tree sees them.
//
// An owner is a pair (client_id, proc_id); its locks on one file belong to one open file description of the host, which
// nothing else uses. It goes with the last fid through which the owner asked, and all its locks with it. Nothing here waits: a
// lock that somebody else has is BLOCKED, and the client tries again.

import { EAGAIN, EBADF, EINVAL, EMFILE, EPROTO } from "../../../../assembly/abi/errno.ts";
import { O_RDWR } from "../../../../assembly/abi/fcntl.ts";
import { P9_LOCK_BLOCKED, P9_LOCK_SUCCESS, P9_LOCK_TYPE_UNLCK } from "../../../../assembly/abi/p9.ts";
import { S_IFREG } from "../../../../assembly/abi/stat.ts";
import { LOCK, SLOT } from "../../../gofer/arena.ts";
import { openNode } from "../../../gofer/host-fs/open.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid } from "../fid.ts";
import { LockOwner } from "../lock-owner.ts";
import type { Session } from "../session.ts";

export function lock(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const type = request.u8();
  request.u32();
  const start = request.u64();
  const length = request.u64();
  const process = request.u32();
  const client = request.text();
  if (!request.complete()) return -EPROTO;
  const refused = check(fid, type, start, length);
  if (refused < 0) return refused;
  const isUnlock = type === P9_LOCK_TYPE_UNLCK;
  const owner = findOwner(session, fid!, process, client, !isUnlock);
  let status = 0;
  if (typeof owner === "number") status = owner;
  else if (owner !== undefined) status = session.host.native.ofdSetLock(owner.fd, type, start, length);
  if (status < 0 && status !== -EAGAIN) return status;
  reply.u8(status === 0 ? P9_LOCK_SUCCESS : P9_LOCK_BLOCKED);
  return 0;
}

/** The first lock in the way; its owner is nobody that the client knows: process 0 of no client. */
export function getlock(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const type = request.u8();
  const start = request.u64();
  const length = request.u64();
  const process = request.u32();
  const client = request.text();
  if (!request.complete()) return -EPROTO;
  const refused = check(fid, type, start, length);
  if (refused < 0) return refused;
  if (type === P9_LOCK_TYPE_UNLCK) return -EINVAL;
  const owner = findOwner(session, fid!, process, client, false);
  const fd = owner instanceof LockOwner ? owner.fd : fid!.openFd;
  const { native, arena } = session.host;
  const { view } = arena;
  view.setInt32(LOCK, type, true);
  view.setInt32(LOCK + 4, 0, true);
  view.setBigInt64(LOCK + 8, BigInt(start), true);
  view.setBigInt64(LOCK + 16, BigInt(length), true);
  const status = native.ofdGetLock(fd, SLOT, LOCK);
  if (status < 0) return status;
  reply.u8(view.getInt32(LOCK, true));
  reply.copy64(LOCK + 8, 2);
  reply.u32(0);
  reply.text("");
  return 0;
}

function check(fid: Fid | undefined, type: number, start: number, length: number): number {
  if (fid === undefined) return -EBADF;
  if (type > P9_LOCK_TYPE_UNLCK || !fid.isOpen || fid.node.type !== S_IFREG) return -EINVAL;
  return start + length > Number.MAX_SAFE_INTEGER ? -EINVAL : 0;
}

/** The owner on the fid's file; with `makes` also a new one; undefined when there is none; or -errno. */
function findOwner(
  session: Session,
  fid: Fid,
  process: number,
  client: string,
  makes: boolean,
): LockOwner | number | undefined {
  const { host, budget, fids } = session;
  const { node } = fid;
  const key = LockOwner.key(node, process, client);
  const known = fids.lockOwners.get(key);
  if (known !== undefined) {
    if (makes) fids.lockOwners.attach(fid, known);
    return known;
  }
  if (!makes) return undefined;
  if (budget.exhausted) return -EMFILE;
  // For both kinds of lock where the gofer may, else for what the fid can do itself.
  let fd = openNode(host, node, O_RDWR);
  if (fd < 0) fd = openNode(host, node, fid.access);
  if (fd < 0) return fd;
  const owner = new LockOwner(key, fd);
  fids.lockOwners.attach(fid, owner);
  return owner;
}
