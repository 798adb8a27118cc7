// Locks of byte ranges on one file: POSIX's rules, for trees whose files have no locks of their own.

import { EAGAIN, ENOLCK } from "../../../assembly/abi/errno.ts";
import { P9_LOCK_TYPE_UNLCK, P9_LOCK_TYPE_WRLCK } from "../../../assembly/abi/p9.ts";

/** More pieces than any program needs; a client could make millions of one byte each. */
const PIECES_MAX = 4096;

/** One past the largest offset of Linux (loff_t). */
export const OFFSET_END = 2n ** 63n;

export interface RangeLock {
  readonly owner: object;
  /** P9_LOCK_TYPE_RDLCK or P9_LOCK_TYPE_WRLCK. */
  readonly type: number;
  readonly start: bigint;
  /** One past the last byte; OFFSET_END to the end of any file. */
  readonly end: bigint;
}

export class RangeLocks {
  private locks: RangeLock[] = [];

  get isEmpty(): boolean {
    return this.locks.length === 0;
  }

  /** The first lock of somebody else that is in the way of this one. */
  findConflict(wanted: RangeLock): RangeLock | undefined {
    return this.locks.find(
      (lock) =>
        lock.owner !== wanted.owner &&
        lock.start < wanted.end &&
        wanted.start < lock.end &&
        (lock.type === P9_LOCK_TYPE_WRLCK || wanted.type === P9_LOCK_TYPE_WRLCK),
    );
  }

  /** Puts the owner's range into another state, P9_LOCK_TYPE_UNLCK included. Errors: EAGAIN, ENOLCK. */
  set(wanted: RangeLock): number {
    const isUnlock = wanted.type === P9_LOCK_TYPE_UNLCK;
    if (!isUnlock && this.findConflict(wanted) !== undefined) return -EAGAIN;
    let { start, end } = wanted;
    const kept: RangeLock[] = [];
    for (const lock of this.locks) {
      const touches = lock.owner === wanted.owner && lock.start <= wanted.end && wanted.start <= lock.end;
      if (!touches) {
        kept.push(lock);
      } else if (lock.type === wanted.type) {
        if (lock.start < start) start = lock.start;
        if (lock.end > end) end = lock.end;
      } else {
        if (lock.start < wanted.start) kept.push({ ...lock, end: wanted.start });
        if (lock.end > wanted.end) kept.push({ ...lock, start: wanted.end });
      }
    }
    if (!isUnlock) kept.push({ ...wanted, start, end });
    if (kept.length > PIECES_MAX && kept.length > this.locks.length) return -ENOLCK;
    kept.sort((a, b) => (a.start < b.start ? -1 : 1));
    this.locks = kept;
    return 0;
  }

  /** All of the owner's locks are gone. */
  release(owner: object): void {
    this.locks = this.locks.filter((lock) => lock.owner !== owner);
  }
}
