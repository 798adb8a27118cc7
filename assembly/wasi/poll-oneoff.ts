// poll_oneoff: wait for the first of some clocks and descriptors.
//
// Descriptors are a PollSet's affair, as for poll(2); here are the clocks, each deadline on its own, and how what was found is told.

import { FIONREAD } from "../abi/ioctl.ts";
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT } from "../abi/poll.ts";
import * as abi from "../abi/wasi.ts";
import { clockTime } from "../host.ts";
import { PollSet } from "../kernel/poll.ts";
import { Task } from "../kernel/task.ts";
import { accessOk, copyInUnchecked, copyOutUnchecked, putU32 } from "../mm/usercopy.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { isClock } from "./clock.ts";
import { wasiErrno } from "./errno-map.ts";
import { checkRights } from "./rights.ts";

/** More than any program has descriptors and timers to wait for. */
const SUBSCRIPTIONS_MAX: u32 = 1024;
const FOREVER: i64 = i64.MAX_VALUE;

// A subscription. The kernel's copy has the deadline in the timeout's place, and for a descriptor its index in the set, or minus the
// errno why it is not in it.
const AT_USERDATA: usize = 0;
const AT_TAG: usize = 8;
const AT_CLOCK: usize = 16;
const AT_FD: usize = 16;
const AT_DEADLINE: usize = 24;
const AT_ITEM: usize = 24;
const AT_CLOCK_FLAGS: usize = 40;

/**
 * Errors: EINVAL for no subscription or more than SUBSCRIPTIONS_MAX; EFAULT; EINVAL for a type, clock or clock flag that there is not;
 * EINTR. What is wrong with one descriptor is told in its event: BADF, NOTCAPABLE.
 */
export function pollOneoff(task: Task, subscriptions: u32, events: u32, count: u32, out: u32): u32 {
  if (count == 0 || count > SUBSCRIPTIONS_MAX) return abi.WASI_EINVAL;
  if (!accessOk(subscriptions, count * abi.SIZEOF_SUBSCRIPTION)) return abi.WASI_EFAULT;
  if (!accessOk(events, count * abi.SIZEOF_EVENT) || !accessOk(out, 4)) return abi.WASI_EFAULT;
  const subs = heap.alloc(<usize>count * abi.SIZEOF_SUBSCRIPTION);
  copyInUnchecked(subs, subscriptions, count * abi.SIZEOF_SUBSCRIPTION);
  const set = new PollSet(count);
  let errno = subscribe(task, subs, count, set);
  if (errno == 0) errno = waitForFirst(task, subs, count, set);
  if (errno == 0) putU32(out, report(task, subs, count, set, events));
  set.destroy();
  heap.free(subs);
  return errno;
}

function subscription(subs: usize, i: u32): usize {
  return subs + <usize>i * abi.SIZEOF_SUBSCRIPTION;
}

function tagOf(sub: usize): u32 {
  return load<u8>(sub, AT_TAG);
}

function now(task: Task, clock: u32): i64 {
  clockTime(clock, task.page);
  return load<i64>(task.page);
}

function subscribe(task: Task, subs: usize, count: u32, set: PollSet): u32 {
  let items = 0;
  for (let i: u32 = 0; i < count; i++) {
    const sub = subscription(subs, i);
    switch (tagOf(sub)) {
      case abi.EVENTTYPE_CLOCK: {
        const wrong = !isClock(load<u32>(sub, AT_CLOCK));
        if (wrong || load<u16>(sub, AT_CLOCK_FLAGS) & ~(<u16>abi.SUBCLOCKFLAGS_ABSTIME))
          return abi.WASI_EINVAL;
        store<i64>(sub, deadlineOf(task, sub), AT_DEADLINE);
        break;
      }
      case abi.EVENTTYPE_FD_READ:
      case abi.EVENTTYPE_FD_WRITE: {
        const entry = task.fds.peek(load<u32>(sub, AT_FD));
        const wrong = checkRights(entry, abi.RIGHT_POLL_FD_READWRITE);
        store<i32>(sub, wrong ? -(<i32>wrong) : items++, AT_ITEM);
        if (!wrong) set.add(entry!.description, tagOf(sub) == <u32>abi.EVENTTYPE_FD_READ ? POLLIN : POLLOUT);
        break;
      }
      default:
        return abi.WASI_EINVAL;
    }
  }
  return 0;
}

/** On the subscription's own clock. */
function deadlineOf(task: Task, sub: usize): i64 {
  const timeout = load<u64>(sub, AT_DEADLINE);
  if (load<u16>(sub, AT_CLOCK_FLAGS) & <u16>abi.SUBCLOCKFLAGS_ABSTIME)
    return timeout > <u64>FOREVER ? FOREVER : <i64>timeout;
  const at = <u64>now(task, load<u32>(sub, AT_CLOCK)) + timeout;
  return at < timeout || at > <u64>FOREVER ? FOREVER : <i64>at;
}

function waitForFirst(task: Task, subs: usize, count: u32, set: PollSet): u32 {
  while (true) {
    const left = timeLeft(task, subs, count);
    const ready = set.wait(task, left);
    if (ready < 0) return wasiErrno(ready);
    if (ready > 0 || left == 0) return 0;
  }
}

/** Nanoseconds until the first deadline; 0 also when there is an errno to be told; -1 for ever. */
function timeLeft(task: Task, subs: usize, count: u32): i64 {
  let left: i64 = -1;
  for (let i: u32 = 0; i < count; i++) {
    const sub = subscription(subs, i);
    if (tagOf(sub) != <u32>abi.EVENTTYPE_CLOCK) {
      if (load<i32>(sub, AT_ITEM) < 0) return 0;
      continue;
    }
    const deadline = load<i64>(sub, AT_DEADLINE);
    if (deadline == FOREVER) continue;
    const rest = deadline - now(task, load<u32>(sub, AT_CLOCK));
    if (rest <= 0) {
      // It has passed even if somebody sets the clock back before it is told.
      store<i64>(sub, 0, AT_DEADLINE);
      return 0;
    }
    if (left < 0 || rest < left) left = rest;
  }
  return left;
}

/** Writes an event for all that is ready; returns how many. */
function report(task: Task, subs: usize, count: u32, set: PollSet, events: u32): u32 {
  let written: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const sub = subscription(subs, i);
    const told = tagOf(sub) == <u32>abi.EVENTTYPE_CLOCK ? clockEvent(task, sub) : fileEvent(task, sub, set);
    if (!told) continue;
    copyOutUnchecked(events + written * abi.SIZEOF_EVENT, task.page, abi.SIZEOF_EVENT);
    written++;
  }
  return written;
}

/** Puts an event together in the task's page. */
function putEvent(task: Task, sub: usize, errno: u32, bytes: u64, flags: u32): void {
  const event = task.page;
  store<u64>(event, load<u64>(sub, AT_USERDATA));
  store<u64>(event, <u64>errno | ((<u64>tagOf(sub)) << 16), 8);
  store<u64>(event, bytes, 16);
  store<u64>(event, flags, 24);
}

/** False when there is nothing to be told. */
function clockEvent(task: Task, sub: usize): bool {
  const deadline = load<i64>(sub, AT_DEADLINE);
  if (deadline == FOREVER || deadline > now(task, load<u32>(sub, AT_CLOCK))) return false;
  putEvent(task, sub, 0, 0, 0);
  return true;
}

/** False when there is nothing to be told. */
function fileEvent(task: Task, sub: usize, set: PollSet): bool {
  const item = load<i32>(sub, AT_ITEM);
  if (item < 0) {
    putEvent(task, sub, -item, 0, 0);
    return true;
  }
  const found = set.found(item);
  if (!found) return false;
  const hangup = (found & <u32>(POLLHUP | POLLERR)) != 0;
  let bytes: u64 = 0;
  if (found & <u32>POLLIN) bytes = bytesToRead(task, set.file(item));
  else if (found & <u32>POLLOUT) bytes = 1;
  const errno: u32 = found & <u32>POLLNVAL ? <u32>abi.WASI_EBADF : 0;
  putEvent(task, sub, errno, bytes, hangup ? <u32>abi.EVENTRWFLAGS_FD_READWRITE_HANGUP : 0);
  return true;
}

/** How much there is to read of what is readable; 1 for what has no such number (Linux: FIONREAD). */
function bytesToRead(task: Task, file: FileDescription): u64 {
  if (file.inode.isRegular) {
    file.inode.getAttributes();
    return <u64>max<i64>(file.inode.size - file.offset, 0);
  }
  return file.ioctl(FIONREAD, task.page) == 0 ? <u64>load<u32>(task.page) : 1;
}
