// Trenameat and our Trenameat2 by two names, Trename by a fid and one.

import { EBADF, EBUSY, EINVAL, ENOENT, EPROTO, EROFS } from "../../../../assembly/abi/errno.ts";
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from "../../../../assembly/abi/fcntl.ts";
import { NAME_A, NAME_B, SLOT } from "../../../gofer/arena.ts";
import type { HostNode } from "../../../gofer/host-fs/host-node.ts";
import type { Decoder } from "../decoder.ts";
import { entryName } from "../names.ts";
import type { Session } from "../session.ts";

const FLAGS = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;

export function renameat(session: Session, request: Decoder): number {
  return renameNames(session, request, false);
}

/** The host says EINVAL to flags that do not go together, and to what its file system cannot do. */
export function renameat2(session: Session, request: Decoder): number {
  return renameNames(session, request, true);
}

function renameNames(session: Session, request: Decoder, hasFlags: boolean): number {
  const { host, fids } = session;
  const { bytes } = host.arena;
  const oldDirectory = fids.get(request.u32());
  const oldLength = entryName(request, bytes, NAME_A, EBUSY);
  const newDirectory = fids.get(request.u32());
  const newLength = entryName(request, bytes, NAME_B, EBUSY);
  const flags = hasFlags ? request.u32() : 0;
  if (!request.complete()) return -EPROTO;
  if (oldDirectory === undefined || newDirectory === undefined) return -EBADF;
  if (oldLength < 0) return oldLength;
  if (newLength < 0) return newLength;
  if ((flags & ~FLAGS) !== 0) return -EINVAL;
  if (session.mount.readonly) return -EROFS;
  return move(session, oldDirectory.node, oldLength, newDirectory.node, newLength, flags);
}

export function rename(session: Session, request: Decoder): number {
  const { host, fids } = session;
  const fid = fids.get(request.u32());
  const directory = fids.get(request.u32());
  const length = entryName(request, host.arena.bytes, NAME_B, EBUSY);
  if (!request.complete()) return -EPROTO;
  if (fid === undefined || directory === undefined) return -EBADF;
  if (length < 0) return length;
  if (session.mount.readonly) return -EROFS;
  const { node } = fid;
  if (node.parent === null) return -EBUSY;
  host.putName(node, NAME_A);
  if (!host.isStillAt(node, NAME_A)) return -ENOENT;
  return move(session, node.parent, node.name.length, directory.node, length, 0);
}

/** Renames the entry at NAME_A in `from` to NAME_B in `to`, and tells the fids that had the old name. */
function move(
  session: Session,
  from: HostNode,
  oldLength: number,
  to: HostNode,
  newLength: number,
  flags: number,
): number {
  const { native, arena } = session.host;
  const status = native.renameat2(from.fd, SLOT, NAME_A, to.fd, NAME_B, flags);
  if (status < 0) return status;
  const oldName = arena.bytes.slice(NAME_A, NAME_A + oldLength);
  const newName = arena.bytes.slice(NAME_B, NAME_B + newLength);
  for (const { node } of session.fids.values()) {
    if (isAt(node, from, oldName)) node.moveTo(to, newName, native);
    else if ((flags & RENAME_EXCHANGE) !== 0 && isAt(node, to, newName)) node.moveTo(from, oldName, native);
  }
  return status;
}

/**
 * Directories have a node for each way in, so that they are compared by inode. The name is compared first: every fid of the
 * connection is asked at every rename.
 */
function isAt(node: HostNode, directory: HostNode, name: Uint8Array): boolean {
  return isSameName(node.name, name) && node.parent?.isSameFile(directory) === true;
}

/** From the end: names beside each other often begin alike. */
function isSameName(a: Uint8Array, b: Uint8Array): boolean {
  let at = a.length;
  if (at !== b.length) return false;
  while (at > 0 && a[at - 1] === b[at - 1]) at--;
  return at === 0;
}
