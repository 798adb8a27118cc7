// Record locks of files that somebody outside this kernel uses too (FileDescription.locksElsewhere): held here, so that the
// kernel's own processes see them and wait for each other, and there, where nobody waits and nobody tells when one is free.

import { EAGAIN, ETIMEDOUT } from "../abi/errno.ts";
import { F_UNLCK } from "../abi/fcntl.ts";
import { free } from "../lib/ref-counted.ts";
import { WaitQueue } from "../sched/wait-queue.ts";
import { FileDescription } from "./file-description.ts";
import { OFFSET_MAX, ownsRecordLock, recordLockAt, setRecordLock } from "./file-locks.ts";

/** How long to wait before a lock that somebody outside has is asked for again, in nanoseconds. */
const FIRST_PAUSE: i64 = 1_000_000;
const LONGEST_PAUSE: i64 = 100_000_000;

/**
 * As setRecordLock(), for an open file. A lock that is to replace others of its owner's and is refused outside gives the range
 * back as it was at its first byte.
 */
export function setFileLock(
  file: FileDescription,
  owner: usize,
  pid: i32,
  type: i32,
  start: i64,
  end: i64,
  waits: bool,
): i32 {
  const inode = file.inode;
  const through = changetype<usize>(file);
  if (!file.locksElsewhere) return setRecordLock(inode, owner, pid, through, type, start, end, waits);
  if (type == F_UNLCK) {
    const told = file.lockElsewhere(owner, type, start, end);
    const freed = setRecordLock(inode, owner, pid, through, type, start, end, waits);
    return freed < 0 ? freed : told;
  }
  let pause = FIRST_PAUSE;
  while (true) {
    const before = recordLockAt(inode, owner, start);
    let result = setRecordLock(inode, owner, pid, through, type, start, end, waits);
    if (result < 0) return result;
    result = file.lockElsewhere(owner, type, start, end);
    if (result == 0) return 0;
    setRecordLock(inode, owner, pid, through, before, start, end, false);
    if (result != -EAGAIN || !waits) return result;
    const slept = sleepFor(pause);
    if (slept < 0 && slept != -ETIMEDOUT) return slept;
    pause = min<i64>(pause * 2, LONGEST_PAUSE);
  }
}

/** A process closes one of its descriptors of the file: before its locks go here, they go there. */
export function releaseElsewhere(file: FileDescription, owner: usize): void {
  if (file.locksElsewhere && ownsRecordLock(file.inode, owner))
    file.lockElsewhere(owner, F_UNLCK, 0, OFFSET_MAX);
}

function sleepFor(nanoseconds: i64): i32 {
  const queue = new WaitQueue();
  const result = queue.sleep(nanoseconds);
  free(queue);
  return result;
}
