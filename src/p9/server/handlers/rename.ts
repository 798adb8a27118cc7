// Trenameat and our Trenameat2 by two names, Trename by a fid and one.

import { EBADF, EBUSY, EINVAL, ENOENT, EPROTO, EROFS } from "../../../../assembly/abi/errno.ts";
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from "../../../../assembly/abi/fcntl.ts";
import type { Decoder } from "../decoder.ts";
import { NAME_A, NAME_B } from "../memory.ts";
import { entryName, putName } from "../names.ts";
import type { Session } from "../session.ts";
import type { TreeNode } from "../tree-node.ts";

const FLAGS = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;

export function renameat(session: Session, request: Decoder): number {
  return renameNames(session, request, false);
}

/** The tree says EINVAL to flags that do not go together, and to what it cannot do. */
export function renameat2(session: Session, request: Decoder): number {
  return renameNames(session, request, true);
}

function renameNames(session: Session, request: Decoder, hasFlags: boolean): number {
  const { tree, fids } = session;
  const { bytes } = tree.memory;
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
  if (session.tree.readonly) return -EROFS;
  return move(session, oldDirectory.node, oldLength, newDirectory.node, newLength, flags);
}

export function rename(session: Session, request: Decoder): number {
  const { tree, fids } = session;
  const fid = fids.get(request.u32());
  const directory = fids.get(request.u32());
  const length = entryName(request, tree.memory.bytes, NAME_B, EBUSY);
  if (!request.complete()) return -EPROTO;
  if (fid === undefined || directory === undefined) return -EBADF;
  if (length < 0) return length;
  if (session.tree.readonly) return -EROFS;
  const { node } = fid;
  if (node.parent === null) return -EBUSY;
  const oldLength = putName(tree.memory.bytes, node.name, NAME_A);
  if (!tree.isStillAt(node, NAME_A)) return -ENOENT;
  return move(session, node.parent, oldLength, directory.node, length, 0);
}

/** Renames the entry at NAME_A in `from` to NAME_B in `to`, and tells the fids that had the old name. */
function move(
  session: Session,
  from: TreeNode,
  oldLength: number,
  to: TreeNode,
  newLength: number,
  flags: number,
): number {
  const { tree } = session;
  const { bytes } = tree.memory;
  const status = tree.rename(from, NAME_A, oldLength, to, NAME_B, newLength, flags);
  if (status < 0) return status;
  const oldName = bytes.slice(NAME_A, NAME_A + oldLength);
  const newName = bytes.slice(NAME_B, NAME_B + newLength);
  const isExchange = (flags & RENAME_EXCHANGE) !== 0;
  for (const node of knownNodes(session)) {
    if (isAt(node, from, oldName)) settle(session, node, to, newName);
    else if (isExchange && isAt(node, to, newName)) settle(session, node, from, oldName);
  }
  return status;
}

/** Those of all fids, and the directories that they were reached through. */
function knownNodes(session: Session): Set<TreeNode> {
  const nodes = new Set<TreeNode>();
  for (const fid of session.fids.values()) {
    for (let at: TreeNode | null = fid.node; at !== null && !nodes.has(at); at = at.parent) nodes.add(at);
  }
  return nodes;
}

/**
 * Records where a file is now. Others may have moved directories without the server's knowledge, so that the way up from
 * `parent` seems to lead through the very file: then the root stands for the parent, since a circle would never be let go of.
 */
function settle(session: Session, node: TreeNode, parent: TreeNode, name: Uint8Array): void {
  node.moveTo(parent.isBelow(node) ? session.tree.root : parent, name);
}

/**
 * Directories have a node for each way in, so that they are compared by inode. The name is compared first: every fid of the
 * connection is asked at every rename.
 */
function isAt(node: TreeNode, directory: TreeNode, name: Uint8Array): boolean {
  return isSameName(node.name, name) && node.parent?.isSameFile(directory) === true;
}

/** From the end: names beside each other often begin alike. */
function isSameName(a: Uint8Array, b: Uint8Array): boolean {
  let at = a.length;
  if (at !== b.length) return false;
  while (at > 0 && a[at - 1] === b[at - 1]) at--;
  return at === 0;
}
