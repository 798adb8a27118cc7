// Clocks and poll_oneoff: what is waited for, for how long, and what is said about it.

import {
  CLOCK_MONOTONIC,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  EVENTTYPE_CLOCK,
  EVENTTYPE_FD_READ,
  EVENTTYPE_FD_WRITE,
  OFLAGS_CREAT,
  SIZEOF_EVENT,
  SIZEOF_SUBSCRIPTION,
  SUBCLOCKFLAGS_ABSTIME,
  WASI_EBADF,
  WASI_EINVAL,
  WASI_ENOTSUP,
  WASI_ESUCCESS,
} from "../../../assembly/abi/wasi.ts";
import {
  close,
  EVENT_ERROR,
  EVENT_TYPE,
  EVENT_USERDATA,
  must,
  now,
  openAt,
  SUBSCRIPTION_CLOCK_FLAGS,
  SUBSCRIPTION_CLOCK_ID,
  SUBSCRIPTION_CLOCK_TIMEOUT,
  SUBSCRIPTION_FD,
  SUBSCRIPTION_TAG,
  SUBSCRIPTION_USERDATA,
} from "../lib/wasi.ts";
import * as wasi from "../lib/wasi_snapshot_preview1.ts";
import { begin, dir, equal, errno, isTrue, ok, test } from "./lib/checks.ts";

const subscriptions: usize = memory.data(192, 8);
const events: usize = memory.data(256, 8);
const cell: usize = memory.data(8, 8);

const MILLISECOND: u64 = 1_000_000;
/** The machine may be busy: what must not wait at all takes less than this. */
const SOON: u64 = 1500 * MILLISECOND;
const FAR: u64 = 20_000 * MILLISECOND;
const NO_FD: i32 = 9999;
/** A program without permission to sleep would use all of it. */
const MOST_CPU_WHILE_ASLEEP: u64 = 100 * MILLISECOND;

function subscription(index: i32, tag: i32): usize {
  const at = subscriptions + index * SIZEOF_SUBSCRIPTION;
  memory.fill(at, 0, SIZEOF_SUBSCRIPTION);
  store<u64>(at, userdataOf(index), SUBSCRIPTION_USERDATA);
  store<u8>(at, <u8>tag, SUBSCRIPTION_TAG);
  return at;
}

function userdataOf(index: i32): u64 {
  return 0xfedcba9876543200 + <u64>index;
}

function onClock(index: i32, clock: u32, timeout: u64, flags: i32 = 0): void {
  const at = subscription(index, EVENTTYPE_CLOCK);
  store<u32>(at, clock, SUBSCRIPTION_CLOCK_ID);
  store<u64>(at, timeout, SUBSCRIPTION_CLOCK_TIMEOUT);
  store<u16>(at, <u16>flags, SUBSCRIPTION_CLOCK_FLAGS);
}

function onFd(index: i32, tag: i32, fd: i32): void {
  store<u32>(subscription(index, tag), fd, SUBSCRIPTION_FD);
}

/** The number of events, 0 when the call failed. */
function poll(howMany: u32): u32 {
  memory.fill(events, 0xaa, 256);
  const result = wasi.poll_oneoff(subscriptions, events, howMany, cell);
  ok("poll_oneoff", result);
  return result == WASI_ESUCCESS ? load<u32>(cell) : 0;
}

function event(position: i32, index: i32, type: i32, error: i32 = WASI_ESUCCESS): void {
  const at = events + position * SIZEOF_EVENT;
  equal(`event ${position}: userdata`, load<u64>(at, EVENT_USERDATA), userdataOf(index));
  errno(`event ${position}: error`, load<u16>(at, EVENT_ERROR), error);
  equal(`event ${position}: type`, load<u8>(at, EVENT_TYPE), type);
}

/** A host may clear the room for all events that there could be, and nothing behind it. */
function nothingBehind(subscribed: i32): void {
  equal("behind the events", load<u64>(events + subscribed * SIZEOF_EVENT), 0xaaaaaaaaaaaaaaaa);
}

function took(what: string, since: u64, least: u64, most: u64): void {
  const time = now(CLOCK_MONOTONIC) - since;
  isTrue(`${what}: not too short`, time >= least);
  isTrue(`${what}: not too long`, time < most);
}

function testClocks(): void {
  test("the clocks tell the time", (): void => {
    isTrue("after 2020", now(CLOCK_REALTIME) > 1_577_836_800_000_000_000);
    isTrue("before 2200", now(CLOCK_REALTIME) < 7_258_118_400_000_000_000);
    for (let clock: u32 = 2; clock < 4; clock++) {
      errno("a CPU clock", wasi.clock_time_get(clock, 0, cell), WASI_ESUCCESS, WASI_ENOTSUP, WASI_EINVAL);
    }
  });

  test("the monotonic clock goes on and never back", (): void => {
    const first = now(CLOCK_MONOTONIC);
    let last = first;
    let backwards = 0;
    for (let i = 0; i < 20000; i++) {
      const time = now(CLOCK_MONOTONIC);
      if (time < last) backwards++;
      last = time;
    }
    equal("steps back", backwards, 0);
    isTrue("goes on", last > first);
  });

  test("the clocks have a resolution below a second", (): void => {
    for (let clock: u32 = 0; clock < 2; clock++) {
      store<u64>(cell, 0);
      ok("clock_res_get", wasi.clock_res_get(clock, cell));
      isTrue("not zero", load<u64>(cell) > 0);
      isTrue("below a second", load<u64>(cell) <= 1_000_000_000);
    }
  });

  test("unknown clocks are INVAL", (): void => {
    errno("time", wasi.clock_time_get(4, 0, cell), WASI_EINVAL, WASI_ENOTSUP);
    errno("resolution", wasi.clock_res_get(4, cell), WASI_EINVAL, WASI_ENOTSUP);
    errno("far", wasi.clock_time_get(0xffffffff, 0, cell), WASI_EINVAL, WASI_ENOTSUP);
  });
}

function testSleep(): void {
  test("poll of nothing is INVAL", (): void => {
    errno("poll_oneoff", wasi.poll_oneoff(subscriptions, events, 0, cell), WASI_EINVAL);
  });

  test("a relative sleep takes its time", (): void => {
    const start = now(CLOCK_MONOTONIC);
    onClock(0, CLOCK_MONOTONIC, 30 * MILLISECOND);
    equal("events", poll(1), 1);
    event(0, 0, EVENTTYPE_CLOCK);
    nothingBehind(1);
    took("sleep", start, 30 * MILLISECOND, SOON);
  });

  test("a relative sleep on the realtime clock takes its time", (): void => {
    const start = now(CLOCK_MONOTONIC);
    onClock(0, CLOCK_REALTIME, 30 * MILLISECOND);
    equal("events", poll(1), 1);
    event(0, 0, EVENTTYPE_CLOCK);
    took("sleep", start, 29 * MILLISECOND, SOON);
  });

  test("an absolute deadline is of its own clock", (): void => {
    let start = now(CLOCK_MONOTONIC);
    onClock(0, CLOCK_MONOTONIC, start + 30 * MILLISECOND, SUBCLOCKFLAGS_ABSTIME);
    equal("monotonic", poll(1), 1);
    took("monotonic", start, 30 * MILLISECOND, SOON);
    start = now(CLOCK_MONOTONIC);
    onClock(0, CLOCK_REALTIME, now(CLOCK_REALTIME) + 30 * MILLISECOND, SUBCLOCKFLAGS_ABSTIME);
    equal("realtime", poll(1), 1);
    took("realtime", start, 29 * MILLISECOND, SOON);
  });

  test("a deadline that has passed returns at once", (): void => {
    const start = now(CLOCK_MONOTONIC);
    onClock(0, CLOCK_MONOTONIC, 1, SUBCLOCKFLAGS_ABSTIME);
    equal("monotonic", poll(1), 1);
    event(0, 0, EVENTTYPE_CLOCK);
    onClock(0, CLOCK_REALTIME, now(CLOCK_REALTIME) - MILLISECOND, SUBCLOCKFLAGS_ABSTIME);
    equal("realtime", poll(1), 1);
    onClock(0, CLOCK_MONOTONIC, 0);
    equal("relative", poll(1), 1);
    took("all", start, 0, SOON);
  });

  test("of two clocks only the earlier one is told", (): void => {
    const start = now(CLOCK_MONOTONIC);
    onClock(0, CLOCK_MONOTONIC, FAR);
    onClock(1, CLOCK_MONOTONIC, 20 * MILLISECOND);
    equal("events", poll(2), 1);
    event(0, 1, EVENTTYPE_CLOCK);
    nothingBehind(2);
    took("sleep", start, 20 * MILLISECOND, SOON);
  });

  test("a sleep uses no CPU", (): void => {
    if (wasi.clock_time_get(CLOCK_PROCESS_CPUTIME_ID, 0, cell) != WASI_ESUCCESS) return;
    const before = load<u64>(cell);
    onClock(0, CLOCK_MONOTONIC, 300 * MILLISECOND);
    equal("events", poll(1), 1);
    isTrue("little CPU", now(CLOCK_PROCESS_CPUTIME_ID) - before < MOST_CPU_WHILE_ASLEEP);
  });

  test("an unknown clock or subscription is INVAL", (): void => {
    onClock(0, 77, MILLISECOND);
    const clock = wasi.poll_oneoff(subscriptions, events, 1, cell);
    errno("clock", clock, WASI_EINVAL, WASI_ENOTSUP, WASI_ESUCCESS);
    // It may also be told as an event, with the error in it.
    if (clock == WASI_ESUCCESS)
      errno("clock event", load<u16>(events, EVENT_ERROR), WASI_EINVAL, WASI_ENOTSUP);
    subscription(0, 9);
    errno("tag", wasi.poll_oneoff(subscriptions, events, 1, cell), WASI_EINVAL);
  });
}

function testFiles(): void {
  test("a regular file is always ready", (): void => {
    const fd = must(openAt(dir, "file", OFLAGS_CREAT), "open");
    onFd(0, EVENTTYPE_FD_READ, fd);
    onFd(1, EVENTTYPE_FD_WRITE, fd);
    equal("events", poll(2), 2);
    event(0, 0, EVENTTYPE_FD_READ);
    event(1, 1, EVENTTYPE_FD_WRITE);
    nothingBehind(2);
    close(fd);
  });

  test("a ready file does not wait for the clock", (): void => {
    const start = now(CLOCK_MONOTONIC);
    const fd = must(openAt(dir, "file", OFLAGS_CREAT), "open");
    onClock(0, CLOCK_MONOTONIC, FAR);
    onFd(1, EVENTTYPE_FD_WRITE, fd);
    equal("events", poll(2), 1);
    event(0, 1, EVENTTYPE_FD_WRITE);
    took("poll", start, 0, SOON);
    close(fd);
  });

  test("a bad descriptor is BADF and does not wait", (): void => {
    const start = now(CLOCK_MONOTONIC);
    onFd(0, EVENTTYPE_FD_READ, NO_FD);
    onClock(1, CLOCK_MONOTONIC, FAR);
    const result = wasi.poll_oneoff(subscriptions, events, 2, cell);
    errno("poll_oneoff", result, WASI_ESUCCESS, WASI_EBADF);
    if (result == WASI_ESUCCESS) {
      equal("events", load<u32>(cell), 1);
      event(0, 0, EVENTTYPE_FD_READ, WASI_EBADF);
    }
    took("poll", start, 0, SOON);
  });

  test("stdin at its end is ready", (): void => {
    const start = now(CLOCK_MONOTONIC);
    onFd(0, EVENTTYPE_FD_READ, 0);
    onClock(1, CLOCK_MONOTONIC, FAR);
    equal("events", poll(2), 1);
    event(0, 0, EVENTTYPE_FD_READ);
    took("poll", start, 0, SOON);
  });

  test("stdout and stderr are ready to be written", (): void => {
    const start = now(CLOCK_MONOTONIC);
    onFd(0, EVENTTYPE_FD_WRITE, 1);
    onFd(1, EVENTTYPE_FD_WRITE, 2);
    onClock(2, CLOCK_MONOTONIC, FAR);
    equal("events", poll(3), 2);
    event(0, 0, EVENTTYPE_FD_WRITE);
    event(1, 1, EVENTTYPE_FD_WRITE);
    nothingBehind(3);
    took("poll", start, 0, SOON);
  });
}

export function _start(): void {
  begin();
  testClocks();
  testSleep();
  testFiles();
}
