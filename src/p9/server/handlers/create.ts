// Tlcreate, Tmkdir, Tsymlink, Tmknod, Tlink, and our Tcreateattr and Ttmpfile: new files and new names.

import {
  EBADF,
  EEXIST,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  EPERM,
  EPROTO,
  EROFS,
} from "../../../../assembly/abi/errno.ts";
import { O_ACCMODE, O_CREAT, O_EXCL, O_RDWR } from "../../../../assembly/abi/fcntl.ts";
import { PATH_MAX } from "../../../../assembly/abi/limits.ts";
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from "../../../../assembly/abi/stat.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid } from "../fid.ts";
import { NAME_A, PATH } from "../memory.ts";
import { entryName } from "../names.ts";
import type { Session } from "../session.ts";
import { putFile } from "./attributes.ts";
import { finishOpen } from "./open.ts";

/** mkdir(2) takes no set-id bits: a directory inherits its group's from its parent. */
const DIRECTORY_PERMISSIONS = 0o1777;
const PERMISSIONS = 0o7777;

/** The fid of the directory becomes that of the new, open file. */
export function lcreate(session: Session, request: Decoder, reply: Encoder): number {
  const { tree, fids } = session;
  const fid = fids.get(request.u32());
  const length = entryName(request, tree.memory.bytes, NAME_A, EEXIST);
  const flags = request.u32();
  const mode = request.u32();
  const gid = request.u32();
  if (!request.complete()) return -EPROTO;
  const refused = checkNewEntry(session, fid, length);
  if (refused < 0) return refused;
  if (fid!.isOpen || fid!.attribute !== null) return -EINVAL;
  const owner = { uid: fid!.uid, gid };
  const file = tree.create(fid!.node, NAME_A, length, flags, mode & PERMISSIONS, owner);
  if (typeof file === "number") return file;
  finishOpen(session, fid!, file.node, file.handle, flags & O_ACCMODE, reply);
  file.node.decRef();
  return 0;
}

/** As Tlcreate, but with the file's attributes, a fid on it besides the open one, and an owner. */
export function createAttributes(session: Session, request: Decoder, reply: Encoder): number {
  const { tree, fids } = session;
  const fid = fids.get(request.u32());
  const openNumber = request.u32();
  const newNumber = request.u32();
  const length = entryName(request, tree.memory.bytes, NAME_A, EEXIST);
  const mode = request.u32();
  const owner = { uid: request.u32(), gid: request.u32() };
  if (!request.complete()) return -EPROTO;
  const refused = checkNewEntry(session, fid, length);
  if (refused < 0) return refused;
  const usable = openNumber === newNumber ? -EINVAL : session.checkNewFid(openNumber, 2);
  const usableToo = session.checkNewFid(newNumber, 2);
  if (usable < 0 || usableToo < 0) return Math.min(usable, usableToo);
  const flags = O_RDWR | O_CREAT | O_EXCL;
  const file = tree.create(fid!.node, NAME_A, length, flags, mode & PERMISSIONS, owner);
  if (typeof file === "number") return file;
  const { node, handle } = file;
  const status = putFile(session, node, reply);
  if (status < 0) {
    tree.close(handle);
    node.decRef();
    return status;
  }
  node.incRef();
  fids.opened(fids.insert(openNumber, node, fid!.uid), handle, O_RDWR);
  fids.insert(newNumber, node, fid!.uid);
  if (tree.donates) session.donation = handle;
  return 0;
}

/** O_TMPFILE. */
export function tmpfile(session: Session, request: Decoder, reply: Encoder): number {
  const { tree, fids } = session;
  const fid = fids.get(request.u32());
  const newNumber = request.u32();
  const mode = request.u32();
  const owner = { uid: request.u32(), gid: request.u32() };
  if (!request.complete()) return -EPROTO;
  const refused = checkNewEntry(session, fid, 0);
  if (refused < 0) return refused;
  const usable = session.checkNewFid(newNumber);
  if (usable < 0) return usable;
  const node = tree.createUnnamed(fid!.node, mode & PERMISSIONS, owner);
  if (typeof node === "number") return node;
  const status = putFile(session, node, reply);
  if (status === 0) fids.insert(newNumber, node, fid!.uid);
  else node.decRef();
  return status;
}

export function mkdir(session: Session, request: Decoder, reply: Encoder): number {
  const { tree } = session;
  const fid = session.fids.get(request.u32());
  const length = entryName(request, tree.memory.bytes, NAME_A, EEXIST);
  const mode = request.u32();
  const gid = request.u32();
  if (!request.complete()) return -EPROTO;
  const refused = checkNewEntry(session, fid, length);
  if (refused < 0) return refused;
  const owner = { uid: fid!.uid, gid };
  const status = tree.mkdir(fid!.node, NAME_A, length, mode & DIRECTORY_PERMISSIONS, owner);
  return answerMade(session, status, reply);
}

export function symlink(session: Session, request: Decoder, reply: Encoder): number {
  const { tree } = session;
  const fid = session.fids.get(request.u32());
  const length = entryName(request, tree.memory.bytes, NAME_A, EEXIST);
  const targetLength = request.string();
  const targetEnd = request.position;
  const gid = request.u32();
  if (!request.complete()) return -EPROTO;
  const refused = checkNewEntry(session, fid, length);
  if (refused < 0) return refused;
  const targetError = copyTarget(tree.memory.bytes, targetEnd - targetLength, targetLength);
  if (targetError < 0) return targetError;
  const status = tree.symlink(fid!.node, NAME_A, length, targetLength, { uid: fid!.uid, gid });
  return answerMade(session, status, reply);
}

/** A target is any path: where it leads is resolved by the client, in its own tree. */
function copyTarget(bytes: Uint8Array, from: number, length: number): number {
  if (length === 0) return -ENOENT;
  if (length >= PATH_MAX) return -ENAMETOOLONG;
  bytes.copyWithin(PATH, from, from + length);
  bytes[PATH + length] = 0;
  return bytes.subarray(PATH, PATH + length).includes(0) ? -EINVAL : 0;
}

export function mknod(session: Session, request: Decoder, reply: Encoder): number {
  const { tree } = session;
  const fid = session.fids.get(request.u32());
  const length = entryName(request, tree.memory.bytes, NAME_A, EEXIST);
  const mode = request.u32();
  const major = request.u32();
  const minor = request.u32();
  const gid = request.u32();
  if (!request.complete()) return -EPROTO;
  const refused = checkNewEntry(session, fid, length);
  if (refused < 0) return refused;
  const type = (mode & S_IFMT) === 0 ? S_IFREG : mode & S_IFMT;
  const typeError = checkNodeType(type, major, minor);
  if (typeError < 0) return typeError;
  const owner = { uid: fid!.uid, gid };
  const status = tree.mknod(fid!.node, NAME_A, length, type | (mode & PERMISSIONS), owner);
  return answerMade(session, status, reply);
}

function checkNodeType(type: number, major: number, minor: number): number {
  // An overlay's whiteout: a device that there is not, which Linux lets everybody make.
  if (type === S_IFCHR && major === 0 && minor === 0) return 0;
  // Any other device node on the host's file system is a door to the host's drivers, whoever opens it.
  if (type === S_IFCHR || type === S_IFBLK) return -EPERM;
  return type === S_IFREG || type === S_IFIFO || type === S_IFSOCK ? 0 : -EINVAL;
}

/** A second name for the file of `fid`: not through any name that it had. */
export function link(session: Session, request: Decoder): number {
  const { tree, fids } = session;
  const directory = fids.get(request.u32());
  const fid = fids.get(request.u32());
  const length = entryName(request, tree.memory.bytes, NAME_A, EEXIST);
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  const refused = checkNewEntry(session, directory, length);
  return refused < 0 ? refused : tree.link(fid.node, directory!.node, NAME_A, length);
}

/** What every message that makes an entry in `fid`'s directory checks first. `length` is entryName()'s result. */
function checkNewEntry(session: Session, fid: Fid | undefined, length: number): number {
  if (fid === undefined) return -EBADF;
  if (length < 0) return length;
  return session.tree.readonly ? -EROFS : 0;
}

function answerMade(session: Session, status: number, reply: Encoder): number {
  if (status < 0) return status;
  session.tree.putQid(reply);
  return 0;
}
