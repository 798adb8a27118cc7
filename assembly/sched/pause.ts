// For work that a guest can make as long as it likes: copying in chunks, without anything to wait for.

import { EINTR } from "../abi/errno.ts";
import { lockKernel, unlockKernel } from "./kernel-lock.ts";
import { currentThread, hasCurrentThread } from "./thread.ts";

/** At most this many bytes are produced or copied between two pauses. */
export const PAUSE_BYTES: u32 = 1048576;

/**
 * Lets others into the kernel: whatever the caller knew but does not hold may have changed afterwards. Returns 0, or -EINTR
 * when the thread is to end.
 */
export function pause(): i32 {
  unlockKernel();
  lockKernel();
  return hasCurrentThread() && currentThread().isDead() ? -EINTR : 0;
}
