// The one memory that the gofer shares with the native helper: messages, names, and what system calls return.
//
//   REPLY     the answer under construction (P9_MSIZE)
//   NAMES     the names of a walk, P9_MAXWELEM of NAME_STRIDE bytes, NUL-terminated
//   NAME_A/B  the name or the two names of any other message
//   PATH      a symlink's target, a mount's source, a descriptor's number under /proc/self/fd
//   STAT_A/B  struct statx
//   STATFS    what fstatfs returns
//   DIRENTS   struct linux_dirent64 records
//   XATTR     an extended attribute's value, or the list of names
//   LOCK      what ofdGetLock takes and returns
//   EVENTS    what epollWait returns
//   POLL      struct pollfd
//   INPUTS    for each connection what it has sent and nobody has answered yet (P9_MSIZE)
//
// There is one arena per process. Messages are answered one after another, so but for the inputs nothing in it outlives
// its message. Inputs that are not used cost addresses only.

import { NAME_MAX, PATH_MAX } from "../../assembly/abi/limits.ts";
import { P9_MAXWELEM, P9_MSIZE } from "../../assembly/abi/p9.ts";
import { XATTR_SIZE_MAX } from "../../assembly/abi/xattr.ts";

/** The helper's number for this memory. */
export const SLOT = 0;

/** A name, its NUL, and room up to the next multiple of eight. */
export const NAME_STRIDE = (NAME_MAX + 1 + 7) & ~7;
/** 64 KiB hold some 2,000 short names: a directory of the usual size comes with one getdents64. */
export const DIRENTS_SIZE = 65536;
/** More events than this wait for the next turn of the loop. */
export const EVENTS_MAX = 64;
/** What poll(2) is asked about at once, of which one is the epoll descriptor. Others are looked at when it returns. */
export const POLL_MAX = 64;
const STATX_SIZE = 256;
const STATFS_SIZE = 64;
const LOCK_SIZE = 24;
export const EVENT_SIZE = 8;
export const POLLFD_SIZE = 8;

export const REPLY = 0;
export const NAMES = REPLY + P9_MSIZE;
export const NAME_A = NAMES + P9_MAXWELEM * NAME_STRIDE;
export const NAME_B = NAME_A + NAME_STRIDE;
export const PATH = NAME_B + NAME_STRIDE;
export const STAT_A = PATH + PATH_MAX;
export const STAT_B = STAT_A + STATX_SIZE;
export const STATFS = STAT_B + STATX_SIZE;
export const DIRENTS = STATFS + STATFS_SIZE;
export const XATTR = DIRENTS + DIRENTS_SIZE;
export const LOCK = XATTR + XATTR_SIZE_MAX;
export const EVENTS = LOCK + LOCK_SIZE;
export const POLL = EVENTS + EVENTS_MAX * EVENT_SIZE;
const INPUTS = POLL + POLL_MAX * POLLFD_SIZE;

export class Arena {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(connections: number) {
    const buffer = new ArrayBuffer(INPUTS + connections * P9_MSIZE);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Where the input of the connection with this number starts. */
  input(connection: number): number {
    return INPUTS + connection * P9_MSIZE;
  }

  /** Writes `path` and a NUL at PATH. The caller knows that it is shorter than PATH_MAX and holds no NUL. */
  putPath(path: string): void {
    const encoded = new TextEncoder().encode(path);
    this.bytes.set(encoded, PATH);
    this.bytes[PATH + encoded.length] = 0;
  }
}
