// Threads: what runs in the kernel, one for each guest (and for the control side, which enters like any other).
//
// States of `state`, changed by atomic operations only:
//   IN_GUEST    runs guest code; may be terminated from outside
//   IN_KERNEL   inside an export, from before the kernel lock is asked for until after it was released; never terminated
//   CLAIMED     the killer has it: guest code is being terminated, and an entry that comes too late leaves at once
//   GONE        has left for good
//
// Death. The killer takes the kernel lock, sets `dead`, wakes the thread if it sleeps, and releases the lock. A thread in
// the kernel notices when its wait returns -EINTR, unwinds in the ordinary way (every lock released, every reference
// given back), and leaves by the exit import with no lock held. A thread in the guest is claimed and terminated.
//
// The current thread and the size of its guest's memory (mm/usercopy.ts) are the only mutable globals of the kernel's code:
// globals are per instance and so per thread.

import { ESRCH } from "../abi/errno.ts";
import { ROOT_CALLS } from "../abi/kernel-layout.ts";

export const IN_GUEST: i32 = 0;
export const IN_KERNEL: i32 = 1;
export const CLAIMED: i32 = 2;
export const GONE: i32 = 3;

const CALL_UNNUMBERED: u64 = 1;

export class Thread {
  /** Atomic; see above. */
  state: i32 = IN_GUEST;
  /** Atomic: 1 when the thread is to end. */
  dead: i32 = 0;
  /** Atomic: the word this thread sleeps on; 1 = woken. Changed under the kernel lock. */
  wake: i32 = 0;
  /** Its number, which is nobody else's; and the one in its own pid namespace (kernel/pid-namespace.ts). */
  id: u32 = 0;
  pid: u32 = 0;
  /** Where this thread builds 9P requests and receives replies (p9/connection.ts); 0 until it makes its first. */
  messageBuffer: usize = 0;
  /** What preadGuest() and pwriteGuest() are asked for; the helper knows the layout. */
  transferPosition: i64 = 0;
  transferHandle: i32 = 0;
  transferAddress: u32 = 0;
  transferLength: u32 = 0;
  /** How often it slept, and nanoseconds of processor time that it had used when it last went to sleep. */
  sleeps: u64 = 0;
  cpuTime: i64 = 0;
  /** Its record of refusals (sched/refusal.ts), when it is traced; the task's to free. */
  refusal: usize = 0;
  /** The number of the system call that this thread is in: 0 outside, CALL_UNNUMBERED while nobody has asked. */
  private call: u64 = 0;

  beginCall(): void {
    this.call = CALL_UNNUMBERED;
  }

  endCall(): void {
    this.call = 0;
  }

  /**
   * A number that no other system call of any thread has: what was learnt from somebody else during a call is true for this
   * call. 0 when the thread is in none, and nothing is true for longer than until the next sleep.
   */
  callNumber(): u64 {
    if (this.call == CALL_UNNUMBERED) {
      const number = load<u64>(ROOT_CALLS) + 1;
      store<u64>(ROOT_CALLS, number);
      this.call = number + CALL_UNNUMBERED;
    }
    return this.call;
  }

  get stateAddress(): usize {
    return changetype<usize>(this) + offsetof<Thread>("state");
  }
  get deadAddress(): usize {
    return changetype<usize>(this) + offsetof<Thread>("dead");
  }
  get wakeAddress(): usize {
    return changetype<usize>(this) + offsetof<Thread>("wake");
  }

  /** Fills the request and returns its address. */
  transferRequest(handle: i32, address: u32, length: u32, position: i64): usize {
    this.transferPosition = position;
    this.transferHandle = handle;
    this.transferAddress = address;
    this.transferLength = length;
    return changetype<usize>(this) + offsetof<Thread>("transferPosition");
  }

  /** Whether the thread was told to end. */
  isDead(): bool {
    if (ASC_FEATURE_THREADS) return atomic.load<i32>(this.deadAddress) != 0;
    return this.dead != 0;
  }
}

/** The Thread of this instance; 0 until the host gave it one. */
let current: usize = 0;

export function currentThread(): Thread {
  return changetype<Thread>(current);
}

export function hasCurrentThread(): bool {
  return current != 0;
}

export function setCurrentThread(thread: Thread): void {
  current = changetype<usize>(thread);
}

/** Into the kernel: false when the killer was faster, and the thread must leave without touching anything. */
export function claimForKernel(thread: Thread): bool {
  if (ASC_FEATURE_THREADS) {
    return atomic.cmpxchg<i32>(thread.stateAddress, IN_GUEST, IN_KERNEL) == IN_GUEST;
  }
  if (thread.state != IN_GUEST) return false;
  thread.state = IN_KERNEL;
  return true;
}

/** Out of the kernel, after the lock was released. */
export function releaseToGuest(thread: Thread): void {
  setState(thread, IN_GUEST);
}

/** The thread has left for good. */
export function markGone(thread: Thread): void {
  setState(thread, GONE);
}

function setState(thread: Thread, state: i32): void {
  if (ASC_FEATURE_THREADS) atomic.store<i32>(thread.stateAddress, state);
  else thread.state = state;
}

export function stateOf(thread: Thread): i32 {
  if (ASC_FEATURE_THREADS) return atomic.load<i32>(thread.stateAddress);
  return thread.state;
}

/**
 * The killer's first step, under the kernel lock: marks the thread and wakes it from a kernel wait. Its native waits are
 * the host's to cancel. Returns -ESRCH when it is gone already.
 */
export function markDead(thread: Thread): i32 {
  if (ASC_FEATURE_THREADS) {
    if (stateOf(thread) == GONE) return -ESRCH;
    atomic.store<i32>(thread.deadAddress, 1);
    atomic.store<i32>(thread.wakeAddress, 1);
    atomic.notify(thread.wakeAddress, 1);
  } else {
    if (thread.state == GONE) return -ESRCH;
    thread.dead = 1;
  }
  return 0;
}

/**
 * The killer's second step, without the lock: returns IN_GUEST when the thread was caught in guest code (now CLAIMED: the
 * host may terminate it), GONE when it left by itself, or IN_KERNEL when it is still inside: the killer looks again later.
 */
export function claimForKiller(thread: Thread): i32 {
  if (ASC_FEATURE_THREADS) return atomic.cmpxchg<i32>(thread.stateAddress, IN_GUEST, CLAIMED);
  const seen = thread.state;
  if (seen == IN_GUEST) thread.state = CLAIMED;
  return seen;
}
