// Tunlinkat and Tremove.

import {
  EBADF,
  EBUSY,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTEMPTY,
  EPROTO,
  EROFS,
} from "../../../../assembly/abi/errno.ts";
import { AT_REMOVEDIR } from "../../../../assembly/abi/fcntl.ts";
import { S_IFDIR } from "../../../../assembly/abi/stat.ts";
import type { Decoder } from "../decoder.ts";
import { NAME_A } from "../memory.ts";
import { countDots, putName } from "../names.ts";
import type { Session } from "../session.ts";
import type { TreeNode } from "../tree-node.ts";

/** Removes a name; fids on the file stay. The tree says EISDIR or ENOTDIR when the flag does not fit the file. */
export function unlinkat(session: Session, request: Decoder): number {
  const { tree } = session;
  const fid = session.fids.get(request.u32());
  const length = request.name(NAME_A);
  const flags = request.u32();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (length < 0) return length;
  if ((flags & ~AT_REMOVEDIR) !== 0) return -EINVAL;
  if (session.tree.readonly) return -EROFS;
  const dots = countDots(tree.memory.bytes, NAME_A, length);
  if (dots > 0) return -dotsError(dots, flags);
  return tree.unlink(fid.node, NAME_A, length, flags);
}

/** As Linux answers unlink and rmdir of "." and "..". */
function dotsError(dots: number, flags: number): number {
  if ((flags & AT_REMOVEDIR) === 0) return EISDIR;
  return dots === 1 ? EINVAL : ENOTEMPTY;
}

/** Removes the file by the name through which the fid came, and clunks the fid whatever comes of it. */
export function remove(session: Session, request: Decoder): number {
  const fid = session.fids.get(request.u32());
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  const status = session.tree.readonly ? -EROFS : removeNode(session, fid.node);
  if (!session.isSuspended) session.fids.clunk(fid);
  return status;
}

function removeNode(session: Session, node: TreeNode): number {
  const { tree } = session;
  if (node.parent === null) return -EBUSY;
  const length = putName(tree.memory.bytes, node.name, NAME_A);
  if (!tree.isStillAt(node, NAME_A)) return -ENOENT;
  return tree.unlink(node.parent, NAME_A, length, node.type === S_IFDIR ? AT_REMOVEDIR : 0);
}
