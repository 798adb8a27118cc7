// Tread, Twrite, Tfsync: the data of open files, straight between the file and the message.

import { EBADF, EINVAL, EISDIR, EPROTO } from "../../../../assembly/abi/errno.ts";
import { P9_HEADER } from "../../../../assembly/abi/p9.ts";
import { S_IFDIR } from "../../../../assembly/abi/stat.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Session } from "../session.ts";
import { readAttribute, writeAttribute } from "./xattr.ts";

const COUNT_SIZE = 4;
/** One past the largest offset of Linux (loff_t). */
const OFFSET_END = 2 ** 63;

export function read(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const offset = request.wide();
  const wanted = request.u32();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (offset >= OFFSET_END) return -EINVAL;
  const count = Math.min(wanted, session.messageSize - P9_HEADER - COUNT_SIZE);
  if (fid.attribute !== null) return readAttribute(session, fid.attribute, Number(offset), count, reply);
  if (fid.node.type === S_IFDIR) return -EISDIR;
  if (!fid.isOpen) return -EINVAL;
  const done = session.tree.read(fid.handle, reply.position + COUNT_SIZE, count, offset);
  if (done < 0) return done;
  reply.u32(done);
  reply.skip(done);
  return 0;
}

export function write(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const offset = request.wide();
  const count = request.u32();
  const data = request.span(count);
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (fid.attribute !== null)
    return writeAttribute(session, fid.attribute, Number(offset), data, count, reply);
  if (fid.node.type === S_IFDIR) return -EISDIR;
  if (!fid.isOpen || offset >= OFFSET_END) return -EINVAL;
  const done = session.tree.write(fid.handle, data, count, offset);
  if (done < 0) return done;
  reply.u32(done);
  return 0;
}

/** Clients of before Linux 3.11 and gVisor's send no datasync field. */
export function fsync(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  const dataOnly = request.remaining === 0 ? 0 : request.u32();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (!fid.isOpen) return -EINVAL;
  return session.tree.fsync(fid.handle, dataOnly !== 0);
}
