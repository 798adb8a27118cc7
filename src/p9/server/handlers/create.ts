// Tlcreate, Tmkdir, Tsymlink, Tmknod, Tlink, and our Tcreateattr and Ttmpfile: new files and new names.

import {
  EBADF,
  EEXIST,
  EINVAL,
  EMFILE,
  ENAMETOOLONG,
  ENOENT,
  EPERM,
  EPROTO,
  EROFS,
} from "../../../../assembly/abi/errno.ts";
import { AT_SYMLINK_FOLLOW, O_ACCMODE, O_CREAT, O_EXCL, O_RDWR } from "../../../../assembly/abi/fcntl.ts";
import { PATH_MAX } from "../../../../assembly/abi/limits.ts";
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from "../../../../assembly/abi/stat.ts";
import { NAME_A, PATH, SLOT } from "../../../gofer/arena.ts";
import { createFile, createUnnamed, settle } from "../../../gofer/host-fs/create.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid } from "../fid.ts";
import { entryName } from "../names.ts";
import type { Session } from "../session.ts";
import { putAttributes, putQid } from "./attributes.ts";
import { finishOpen } from "./open.ts";

/** mkdir(2) takes no set-id bits: a directory inherits its group's from its parent. */
const DIRECTORY_PERMISSIONS = 0o1777;
const PERMISSIONS = 0o7777;

/** The fid of the directory becomes that of the new, open file. */
export function lcreate(session: Session, request: Decoder, reply: Encoder): number {
  const { host, budget, fids } = session;
  const fid = fids.get(request.u32());
  const length = entryName(request, host.arena.bytes, NAME_A, EEXIST);
  const flags = request.u32();
  const mode = request.u32();
  const gid = request.u32();
  if (!request.complete()) return -EPROTO;
  const refused = checkNewEntry(session, fid, length);
  if (refused < 0) return refused;
  if (fid!.isOpen || fid!.attribute !== null) return -EINVAL;
  const owner = { uid: fid!.uid, gid };
  const file = createFile(host, fid!.node, NAME_A, length, flags, mode, owner, budget);
  if (typeof file === "number") return file;
  const status = finishOpen(session, fid!, file.node, file.fd, flags & O_ACCMODE, reply);
  file.node.decRef(host.native);
  return status;
}

/** As Tlcreate, but with the file's attributes, a fid on it besides the open one, and an owner. */
export function createAttributes(session: Session, request: Decoder, reply: Encoder): number {
  const { host, budget, fids } = session;
  const fid = fids.get(request.u32());
  const openNumber = request.u32();
  const newNumber = request.u32();
  const length = entryName(request, host.arena.bytes, NAME_A, EEXIST);
  const mode = request.u32();
  const owner = { uid: request.u32(), gid: request.u32() };
  if (!request.complete()) return -EPROTO;
  const refused = checkNewEntry(session, fid, length);
  if (refused < 0) return refused;
  const usable = openNumber === newNumber ? -EINVAL : session.checkNewFid(openNumber, 2);
  const usableToo = session.checkNewFid(newNumber, 2);
  if (usable < 0 || usableToo < 0) return Math.min(usable, usableToo);
  const flags = O_RDWR | O_CREAT | O_EXCL;
  const file = createFile(host, fid!.node, NAME_A, length, flags, mode, owner, budget);
  if (typeof file === "number") return file;
  const { node, fd } = file;
  const status = host.statNode(node);
  if (status < 0) {
    host.native.close(fd);
    node.decRef(host.native);
    return status;
  }
  node.incRef();
  fids.opened(fids.insert(openNumber, node, fid!.uid), fd, O_RDWR);
  fids.insert(newNumber, node, fid!.uid);
  putAttributes(reply, host.stat, host.qids);
  if (session.mount.donate) session.donation = fd;
  return 0;
}

/** O_TMPFILE. EOPNOTSUPP where the host's file system has none. */
export function tmpfile(session: Session, request: Decoder, reply: Encoder): number {
  const { host, budget, fids } = session;
  const fid = fids.get(request.u32());
  const newNumber = request.u32();
  const mode = request.u32();
  const owner = { uid: request.u32(), gid: request.u32() };
  if (!request.complete()) return -EPROTO;
  const refused = checkNewEntry(session, fid, 0);
  if (refused < 0) return refused;
  const usable = session.checkNewFid(newNumber);
  if (usable < 0) return usable;
  const node = createUnnamed(host, fid!.node, mode, owner, budget);
  if (typeof node === "number") return node;
  fids.insert(newNumber, node, fid!.uid);
  putAttributes(reply, host.stat, host.qids);
  return 0;
}

export function mkdir(session: Session, request: Decoder, reply: Encoder): number {
  const { host } = session;
  const fid = session.fids.get(request.u32());
  const length = entryName(request, host.arena.bytes, NAME_A, EEXIST);
  const mode = request.u32();
  const gid = request.u32();
  if (!request.complete()) return -EPROTO;
  const refused = checkNewEntry(session, fid, length);
  if (refused < 0) return refused;
  const status = host.native.mkdirat(fid!.node.fd, SLOT, NAME_A, mode & DIRECTORY_PERMISSIONS);
  return status < 0 ? status : answerMade(session, fid!, length, S_IFDIR, mode, gid, reply);
}

export function symlink(session: Session, request: Decoder, reply: Encoder): number {
  const { host } = session;
  const fid = session.fids.get(request.u32());
  const length = entryName(request, host.arena.bytes, NAME_A, EEXIST);
  const targetLength = request.string();
  const targetEnd = request.position;
  const gid = request.u32();
  if (!request.complete()) return -EPROTO;
  const refused = checkNewEntry(session, fid, length);
  if (refused < 0) return refused;
  const targetError = copyTarget(host.arena.bytes, targetEnd - targetLength, targetLength);
  if (targetError < 0) return targetError;
  const status = host.native.symlinkat(SLOT, PATH, fid!.node.fd, NAME_A);
  return status < 0 ? status : answerMade(session, fid!, length, S_IFLNK, 0, gid, reply);
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
  const { host } = session;
  const fid = session.fids.get(request.u32());
  const length = entryName(request, host.arena.bytes, NAME_A, EEXIST);
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
  const status = host.native.mknodat(fid!.node.fd, SLOT, NAME_A, type | (mode & PERMISSIONS), 0, 0);
  return status < 0 ? status : answerMade(session, fid!, length, type, mode, gid, reply);
}

function checkNodeType(type: number, major: number, minor: number): number {
  // An overlay's whiteout: a device that there is not, which Linux lets everybody make.
  if (type === S_IFCHR && major === 0 && minor === 0) return 0;
  // Any other device node on the host's file system is a door to the host's drivers, whoever opens it.
  if (type === S_IFCHR || type === S_IFBLK) return -EPERM;
  return type === S_IFREG || type === S_IFIFO || type === S_IFSOCK ? 0 : -EINVAL;
}

/** A second name for the file of `fid`, through its descriptor: not through any name that it had. */
export function link(session: Session, request: Decoder): number {
  const { host, fids } = session;
  const directory = fids.get(request.u32());
  const fid = fids.get(request.u32());
  const length = entryName(request, host.arena.bytes, NAME_A, EEXIST);
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  const refused = checkNewEntry(session, directory, length);
  if (refused < 0) return refused;
  // linkat(AT_EMPTY_PATH) wants CAP_DAC_READ_SEARCH; the way through /proc works for everybody.
  host.putFdName(fid.node.fd);
  const target = directory!.node.fd;
  return host.native.linkat(host.procSelfFd, SLOT, PATH, target, NAME_A, AT_SYMLINK_FOLLOW);
}

/** What every message that makes an entry in `fid`'s directory checks first. `length` is entryName()'s result. */
function checkNewEntry(session: Session, fid: Fid | undefined, length: number): number {
  if (fid === undefined) return -EBADF;
  if (length < 0) return length;
  if (session.mount.readonly) return -EROFS;
  // settle() opens what was made: it must not find out then that it may not.
  return session.budget.exhausted ? -EMFILE : 0;
}

function answerMade(
  session: Session,
  fid: Fid,
  length: number,
  type: number,
  mode: number,
  gid: number,
  reply: Encoder,
): number {
  const { host } = session;
  const owner = { uid: fid.uid, gid };
  const status = settle(host, fid.node, NAME_A, length, type, mode, owner, session.budget);
  if (status < 0) return status;
  putQid(reply, host.stat, host.qids);
  return 0;
}
