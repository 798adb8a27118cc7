// What one thread alone can see of locks and queues; the rest is in the tests with workers.

import { EINTR, ETIMEDOUT } from "../../../assembly/abi/errno.ts";
import { ROOT_LOCK } from "../../../assembly/abi/kernel-layout.ts";
import { free } from "../../../assembly/lib/ref-counted.ts";
import { lockKernel, unlockKernel } from "../../../assembly/sched/kernel-lock.ts";
import { SleepLock } from "../../../assembly/sched/sleep-lock.ts";
import {
  CLAIMED,
  claimForKernel,
  claimForKiller,
  GONE,
  IN_GUEST,
  IN_KERNEL,
  markDead,
  markGone,
  releaseToGuest,
  setCurrentThread,
  Thread,
} from "../../../assembly/sched/thread.ts";
import { WaitQueue } from "../../../assembly/sched/wait-queue.ts";
import { beginHeap, end } from "../support/leak-check.ts";

export function theKernelLockIsOneWord(): void {
  beginHeap();
  lockKernel();
  assert(load<i32>(ROOT_LOCK) == 1, "held, and nobody waits");
  unlockKernel();
  assert(load<i32>(ROOT_LOCK) == 0, "free");
  end();
}

export function aFreeLockIsTakenAtOnce(): void {
  beginHeap();
  const lock = new SleepLock();
  assert(!lock.isHeld && lock.acquire() == 0 && lock.isHeld, "taken");
  lock.release();
  assert(!lock.isHeld && lock.acquire() == 0, "and again");
  lock.release();
  free(lock);
  end();
}

export function aDyingThreadDoesNotGetAHeldLock(): void {
  beginHeap();
  lockKernel();
  const thread = new Thread();
  setCurrentThread(thread);
  const lock = new SleepLock();
  assert(lock.acquire() == 0, "free");
  assert(markDead(thread) == 0, "told to end");
  assert(lock.acquire() == -EINTR, "it would have to wait");
  assert(lock.isHeld, "whoever holds it keeps it");
  lock.release();
  free(lock);
  free(thread);
  unlockKernel();
  end();
}

export function aWaitEndsByItsTimeout(): void {
  beginHeap();
  lockKernel();
  const thread = new Thread();
  setCurrentThread(thread);
  const queue = new WaitQueue();
  assert(queue.sleep(1000) == -ETIMEDOUT, "a microsecond");
  assert(queue.sleep(0) == -ETIMEDOUT, "no time at all");
  assert(queue.isEmpty, "the thread left the queue");
  assert(load<i32>(ROOT_LOCK) == 1, "the kernel lock is held again");
  free(queue);
  free(thread);
  unlockKernel();
  end();
}

export function aDyingThreadDoesNotSleep(): void {
  beginHeap();
  lockKernel();
  const thread = new Thread();
  setCurrentThread(thread);
  const queue = new WaitQueue();
  markDead(thread);
  assert(queue.sleep(-1) == -EINTR && queue.isEmpty, "at once");
  free(queue);
  free(thread);
  unlockKernel();
  end();
}

export function wakingAnEmptyQueueDoesNothing(): void {
  beginHeap();
  const queue = new WaitQueue();
  queue.wakeOne();
  queue.wakeAll();
  assert(queue.isEmpty, "empty");
  free(queue);
  end();
}

export function aThreadInTheGuestMayBeClaimed(): void {
  beginHeap();
  const thread = new Thread();
  assert(markDead(thread) == 0 && thread.isDead(), "marked");
  assert(claimForKiller(thread) == IN_GUEST && thread.state == CLAIMED, "caught in guest code");
  assert(!claimForKernel(thread), "an entry that comes too late");
  markGone(thread);
  assert(markDead(thread) < 0, "already gone");
  free(thread);
  end();
}

export function aThreadInTheKernelIsNotClaimed(): void {
  beginHeap();
  const thread = new Thread();
  assert(claimForKernel(thread) && thread.state == IN_KERNEL, "inside");
  markDead(thread);
  assert(claimForKiller(thread) == IN_KERNEL, "still inside");
  releaseToGuest(thread);
  assert(claimForKiller(thread) == IN_GUEST, "now it may be");
  free(thread);
  end();
}

export function aThreadThatHasLeftIsGone(): void {
  beginHeap();
  const thread = new Thread();
  claimForKernel(thread);
  markGone(thread);
  assert(claimForKiller(thread) == GONE && markDead(thread) < 0, "gone");
  free(thread);
  end();
}
