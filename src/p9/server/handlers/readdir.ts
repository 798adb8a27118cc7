// Treaddir: the host's directory records in the protocol's form.
//
// The cookie of an entry is the host's d_off, all 64 bits of it, so that seekdir works as on the host. Reading on from
// where the descriptor stands is the usual case and needs no seek.

import { EBADF, EINVAL, ENOTDIR, EPROTO } from "../../../../assembly/abi/errno.ts";
import { SEEK_CUR, SEEK_SET } from "../../../../assembly/abi/fcntl.ts";
import { P9_HEADER } from "../../../../assembly/abi/p9.ts";
import { DT_UNKNOWN, S_IFDIR } from "../../../../assembly/abi/stat.ts";
import { DIRENTS, DIRENTS_SIZE, SLOT } from "../../../gofer/arena.ts";
import type { HostFs } from "../../../gofer/host-fs/host-fs.ts";
import type { Decoder } from "../decoder.ts";
import type { Encoder } from "../encoder.ts";
import type { Fid } from "../fid.ts";
import type { Session } from "../session.ts";
import { qidType } from "./attributes.ts";

const COUNT_SIZE = 4;
/** qid[13] offset[8] type[1] and the name's length[2]. */
const ENTRY_HEAD = 24;
/** struct linux_dirent64: ino[8] off[8] reclen[2] type[1] name, padded to eight. */
const RECORD_OFF = 8;
const RECORD_LENGTH = 16;
const RECORD_TYPE = 18;
const RECORD_NAME = 19;
const DOT = 0x2e;

export function readdir(session: Session, request: Decoder, reply: Encoder): number {
  const fid = session.fids.get(request.u32());
  const cookieLow = request.u32();
  const cookieHigh = request.u32();
  const wanted = request.u32();
  if (!request.complete()) return -EPROTO;
  if (fid === undefined) return -EBADF;
  if (fid.node.type !== S_IFDIR) return -ENOTDIR;
  if (!fid.isOpen) return -EINVAL;
  const status = seekTo(session.host, fid, cookieLow, cookieHigh);
  if (status < 0) return status;
  const head = reply.position;
  reply.skip(COUNT_SIZE);
  const limit = reply.position + Math.min(wanted, session.messageSize - P9_HEADER - COUNT_SIZE);
  const error = fill(session.host, fid, reply, limit);
  const end = reply.position;
  const length = end - head - COUNT_SIZE;
  // Zero entries mean the end to a client, so too little room for one is an error.
  if (length === 0 && error < 0) return error;
  reply.position = head;
  reply.u32(length);
  reply.position = end;
  return 0;
}

/** Appends entries until `limit` or the directory's end. Returns 0, or why it stopped early. */
function fill(host: HostFs, fid: Fid, reply: Encoder, limit: number): number {
  for (;;) {
    const capacity = Math.min(limit - reply.position, DIRENTS_SIZE);
    const length = host.native.getdents64(fid.openFd, SLOT, DIRENTS, capacity);
    if (length <= 0) return length;
    if (!putRecords(host, fid, reply, limit, DIRENTS + length)) {
      // Entries are a little longer than the host's records: those that did not fit are read again next time.
      const status = seekHost(host, fid);
      return status < 0 ? status : -EINVAL;
    }
  }
}

/** Converts the records in [DIRENTS, end). False when one did not fit; the fid's cookie is that of the last one put. */
function putRecords(host: HostFs, fid: Fid, reply: Encoder, limit: number, end: number): boolean {
  const { bytes, view } = host.arena;
  const { node } = fid;
  for (let record = DIRENTS; record < end; record += view.getUint16(record + RECORD_LENGTH, true)) {
    const name = record + RECORD_NAME;
    let nameEnd = name;
    while (bytes[nameEnd] !== 0) nameEnd++;
    const nameLength = nameEnd - name;
    if (reply.position + ENTRY_HEAD + nameLength > limit) return false;

    let inodeLow = view.getUint32(record, true);
    let inodeHigh = view.getUint32(record + 4, true);
    // The host's parent of the attach root is none of the client's business: the root is its own parent.
    if (nameLength === 2 && bytes[name] === DOT && bytes[name + 1] === DOT && node.parent === null) {
      inodeLow = node.inodeLow;
      inodeHigh = node.inodeHigh;
    }
    const type = typeOf(host, fid, record);
    // DT_* is S_IF* shifted, so that the qid's type follows from it.
    reply.u8(qidType(type << 12));
    reply.u32(0);
    reply.u64(inodeLow, host.qids.high(node.deviceMajor, node.deviceMinor, inodeHigh));
    fid.cookieLow = view.getUint32(record + RECORD_OFF, true);
    fid.cookieHigh = view.getUint32(record + RECORD_OFF + 4, true);
    reply.u64(fid.cookieLow, fid.cookieHigh);
    reply.u8(type);
    reply.u16(nameLength);
    reply.copy(name, nameLength);
  }
  return true;
}

/** A record's DT_* type, asked of the file itself where the host's file system does not tell. */
function typeOf(host: HostFs, fid: Fid, record: number): number {
  const type = host.arena.bytes[record + RECORD_TYPE]!;
  if (type !== DT_UNKNOWN) return type;
  const status = host.statName(fid.node.fd, record + RECORD_NAME);
  return status < 0 ? DT_UNKNOWN : host.nameStat.type >>> 12;
}

function seekTo(host: HostFs, fid: Fid, cookieLow: number, cookieHigh: number): number {
  // A cookie of 0 reads the directory anew, as rewinddir does.
  const isAnew = cookieLow === 0 && cookieHigh === 0;
  if (!isAnew && cookieLow === fid.cookieLow && cookieHigh === fid.cookieHigh) return 0;
  fid.cookieLow = cookieLow;
  fid.cookieHigh = cookieHigh;
  return seekHost(host, fid);
}

/** Moves the descriptor to the fid's cookie. Two steps, because a double holds either half exactly but not both. */
function seekHost(host: HostFs, fid: Fid): number {
  const { native } = host;
  const top = native.lseek(fid.openFd, (fid.cookieHigh | 0) * 0x1_0000_0000, SEEK_SET);
  if (top < 0 || fid.cookieLow === 0) return Math.min(top, 0);
  return Math.min(native.lseek(fid.openFd, fid.cookieLow, SEEK_CUR), 0);
}
