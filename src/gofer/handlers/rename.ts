// Trenameat and Trename: by two names, or by a fid and one.

import { EBADF, EBUSY, ENOENT, EPROTO, EROFS } from "../../../assembly/abi/errno.ts";
import { NAME_A, NAME_B, SLOT } from "../arena.ts";
import type { HostNode } from "../host-fs/host-node.ts";
import type { Decoder } from "../p9/decoder.ts";
import { entryName } from "../p9/names.ts";
import type { Session } from "../session.ts";

export function renameat(session: Session, request: Decoder): number {
  const { host, fids } = session;
  const { bytes } = host.arena;
  const oldDirectory = fids.get(request.u32());
  const oldLength = entryName(request, bytes, NAME_A, EBUSY);
  const newDirectory = fids.get(request.u32());
  const newLength = entryName(request, bytes, NAME_B, EBUSY);
  if (!request.complete()) return -EPROTO;
  if (oldDirectory === undefined || newDirectory === undefined) return -EBADF;
  if (oldLength < 0) return oldLength;
  if (newLength < 0) return newLength;
  if (session.mount.readonly) return -EROFS;
  return move(session, oldDirectory.node, oldLength, newDirectory.node, newLength);
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
  return move(session, node.parent, node.name.length, directory.node, length);
}

/** Renames the entry at NAME_A in `from` to NAME_B in `to`, and tells the fids that had the old name. */
function move(session: Session, from: HostNode, oldLength: number, to: HostNode, newLength: number): number {
  const { native, arena } = session.host;
  const status = native.renameat2(from.fd, SLOT, NAME_A, to.fd, NAME_B, 0);
  if (status < 0) return status;
  const oldName = arena.bytes.slice(NAME_A, NAME_A + oldLength);
  const newName = arena.bytes.slice(NAME_B, NAME_B + newLength);
  for (const { node } of session.fids.values()) {
    // Directories have a node for each way in, so that they are compared by inode.
    const wasThere = node.parent?.isSameFile(from) === true && Buffer.compare(node.name, oldName) === 0;
    if (wasThere) node.moveTo(to, newName, native);
  }
  return status;
}
