// Our Tallocate, Tseek and Tcopyrange: ranges of open regular files. The tree checks modes and access.

import { EBADF, EFBIG, EINVAL, ENXIO, EPROTO } from "../../../../assembly/abi/errno.ts";
import { SEEK_DATA, SEEK_HOLE } from "../../../../assembly/abi/fcntl.ts";
import { S_IFREG } from "../../../../assembly/abi/stat.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid } from "../fid.ts";
import type { Session } from "../session.ts";

export function allocate(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  const mode = request.u32();
  const offset = request.u64();
  const length = request.u64();
  if (!request.complete()) return -EPROTO;
  const refused = checkOpen(fid);
  if (refused < 0) return refused;
  if (offset + length > Number.MAX_SAFE_INTEGER) return -EFBIG;
  return session.tree.allocate(fid!.handle, mode, offset, length);
}

export function seek(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const whence = request.u32();
  const offset = request.u64();
  if (!request.complete()) return -EPROTO;
  const refused = checkOpen(fid);
  if (refused < 0) return refused;
  if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return -EINVAL;
  // Behind the end of any file.
  if (offset > Number.MAX_SAFE_INTEGER) return -ENXIO;
  const found = session.tree.seek(fid!.handle, offset, whence);
  if (found < 0) return found;
  reply.u64(found >>> 0, Math.floor(found / 0x1_0000_0000));
  return 0;
}

export function copyRange(session: Session, request: Decoder, reply: Encoder): number {
  const from = session.fids.get(request.u32());
  const fromOffset = request.u64();
  const to = session.fids.get(request.u32());
  const toOffset = request.u64();
  const length = request.u64();
  if (!request.complete()) return -EPROTO;
  const refused = Math.min(checkOpen(from), checkOpen(to));
  if (refused < 0) return refused;
  if (Math.max(fromOffset, toOffset) + length > Number.MAX_SAFE_INTEGER) return -EFBIG;
  const count = session.tree.copyRange(from!.handle, fromOffset, to!.handle, toOffset, length);
  if (count < 0) return count;
  reply.u64(count >>> 0, Math.floor(count / 0x1_0000_0000));
  return 0;
}

function checkOpen(fid: Fid | undefined): number {
  if (fid === undefined) return -EBADF;
  return fid.isOpen && fid.node.type === S_IFREG ? 0 : -EINVAL;
}
