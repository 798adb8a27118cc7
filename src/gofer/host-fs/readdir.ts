// Reading directories: the host's records in the protocol's form.
//
// The cookie of an entry is the host's d_off, all 64 bits of it, so that seekdir works as on the host. Reading on from
// where the descriptor stands is the usual case and needs no seek.

import { EINVAL } from "../../../assembly/abi/errno.ts";
import { SEEK_SET } from "../../../assembly/abi/fcntl.ts";
import { DT_UNKNOWN } from "../../../assembly/abi/stat.ts";
import { wideOf } from "../../common/wide.ts";
import type { Encoder } from "../../p9/server/encoder.ts";
import { qidType } from "../../p9/server/qid.ts";
import { DIRENTS, DIRENTS_SIZE, SLOT } from "../arena.ts";
import type { HostFs } from "./host-fs.ts";
import type { HostStream } from "./host-node.ts";

/** qid[13] offset[8] type[1] and the name's length[2]. */
const ENTRY_HEAD = 24;
/** struct linux_dirent64: ino[8] off[8] reclen[2] type[1] name, padded to eight. */
const RECORD_OFF = 8;
const RECORD_LENGTH = 16;
const RECORD_TYPE = 18;
const RECORD_NAME = 19;
const DOT = 0x2e;

/** Appends entries behind the cookie until `limit` or the directory's end. Returns 0, or why it stopped early. */
export function readDirectory(
  host: HostFs,
  stream: HostStream,
  cookieLow: number,
  cookieHigh: number,
  reply: Encoder,
  limit: number,
): number {
  const status = seekTo(host, stream, cookieLow, cookieHigh);
  return status < 0 ? status : fill(host, stream, reply, limit);
}

/** Appends entries until `limit` or the directory's end. Returns 0, or why it stopped early. */
function fill(host: HostFs, stream: HostStream, reply: Encoder, limit: number): number {
  for (;;) {
    const capacity = Math.min(limit - reply.position, DIRENTS_SIZE);
    const length = host.native.getdents64(stream.handle, SLOT, DIRENTS, capacity);
    if (length <= 0) return length;
    if (!putRecords(host, stream, reply, limit, DIRENTS + length)) {
      // Entries are a little longer than the host's records: those that did not fit are read again next time.
      const status = seekHost(host, stream);
      return status < 0 ? status : -EINVAL;
    }
  }
}

/** Converts the records in [DIRENTS, end). False when one did not fit; the stream's cookie is that of the last one put. */
function putRecords(host: HostFs, stream: HostStream, reply: Encoder, limit: number, end: number): boolean {
  const { bytes, view } = host.arena;
  const { node } = stream;
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
    const type = typeOf(host, stream, record);
    // DT_* is S_IF* shifted, so that the qid's type follows from it.
    reply.u8(qidType(type << 12));
    reply.u32(0);
    reply.u64(inodeLow, host.qids.high(node.deviceMajor, node.deviceMinor, inodeHigh));
    stream.cookieLow = view.getUint32(record + RECORD_OFF, true);
    stream.cookieHigh = view.getUint32(record + RECORD_OFF + 4, true);
    reply.u64(stream.cookieLow, stream.cookieHigh);
    reply.u8(type);
    reply.u16(nameLength);
    reply.copy(name, nameLength);
  }
  return true;
}

/** A record's DT_* type, asked of the file itself where the host's file system does not tell. */
function typeOf(host: HostFs, stream: HostStream, record: number): number {
  const type = host.arena.bytes[record + RECORD_TYPE]!;
  if (type !== DT_UNKNOWN) return type;
  const status = host.statName(stream.node.fd, record + RECORD_NAME);
  return status < 0 ? DT_UNKNOWN : host.nameStat.type >>> 12;
}

function seekTo(host: HostFs, stream: HostStream, cookieLow: number, cookieHigh: number): number {
  // A cookie of 0 reads the directory anew, as rewinddir does.
  const isAnew = cookieLow === 0 && cookieHigh === 0;
  if (!isAnew && cookieLow === stream.cookieLow && cookieHigh === stream.cookieHigh) return 0;
  stream.cookieLow = cookieLow;
  stream.cookieHigh = cookieHigh;
  return seekHost(host, stream);
}

/** Moves the descriptor to the stream's cookie, which may be any 64 bits. */
function seekHost(host: HostFs, stream: HostStream): number {
  const cookie = BigInt.asIntN(64, BigInt(wideOf(stream.cookieLow, stream.cookieHigh)));
  const reached = host.native.lseek(stream.handle, cookie, SEEK_SET);
  return reached < 0 ? Number(reached) : 0;
}
