// poll(2), ppoll(2). There are no signals: a signal mask is looked at and changes nothing.

import { EFAULT, EINVAL } from "../abi/errno.ts";
import { O_PATH } from "../abi/fcntl.ts";
import { POLLNVAL } from "../abi/poll.ts";
import { clockTime } from "../host.ts";
import { PollSet } from "../kernel/poll.ts";
import { Task } from "../kernel/task.ts";
import { isMemory } from "./arguments.ts";
import { putTimespec } from "./stat.ts";

// struct pollfd: +0 fd (i32)  +4 events (u16)  +6 revents (u16)
const POLLFD_SHIFT: usize = 3;
const TIMESPEC_SIZE: u64 = 16;
const SIGSET_SIZE: u64 = 8;
const CLOCK_MONOTONIC: i32 = 1;
const SECOND: i64 = 1_000_000_000;
const MILLISECOND: i64 = 1_000_000;

/**
 * Errors: EINVAL for more than may be open; EFAULT.
 * @flags POLLIN POLLRDNORM POLLOUT POLLWRNORM POLLERR POLLHUP POLLNVAL
 */
export function poll(task: Task, fds: usize, count: u32, timeoutMs: i32): i64 {
  return pollFor(task, fds, count, timeoutMs < 0 ? -1 : <i64>timeoutMs * MILLISECOND);
}

/**
 * Puts what is left of the timeout in its place. Errors: EFAULT; EINVAL for a timeout or a mask's size; then poll()'s.
 * @flags POLLIN POLLRDNORM POLLOUT POLLWRNORM POLLERR POLLHUP POLLNVAL
 */
export function ppoll(task: Task, fds: usize, count: u32, timeout: usize, mask: usize, maskSize: u64): i64 {
  if (timeout && !isMemory(timeout, TIMESPEC_SIZE)) return -EFAULT;
  let nanoseconds: i64 = -1;
  if (timeout) {
    nanoseconds = timeoutAt(timeout);
    if (nanoseconds < 0) return nanoseconds;
  }
  if (mask && maskSize != SIGSET_SIZE) return -EINVAL;
  if (mask && !isMemory(mask, SIGSET_SIZE)) return -EFAULT;
  const before = timeout ? monotonic(task) : 0;
  const result = pollFor(task, fds, count, nanoseconds);
  if (timeout) putTimespec(timeout, max<i64>(nanoseconds - (monotonic(task) - before), 0));
  return result;
}

/** A struct timespec in nanoseconds, at most what is left of time. Errors: EINVAL. */
function timeoutAt(timeout: usize): i64 {
  const seconds = load<i64>(timeout);
  const rest = load<i64>(timeout, 8);
  if (seconds < 0 || rest < 0 || rest >= SECOND) return -EINVAL;
  return seconds >= i64.MAX_VALUE / SECOND ? i64.MAX_VALUE : seconds * SECOND + rest;
}

function monotonic(task: Task): i64 {
  clockTime(CLOCK_MONOTONIC, task.page);
  return load<i64>(task.page);
}

function pollFor(task: Task, fds: usize, count: u32, timeoutNs: i64): i64 {
  if (count > task.fds.limit) return -EINVAL;
  if (count && !isMemory(fds, (<u64>count) << POLLFD_SHIFT)) return -EFAULT;
  const set = new PollSet(count);
  let invalid = 0;
  for (let i: u32 = 0; i < count; i++) {
    const pollfd = fds + ((<usize>i) << POLLFD_SHIFT);
    const fd = load<i32>(pollfd);
    store<u16>(pollfd, 0, 6);
    if (fd < 0) continue;
    const entry = task.fds.peek(<u32>fd);
    if (entry === null || entry.description.flags & <u32>O_PATH) {
      store<u16>(pollfd, <u16>POLLNVAL, 6);
      invalid++;
    } else {
      set.add(entry.description, load<u16>(pollfd, 4));
    }
  }
  const ready = set.wait(task, invalid ? 0 : timeoutNs);
  if (ready > 0) putFound(task, set, fds, count);
  set.destroy();
  return ready < 0 ? ready : ready + invalid;
}

/**
 * The items of the set are those of the array that are neither negative nor invalid. One that is ready, but was closed meanwhile by
 * another task, is invalid now.
 */
function putFound(task: Task, set: PollSet, fds: usize, count: u32): void {
  let index: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const pollfd = fds + ((<usize>i) << POLLFD_SHIFT);
    if (load<i32>(pollfd) < 0 || load<u16>(pollfd, 6) == <u16>POLLNVAL) continue;
    const found = set.found(index++);
    const closed = found != 0 && task.fds.peek(<u32>load<i32>(pollfd)) === null;
    store<u16>(pollfd, closed ? <u16>POLLNVAL : <u16>found, 6);
  }
}
