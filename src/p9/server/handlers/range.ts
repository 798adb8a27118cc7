// Our Tallocate, Tseek and Tcopyrange: ranges of open regular files. The tree checks modes and access.

import { EBADF, EINVAL, EPROTO } from "../../../../assembly/abi/errno.ts";
import { SEEK_DATA, SEEK_HOLE } from "../../../../assembly/abi/fcntl.ts";
import { S_IFREG } from "../../../../assembly/abi/stat.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid } from "../fid.ts";
import type { Session } from "../session.ts";

/** One past the largest offset of Linux (loff_t). */
const OFFSET_END = 2 ** 63;
/** What one message copies at most, in bytes: a few hundred microseconds, in which others wait. The client asks for the rest. */
export const COPY_MAX = 1 << 20;

export function allocate(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  const mode = request.u32();
  const offset = request.wide();
  const length = request.wide();
  if (!request.complete()) return -EPROTO;
  const refused = checkOpen(fid);
  if (refused < 0) return refused;
  if (offset >= OFFSET_END || length >= OFFSET_END) return -EINVAL;
  return session.tree.allocate(fid!.handle, mode, offset, length);
}

export function seek(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const whence = request.u32();
  const offset = request.wide();
  if (!request.complete()) return -EPROTO;
  const refused = checkOpen(fid);
  if (refused < 0) return refused;
  if ((whence !== SEEK_DATA && whence !== SEEK_HOLE) || offset >= OFFSET_END) return -EINVAL;
  const found = session.tree.seek(fid!.handle, offset, whence);
  if (found < 0) return Number(found);
  reply.wide(found);
  return 0;
}

export function copyRange(session: Session, request: Decoder, reply: Encoder): number {
  const from = session.fids.get(request.u32());
  const fromOffset = request.wide();
  const to = session.fids.get(request.u32());
  const toOffset = request.wide();
  const length = request.wide();
  if (!request.complete()) return -EPROTO;
  const refused = Math.min(checkOpen(from), checkOpen(to));
  if (refused < 0) return refused;
  if (fromOffset >= OFFSET_END || toOffset >= OFFSET_END || length >= OFFSET_END) return -EINVAL;
  const most = Math.min(Number(length), COPY_MAX);
  const count = session.tree.copyRange(from!.handle, fromOffset, to!.handle, toOffset, most);
  if (count < 0) return count;
  reply.wide(count);
  return 0;
}

function checkOpen(fid: Fid | undefined): number {
  if (fid === undefined) return -EBADF;
  return fid.isOpen && fid.node.type === S_IFREG ? 0 : -EINVAL;
}
