// Tlopen: from a known fid to an open one.

import { EBADF, EINVAL, EMFILE, EPROTO, EROFS } from "../../../assembly/abi/errno.ts";
import { O_ACCMODE } from "../../../assembly/abi/fcntl.ts";
import { S_IFREG } from "../../../assembly/abi/stat.ts";
import type { Fid } from "../fid-table.ts";
import { isMutating, openNode } from "../host-fs/open.ts";
import type { Decoder } from "../p9/decoder.ts";
import type { Encoder } from "../p9/encoder.ts";
import type { Session } from "../session.ts";
import { putQid } from "./attributes.ts";

export function lopen(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const flags = request.u32();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (fid.isOpen) return -EINVAL;
  if (session.mount.readonly && isMutating(flags)) return -EROFS;
  if (session.budget.exhausted) return -EMFILE;
  const fd = openNode(session.host, fid.node, flags);
  if (fd < 0) return fd;
  session.fids.opened(fid, fd, flags & O_ACCMODE);
  return putOpened(session, fid, reply);
}

/** Rlopen and Rlcreate: the qid, iounit 0 ("as large as a message holds"), and the descriptor where it is wanted. */
export function putOpened(session: Session, fid: Fid, reply: Encoder): number {
  const { host, mount } = session;
  const status = host.statFd(fid.openFd);
  if (status < 0) return status;
  putQid(reply, host.stat, host.qids);
  reply.u32(0);
  if (session.extended && mount.donate && fid.node.type === S_IFREG) session.donation = fid.openFd;
  return 0;
}
