// Txattrwalk and Txattrcreate: EOPNOTSUPP, which clients take for a file system without extended attributes.

import { EBADF, EOPNOTSUPP, EPROTO } from "../../../assembly/abi/errno.ts";
import type { Decoder } from "../p9/decoder.ts";
import type { Session } from "../session.ts";

export function xattrwalk(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  request.u32();
  request.string();
  return refuse(request, fid !== undefined);
}

export function xattrcreate(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  request.string();
  request.u64();
  request.u32();
  return refuse(request, fid !== undefined);
}

function refuse(request: Decoder, isFidKnown: boolean): number {
  if (!request.complete()) return -EPROTO;
  return isFidKnown ? -EOPNOTSUPP : -EBADF;
}
