// The kernel lock: one word in shared memory, held while kernel state is read or changed.
//
//   0 free   1 held   2 held, and somebody waits
//
// It is never held across anything that can take longer than a memory copy. Without threads (the portable build) there is
// nobody to exclude, and both functions do nothing.

import { ROOT_LOCK } from "../abi/kernel-layout.ts";

export function lockKernel(): void {
  if (ASC_FEATURE_THREADS) {
    let seen = atomic.cmpxchg<i32>(ROOT_LOCK, 0, 1);
    if (seen == 0) return;
    do {
      if (seen == 2 || atomic.cmpxchg<i32>(ROOT_LOCK, 1, 2) != 0) atomic.wait<i32>(ROOT_LOCK, 2, -1);
      seen = atomic.cmpxchg<i32>(ROOT_LOCK, 0, 2);
    } while (seen != 0);
  }
}

export function unlockKernel(): void {
  if (ASC_FEATURE_THREADS) {
    if (atomic.sub<i32>(ROOT_LOCK, 1) != 1) {
      atomic.store<i32>(ROOT_LOCK, 0);
      atomic.notify(ROOT_LOCK, 1);
    }
  }
}
