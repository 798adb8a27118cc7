// A lock that may be held while its holder sleeps: it protects one object across 9P round trips and host I/O.
//
// Order, outermost first: a file system's rename lock, a directory's lock (ancestors before descendants, else by
// address), a file's lock, a connection's lock. A layer's locks (under an overlay) come after the overlay's own.

import { free } from "../lib/ref-counted.ts";
import { WaitQueue } from "./wait-queue.ts";

@final
export class SleepLock {
  private held: bool = false;
  /** There while somebody is in acquire()'s sleep, also one that was woken and has not come back yet. */
  private waiters: WaitQueue | null = null;
  private sleepers: u32 = 0;

  get isHeld(): bool {
    return this.held;
  }

  /** Returns 0, or -EINTR when the thread is to end (the lock is then not held). */
  acquire(): i32 {
    while (this.held) {
      let queue = this.waiters;
      if (queue === null) {
        queue = new WaitQueue();
        this.waiters = queue;
      }
      this.sleepers++;
      const result = queue.sleep(-1);
      if (--this.sleepers == 0) {
        free(queue);
        this.waiters = null;
      }
      if (result < 0) return result;
    }
    this.held = true;
    return 0;
  }

  release(): void {
    assert(this.held, "the lock is held");
    this.held = false;
    const queue = this.waiters;
    if (queue !== null) queue.wakeOne();
  }
}
