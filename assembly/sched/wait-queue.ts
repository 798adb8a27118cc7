// Wait queues: the only place in the kernel where a thread waits for another.
//
// sleep() releases the kernel lock while it waits and holds it again when it returns: whatever the caller knew before may
// have changed, but for what it holds references or sleeping locks on. A wait ends by wake(), by the timeout, or by death.

import { EAGAIN, EINTR, ETIMEDOUT } from "../abi/errno.ts";
import { lockKernel, unlockKernel } from "./kernel-lock.ts";
import { currentThread, Thread } from "./thread.ts";

@final
export class WaitQueue {
  private head: Thread | null = null;
  private tail: Thread | null = null;

  get isEmpty(): bool {
    return this.head === null;
  }

  /**
   * Sleeps until woken. `timeoutNs` < 0 waits for ever. Returns 0, -ETIMEDOUT, or -EINTR when the thread is to end.
   * Without threads nobody could wake us: -EAGAIN.
   */
  sleep(timeoutNs: i64): i32 {
    if (ASC_FEATURE_THREADS) {
      const thread = currentThread();
      if (thread.isDead()) return -EINTR;
      this.push(thread);
      atomic.store<i32>(thread.wakeAddress, 0);
      unlockKernel();
      const outcome = atomic.wait<i32>(thread.wakeAddress, 0, timeoutNs);
      lockKernel();
      const woken = !thread.queued;
      if (!woken) this.remove(thread);
      if (thread.isDead()) {
        // A wake-up that reached a dying thread belongs to the next in line.
        if (woken) this.wakeOne();
        return -EINTR;
      }
      if (woken) return 0;
      return outcome == 2 ? -ETIMEDOUT : 0;
    }
    return -EAGAIN;
  }

  wakeOne(): void {
    const thread = this.head;
    if (thread === null) return;
    this.remove(thread);
    if (ASC_FEATURE_THREADS) {
      atomic.store<i32>(thread.wakeAddress, 1);
      atomic.notify(thread.wakeAddress, 1);
    }
  }

  wakeAll(): void {
    while (this.head !== null) this.wakeOne();
  }

  private push(thread: Thread): void {
    thread.nextWaiter = null;
    thread.queued = true;
    const tail = this.tail;
    if (tail === null) this.head = thread;
    else tail.nextWaiter = thread;
    this.tail = thread;
  }

  private remove(thread: Thread): void {
    let previous: Thread | null = null;
    let at = this.head;
    while (at !== null && at !== thread) {
      previous = at;
      at = at.nextWaiter;
    }
    if (at === null) return;
    if (previous === null) this.head = thread.nextWaiter;
    else previous.nextWaiter = thread.nextWaiter;
    if (this.tail === thread) this.tail = previous;
    thread.nextWaiter = null;
    thread.queued = false;
  }
}
