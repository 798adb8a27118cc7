// Treaddir: as many entries of an open directory as fit.

import { EBADF, EINVAL, ENOTDIR, EPROTO } from "../../../../assembly/abi/errno.ts";
import { P9_HEADER } from "../../../../assembly/abi/p9.ts";
import { S_IFDIR } from "../../../../assembly/abi/stat.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Session } from "../session.ts";

const COUNT_SIZE = 4;

/** The cookie is that of the entry behind which to go on; 0 reads the directory anew, as rewinddir does. */
export function readdir(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const cookieLow = request.u32();
  const cookieHigh = request.u32();
  const wanted = request.u32();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (fid.node.type !== S_IFDIR) return -ENOTDIR;
  if (!fid.isOpen) return -EINVAL;
  const head = reply.position;
  reply.skip(COUNT_SIZE);
  const limit = reply.position + Math.min(wanted, session.messageSize - P9_HEADER - COUNT_SIZE);
  const error = session.tree.readdir(fid, cookieLow, cookieHigh, reply, limit);
  const end = reply.position;
  const length = end - head - COUNT_SIZE;
  // Zero entries mean the end to a client, so too little room for one is an error.
  if (length === 0 && error < 0) return error;
  reply.position = head;
  reply.u32(length);
  reply.position = end;
  return 0;
}
