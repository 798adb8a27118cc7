// Waiting for several descriptions at once: what poll(2) and WASI's poll_oneoff share.
//
// A PollSet asks each description by poll(), and while none is ready sleeps with one wait entry on each one's pollQueue(). Host
// descriptors (HostStream) are asked by poll(2) on the host instead. When a set has both kinds, neither sleep ends by the other's
// event: the host is waited for in slices, and our own are looked at between them.

import { EINTR } from "../abi/errno.ts";
import { POLLERR, POLLHUP } from "../abi/poll.ts";
import { clockTime, pollHandles } from "../host.ts";
import { free } from "../lib/ref-counted.ts";
import { lockKernel, unlockKernel } from "../sched/kernel-lock.ts";
import { prepareToSleep, sleepOnEntries, WaitEntry } from "../sched/wait-queue.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { Task } from "./task.ts";

const CLOCK_MONOTONIC: i32 = 1;
/** How long the host is waited for at once when there are others to look at, in nanoseconds. */
const SLICE: i64 = 10_000_000;

// An item, 16 bytes: the description (a reference), what is asked for (u16) and what was found (u16), its wait entry or 0, and
// its index among the host's or -1.
const ITEM: usize = 16;
const AT_FILE: usize = 0;
const AT_WANTED: usize = 4;
const AT_FOUND: usize = 6;
const AT_ENTRY: usize = 8;
const AT_HOST: usize = 12;
const POLLFD: usize = 8;

@final
export class PollSet {
  private readonly items: usize;
  /** struct pollfd for the host; the descriptors are handles. */
  private readonly hosts: usize;
  private count: u32 = 0;
  private hostCount: u32 = 0;
  private hasOwn: bool = false;

  constructor(capacity: u32) {
    this.items = heap.alloc(<usize>max(capacity, 1) * ITEM);
    this.hosts = heap.alloc(<usize>max(capacity, 1) * POLLFD);
  }

  destroy(): void {
    for (let i: u32 = 0; i < this.count; i++)
      changetype<FileDescription>(load<u32>(this.item(i), AT_FILE)).decRef();
    heap.free(this.items);
    heap.free(this.hosts);
    free(this);
  }

  private item(index: u32): usize {
    return this.items + <usize>index * ITEM;
  }

  /** Adds a description; POLLERR and POLLHUP are always asked for. Its index is how many there were before. */
  add(file: FileDescription, events: u32): void {
    const item = this.item(this.count);
    this.count++;
    file.incRef();
    store<u32>(item, <u32>changetype<usize>(file), AT_FILE);
    store<u16>(item, <u16>(events | <u32>(POLLERR | POLLHUP)), AT_WANTED);
    store<u16>(item, 0, AT_FOUND);
    store<u32>(item, 0, AT_ENTRY);
    store<i32>(item, -1, AT_HOST);
    const handle = file.pollHandle();
    if (handle < 0) {
      this.hasOwn = true;
      return;
    }
    const pollfd = this.hosts + <usize>this.hostCount * POLLFD;
    store<i32>(pollfd, handle);
    store<u32>(pollfd, load<u16>(item, AT_WANTED), 4);
    store<i32>(item, <i32>this.hostCount, AT_HOST);
    this.hostCount++;
  }

  /** The description at `index`; the set's reference. */
  file(index: u32): FileDescription {
    return changetype<FileDescription>(<usize>load<u32>(this.item(index), AT_FILE));
  }

  /** What was found of what the item at `index` asks for. */
  found(index: u32): u32 {
    return load<u16>(this.item(index), AT_FOUND);
  }

  /**
   * Waits until an item has found something, at most `timeoutNs` (< 0: for ever; 0: only looks). Returns how many have, or -errno:
   * -EINTR when the task is to end.
   */
  wait(task: Task, timeoutNs: i64): i32 {
    const deadline = timeoutNs > 0 ? saturatingAdd(now(task), timeoutNs) : 0;
    let left = timeoutNs;
    while (true) {
      const ready = this.look(task);
      if (ready != 0 || left == 0) return ready;
      const result = this.hostCount ? this.waitForHost(task, left) : this.sleep(task, left);
      if (result < 0) return result;
      if (timeoutNs > 0) left = max<i64>(deadline - now(task), 0);
    }
  }

  /** Asks every item without waiting. Returns how many have found something, or -errno of the host's. */
  private look(task: Task): i32 {
    if (this.hostCount) {
      const result = this.askHost(task, 0);
      if (result < 0) return result;
    }
    let ready = 0;
    for (let i: u32 = 0; i < this.count; i++) if (this.ask(i)) ready++;
    return ready;
  }

  private ask(index: u32): bool {
    const item = this.item(index);
    const host = load<i32>(item, AT_HOST);
    let events: u32;
    if (host >= 0) events = load<u16>(this.hosts + <usize>host * POLLFD, 6);
    else
      events = changetype<FileDescription>(load<u32>(item, AT_FILE)).poll() & <u32>load<u16>(item, AT_WANTED);
    store<u16>(item, <u16>events, AT_FOUND);
    return events != 0;
  }

  private askHost(task: Task, timeoutNs: i64): i32 {
    unlockKernel();
    const result = pollHandles(
      changetype<usize>(task),
      this.hosts,
      this.hostCount,
      timeoutNs < 0 ? -1 : <f64>timeoutNs,
    );
    lockKernel();
    return result;
  }

  private waitForHost(task: Task, left: i64): i32 {
    let slice = left;
    if (this.hasOwn) slice = left < 0 ? SLICE : min(left, SLICE);
    const result = this.askHost(task, slice);
    if (result >= 0 && task.isDead()) return -EINTR;
    return min(result, 0);
  }

  /** Sleeps on every item's queue; a timeout is no error. */
  private sleep(task: Task, left: i64): i32 {
    prepareToSleep(task);
    let ready = false;
    for (let i: u32 = 0; i < this.count; i++) {
      const item = this.item(i);
      const queue = changetype<FileDescription>(load<u32>(item, AT_FILE)).pollQueue();
      if (queue === null) continue;
      const entry = new WaitEntry(task);
      queue.add(entry);
      store<u32>(item, <u32>changetype<usize>(entry), AT_ENTRY);
      // To ask the clock or the host may have let others in since the last look.
      if (this.ask(i)) ready = true;
    }
    const result = ready ? 0 : sleepOnEntries(task, left);
    for (let i: u32 = 0; i < this.count; i++) {
      const item = this.item(i);
      const entry = changetype<WaitEntry | null>(<usize>load<u32>(item, AT_ENTRY));
      if (entry === null) continue;
      entry.leave();
      free(entry);
      store<u32>(item, 0, AT_ENTRY);
    }
    return result == -EINTR || (result < 0 && !ASC_FEATURE_THREADS) ? result : 0;
  }
}

function now(task: Task): i64 {
  clockTime(CLOCK_MONOTONIC, task.page);
  return load<i64>(task.page);
}

function saturatingAdd(a: i64, b: i64): i64 {
  return b > i64.MAX_VALUE - a ? i64.MAX_VALUE : a + b;
}
