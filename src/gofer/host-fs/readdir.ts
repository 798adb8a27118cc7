// Reading directories. The helper makes the entries, one call for a message; here is what they are to say.
//
// The cookie of an entry is the host's d_off, all 64 bits of it, so that seekdir works as on the host. Reading on from
// where the descriptor stands is the usual case and needs no seek.

import { SEEK_SET } from "../../../assembly/abi/fcntl.ts";
import { wideOf } from "../../common/wide.ts";
import type { Encoder } from "../../p9/server/encoder.ts";
import { LISTING, SLOT } from "../arena.ts";
import type { HostFs } from "./host-fs.ts";
import type { HostStream } from "./host-node.ts";

/** Fields of the helper's record (Native.listDirectory). */
const ROOT_INODE = LISTING + 8;
const IS_ROOT = LISTING + 16;
const TOP = LISTING + 20;
const PATTERN = LISTING + 24;

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
  const { native, qids, arena } = host;
  const { node, handle } = stream;
  const { view } = arena;
  view.setUint32(LISTING, stream.cookieLow, true);
  view.setUint32(LISTING + 4, stream.cookieHigh, true);
  view.setUint32(ROOT_INODE, node.inodeLow, true);
  view.setUint32(ROOT_INODE + 4, node.inodeHigh, true);
  // The host's parent of the attach root is none of the client's business: the root is its own parent.
  view.setUint32(IS_ROOT, node.parent === null ? 1 : 0, true);
  for (let top = node.inodeHigh >>> 16; ; ) {
    view.setUint32(TOP, top, true);
    view.setUint32(PATTERN, qids.pattern(node.deviceMajor, node.deviceMinor, top), true);
    const length = native.listDirectory(handle, SLOT, reply.position, limit - reply.position, LISTING);
    if (length < 0) return length;
    reply.skip(length);
    stream.cookieLow = view.getUint32(LISTING, true);
    stream.cookieHigh = view.getUint32(LISTING + 4, true);
    const next = view.getUint32(TOP, true);
    if (next === top) return 0;
    // Inode numbers of another kind follow.
    top = next;
  }
}

function seekTo(host: HostFs, stream: HostStream, cookieLow: number, cookieHigh: number): number {
  // A cookie of 0 reads the directory anew, as rewinddir does.
  const isAnew = cookieLow === 0 && cookieHigh === 0;
  if (!isAnew && cookieLow === stream.cookieLow && cookieHigh === stream.cookieHigh) return 0;
  stream.cookieLow = cookieLow;
  stream.cookieHigh = cookieHigh;
  const cookie = BigInt.asIntN(64, BigInt(wideOf(cookieLow, cookieHigh)));
  const reached = host.native.lseek(stream.handle, cookie, SEEK_SET);
  return reached < 0 ? Number(reached) : 0;
}
