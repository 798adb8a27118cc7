// Tlopen: from a known fid to an open one.

import { EBADF, EINVAL, EMFILE, EPROTO, EROFS } from "../../../../assembly/abi/errno.ts";
import { O_ACCMODE } from "../../../../assembly/abi/fcntl.ts";
import { S_IFREG } from "../../../../assembly/abi/stat.ts";
import type { HostNode } from "../../../gofer/host-fs/host-node.ts";
import { isMutating, openNode } from "../../../gofer/host-fs/open.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid } from "../fid.ts";
import type { Session } from "../session.ts";
import { putQid } from "./attributes.ts";

export function lopen(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const flags = request.u32();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (fid.isOpen || fid.attribute !== null) return -EINVAL;
  if (session.mount.readonly && isMutating(flags)) return -EROFS;
  if (!session.budget.allowsOpen(1)) return -EMFILE;
  const fd = openNode(session.host, fid.node, flags);
  if (fd < 0) return fd;
  return finishOpen(session, fid, fid.node, fd, flags & O_ACCMODE, reply);
}

/**
 * Makes `fid` the open file `node` and answers Rlopen or Rlcreate: the qid, iounit 0 ("as large as a message holds"), and
 * the descriptor where it is wanted. When the host fails here the fid stays what it was.
 *
 * Ownership: takes `fd`, borrows `node`.
 */
export function finishOpen(
  session: Session,
  fid: Fid,
  node: HostNode,
  fd: number,
  access: number,
  reply: Encoder,
): number {
  const { host, mount } = session;
  const status = host.statFd(fd);
  if (status < 0) {
    host.native.close(fd);
    return status;
  }
  node.incRef();
  fid.node.decRef(host.native);
  fid.node = node;
  session.fids.opened(fid, fd, access);
  putQid(reply, host.stat, host.qids);
  reply.u32(0);
  if (session.extended && mount.donate && node.type === S_IFREG) session.donation = fd;
  return 0;
}
