// Tgetattr, Tstatfs, Treadlink: what a file is.

import { EBADF, EINVAL, ENAMETOOLONG, EPROTO } from "../../../../assembly/abi/errno.ts";
import { PATH_MAX } from "../../../../assembly/abi/limits.ts";
import { P9_HEADER } from "../../../../assembly/abi/p9.ts";
import { S_IFLNK } from "../../../../assembly/abi/stat.ts";
import { SLOT, STATFS } from "../../../gofer/arena.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Session } from "../session.ts";
import { putAttributes } from "./attributes.ts";

/** Answers all that statx gives, whatever the mask asks for: it is one system call either way. */
export function getattr(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  request.u64();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  const { host } = session;
  const status = host.statNode(fid.node);
  if (status < 0) return status;
  putAttributes(reply, host.stat, host.qids);
  return 0;
}

export function statfs(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  const { native, arena } = session.host;
  const status = native.fstatfs(fid.node.fd, SLOT, STATFS);
  if (status < 0) return status;
  // From eight u64: type, bsize, blocks, bfree, bavail, files, ffree, namelen.
  reply.u32(arena.view.getUint32(STATFS, true));
  reply.u32(arena.view.getUint32(STATFS + 8, true));
  reply.copy64(STATFS + 16, 5);
  // No fsid: the client knows the mount, and the host's number means nothing to it.
  reply.u64(0, 0);
  reply.u32(arena.view.getUint32(STATFS + 56, true));
  return 0;
}

export function readlink(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (fid.node.type !== S_IFLNK) return -EINVAL;
  const head = reply.position;
  const capacity = Math.min(PATH_MAX, session.messageSize - P9_HEADER - 2);
  const length = session.host.native.readlinkat(fid.node.fd, SLOT, -1, head + 2, capacity);
  if (length < 0) return length;
  // The host cuts a target that is too long without a word. Only the smallest message sizes can see this.
  if (length === capacity) return -ENAMETOOLONG;
  reply.u16(length);
  reply.skip(length);
  return 0;
}
