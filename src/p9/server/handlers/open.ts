// Tlopen: from a known fid to an open one.

import {
  EBADF,
  ECONNREFUSED,
  EINVAL,
  ENXIO,
  EOPNOTSUPP,
  EPROTO,
  EROFS,
} from "../../../../assembly/abi/errno.ts";
import { O_ACCMODE, O_RDONLY, O_RDWR, O_TRUNC } from "../../../../assembly/abi/fcntl.ts";
import { S_IFIFO, S_IFREG, S_IFSOCK } from "../../../../assembly/abi/stat.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid } from "../fid.ts";
import type { Session } from "../session.ts";
import type { TreeNode } from "../tree-node.ts";

export function lopen(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const flags = request.u32();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (fid.isOpen || fid.attribute !== null) return -EINVAL;
  if (session.tree.readonly && isMutating(flags)) return -EROFS;
  // Its data has no offsets that messages could name: it is for a client that takes the descriptor.
  if (fid.node.type === S_IFIFO && !takesDescriptors(session)) return -ENXIO;
  const handle = session.tree.open(fid.node, flags);
  if (handle < 0) return handle;
  finishOpen(session, fid, fid.node, handle, flags & O_ACCMODE, reply);
  return 0;
}

/** Our Tconnect: Tlopen of a socket. */
export function connect(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  const type = request.u32();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (fid.isOpen || fid.attribute !== null) return -EINVAL;
  // What connect(2) says of a file that is none.
  if (fid.node.type !== S_IFSOCK) return -ECONNREFUSED;
  if (!takesDescriptors(session)) return -EOPNOTSUPP;
  const handle = session.tree.connect(fid.node, type);
  if (handle < 0) return handle;
  session.fids.opened(fid, handle, O_RDWR);
  session.donation = handle;
  return 0;
}

function isMutating(flags: number): boolean {
  return (flags & O_ACCMODE) !== O_RDONLY || (flags & O_TRUNC) !== 0;
}

/**
 * Makes `fid` the open file `node`, whose attributes are in the tree, and answers Rlopen or Rlcreate: the qid, iounit 0 ("as
 * large as a message holds"), and the descriptor where it is wanted.
 *
 * Ownership: takes `handle`, borrows `node`.
 */
export function finishOpen(
  session: Session,
  fid: Fid,
  node: TreeNode,
  handle: number,
  access: number,
  reply: Encoder,
): void {
  const { tree } = session;
  node.incRef();
  fid.node.decRef();
  fid.node = node;
  session.fids.opened(fid, handle, access);
  tree.putQid(reply);
  reply.u32(0);
  if (takesDescriptors(session) && (node.type === S_IFREG || node.type === S_IFIFO))
    session.donation = handle;
}

/** Whether descriptors go to the client. */
export function takesDescriptors(session: Session): boolean {
  return session.extended && session.tree.donates;
}
