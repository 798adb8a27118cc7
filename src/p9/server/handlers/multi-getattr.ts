// Our Tmultigetattr: many names of one directory, as `ls -l` asks for them.

import { EBADF, EINVAL, EMSGSIZE, ENOTDIR, EPROTO } from "../../../../assembly/abi/errno.ts";
import { P9_NAMES_MAX, P9_NOFID } from "../../../../assembly/abi/p9.ts";
import { S_IFDIR } from "../../../../assembly/abi/stat.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import { NAME_A, REPLY } from "../memory.ts";
import type { Session } from "../session.ts";
import type { TreeNode } from "../tree-node.ts";
import { putFile } from "./attributes.ts";
import { step } from "./walk.ts";

const STATUS_SIZE = 4;

/** Each name has an answer of its own. As many are answered as the reply holds, and at least one. */
export function multiGetattr(session: Session, request: Decoder, reply: Encoder): number {
  const { fids } = session;
  const directory = fids.get(request.u32());
  const count = request.u16();
  if (count > P9_NAMES_MAX) return -EINVAL;
  const firstName = request.position;
  const nameError = skipNames(request, count);
  const numbers = Array.from({ length: count }, () => request.u32());
  if (!request.complete()) return -EPROTO;
  if (directory === undefined) return -EBADF;
  if (nameError < 0) return nameError;
  const usable = checkNewFids(session, numbers);
  if (usable < 0) return usable;
  if (directory.node.type !== S_IFDIR) return -ENOTDIR;

  request.reset(firstName, request.position);
  const head = reply.position;
  reply.skip(2);
  const found: [number, TreeNode][] = [];
  let answered = 0;
  for (; answered < count; answered++) {
    const length = request.name(NAME_A);
    const node = answer(session, directory.node, length, reply, answered === 0);
    if (node === -EMSGSIZE) break;
    if (typeof node !== "number") found.push([numbers[answered]!, node]);
  }
  for (const [number, node] of found) {
    if (session.isSuspended || number === P9_NOFID) node.decRef();
    else fids.insert(number, node, directory.uid);
  }
  const end = reply.position;
  reply.position = head;
  reply.u16(answered);
  reply.position = end;
  return 0;
}

/** Steps over the names, so that what follows them can be read. Returns 0 or the first one's error. */
function skipNames(request: Decoder, count: number): number {
  let error = 0;
  for (let i = 0; i < count; i++) {
    const length = request.name(NAME_A);
    if (length < 0 && error === 0) error = length;
  }
  return error;
}

function checkNewFids(session: Session, numbers: readonly number[]): number {
  const wanted = numbers.filter((number) => number !== P9_NOFID);
  if (new Set(wanted).size !== wanted.length) return -EINVAL;
  for (const number of wanted) {
    const usable = session.checkNewFid(number, wanted.length);
    if (usable < 0) return usable;
  }
  return 0;
}

/** Answers the name at NAME_A: the referenced node, or why there is none; -EMSGSIZE, and nothing is written, when it has no room. */
function answer(
  session: Session,
  directory: TreeNode,
  length: number,
  reply: Encoder,
  isFirst: boolean,
): TreeNode | number {
  const head = reply.position;
  if (REPLY + session.messageSize - head < STATUS_SIZE) return -EMSGSIZE;
  const node = step(session, directory, NAME_A, length);
  reply.u32(0);
  const status = typeof node === "number" ? node : putFile(session, node, reply);
  if (status === 0) return node;
  if (typeof node !== "number") node.decRef();
  reply.position = head;
  // No reply has room for the first one: then that is what is wrong with it.
  if (status === -EMSGSIZE && !isFirst) return status;
  reply.u32(-status);
  return isFirst && status === -EMSGSIZE ? -EINVAL : status;
}
