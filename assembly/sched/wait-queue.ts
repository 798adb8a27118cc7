// Wait queues: the only place in the kernel where a thread waits for another.
//
// A sleep releases the kernel lock while it waits and holds it again when it returns: whatever the caller knew before may
// have changed, but for what it holds references or sleeping locks on. A wait ends by a wake-up, by the timeout, or by death.
//
// A queue holds WaitEntries, each of one thread. sleep() uses an entry of its own. poll(2) waits for several things at once:
// it puts one entry on each of their queues, looks whether something is ready, sleeps by sleepOnEntries() and takes the
// entries off again. Nothing is missed, since all but the sleep happens under the kernel lock.
//
// What can be polled has one queue for all that changes its readiness, and wakes it whole: a pipe has few sleepers, each looks
// again anyway, and a wake-up of one could reach an entry of poll() that does not take what there is.

import { EAGAIN, EINTR, ETIMEDOUT } from "../abi/errno.ts";
import { free } from "../lib/ref-counted.ts";
import { threadTime } from "./cpu-time.ts";
import { lockKernel, unlockKernel } from "./kernel-lock.ts";
import { currentThread, Thread } from "./thread.ts";

/** One thread's place in one queue. Whoever made it takes it off before it or the queue ends. */
@final
export class WaitEntry {
  queue: WaitQueue | null = null;
  next: WaitEntry | null = null;
  previous: WaitEntry | null = null;

  constructor(readonly thread: Thread) {}

  get queued(): bool {
    return this.queue !== null;
  }

  /** Leaves the queue, when it is in one. */
  leave(): void {
    const queue = this.queue;
    if (queue !== null) queue.remove(this);
  }
}

@final
export class WaitQueue {
  private head: WaitEntry | null = null;
  private tail: WaitEntry | null = null;

  get isEmpty(): bool {
    return this.head === null;
  }

  /**
   * Sleeps until woken. `timeoutNs` < 0 waits for ever. Returns 0, -ETIMEDOUT, or -EINTR when the thread is to end.
   * Without threads nobody could wake us: -EAGAIN.
   */
  sleep(timeoutNs: i64): i32 {
    if (!ASC_FEATURE_THREADS) return -EAGAIN;
    const thread = currentThread();
    if (thread.isDead()) return -EINTR;
    const entry = new WaitEntry(thread);
    prepareToSleep(thread);
    this.add(entry);
    let result = sleepOnEntries(thread, timeoutNs);
    const woken = !entry.queued;
    if (!woken) this.remove(entry);
    // A wake-up that reached a dying thread belongs to the next in line.
    if (result == -EINTR && woken) this.wakeOne();
    else if (woken) result = 0;
    free(entry);
    return result;
  }

  /** Wakes the first in line: for queues of which each sleeper takes what it waited for. */
  wakeOne(): void {
    const entry = this.head;
    if (entry === null) return;
    this.remove(entry);
    if (ASC_FEATURE_THREADS) {
      atomic.store<i32>(entry.thread.wakeAddress, 1);
      atomic.notify(entry.thread.wakeAddress, 1);
    }
  }

  wakeAll(): void {
    while (this.head !== null) this.wakeOne();
  }

  add(entry: WaitEntry): void {
    const tail = this.tail;
    entry.queue = this;
    entry.next = null;
    entry.previous = tail;
    if (tail === null) this.head = entry;
    else tail.next = entry;
    this.tail = entry;
  }

  remove(entry: WaitEntry): void {
    const next = entry.next;
    const previous = entry.previous;
    if (previous === null) this.head = next;
    else previous.next = next;
    if (next === null) this.tail = previous;
    else next.previous = previous;
    entry.queue = null;
    entry.next = null;
    entry.previous = null;
  }
}

/** From here on a wake-up counts: called before the first of the thread's entries is added. */
export function prepareToSleep(thread: Thread): void {
  if (ASC_FEATURE_THREADS) atomic.store<i32>(thread.wakeAddress, 0);
}

/**
 * Sleeps until one of the thread's entries is woken; results as of WaitQueue.sleep(). Entries that were not woken are still in
 * their queues. Preconditions: prepareToSleep() was called, and the kernel lock was held ever since.
 */
export function sleepOnEntries(thread: Thread, timeoutNs: i64): i32 {
  if (!ASC_FEATURE_THREADS) return -EAGAIN;
  if (thread.isDead()) return -EINTR;
  thread.sleeps++;
  thread.cpuTime = threadTime();
  unlockKernel();
  const outcome = atomic.wait<i32>(thread.wakeAddress, 0, timeoutNs);
  lockKernel();
  if (thread.isDead()) return -EINTR;
  return outcome == 2 && atomic.load<i32>(thread.wakeAddress) == 0 ? -ETIMEDOUT : 0;
}
