// Tlock and Tgetlock. Locks are kept by the client's kernel, among all of whose tasks they hold; nobody else shares a
// connection, so that here every lock is granted and none is ever in the way.

import { EBADF, EINVAL, EPROTO } from "../../../assembly/abi/errno.ts";
import type { Decoder } from "../p9/decoder.ts";
import type { Encoder } from "../p9/encoder.ts";
import type { Session } from "../session.ts";

const LOCK_TYPE_UNLOCK = 2;
const LOCK_SUCCESS = 0;

export function lock(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const type = request.u8();
  request.u32();
  request.u64();
  request.u64();
  request.u32();
  request.string();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (type > LOCK_TYPE_UNLOCK) return -EINVAL;
  reply.u8(LOCK_SUCCESS);
  return 0;
}

/** The same range again, as unlocked. */
export function getlock(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const type = request.u8();
  const range = request.position;
  request.u64();
  request.u64();
  request.u32();
  request.string();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (type > LOCK_TYPE_UNLOCK) return -EINVAL;
  reply.u8(LOCK_TYPE_UNLOCK);
  reply.copy(range, request.position - range);
  return 0;
}
