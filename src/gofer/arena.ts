// The one memory that the gofer shares with the native helper: messages and names (src/p9/server/memory.ts), and behind them
// what system calls take and return.
//
//   STAT_A/B  struct statx
//   STATFS    what fstatfs returns
//   LISTING   what listDirectory is told and tells
//   LOCK      what ofdGetLock takes and returns
//   EVENTS    what epollWait returns
//   POLL      struct pollfd
//   CONTROL   what passes through control connections (src/urpc/scratch.ts)
//   INPUTS    for each connection what it has sent and nobody has answered yet (P9_MSIZE)
//
// There is one arena per process. But for the inputs nothing in it outlives its message. Inputs that are not used cost
// addresses only.

import { P9_MSIZE } from "../../assembly/abi/p9.ts";
import { END, Memory, PATH } from "../p9/server/memory.ts";
import { SCRATCH_SIZE } from "../urpc/scratch.ts";

/** The helper's number for this memory: none that a kernel of the same thread uses. */
export const SLOT = 12;

/** More events than this wait for the next turn of the loop. */
export const EVENTS_MAX = 64;
/** What poll(2) is asked about at once, of which one is the epoll descriptor. Others are looked at when it returns. */
export const POLL_MAX = 64;
const STATX_SIZE = 256;
const STATFS_SIZE = 64;
const LISTING_SIZE = 32;
const LOCK_SIZE = 24;
export const EVENT_SIZE = 8;
export const POLLFD_SIZE = 8;

export const STAT_A = END;
export const STAT_B = STAT_A + STATX_SIZE;
export const STATFS = STAT_B + STATX_SIZE;
export const LISTING = STATFS + STATFS_SIZE;
export const LOCK = LISTING + LISTING_SIZE;
export const EVENTS = LOCK + LOCK_SIZE;
export const POLL = EVENTS + EVENTS_MAX * EVENT_SIZE;
export const CONTROL = POLL + POLL_MAX * POLLFD_SIZE;
const INPUTS = CONTROL + SCRATCH_SIZE;

export class Arena extends Memory {
  constructor(connections: number) {
    // Shared, which nothing detaches: the helper need not ask where it is for each call.
    super(new SharedArrayBuffer(INPUTS + connections * P9_MSIZE));
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

/** Which of the arena's inputs nobody uses. */
export class FreeInputs {
  private readonly free: number[];

  /** All of them, `connections` as the arena was told. */
  constructor(arena: Arena, connections: number) {
    // The first ones are used first, and so the same ones again and again.
    this.free = Array.from({ length: connections }, (_, index) => arena.input(connections - 1 - index));
  }

  /** Where one starts, or undefined when all are in use. */
  take(): number | undefined {
    return this.free.pop();
  }

  give(input: number): void {
    this.free.push(input);
  }
}
