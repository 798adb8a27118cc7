// Advisory locks of files (Linux: fs/locks.c): record locks of fcntl(2), of a process or of an open file description, and
// flock(2). Record locks and flock do not see each other.
//
// An inode has a FileLocks while it has a lock, or somebody waits for one. Who owns a lock is an address: a process's FdTable for
// POSIX record locks, a FileDescription for OFD locks and flock. Nothing here holds references: an owner's locks are released
// when it closes the file (releaseRecordLocks(), releaseDescriptionLocks()), so that none outlives its owner or its inode.
//
// Record locks of one owner follow each other in the list, in the order of their starts, without overlap, and no two of one type
// touch each other.
//
// A sleeper waits on the inode's queue, which every release wakes whole; then each looks again. Who waits for a POSIX lock is also on
// a list of the kernel's (root structure), by which a circle is found.

import { memoryIsShort } from "mm/page";
import { EAGAIN, EDEADLK, ENOLCK } from "../abi/errno.ts";
import { F_UNLCK, F_WRLCK } from "../abi/fcntl.ts";
import { ROOT_FILE_LOCKS, ROOT_LOCK_WAITS } from "../abi/kernel-layout.ts";
import { free } from "../lib/ref-counted.ts";
import { WaitQueue } from "../sched/wait-queue.ts";
import { Inode } from "./dentry.ts";

/** The last byte of a lock that reaches to the end, wherever that is (Linux: OFFSET_MAX). */
export const OFFSET_MAX: i64 = i64.MAX_VALUE;
/** Locks of one inode. Linux bounds them by memory alone; here every change walks the list. */
const LOCKS_MAX: u32 = 4096;
/** How long a chain of waiting owners may be before it is taken for no circle (Linux: MAX_DEADLK_ITERATIONS). */
const CHAIN_MAX: u32 = 10;

@final
export class FileLock {
  next: FileLock | null = null;

  constructor(
    readonly owner: usize,
    /** What F_GETLK tells: the process, or -1 for a description's. */
    readonly pid: i32,
    /** The description that it was set with; for /proc alone, which compares it. */
    readonly through: usize,
    public type: i32,
    public start: i64,
    /** The last byte, inclusive. */
    public end: i64,
  ) {}

  overlaps(start: i64, end: i64): bool {
    return this.start <= end && start <= this.end;
  }

  /** Whether `type` of another owner cannot be beside this lock. */
  excludes(type: i32): bool {
    return this.type == F_WRLCK || type == F_WRLCK;
  }
}

/** Who waits for whom, for a POSIX lock; on the list of the kernel's while it sleeps. */
@unmanaged
@final
class LockWait {
  owner: usize;
  blocker: usize;
  next: usize;
}

@final
export class FileLocks {
  next: FileLocks | null = null;
  previous: FileLocks | null = null;
  /** POSIX and OFD locks. */
  records: FileLock | null = null;
  /** flock(2). */
  whole: FileLock | null = null;
  queue: WaitQueue = new WaitQueue();
  count: u32 = 0;
  sleepers: u32 = 0;

  constructor(readonly inode: Inode) {
    const head = nextFileLocks(null);
    this.next = head;
    if (head !== null) head.previous = this;
    store<u32>(ROOT_FILE_LOCKS, <u32>changetype<usize>(this));
  }

  private leaveList(): void {
    const next = this.next;
    const previous = this.previous;
    if (previous === null) store<u32>(ROOT_FILE_LOCKS, <u32>changetype<usize>(next));
    else previous.next = next;
    if (next !== null) next.previous = previous;
  }

  /** Nothing is left of it. */
  end(): void {
    this.leaveList();
    free(this.queue);
    free(this);
  }

  /** The first record lock of another owner that stands in the way, or null. */
  conflict(owner: usize, type: i32, start: i64, end: i64): FileLock | null {
    let at = this.records;
    while (at !== null) {
      if (at.owner != owner && at.overlaps(start, end) && at.excludes(type)) return at;
      at = at.next;
    }
    return null;
  }

  /** Makes [start, end] of the owner's what `type` says; F_UNLCK frees it. Nothing conflicts. */
  setRecord(owner: usize, pid: i32, through: usize, type: i32, start: i64, end: i64): void {
    let by = through;
    let joined = false;
    let first = start;
    let last = end;
    let previous: FileLock | null = null;
    let at = this.records;
    while (at !== null && at.owner != owner) {
      previous = at;
      at = at.next;
    }
    // Of the owner's locks: what lies before is passed over, what overlaps or touches is cut or taken in.
    while (at !== null && at.owner == owner) {
      const next = at.next;
      const same = at.type == type;
      const touches = same && (at.end == start - 1 || (end != OFFSET_MAX && at.start == end + 1));
      if (!touches && !at.overlaps(start, end)) {
        if (at.start > end) break;
        previous = at;
      } else if (same) {
        first = min(first, at.start);
        last = max(last, at.end);
        // The oldest stays and grows.
        if (!joined) by = at.through;
        joined = true;
        this.drop(previous, at);
      } else {
        if (at.end > end) this.insert(at, new FileLock(owner, at.pid, at.through, at.type, end + 1, at.end));
        if (at.start < start) {
          at.end = start - 1;
          previous = at;
        } else {
          this.drop(previous, at);
        }
      }
      at = next;
    }
    if (type != F_UNLCK) this.insert(previous, new FileLock(owner, pid, by, type, first, last));
  }

  private insert(previous: FileLock | null, lock: FileLock): void {
    if (previous === null) {
      lock.next = this.records;
      this.records = lock;
    } else {
      lock.next = previous.next;
      previous.next = lock;
    }
    this.count++;
  }

  private drop(previous: FileLock | null, lock: FileLock): void {
    if (previous === null) this.records = lock.next;
    else previous.next = lock.next;
    free(lock);
    this.count--;
  }

  /** The first flock of another description that stands in the way, or null. */
  wholeConflict(owner: usize, type: i32): FileLock | null {
    let at = this.whole;
    while (at !== null && (at.owner == owner || !at.excludes(type))) at = at.next;
    return at;
  }

  addWhole(owner: usize, pid: i32, type: i32): void {
    const lock = new FileLock(owner, pid, owner, type, 0, OFFSET_MAX);
    lock.next = this.whole;
    this.whole = lock;
    this.count++;
  }

  /** Removes the owner's flock, when it has one. */
  dropWhole(owner: usize): void {
    let previous: FileLock | null = null;
    let at = this.whole;
    while (at !== null && at.owner != owner) {
      previous = at;
      at = at.next;
    }
    if (at === null) return;
    if (previous === null) this.whole = at.next;
    else previous.next = at.next;
    free(at);
    this.count--;
  }

  /** The owner's lock of the whole file. */
  findWhole(owner: usize): FileLock | null {
    let at = this.whole;
    while (at !== null && at.owner != owner) at = at.next;
    return at;
  }
}

/** The locks of the inode after those of `at` (the first for null), for /proc/locks. */
export function nextFileLocks(at: FileLocks | null): FileLocks | null {
  return at === null ? changetype<FileLocks | null>(<usize>load<u32>(ROOT_FILE_LOCKS)) : at.next;
}

function locksOf(inode: Inode): FileLocks {
  if (!inode.locks) inode.locks = changetype<usize>(new FileLocks(inode));
  return changetype<FileLocks>(inode.locks);
}

/** Ends what the inode has for locks when nothing is left of it. */
function settle(inode: Inode): void {
  const locks = changetype<FileLocks>(inode.locks);
  if (locks.count || locks.sleepers) return;
  locks.end();
  inode.locks = 0;
}

/** Whether another lock, or the two that a range is split into, would be too many. */
function isFull(locks: FileLocks): bool {
  return locks.count + 2 > LOCKS_MAX || memoryIsShort();
}

/** The record lock of another owner that stands in the way of one, or null; borrowed until the next sleep. */
export function testRecordLock(inode: Inode, owner: usize, type: i32, start: i64, end: i64): FileLock | null {
  return inode.locks ? changetype<FileLocks>(inode.locks).conflict(owner, type, start, end) : null;
}

/** Whether the owner has any record lock of the file. */
export function ownsRecordLock(inode: Inode, owner: usize): bool {
  if (!inode.locks) return false;
  let at = changetype<FileLocks>(inode.locks).records;
  while (at !== null && at.owner != owner) at = at.next;
  return at !== null;
}

/** The type of the owner's record lock on the byte at `offset`; F_UNLCK when it has none. */
export function recordLockAt(inode: Inode, owner: usize, offset: i64): i32 {
  if (!inode.locks) return F_UNLCK;
  let at = changetype<FileLocks>(inode.locks).records;
  while (at !== null) {
    if (at.owner == owner && at.overlaps(offset, offset)) return at.type;
    at = at.next;
  }
  return F_UNLCK;
}

/**
 * Sets or frees a record lock by the description `through`. `waits`: sleeps until nothing is in the way. `pid` -1: an OFD lock, for which no circle is looked
 * for. Errors: EAGAIN for a conflict; EDEADLK; ENOLCK; EINTR. Linux: posix_lock_inode().
 */
export function setRecordLock(
  inode: Inode,
  owner: usize,
  pid: i32,
  through: usize,
  type: i32,
  start: i64,
  end: i64,
  waits: bool,
): i32 {
  if (type == F_UNLCK && !inode.locks) return 0;
  const locks = locksOf(inode);
  let result = 0;
  while (type != F_UNLCK) {
    const blocker = locks.conflict(owner, type, start, end);
    if (blocker === null) break;
    if (!waits) result = -EAGAIN;
    else if (pid >= 0 && isCircle(owner, blocker.owner)) result = -EDEADLK;
    else result = sleepOn(locks, owner, pid >= 0 ? blocker.owner : 0);
    if (result < 0) break;
  }
  const freesAll = type == F_UNLCK && start == 0 && end == OFFSET_MAX;
  if (result == 0 && !freesAll && isFull(locks)) result = -ENOLCK;
  if (result == 0) {
    locks.setRecord(owner, pid, through, type, start, end);
    locks.queue.wakeAll();
  }
  settle(inode);
  return result;
}

/** Sleeps until a lock of the inode's was released; `blocker` is whom a POSIX lock waits for. */
function sleepOn(locks: FileLocks, owner: usize, blocker: usize): i32 {
  const wait = changetype<LockWait>(heap.alloc(offsetof<LockWait>()));
  wait.owner = blocker ? owner : 0;
  wait.blocker = blocker;
  wait.next = <usize>load<u32>(ROOT_LOCK_WAITS);
  store<u32>(ROOT_LOCK_WAITS, <u32>changetype<usize>(wait));
  locks.sleepers++;
  const result = locks.queue.sleep(-1);
  locks.sleepers--;
  forgetWait(changetype<usize>(wait));
  return result;
}

function forgetWait(wait: usize): void {
  let link: usize = ROOT_LOCK_WAITS;
  while (<usize>load<u32>(link) != wait) link = <usize>load<u32>(link) + offsetof<LockWait>("next");
  store<u32>(link, <u32>changetype<LockWait>(wait).next);
  heap.free(wait);
}

/** Whether `blocker` waits for `owner`, itself or by others (Linux: posix_locks_deadlock()). */
function isCircle(owner: usize, blocker: usize): bool {
  let at = blocker;
  for (let i: u32 = 0; i < CHAIN_MAX; i++) {
    let wait = <usize>load<u32>(ROOT_LOCK_WAITS);
    while (wait && changetype<LockWait>(wait).owner != at) wait = changetype<LockWait>(wait).next;
    if (!wait) return false;
    at = changetype<LockWait>(wait).blocker;
    if (at == owner) return true;
  }
  return false;
}

/**
 * flock(2) of a description, by the process `pid`: `type` F_RDLCK, F_WRLCK or F_UNLCK. Another type takes the place of the one held, which is gone also when the
 * new one cannot be had. Errors: EAGAIN for a conflict; ENOLCK; EINTR. Linux: flock_lock_inode().
 */
export function setWholeLock(inode: Inode, owner: usize, pid: i32, type: i32, waits: bool): i32 {
  if (type == F_UNLCK && !inode.locks) return 0;
  const locks = locksOf(inode);
  const held = locks.findWhole(owner);
  if (held !== null && held.type == type) return 0;
  if (held !== null) {
    locks.dropWhole(owner);
    locks.queue.wakeAll();
  }
  let result = 0;
  while (type != F_UNLCK && locks.wholeConflict(owner, type) !== null) {
    result = waits ? sleepOn(locks, owner, 0) : -EAGAIN;
    if (result < 0) break;
  }
  if (result == 0 && type != F_UNLCK) {
    // Another task may have locked by the same description meanwhile.
    if (locks.findWhole(owner) !== null) {
      locks.dropWhole(owner);
      locks.queue.wakeAll();
    }
    if (isFull(locks)) result = -ENOLCK;
    else locks.addWhole(owner, pid, type);
  }
  settle(inode);
  return result;
}

/** A process closes one of its descriptors: its record locks of that file go (Linux: locks_remove_posix()). */
export function releaseRecordLocks(inode: Inode, table: usize): void {
  if (inode.locks) releaseOf(inode, table);
}

/** A description ends: its flock and its OFD locks go (Linux: locks_remove_file()). */
export function releaseDescriptionLocks(inode: Inode, description: usize): void {
  if (!inode.locks) return;
  changetype<FileLocks>(inode.locks).dropWhole(description);
  releaseOf(inode, description);
}

function releaseOf(inode: Inode, owner: usize): void {
  const locks = changetype<FileLocks>(inode.locks);
  locks.setRecord(owner, 0, 0, F_UNLCK, 0, OFFSET_MAX);
  locks.queue.wakeAll();
  settle(inode);
}
