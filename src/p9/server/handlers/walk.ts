// Twalk and our Twalkattr and Twalkfids: from a fid through up to 16 names to a new fid, or to one for each name.
//
// The whole message is checked before the first name is looked up. A walk that stops early makes no fid.

import { EBADF, EBUSY, EINVAL, ENOTDIR, EPROTO } from "../../../../assembly/abi/errno.ts";
import { P9_MAXWELEM, P9_NOFID } from "../../../../assembly/abi/p9.ts";
import { S_IFDIR } from "../../../../assembly/abi/stat.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import { NAME_STRIDE, NAMES } from "../memory.ts";
import { countDots } from "../names.ts";
import type { Session } from "../session.ts";
import type { TreeNode } from "../tree-node.ts";
import { putFile } from "./attributes.ts";

/** The lengths of the names at NAMES, of the walk under way. */
const lengths = new Int32Array(P9_MAXWELEM);

/** Rwalk has as many qids as names were walked; when the first one fails the answer is its error. */
export function walk(session: Session, request: Decoder, reply: Encoder): number {
  return walkNames(session, request, reply, false);
}

/** As walk(), but with attributes, with the error of the name that failed, and also without making a fid. */
export function walkAttributes(session: Session, request: Decoder, reply: Encoder): number {
  return walkNames(session, request, reply, true);
}

function walkNames(session: Session, request: Decoder, reply: Encoder, withAttributes: boolean): number {
  const fid = session.fids.get(request.u32());
  const newNumber = request.u32();
  const count = request.u16();
  if (count > P9_MAXWELEM) return -EINVAL;
  const nameError = readNames(request, count);
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (nameError < 0) return nameError;

  const makesFid = !(withAttributes && newNumber === P9_NOFID);
  const replaces = newNumber === fid.number;
  if (replaces && (fid.isOpen || fid.attribute !== null)) return -EBUSY;
  if (makesFid && !replaces) {
    const usable = session.checkNewFid(newNumber);
    if (usable < 0) return usable;
  }

  const { tree } = session;
  const head = reply.position;
  reply.skip(withAttributes ? 6 : 2);
  let node = fid.node;
  node.incRef();
  let walked = 0;
  let status = 0;
  if (withAttributes && count === 0) status = tree.getattr(node);
  if (withAttributes && count === 0 && status === 0) status = putFile(session, node, reply);
  while (walked < count) {
    const next = step(session, node, NAMES + walked * NAME_STRIDE, lengths[walked]!);
    if (typeof next === "number") {
      status = next;
      break;
    }
    node.decRef();
    node = next;
    if (withAttributes) status = putFile(session, node, reply);
    else tree.putQid(reply);
    if (status < 0) break;
    walked++;
  }

  if (status === 0 && makesFid) {
    if (replaces) session.fids.clunk(fid);
    session.fids.insert(newNumber, node, fid.uid);
  } else {
    node.decRef();
    if (!withAttributes && status < 0 && walked === 0) return status;
  }
  const end = reply.position;
  reply.position = head;
  if (withAttributes) reply.u32(-status);
  reply.u16(withAttributes && count === 0 && status === 0 ? 1 : walked);
  reply.position = end;
  return 0;
}

/** As walkAttributes(), but every component behind the first `skip` that is reached gets a fid, whatever comes after it. */
export function walkFids(session: Session, request: Decoder, reply: Encoder): number {
  const { fids } = session;
  const fid = fids.get(request.u32());
  const skip = request.u16();
  const count = request.u16();
  if (count > P9_MAXWELEM) return -EINVAL;
  const nameError = readNames(request, count);
  const numbers = Array.from({ length: Math.max(count - skip, 0) }, () => request.u32());
  if (!request.complete()) return -EPROTO;
  if (skip > count) return -EINVAL;
  if (fid === undefined) return -EBADF;
  if (nameError < 0) return nameError;
  if (new Set(numbers).size !== numbers.length) return -EINVAL;
  for (const number of numbers) {
    const usable = session.checkNewFid(number, numbers.length);
    if (usable < 0) return usable;
  }
  const { uid } = fid;
  const head = reply.position;
  reply.skip(6);
  let node = fid.node;
  node.incRef();
  const reached: TreeNode[] = [];
  let walked = 0;
  let status = 0;
  for (; walked < count; walked++) {
    const next = step(session, node, NAMES + walked * NAME_STRIDE, lengths[walked]!);
    if (typeof next === "number") {
      status = next;
      break;
    }
    node.decRef();
    node = next;
    status = putFile(session, node, reply);
    if (status < 0) break;
    if (walked < skip) continue;
    node.incRef();
    reached.push(node);
  }
  node.decRef();
  for (const [index, file] of reached.entries()) {
    if (session.isSuspended) file.decRef();
    else fids.insert(numbers[index]!, file, uid);
  }
  const end = reply.position;
  reply.position = head;
  reply.u32(-status);
  reply.u16(walked);
  reply.position = end;
  return 0;
}

/** Copies the names to NAMES. Returns 0 or the first one's error, having stepped over all of them. */
function readNames(request: Decoder, count: number): number {
  let error = 0;
  for (let i = 0; i < count; i++) {
    const length = request.name(NAMES + i * NAME_STRIDE);
    lengths[i] = length;
    if (length < 0 && error === 0) error = length;
  }
  return error;
}

/** One component. Returns a referenced node, with its attributes in the tree, or -errno. */
export function step(session: Session, node: TreeNode, name: number, length: number): TreeNode | number {
  if (node.type !== S_IFDIR) return -ENOTDIR;
  const { tree } = session;
  const dots = countDots(tree.memory.bytes, name, length);
  if (dots === 0) return tree.lookup(node, name, length);
  const target = dots === 2 && node.parent !== null ? node.parent : node;
  const status = tree.getattr(target);
  if (status < 0) return status;
  target.incRef();
  return target;
}
