// The kernel lock: one word in shared memory, held while kernel state is read or changed.
//
//   0 free   1 held   2 held, and somebody waits
//
// It is never held across anything that can take longer than a memory copy. Without threads (the portable build) there is
// nobody to exclude, and both functions do nothing.
//
// A thread that failed inside the kernel may have left the lock held for ever. Whoever then waits for it fails as well,
// at once when the failure was told by panicKernel(), else when the lock has not moved for LOST_AFTER seconds: a supervisor
// that wants to stop the sandbox must not wait with the rest.

import { ROOT_LOCK, ROOT_NOW, ROOT_PANIC, ROOT_STARVED } from "../abi/kernel-layout.ts";

const SECOND: i64 = 1_000_000_000;
/** Counted in waits of a second each, so that a process that was stopped and continued does not count the pause. */
const LOST_AFTER: i32 = 30;
/**
 * How often in a row a thread that was woken for the lock may find it taken again before others leave it to this one, and for
 * how long they do. To wake up takes a while, and a guest that calls without a pause, in calls that take long, would have the
 * lock again each time.
 */
const STARVED_AFTER: i32 = 8;
const GIVE_WAY: i64 = 2_000_000;

export function lockKernel(): void {
  if (ASC_FEATURE_THREADS) {
    if (atomic.load<i32>(ROOT_STARVED) != 0) atomic.wait<i32>(ROOT_STARVED, 1, GIVE_WAY);
    const seen = atomic.cmpxchg<i32>(ROOT_LOCK, 0, 1);
    if (seen != 0) waitForLock(seen);
  }
  // Time goes on while nobody holds the lock (vfs/clock.ts).
  store<i64>(ROOT_NOW, 0);
}

export function unlockKernel(): void {
  if (ASC_FEATURE_THREADS) {
    if (atomic.sub<i32>(ROOT_LOCK, 1) != 1) {
      atomic.store<i32>(ROOT_LOCK, 0);
      atomic.notify(ROOT_LOCK, 1);
    }
  }
}

/** From now on a thread that would wait for the lock fails instead, and those that wait fail now. */
export function panicKernel(): void {
  if (ASC_FEATURE_THREADS) {
    atomic.store<i32>(ROOT_PANIC, 1);
    atomic.notify(ROOT_LOCK, -1);
  }
}

function waitForLock(first: i32): void {
  let seen = first;
  let missed = 0;
  let late = 0;
  do {
    if (atomic.load<i32>(ROOT_PANIC) != 0) abort("another thread failed inside the kernel");
    if (seen == 2 || atomic.cmpxchg<i32>(ROOT_LOCK, 1, 2) != 0) {
      missed = atomic.wait<i32>(ROOT_LOCK, 2, SECOND) == 2 ? missed + 1 : 0;
      if (missed == LOST_AFTER) abort("the kernel lock is lost");
    }
    seen = atomic.cmpxchg<i32>(ROOT_LOCK, 0, 2);
    if (seen != 0 && ++late >= STARVED_AFTER) atomic.store<i32>(ROOT_STARVED, 1);
  } while (seen != 0);
  if (late >= STARVED_AFTER) {
    atomic.store<i32>(ROOT_STARVED, 0);
    atomic.notify(ROOT_STARVED, -1);
  }
}
