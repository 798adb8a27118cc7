// Waits in one way for ever: for programs that are to be killed while they sleep.
//
//   block sleep      poll_oneoff for a clock that is a day away
//   block naps       poll_oneoff for clocks of 0 to 2 ms, again and again
//   block poll       poll_oneoff for standard input, and for the day's end
//   block poll PATH  the same for the file at PATH, a FIFO; ends when there is something to read
//   block read       fd_read of standard input, which has nothing
//   block write      fd_write to standard output, which takes nothing more
//   block open PATH  opens the file at PATH and reads it, again and again

import {
  CLOCK_MONOTONIC,
  EVENTTYPE_CLOCK,
  EVENTTYPE_FD_READ,
  SIZEOF_SUBSCRIPTION,
} from "../../assembly/abi/wasi.ts";
import { errnoName } from "./lib/errno-name.ts";
import {
  args,
  close,
  fail,
  locate,
  must,
  openAt,
  RIGHTS_READ_ONLY,
  readBytes,
  writeBytes,
} from "./lib/wasi.ts";
import * as wasi from "./lib/wasi_snapshot_preview1.ts";

const DAY: u64 = 86_400_000_000_000;
const NAP: u64 = 100_000;
const NAPS: u64 = 20;
const SIZE: u32 = 65536;
const buffer: usize = memory.data(65536, 8);
const subscriptions: usize = memory.data(96, 8);
const events: usize = memory.data(64, 8);
const count: usize = memory.data(4, 4);

function subscribe(index: u32, type: i32, subject: u32, timeout: u64): void {
  const at = subscriptions + index * SIZEOF_SUBSCRIPTION;
  memory.fill(at, 0, SIZEOF_SUBSCRIPTION);
  store<u8>(at, <u8>type, 8);
  store<u32>(at, subject, 16);
  store<u64>(at, timeout, 24);
}

function poll(subscribed: u32): void {
  const errno = wasi.poll_oneoff(subscriptions, events, subscribed, count);
  if (errno != 0) fail(`poll_oneoff: ${errnoName(errno)}`);
}

export function _start(): void {
  const given = args();
  const way = given.length > 1 ? given[1] : "";
  let round: u64 = 0;
  while (true) {
    if (way == "sleep") {
      subscribe(0, EVENTTYPE_CLOCK, CLOCK_MONOTONIC, DAY);
      poll(1);
    } else if (way == "naps") {
      subscribe(0, EVENTTYPE_CLOCK, CLOCK_MONOTONIC, (round % NAPS) * NAP);
      poll(1);
    } else if (way == "poll" && given.length > 2) {
      const located = locate(given[2]);
      const fd = must(openAt(located.fd, located.path), "opening the FIFO");
      subscribe(0, EVENTTYPE_FD_READ, fd, 0);
      subscribe(1, EVENTTYPE_CLOCK, CLOCK_MONOTONIC, DAY);
      poll(2);
      return;
    } else if (way == "poll") {
      subscribe(0, EVENTTYPE_FD_READ, 0, 0);
      subscribe(1, EVENTTYPE_CLOCK, CLOCK_MONOTONIC, DAY);
      poll(2);
    } else if (way == "read") {
      readBytes(0, buffer, SIZE);
    } else if (way == "write") {
      writeBytes(1, buffer, SIZE);
    } else if (way == "open" && given.length > 2) {
      const located = locate(given[2]);
      const fd = openAt(located.fd, located.path, 0, RIGHTS_READ_ONLY);
      if (fd >= 0) {
        readBytes(fd, buffer, SIZE);
        close(fd);
      }
    } else {
      fail("usage: block sleep | naps | poll [PATH] | read | write | open PATH", 2);
    }
    round++;
  }
}
