// poll_oneoff: wait for the first of some clocks and descriptors.
//
// Without host descriptors among them the task sleeps in the kernel; with some, in poll(2) on the host. Both end when the
// task is killed, and neither burns time.

import { EINTR } from "../abi/errno.ts";
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT } from "../abi/poll.ts";
import * as abi from "../abi/wasi.ts";
import { clockTime, pollHandles } from "../host.ts";
import { Task } from "../kernel/task.ts";
import { accessOk, copyInUnchecked, copyOutUnchecked, putU32 } from "../mm/usercopy.ts";
import { lockKernel, unlockKernel } from "../sched/kernel-lock.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { isClock } from "./clock.ts";
import { wasiErrno } from "./errno-map.ts";

/** More than any program has descriptors and timers to wait for. */
const SUBSCRIPTIONS_MAX: u32 = 1024;
const FOREVER: i64 = i64.MAX_VALUE;

// What the kernel keeps for each subscription, 32 bytes:
//   +0 deadline on its own clock (i64)  +8 host pollfd index or -1 (i32)  +12 errno (u32)  +16 ready (u32)  +20 revents (u32)
const STATE: usize = 24;
// A subscription, 48 bytes: +0 userdata  +8 tag  +16 clock id or fd  +24 timeout  +32 precision  +40 flags

export function pollOneoff(task: Task, subscriptions: u32, events: u32, count: u32, out: u32): u32 {
  if (count == 0 || count > SUBSCRIPTIONS_MAX) return abi.WASI_EINVAL;
  if (!accessOk(subscriptions, count * abi.SIZEOF_SUBSCRIPTION)) return abi.WASI_EFAULT;
  if (!accessOk(events, count * abi.SIZEOF_EVENT) || !accessOk(out, 4)) return abi.WASI_EFAULT;
  const subs = heap.alloc(<usize>count * abi.SIZEOF_SUBSCRIPTION);
  copyInUnchecked(subs, subscriptions, count * abi.SIZEOF_SUBSCRIPTION);
  const states = heap.alloc(<usize>count * STATE);
  const pollfds = heap.alloc((<usize>count) << 3);
  let errno = prepare(task, subs, states, pollfds, count);
  if (errno == 0) errno = wait(task, subs, states, pollfds, count);
  if (errno == 0) putU32(out, report(task, subs, states, pollfds, count, events));
  heap.free(pollfds);
  heap.free(states);
  heap.free(subs);
  return errno;
}

function subscription(subs: usize, i: u32): usize {
  return subs + <usize>i * abi.SIZEOF_SUBSCRIPTION;
}

function now(task: Task, clock: u32): i64 {
  clockTime(clock, task.page);
  return load<i64>(task.page);
}

/** Fills the states; the number of host descriptors goes to task.page + 8. */
function prepare(task: Task, subs: usize, states: usize, pollfds: usize, count: u32): u32 {
  let hosts: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const sub = subscription(subs, i);
    const state = states + <usize>i * STATE;
    store<i64>(state, FOREVER);
    store<i32>(state, -1, 8);
    const tag: u32 = load<u8>(sub, 8);
    const subject = load<u32>(sub, 16);
    if (tag == <u32>abi.EVENTTYPE_CLOCK) {
      if (!isClock(subject) || load<u16>(sub, 40) & ~(<u16>abi.SUBCLOCKFLAGS_ABSTIME)) return abi.WASI_EINVAL;
      store<i64>(state, deadlineOf(task, sub, subject));
    } else if (tag == <u32>abi.EVENTTYPE_FD_READ || tag == <u32>abi.EVENTTYPE_FD_WRITE) {
      const entry = task.fds.get(subject);
      if (entry === null) {
        store<u32>(state, abi.WASI_EBADF, 12);
        store<u32>(state, 1, 16);
        continue;
      }
      const file = entry.description;
      const wanted = tag == <u32>abi.EVENTTYPE_FD_READ ? <u32>POLLIN : <u32>POLLOUT;
      const handle = file.pollHandle();
      if (handle >= 0) {
        const pollfd = pollfds + ((<usize>hosts) << 3);
        store<i32>(pollfd, handle);
        store<u32>(pollfd, wanted, 4);
        store<i32>(state, hosts, 8);
        hosts++;
      } else if (file.poll() & wanted) {
        store<u32>(state, 1, 16);
      }
    } else {
      return abi.WASI_EINVAL;
    }
  }
  store<u32>(task.page, hosts, 8);
  return 0;
}

function deadlineOf(task: Task, sub: usize, clock: u32): i64 {
  const timeout = load<u64>(sub, 24);
  if (load<u16>(sub, 40) & <u16>abi.SUBCLOCKFLAGS_ABSTIME)
    return timeout > <u64>FOREVER ? FOREVER : <i64>timeout;
  const at = <u64>now(task, clock) + timeout;
  return at < timeout || at > <u64>FOREVER ? FOREVER : <i64>at;
}

/** Nanoseconds until the first clock, 0 when something is ready already, -1 for ever. */
function timeLeft(task: Task, subs: usize, states: usize, count: u32): i64 {
  let left: i64 = -1;
  for (let i: u32 = 0; i < count; i++) {
    const state = states + <usize>i * STATE;
    if (load<u32>(state, 16)) return 0;
    const deadline = load<i64>(state);
    if (load<u8>(subscription(subs, i), 8) != <u8>abi.EVENTTYPE_CLOCK || deadline == FOREVER) continue;
    const rest = deadline - now(task, load<u32>(subscription(subs, i), 16));
    if (rest <= 0) return 0;
    if (left < 0 || rest < left) left = rest;
  }
  return left;
}

function wait(task: Task, subs: usize, states: usize, pollfds: usize, count: u32): u32 {
  const hosts = load<u32>(task.page, 8);
  while (true) {
    const left = timeLeft(task, subs, states, count);
    let result = 0;
    if (hosts) {
      unlockKernel();
      result = pollHandles(changetype<usize>(task), pollfds, hosts, left < 0 ? -1 : <f64>left);
      lockKernel();
      if (result < 0) return wasiErrno(result);
      if (result > 0) return 0;
    } else if (left != 0) {
      result = task.sleeping.sleep(left);
      if (result == -EINTR) return abi.WASI_EINTR;
      if (result < 0 && !ASC_FEATURE_THREADS) return wasiErrno(result);
    }
    if (timeLeft(task, subs, states, count) == 0) return 0;
  }
}

/** Writes an event for all that is ready; returns how many. */
function report(task: Task, subs: usize, states: usize, pollfds: usize, count: u32, events: u32): u32 {
  let written: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const sub = subscription(subs, i);
    const state = states + <usize>i * STATE;
    const tag: u32 = load<u8>(sub, 8);
    let bytes: u64 = 0;
    let flags: u32 = 0;
    let errno = load<u32>(state, 12);
    if (tag == <u32>abi.EVENTTYPE_CLOCK) {
      const deadline = load<i64>(state);
      if (deadline == FOREVER || deadline > now(task, load<u32>(sub, 16))) continue;
    } else {
      const index = load<i32>(state, 8);
      if (index >= 0) {
        const revents: u32 = load<u16>(pollfds + ((<usize>index) << 3), 6);
        if (!revents) continue;
        if (revents & <u32>POLLNVAL) errno = abi.WASI_EBADF;
        if (revents & (<u32>POLLHUP | <u32>POLLERR)) flags = abi.EVENTRWFLAGS_FD_READWRITE_HANGUP;
        bytes = 1;
      } else {
        if (!load<u32>(state, 16)) continue;
        if (!errno) bytes = readyBytes(task, load<u32>(sub, 16), tag);
      }
    }
    const event = task.page;
    store<u64>(event, load<u64>(sub));
    store<u64>(event, <u64>errno | ((<u64>tag) << 16), 8);
    store<u64>(event, bytes, 16);
    store<u64>(event, flags, 24);
    copyOutUnchecked(events + written * abi.SIZEOF_EVENT, event, abi.SIZEOF_EVENT);
    written++;
  }
  return written;
}

/** How much a regular file has left to read; 1 for what has no such number. */
function readyBytes(task: Task, fd: u32, tag: u32): u64 {
  const entry = task.fds.get(fd);
  if (entry === null) return 0;
  const file: FileDescription = entry.description;
  if (tag == <u32>abi.EVENTTYPE_FD_WRITE || !file.inode.isRegular) return 1;
  const left = file.inode.size - file.offset;
  return left > 0 ? <u64>left : 0;
}
