// Extended attributes: Txattrwalk and Tread, Txattrcreate and Twrite and Tclunk, and our Txattrremove.
//
// Which ones. Whatever the client asks for in the namespaces that file systems store (user, trusted, security, and the two
// POSIX ACLs) goes to the host, which allows what the gofer's capabilities allow. Who in the sandbox may ask is the client's
// to say, as it is for mode bits. Other names are EOPNOTSUPP: what lies behind them is made up by the host's kernel.

import {
  E2BIG,
  EBADF,
  EBUSY,
  EINVAL,
  ENOMEM,
  EOPNOTSUPP,
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
import { NAME_A, SLOT, XATTR } from "../../../gofer/arena.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid, FidAttribute } from "../fid.ts";
import type { Session } from "../session.ts";

/** What all values together may take that one client reads or writes at a time. */
const VALUES_MAX = 1 << 22;
const NAMESPACES = ["user.", "trusted.", "security."];
const ACLS = ["system.posix_acl_access", "system.posix_acl_default"];

export function xattrwalk(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const newNumber = request.u32();
  const length = request.string();
  const end = request.position;
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  const usable = session.checkNewFid(newNumber);
  if (usable < 0) return usable;
  const { native, procSelfFd, arena } = session.host;
  const { fd } = fid.node;
  // No name asks for the list of names.
  const nameError = length === 0 ? 0 : takeName(session, end, length);
  if (nameError < 0) return nameError;
  const size =
    length === 0
      ? native.listxattr(procSelfFd, fd, SLOT, XATTR, XATTR_SIZE_MAX)
      : native.getxattr(procSelfFd, fd, SLOT, NAME_A, XATTR, XATTR_SIZE_MAX);
  // Larger than any value that can be set: the host's file system breaks its own rule.
  if (size < 0) return size === -ERANGE ? -E2BIG : size;
  if (session.fids.attributeBytes + size > VALUES_MAX) return -ENOMEM;
  fid.node.incRef();
  const made = session.fids.insert(newNumber, fid.node, fid.uid);
  session.fids.setAttribute(made, {
    value: arena.bytes.slice(XATTR, XATTR + size),
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
  if (session.mount.readonly) return -EROFS;
  if (session.fids.attributeBytes + size > VALUES_MAX) return -ENOMEM;
  const name = Buffer.from(session.host.arena.bytes.subarray(NAME_A, NAME_A + length)).toString("latin1");
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
  if (session.mount.readonly) return -EROFS;
  const { native, procSelfFd } = session.host;
  return native.removexattr(procSelfFd, fid.node.fd, SLOT, NAME_A);
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
  session.host.arena.bytes.set(part, reply.position);
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
  attribute.value.set(session.host.arena.bytes.subarray(data, data + count), offset);
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
  const { native, procSelfFd, arena } = session.host;
  const { fd } = fid.node;
  arena.bytes.set(Buffer.from(`${target.name}\0`, "latin1"), NAME_A);
  // Plain 9P2000.L has no other way to remove one; clients that know the extension do.
  if (value.length === 0 && !session.extended) return native.removexattr(procSelfFd, fd, SLOT, NAME_A);
  arena.bytes.set(value, XATTR);
  return native.setxattr(procSelfFd, fd, SLOT, NAME_A, XATTR, value.length, target.flags);
}

/** Copies the name that ends at `end` of the message to NAME_A. Errors: ERANGE, EINVAL, EOPNOTSUPP. */
function takeName(session: Session, end: number, length: number): number {
  const { bytes } = session.host.arena;
  // As the host answers a name that is empty or too long.
  if (length === 0 || length > XATTR_NAME_MAX) return -ERANGE;
  const name = bytes.subarray(end - length, end);
  if (name.includes(0)) return -EINVAL;
  bytes.copyWithin(NAME_A, end - length, end);
  bytes[NAME_A + length] = 0;
  const text = Buffer.from(name).toString("latin1");
  const isStored = NAMESPACES.some((prefix) => text.startsWith(prefix)) || ACLS.includes(text);
  return isStored ? 0 : -EOPNOTSUPP;
}
