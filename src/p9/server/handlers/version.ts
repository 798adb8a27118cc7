// Tversion, Tauth, Tattach, Tflush, Tclunk and our Tclunks: how a client begins, and what it gives back.

import { EBADF, EINVAL, EMSGSIZE, ENOENT, EPROTO } from "../../../../assembly/abi/errno.ts";
import { P9_CLUNKS_MAX, P9_MSIZE, P9_NOFID } from "../../../../assembly/abi/p9.ts";
import { VERSION_9P2000L, VERSION_WVISOR } from "../../../common/p9-version.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid } from "../fid.ts";
import type { Session } from "../session.ts";
import { commitAttribute } from "./xattr.ts";

/** Linux's client refuses less too; the largest reply of fixed size, an Rwalkattr of 16 names, fits. */
const MSIZE_MIN = 4096;

/** Agrees on size and version. In mid-session it starts afresh: every fid is gone. */
export function version(session: Session, request: Decoder, reply: Encoder): number {
  const messageSize = request.u32();
  const asked = request.text();
  if (!request.complete()) return -EPROTO;
  if (messageSize < MSIZE_MIN) return -EMSGSIZE;
  const answer = chooseVersion(asked);
  session.fids.clear();
  session.messageSize = Math.min(messageSize, P9_MSIZE);
  session.established = answer !== "unknown";
  session.extended = answer === VERSION_WVISOR;
  reply.u32(session.messageSize);
  reply.text(answer);
  return 0;
}

function chooseVersion(asked: string): string {
  if (asked === VERSION_WVISOR) return asked;
  // An extension that is not ours falls back to what it extends.
  if (asked === VERSION_9P2000L || asked.startsWith(`${VERSION_9P2000L}.`)) return VERSION_9P2000L;
  return "unknown";
}

/** ENOENT says that no authentication is needed; diod's clients give up on anything else. */
export function auth(_session: Session, request: Decoder): number {
  request.u32();
  request.string();
  request.string();
  request.u32();
  return request.complete() ? -ENOENT : -EPROTO;
}

export function attach(session: Session, request: Decoder, reply: Encoder): number {
  const fidNumber = request.u32();
  const authFid = request.u32();
  request.string();
  const tree = request.text();
  const uid = request.u32();
  if (!request.complete()) return -EPROTO;
  if (authFid !== P9_NOFID) return -EINVAL;
  // A connection has one tree, so there is nothing else to name.
  if (tree !== "" && tree !== "/" && tree !== session.treeName) return -ENOENT;
  const usable = session.checkNewFid(fidNumber);
  if (usable < 0) return usable;
  const root = session.tree.attach();
  if (typeof root === "number") return root;
  session.fids.insert(fidNumber, root, uid);
  session.tree.putQid(reply);
  return 0;
}

/** Whatever is under way is the dispatcher's; all else that is flushed has been answered already. */
export function flush(_session: Session, request: Decoder): number {
  request.u16();
  return request.complete() ? 0 : -EPROTO;
}

export function clunk(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  const status = commitAttribute(session, fid);
  if (!session.isSuspended) session.fids.clunk(fid);
  return status;
}

/** Those that are not known are passed over: the client does not look at what came of it. */
export function clunks(session: Session, request: Decoder): number {
  const count = request.u16();
  if (count > P9_CLUNKS_MAX) return -EINVAL;
  const numbers = Array.from({ length: count }, () => request.u32());
  if (!request.complete()) return -EPROTO;
  const fids = new Set<Fid>();
  for (const number of numbers) {
    const fid = session.fids.get(number);
    if (fid !== undefined) fids.add(fid);
  }
  for (const fid of fids) commitAttribute(session, fid);
  if (session.isSuspended) return 0;
  for (const fid of fids) session.fids.clunk(fid);
  return 0;
}
