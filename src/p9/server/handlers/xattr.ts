// Extended attributes: Txattrwalk and Tread, Txattrcreate and Twrite and Tclunk, and our Txattrremove.

import {
  E2BIG,
  EBADF,
  EBUSY,
  EINVAL,
  ENOMEM,
  EPROTO,
  ERANGE,
  EROFS,
} from "../../../../assembly/abi/errno.ts";
import {
  XATTR_CREATE,
  XATTR_NAME_MAX,
  XATTR_REPLACE,
  XATTR_SIZE_MAX,
} from "../../../../assembly/abi/xattr.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid, FidAttribute } from "../fid.ts";
import { NAME_A, XATTR } from "../memory.ts";
import { putName } from "../names.ts";
import type { Session } from "../session.ts";

/** What all values together may take that one client reads or writes at a time. */
const VALUES_MAX = 1 << 22;

export function xattrwalk(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const newNumber = request.u32();
  const length = request.string();
  const end = request.position;
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  const usable = session.checkNewFid(newNumber);
  if (usable < 0) return usable;
  const { tree } = session;
  // No name asks for the list of names.
  const nameError = length === 0 ? 0 : takeName(session, end, length);
  if (nameError < 0) return nameError;
  const size = length === 0 ? tree.listxattr(fid.node) : tree.getxattr(fid.node, length);
  // Larger than any value that can be set: the file system breaks its own rule.
  if (size < 0) return size === -ERANGE ? -E2BIG : size;
  if (session.fids.attributeBytes + size > VALUES_MAX) return -ENOMEM;
  fid.node.incRef();
  const made = session.fids.insert(newNumber, fid.node, fid.uid);
  session.fids.setAttribute(made, {
    value: tree.memory.bytes.slice(XATTR, XATTR + size),
    target: undefined,
    written: 0,
  });
  reply.u64(size, 0);
  return 0;
}

/** The fid becomes the value to be written, which Tclunk sets: all of it, or it is an error. */
export function xattrcreate(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  const length = request.string();
  const end = request.position;
  const size = request.u64();
  const flags = request.u32();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (fid.isOpen || fid.attribute !== null) return -EBUSY;
  const nameError = takeName(session, end, length);
  if (nameError < 0) return nameError;
  if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) !== 0) return -EINVAL;
  if (size > XATTR_SIZE_MAX) return -E2BIG;
  if (session.tree.readonly) return -EROFS;
  if (session.fids.attributeBytes + size > VALUES_MAX) return -ENOMEM;
  const name = session.tree.memory.bytes.slice(NAME_A, NAME_A + length);
  session.fids.setAttribute(fid, { value: new Uint8Array(size), target: { name, flags }, written: 0 });
  return 0;
}

export function xattrremove(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  const length = request.string();
  const end = request.position;
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  const nameError = takeName(session, end, length);
  if (nameError < 0) return nameError;
  if (session.tree.readonly) return -EROFS;
  return session.tree.removexattr(fid.node, length);
}

/** Tread of an attribute's fid. */
export function readAttribute(
  session: Session,
  attribute: FidAttribute,
  offset: number,
  count: number,
  reply: Encoder,
): number {
  if (attribute.target !== undefined) return -EINVAL;
  const { value } = attribute;
  const from = Math.min(offset, value.length);
  const part = value.subarray(from, Math.min(from + count, value.length));
  reply.u32(part.length);
  session.tree.memory.bytes.set(part, reply.position);
  reply.skip(part.length);
  return 0;
}

/** Twrite of an attribute's fid: from front to back, and no more than was announced. */
export function writeAttribute(
  session: Session,
  attribute: FidAttribute,
  offset: number,
  data: number,
  count: number,
  reply: Encoder,
): number {
  if (attribute.target === undefined || offset !== attribute.written) return -EINVAL;
  if (count > attribute.value.length - offset) return -E2BIG;
  attribute.value.set(session.tree.memory.bytes.subarray(data, data + count), offset);
  attribute.written += count;
  reply.u32(count);
  return 0;
}

/** What Tclunk does first: sets the attribute that the fid has written. */
export function commitAttribute(session: Session, fid: Fid): number {
  const { attribute } = fid;
  if (attribute === null || attribute.target === undefined) return 0;
  const { value, target, written } = attribute;
  if (written !== value.length) return -EINVAL;
  const { tree } = session;
  const { bytes } = tree.memory;
  const length = putName(bytes, target.name, NAME_A);
  if (isRemoval(session, attribute)) return tree.removexattr(fid.node, length);
  bytes.set(value, XATTR);
  return tree.setxattr(fid.node, length, value.length, target.flags);
}

/**
 * Plain 9P2000.L has no message to remove an attribute; clients replace it by one of no bytes. Linux's does so with just that
 * flag, and with others it means an empty value. Clients that know the extension say what they mean.
 */
function isRemoval(session: Session, { value, target }: FidAttribute): boolean {
  return value.length === 0 && !session.extended && target?.flags === XATTR_REPLACE;
}

/** Copies the name that ends at `end` of the message to NAME_A. Errors: ERANGE, EINVAL, the tree's. */
function takeName(session: Session, end: number, length: number): number {
  const { bytes } = session.tree.memory;
  // As Linux answers a name that is empty or too long.
  if (length === 0 || length > XATTR_NAME_MAX) return -ERANGE;
  const name = bytes.subarray(end - length, end);
  if (name.includes(0)) return -EINVAL;
  bytes.copyWithin(NAME_A, end - length, end);
  bytes[NAME_A + length] = 0;
  return session.tree.checkXattrName(length);
}
