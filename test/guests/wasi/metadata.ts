// filestat and times: nanoseconds, what changes them, link counts, and which number is which file.

import {
  CLOCK_REALTIME,
  FILETYPE_DIRECTORY,
  FILETYPE_REGULAR_FILE,
  FSTFLAGS_ATIM,
  FSTFLAGS_ATIM_NOW,
  FSTFLAGS_MTIM,
  FSTFLAGS_MTIM_NOW,
  LOOKUP_SYMLINK_FOLLOW,
  OFLAGS_CREAT,
  OFLAGS_TRUNC,
  WASI_EINVAL,
  WASI_ENOENT,
} from "../../../assembly/abi/wasi.ts";
import {
  close,
  FILESTAT_ATIM,
  FILESTAT_CTIM,
  FILESTAT_DEV,
  FILESTAT_FILETYPE,
  FILESTAT_INO,
  FILESTAT_MTIM,
  FILESTAT_NLINK,
  FILESTAT_SIZE,
  linkAt,
  must,
  now,
  openAt,
  preadBytes,
  pwriteBytes,
  renameAt,
  statAt,
  symlinkAt,
  Text,
  unlinkAt,
} from "../lib/wasi.ts";
import * as wasi from "../lib/wasi_snapshot_preview1.ts";
import { begin, count, dir, equal, errno, isTrue, makeDirectory, makeFile, ok, test } from "./lib/checks.ts";

const filestat: usize = memory.data(64, 8);
const other: usize = memory.data(64, 8);
const buffer: usize = memory.data(64, 8);

/** Some nanoseconds that neither a double nor a millisecond can hold. */
const ATIM: u64 = 1_000_000_123_456_789;
const MTIM: u64 = 1_700_000_000_987_654_321;
const LATE: u64 = 4_102_444_800_000_000_001;
/** A file system may take its clock from a timer tick. */
const TICK: u64 = 50_000_000;

function setTimes(path: string, atim: u64, mtim: u64, flags: i32, lookup: i32 = LOOKUP_SYMLINK_FOLLOW): i32 {
  const name = new Text(path);
  return wasi.path_filestat_set_times(dir, lookup, name.at, name.length, atim, mtim, flags);
}

function stat(path: string, lookup: i32 = LOOKUP_SYMLINK_FOLLOW): void {
  ok(`stat ${path}`, statAt(dir, path, filestat, lookup));
}

function times(what: string, atim: u64, mtim: u64): void {
  equal(`${what}: atim`, load<u64>(filestat, FILESTAT_ATIM), atim);
  equal(`${what}: mtim`, load<u64>(filestat, FILESTAT_MTIM), mtim);
}

function isAbout(what: string, time: u64, expected: u64): void {
  const difference = time > expected ? time - expected : expected - time;
  isTrue(`${what} within two seconds of now`, difference < 2_000_000_000);
}

function pause(): void {
  const end = now(CLOCK_REALTIME) + TICK;
  while (now(CLOCK_REALTIME) < end) wasi.sched_yield();
}

export function _start(): void {
  begin();

  test("times keep their nanoseconds by path", (): void => {
    makeFile(dir, "file");
    ok("set_times", setTimes("file", ATIM, MTIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    stat("file");
    times("file", ATIM, MTIM);
  });

  test("times keep their nanoseconds by descriptor", (): void => {
    const fd = must(openAt(dir, "file", OFLAGS_CREAT), "open");
    ok("set_times", wasi.fd_filestat_set_times(fd, MTIM, ATIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    ok("fd_filestat_get", wasi.fd_filestat_get(fd, filestat));
    times("file", MTIM, ATIM);
    close(fd);
  });

  test("times far from now are kept", (): void => {
    makeFile(dir, "file");
    ok("late", setTimes("file", LATE, LATE, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    stat("file");
    times("late", LATE, LATE);
    ok("first", setTimes("file", 0, 1, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    stat("file");
    times("first", 0, 1);
  });

  test("only the time that is named changes", (): void => {
    makeFile(dir, "file");
    ok("both", setTimes("file", ATIM, MTIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    ok("mtim", setTimes("file", 5, LATE, FSTFLAGS_MTIM));
    stat("file");
    times("mtim", ATIM, LATE);
    ok("atim", setTimes("file", MTIM, 5, FSTFLAGS_ATIM));
    stat("file");
    times("atim", MTIM, LATE);
    ok("none", setTimes("file", 5, 5, 0));
    stat("file");
    times("none", MTIM, LATE);
  });

  test("NOW is the clock's time", (): void => {
    makeFile(dir, "file");
    ok("both", setTimes("file", ATIM, ATIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    ok("mtim now", setTimes("file", 0, 0, FSTFLAGS_MTIM_NOW));
    stat("file");
    equal("atim", load<u64>(filestat, FILESTAT_ATIM), ATIM);
    isAbout("mtim", load<u64>(filestat, FILESTAT_MTIM), now(CLOCK_REALTIME));
    ok("atim now", setTimes("file", 0, MTIM, FSTFLAGS_ATIM_NOW | FSTFLAGS_MTIM));
    stat("file");
    isAbout("atim", load<u64>(filestat, FILESTAT_ATIM), now(CLOCK_REALTIME));
    equal("mtim", load<u64>(filestat, FILESTAT_MTIM), MTIM);
  });

  test("a time and NOW for it are INVAL and change nothing", (): void => {
    makeFile(dir, "file");
    ok("both", setTimes("file", ATIM, MTIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    errno("mtim", setTimes("file", 5, 5, FSTFLAGS_MTIM | FSTFLAGS_MTIM_NOW), WASI_EINVAL);
    errno("atim", setTimes("file", 5, 5, FSTFLAGS_ATIM | FSTFLAGS_ATIM_NOW), WASI_EINVAL);
    const mixed = FSTFLAGS_ATIM | FSTFLAGS_MTIM | FSTFLAGS_MTIM_NOW;
    errno("with a good one", setTimes("file", 5, 5, mixed), WASI_EINVAL);
    errno("unknown", setTimes("file", 5, 5, 16), WASI_EINVAL);
    stat("file");
    times("unchanged", ATIM, MTIM);
  });

  test("a time and NOW for it are INVAL by descriptor", (): void => {
    const fd = must(openAt(dir, "file", OFLAGS_CREAT), "open");
    ok("both", wasi.fd_filestat_set_times(fd, ATIM, MTIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    const flags = FSTFLAGS_ATIM | FSTFLAGS_ATIM_NOW;
    errno("set_times", wasi.fd_filestat_set_times(fd, 5, 5, flags), WASI_EINVAL);
    ok("fd_filestat_get", wasi.fd_filestat_get(fd, filestat));
    times("unchanged", ATIM, MTIM);
    close(fd);
  });

  test("without SYMLINK_FOLLOW the link's own times are set", (): void => {
    makeFile(dir, "file");
    ok("symlink", symlinkAt("file", dir, "l"));
    ok("of the file", setTimes("file", 11, 22, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    ok("of the link", setTimes("l", ATIM, MTIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM, 0));
    stat("l", 0);
    equal("mtim of the link", load<u64>(filestat, FILESTAT_MTIM), MTIM);
    stat("file");
    equal("mtim of the file", load<u64>(filestat, FILESTAT_MTIM), 22);
    ok("through the link", setTimes("l", 33, 44, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    stat("file");
    equal("mtim of the file", load<u64>(filestat, FILESTAT_MTIM), 44);
    stat("l", 0);
    equal("mtim of the link still", load<u64>(filestat, FILESTAT_MTIM), MTIM);
  });

  test("times of a dangling link can be set, and not through it", (): void => {
    ok("symlink", symlinkAt("nowhere", dir, "l"));
    ok("of the link", setTimes("l", ATIM, MTIM, FSTFLAGS_MTIM, 0));
    errno("through the link", setTimes("l", ATIM, MTIM, FSTFLAGS_MTIM), WASI_ENOENT);
    errno("of nothing", setTimes("nope", ATIM, MTIM, FSTFLAGS_MTIM, 0), WASI_ENOENT);
  });

  test("times of a directory can be set", (): void => {
    makeDirectory(dir, "d");
    ok("set_times", setTimes("d", ATIM, MTIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    stat("d");
    times("directory", ATIM, MTIM);
  });

  test("a file's stat tells what it is", (): void => {
    makeFile(dir, "file", "0123456789");
    stat("file");
    equal("type", load<u8>(filestat, FILESTAT_FILETYPE), FILETYPE_REGULAR_FILE);
    equal("size", load<u64>(filestat, FILESTAT_SIZE), 10);
    equal("nlink", load<u64>(filestat, FILESTAT_NLINK), 1);
    isAbout("mtim", load<u64>(filestat, FILESTAT_MTIM), now(CLOCK_REALTIME));
    isAbout("ctim", load<u64>(filestat, FILESTAT_CTIM), now(CLOCK_REALTIME));
    makeDirectory(dir, "d");
    stat("d");
    equal("type of a directory", load<u8>(filestat, FILESTAT_FILETYPE), FILETYPE_DIRECTORY);
  });

  test("stat by path and by descriptor agree", (): void => {
    const fd = must(openAt(dir, "file", OFLAGS_CREAT), "open");
    count("pwrite", pwriteBytes(fd, buffer, 7, 0), 7);
    ok("fd_filestat_get", wasi.fd_filestat_get(fd, other));
    stat("file");
    for (let at: usize = 0; at < 64; at += 8) {
      equal(`word at ${at}`, load<u64>(other + at) & fieldMask(at), load<u64>(filestat + at) & fieldMask(at));
    }
    close(fd);
  });

  test("a second name makes the link count two", (): void => {
    makeFile(dir, "a");
    ok("link", linkAt(dir, "a", dir, "b"));
    stat("a");
    equal("nlink", load<u64>(filestat, FILESTAT_NLINK), 2);
    const ino = load<u64>(filestat, FILESTAT_INO);
    stat("b");
    equal("the same file", load<u64>(filestat, FILESTAT_INO), ino);
    ok("unlink", unlinkAt(dir, "a"));
    stat("b");
    equal("one left", load<u64>(filestat, FILESTAT_NLINK), 1);
  });

  test("an unlinked open file has no links and can be read and written", (): void => {
    const fd = must(openAt(dir, "file", OFLAGS_CREAT), "open");
    store<u32>(buffer, 0x64636261);
    count("pwrite", pwriteBytes(fd, buffer, 4, 0), 4);
    ok("unlink", unlinkAt(dir, "file"));
    ok("fd_filestat_get", wasi.fd_filestat_get(fd, filestat));
    equal("nlink", load<u64>(filestat, FILESTAT_NLINK), 0);
    equal("size", load<u64>(filestat, FILESTAT_SIZE), 4);
    count("pwrite again", pwriteBytes(fd, buffer, 4, 4), 4);
    count("pread", preadBytes(fd, buffer + 8, 8, 0), 8);
    equal("bytes", load<u64>(buffer + 8), 0x6463626164636261);
    close(fd);
  });

  test("files have numbers of their own, which a rename keeps", (): void => {
    makeFile(dir, "a");
    makeFile(dir, "b");
    stat("a");
    const inoOfA = load<u64>(filestat, FILESTAT_INO);
    const dev = load<u64>(filestat, FILESTAT_DEV);
    stat("b");
    isTrue("different", load<u64>(filestat, FILESTAT_INO) != inoOfA);
    equal("the same device", load<u64>(filestat, FILESTAT_DEV), dev);
    ok("rename", renameAt(dir, "a", dir, "c"));
    stat("c");
    equal("kept", load<u64>(filestat, FILESTAT_INO), inoOfA);
  });

  test("writing and truncating set mtim and ctim", (): void => {
    makeFile(dir, "file");
    ok("set_times", setTimes("file", ATIM, ATIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    const fd = must(openAt(dir, "file"), "open");
    count("pwrite", pwriteBytes(fd, buffer, 1, 0), 1);
    close(fd);
    stat("file");
    isAbout("mtim", load<u64>(filestat, FILESTAT_MTIM), now(CLOCK_REALTIME));
    ok("set_times", setTimes("file", ATIM, ATIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    close(must(openAt(dir, "file", OFLAGS_TRUNC), "truncate"));
    stat("file");
    isAbout("mtim after truncating", load<u64>(filestat, FILESTAT_MTIM), now(CLOCK_REALTIME));
  });

  test("setting times and linking set ctim", (): void => {
    makeFile(dir, "file");
    stat("file");
    const before = load<u64>(filestat, FILESTAT_CTIM);
    pause();
    ok("set_times", setTimes("file", ATIM, ATIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    stat("file");
    const between = load<u64>(filestat, FILESTAT_CTIM);
    isTrue("later", between > before);
    pause();
    ok("link", linkAt(dir, "file", dir, "b"));
    stat("file");
    isTrue("later still", load<u64>(filestat, FILESTAT_CTIM) > between);
    equal("mtim", load<u64>(filestat, FILESTAT_MTIM), ATIM);
  });

  test("changing a directory's entries sets its mtim", (): void => {
    makeDirectory(dir, "d");
    ok("set_times", setTimes("d", ATIM, ATIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    makeFile(dir, "d/file");
    stat("d");
    isAbout("after creating", load<u64>(filestat, FILESTAT_MTIM), now(CLOCK_REALTIME));
    ok("set_times", setTimes("d", ATIM, ATIM, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    ok("unlink", unlinkAt(dir, "d/file"));
    stat("d");
    isAbout("after unlinking", load<u64>(filestat, FILESTAT_MTIM), now(CLOCK_REALTIME));
  });

  test("the standard descriptors have a stat", (): void => {
    for (let fd = 0; fd < 3; fd++) ok(`of ${fd}`, wasi.fd_filestat_get(fd, filestat));
  });
}

/** The file type is one byte: what lies behind it is padding. */
function fieldMask(at: usize): u64 {
  return at == FILESTAT_FILETYPE ? 0xff : u64.MAX_VALUE;
}
