// Tgetattr, Tstatfs, Treadlink: what a file is.

import { EBADF, EINVAL, ENAMETOOLONG, EPROTO } from "../../../../assembly/abi/errno.ts";
import { PATH_MAX } from "../../../../assembly/abi/limits.ts";
import { P9_GETATTR_ACLS, P9_HEADER } from "../../../../assembly/abi/p9.ts";
import { S_IFLNK } from "../../../../assembly/abi/stat.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Session } from "../session.ts";
import { putFile } from "./attributes.ts";

/** Answers all attributes that the tree knows, whatever the mask asks for: it is one call either way. */
export function getattr(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const mask = request.u32();
  request.u32();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  const { tree } = session;
  const status = tree.getattr(fid.node);
  if (status < 0) return status;
  return putFile(session, fid.node, reply, session.extended && (mask & P9_GETATTR_ACLS) !== 0);
}

export function statfs(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  if (!request.complete()) return -EPROTO;
  return fid === undefined ? -EBADF : session.tree.statfs(fid.node, reply);
}

export function readlink(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (fid.node.type !== S_IFLNK) return -EINVAL;
  const head = reply.position;
  const capacity = Math.min(PATH_MAX, session.messageSize - P9_HEADER - 2);
  const length = session.tree.readlink(fid.node, head + 2, capacity);
  if (length < 0) return length;
  // A target that is too long comes cut, without a word. Only the smallest message sizes can see this.
  if (length === capacity) return -ENAMETOOLONG;
  reply.u16(length);
  reply.skip(length);
  return 0;
}
