// Works on one tree together with other copies of itself, as hard as it can, and looks at what it gets back.
//
//   hammer SEED SECONDS DIR   random calls for that long (0: for ever), then
//                             "operations N appended M counted K"
//   hammer verify DIR         reads what all copies left behind: "appended M counted K", sums over all
//   hammer clean DIR          removes everything below DIR
//
// Each copy needs a SEED of its own. What lies in DIR:
//   own-SEED/   files of one copy alone: their contents, sizes and names are known and checked all the time
//   shared/     files, directories and links that all copies create, rename and remove: any errno that a race
//               can explain is right
//   appended    records of 16 bytes (seed, sequence number) written with APPEND: a lost update is a missing
//               record
//   counter     a number that is read, incremented and written under counter.lock (made with O_EXCL): a lost
//               update is a counter below the sum of all K. A copy that is killed leaves the lock, and nobody
//               counts after that.
//
// A wrong answer ends the program with exit code 1 and a line on standard error.

import {
  CLOCK_MONOTONIC,
  FDFLAGS_APPEND,
  OFLAGS_CREAT,
  OFLAGS_DIRECTORY,
  OFLAGS_EXCL,
  OFLAGS_TRUNC,
  SIZEOF_DIRENT,
  WASI_EBADF,
  WASI_EBUSY,
  WASI_EEXIST,
  WASI_EINVAL,
  WASI_EISDIR,
  WASI_ELOOP,
  WASI_EMLINK,
  WASI_ENOENT,
  WASI_ENOTCAPABLE,
  WASI_ENOTDIR,
  WASI_ENOTEMPTY,
  WASI_EPERM,
  WASI_ESUCCESS,
} from "../../assembly/abi/wasi.ts";
import { BytePath } from "./lib/byte-path.ts";
import { errnoName } from "./lib/errno-name.ts";
import { callImport, importCount, importNamed } from "./lib/every-import.ts";
import { removeTree } from "./lib/remove-tree.ts";
import {
  args,
  close,
  DIRENT_NAME_LENGTH,
  fail,
  locate,
  mkdirAt,
  must,
  now,
  openAt,
  preadBytes,
  print,
  pwriteBytes,
  RIGHTS_DIRECTORY,
  RIGHTS_INHERITED,
  RIGHTS_READ_ONLY,
  RIGHTS_READ_WRITE,
  readBytes,
  seek,
  writeBytes,
} from "./lib/wasi.ts";
import * as wasi from "./lib/wasi_snapshot_preview1.ts";

const OWN_FILES: i32 = 16;
const OWN_SIZE_MAX: u32 = 128 * 1024;
const SHARED_DIRECTORIES: u32 = 4;
const SHARED_NAMES: u32 = 12;
const HELD: i32 = 8;
const RECORD_SIZE: u32 = 16;
const CLOCK_INTERVAL: u32 = 64;
/** Small, so that a directory takes several calls. */
const LISTING_SIZE: u32 = 512;

const buffer: usize = memory.data(131072, 8);
const entries: usize = memory.data(512, 8);
const filestat: usize = memory.data(64, 8);
const cell: usize = memory.data(8, 8);

let seed: u32 = 0;
let random: u64 = 0;
let base: i32 = -1;
let own: i32 = -1;
let shared: i32 = -1;
let appendFd: i32 = -1;
let counterFd: i32 = -1;
let appended: u64 = 0;
let counted: u64 = 0;
let operations: u64 = 0;
let exitImport: i32 = -1;
let raiseImport: i32 = -1;

/** Of each own file: -1 when there is none, else its size; its generation decides contents and name. */
const ownSize = new StaticArray<i32>(OWN_FILES);
const ownGeneration = new StaticArray<u32>(OWN_FILES);
/** Descriptors of shared files, kept open while the files change; -1 when the place is free. */
const held = new StaticArray<i32>(HELD);

const path = new BytePath();
const other = new BytePath();
const lockName = new BytePath();

function next(bound: u32): u32 {
  random ^= random << 13;
  random ^= random >> 7;
  random ^= random << 17;
  return <u32>((random >> 32) % bound);
}

function wrong(what: string, errno: i32): void {
  fail(`hammer ${seed}: ${what}: ${errnoName(errno)} after ${operations} operations`);
}

// Files of this copy alone

function ownName(into: BytePath, index: i32, generation: u32): void {
  into
    .clear()
    .byte(0x66)
    .number(index)
    .byte(<u8>(0x61 + (generation & 1)));
}

function wordAt(index: i32, generation: u32, offset: u32): u64 {
  return (<u64>seed * 0x9e3779b97f4a7c15) ^ ((<u64>index) << 56) ^ ((<u64>generation) << 32) ^ <u64>offset;
}

function openRaw(dir: i32, name: BytePath, oflags: i32, rights: u64, fdflags: i32, lookup: i32): i32 {
  const errno = wasi.path_open(
    dir,
    lookup,
    name.at,
    name.length,
    oflags,
    rights,
    RIGHTS_INHERITED,
    fdflags,
    cell,
  );
  return errno != WASI_ESUCCESS ? -errno : load<i32>(cell);
}

function openOwn(index: i32, oflags: i32): i32 {
  ownName(path, index, ownGeneration[index]);
  const fd = openRaw(own, path, oflags, RIGHTS_READ_WRITE, 0, 0);
  if (fd < 0) wrong("opening an own file", -fd);
  return fd;
}

function rewriteOwn(index: i32): void {
  const size = next(8) == 0 ? next(OWN_SIZE_MAX) & ~7 : next(4096) & ~7;
  const before = ownSize[index];
  if (before < 0) ownGeneration[index]++;
  const fd = openOwn(index, before < 0 ? OFLAGS_CREAT | OFLAGS_EXCL : OFLAGS_TRUNC);
  // The name of an existing file goes by the parity of its generation, which a rewrite keeps.
  if (before >= 0) ownGeneration[index] += 2;
  const generation = ownGeneration[index];
  for (let offset: u32 = 0; offset < size; offset += 8) {
    store<u64>(buffer + offset, wordAt(index, generation, offset));
  }
  let done: u32 = 0;
  while (done < size) {
    const piece = min(size - done, 1 + next(65536));
    const count = writeBytes(fd, buffer + done, piece);
    if (count <= 0) wrong("writing an own file", -count);
    done += <u32>count;
  }
  ownSize[index] = <i32>size;
  closeRight(fd);
}

function verifyOwn(index: i32): void {
  const size = <u32>ownSize[index];
  const generation = ownGeneration[index];
  const fd = openOwn(index, 0);
  let done: u32 = 0;
  while (true) {
    const count = readBytes(fd, buffer + done, min(131072 - done, 1 + next(65536)));
    if (count < 0) wrong("reading an own file", -count);
    if (count == 0) break;
    done += <u32>count;
  }
  if (done != size) fail(`hammer ${seed}: own file ${index} has ${done} bytes instead of ${size}`);
  for (let offset: u32 = 0; offset + 8 <= size; offset += 8) {
    if (load<u64>(buffer + offset) != wordAt(index, generation, offset)) {
      fail(`hammer ${seed}: own file ${index} has foreign bytes at ${offset} of ${size}`);
    }
  }
  closeRight(fd);
}

function shortenOwn(index: i32): void {
  const fd = openOwn(index, 0);
  const size = next(<u32>ownSize[index] + 1) & ~7;
  const errno = wasi.fd_filestat_set_size(fd, size);
  if (errno != 0) wrong("shortening an own file", errno);
  ownSize[index] = <i32>size;
  closeRight(fd);
}

function unlinkOwn(index: i32): void {
  ownName(path, index, ownGeneration[index]);
  let errno = wasi.path_unlink_file(own, path.at, path.length);
  if (errno != 0) wrong("unlinking an own file", errno);
  errno = wasi.path_filestat_get(own, 0, path.at, path.length, filestat);
  if (errno != WASI_ENOENT) wrong("stat of an unlinked own file", errno);
  ownSize[index] = -1;
}

function moveOwn(index: i32): void {
  const generation = ownGeneration[index];
  ownName(path, index, generation);
  ownName(other, index, generation + 1);
  // Through a second link, so that the contents' generation can stay: the old name goes, the new name is
  // there.
  let errno = wasi.path_link(own, 0, path.at, path.length, own, other.at, other.length);
  if (errno != 0) wrong("linking an own file", errno);
  errno = wasi.path_filestat_get(own, 0, path.at, path.length, filestat);
  if (errno != 0) wrong("stat of an own file", errno);
  if (load<u64>(filestat, 24) != 2)
    fail(`hammer ${seed}: a file with two names has ${load<u64>(filestat, 24)}`);
  errno = wasi.path_unlink_file(own, path.at, path.length);
  if (errno != 0) wrong("unlinking an own file's first name", errno);
  errno = wasi.path_rename(own, other.at, other.length, own, path.at, path.length);
  if (errno != 0) wrong("renaming an own file", errno);
}

function listOwn(): void {
  let expected = 0;
  for (let i = 0; i < OWN_FILES; i++) if (ownSize[i] >= 0) expected++;
  const found = countEntries(own);
  if (found != expected) fail(`hammer ${seed}: own directory lists ${found} names instead of ${expected}`);
}

function isDots(name: usize, length: u32): bool {
  if (length > 2) return false;
  return load<u8>(name) == 0x2e && (length == 1 || load<u8>(name, 1) == 0x2e);
}

/** The number of names beside "." and ".." in a directory, exact when nobody else changes it, or -errno. */
function countEntries(dir: i32): i32 {
  let cookie: u64 = 0;
  let count = 0;
  let used = LISTING_SIZE;
  while (used == LISTING_SIZE) {
    const errno = wasi.fd_readdir(dir, entries, LISTING_SIZE, cookie, cell);
    if (errno != 0) return -errno;
    used = load<u32>(cell);
    let at: u32 = 0;
    while (at + SIZEOF_DIRENT <= used) {
      const end = at + SIZEOF_DIRENT + load<u32>(entries + at, DIRENT_NAME_LENGTH);
      if (end > used) break;
      cookie = load<u64>(entries + at);
      if (!isDots(entries + at + SIZEOF_DIRENT, end - at - SIZEOF_DIRENT)) count++;
      at = end;
    }
  }
  return count;
}

function closeRight(fd: i32): void {
  const errno = close(fd);
  if (errno != 0) wrong("closing", errno);
}

function workOnOwn(): void {
  const index = <i32>next(OWN_FILES);
  if (ownSize[index] < 0) {
    rewriteOwn(index);
    return;
  }
  switch (next(7)) {
    case 0:
      rewriteOwn(index);
      break;
    case 1:
      shortenOwn(index);
      break;
    case 2:
      unlinkOwn(index);
      break;
    case 3:
      moveOwn(index);
      break;
    case 4:
      listOwn();
      break;
    default:
      verifyOwn(index);
      break;
  }
}

// The tree that all copies change

function sharedName(into: BytePath): void {
  into.clear();
  if (next(4) != 0) into.byte(0x64).number(next(SHARED_DIRECTORIES)).byte(0x2f);
  if (next(3) == 0) into.byte(0x64).number(next(SHARED_DIRECTORIES));
  else into.byte(0x6e).number(next(SHARED_NAMES));
}

function expectRace(what: string, errno: i32): void {
  switch (errno) {
    case WASI_ESUCCESS:
    case WASI_ENOENT:
    case WASI_EEXIST:
    case WASI_EISDIR:
    case WASI_ENOTDIR:
    case WASI_ENOTEMPTY:
    case WASI_EINVAL:
    case WASI_EPERM:
    case WASI_EBUSY:
    case WASI_ELOOP:
    case WASI_EMLINK:
    case WASI_EBADF:
    case WASI_ENOTCAPABLE:
      return;
    default:
      wrong(what, errno);
  }
}

function expectRaceCount(what: string, count: i32): void {
  if (count < 0) expectRace(what, -count);
}

function openShared(): void {
  const place = <i32>next(HELD);
  if (held[place] >= 0) {
    closeRight(held[place]);
    held[place] = -1;
    return;
  }
  sharedName(path);
  const oflags =
    next(3) == 0 ? OFLAGS_CREAT | (next(2) == 0 ? OFLAGS_EXCL : 0) : next(4) == 0 ? OFLAGS_TRUNC : 0;
  const fdflags = next(4) == 0 ? FDFLAGS_APPEND : 0;
  const rights = next(5) == 0 ? RIGHTS_READ_ONLY : RIGHTS_READ_WRITE;
  const fd = openRaw(shared, path, oflags, rights, fdflags, next(2));
  expectRaceCount("opening a shared name", fd);
  if (fd >= 0) held[place] = fd;
}

/** For each of the two times: leave it, set it, or set it to now. */
function timesFlags(): i32 {
  return next(3) | (next(3) << 2);
}

function useHeld(): void {
  const fd = held[next(HELD)];
  if (fd < 0) return;
  switch (next(12)) {
    case 0:
      expectRaceCount("write", writeBytes(fd, buffer, next(3000)));
      break;
    case 1:
      expectRaceCount("pwrite", pwriteBytes(fd, buffer, next(3000), next(200000)));
      break;
    case 2:
      expectRaceCount("read", readBytes(fd, buffer, next(5000)));
      break;
    case 3:
      expectRaceCount("pread", preadBytes(fd, buffer, next(5000), next(200000)));
      break;
    case 4:
      expectRace("seek", seek(fd, next(100000), next(3)));
      break;
    case 5:
      expectRace("fd_filestat_get", wasi.fd_filestat_get(fd, filestat));
      break;
    case 6:
      expectRace("fd_filestat_set_size", wasi.fd_filestat_set_size(fd, next(100000)));
      break;
    case 7:
      expectRace(
        "fd_filestat_set_times",
        wasi.fd_filestat_set_times(fd, next(1000), next(1000), timesFlags()),
      );
      break;
    case 8:
      expectRace("fd_fdstat_get", wasi.fd_fdstat_get(fd, filestat));
      break;
    case 9:
      expectRace("fd_fdstat_set_flags", wasi.fd_fdstat_set_flags(fd, next(2)));
      break;
    case 10:
      expectRace("fd_datasync", wasi.fd_datasync(fd));
      break;
    default:
      expectRaceCount("readdir of a file", countEntries(fd));
      break;
  }
}

function renumberHeld(): void {
  const from = <i32>next(HELD);
  const to = <i32>next(HELD);
  if (from == to || held[from] < 0 || held[to] < 0) return;
  const errno = wasi.fd_renumber(held[from], held[to]);
  if (errno != 0) wrong("fd_renumber", errno);
  held[from] = -1;
}

function listShared(): void {
  path.clear();
  if (next(2) == 0) path.byte(0x2e);
  else path.byte(0x64).number(next(SHARED_DIRECTORIES));
  const dir = openRaw(shared, path, OFLAGS_DIRECTORY, RIGHTS_DIRECTORY, 0, 1);
  expectRaceCount("opening a shared directory", dir);
  if (dir < 0) return;
  expectRaceCount("listing a shared directory", countEntries(dir));
  closeRight(dir);
}

function workOnShared(): void {
  sharedName(path);
  sharedName(other);
  switch (next(14)) {
    case 0:
      expectRace("mkdir", wasi.path_create_directory(shared, path.at, path.length));
      break;
    case 1:
      expectRace("rmdir", wasi.path_remove_directory(shared, path.at, path.length));
      break;
    case 2:
      expectRace("unlink", wasi.path_unlink_file(shared, path.at, path.length));
      break;
    case 3:
      expectRace("rename", wasi.path_rename(shared, path.at, path.length, shared, other.at, other.length));
      break;
    case 4:
      expectRace("link", wasi.path_link(shared, 0, path.at, path.length, shared, other.at, other.length));
      break;
    case 5:
      // The target is another shared name, taken from the link's own directory: some dangle, some loop.
      expectRace("symlink", wasi.path_symlink(other.at, other.length, shared, path.at, path.length));
      break;
    case 6:
      expectRace("readlink", wasi.path_readlink(shared, path.at, path.length, entries, next(64), cell));
      break;
    case 7:
      expectRace("stat", wasi.path_filestat_get(shared, next(2), path.at, path.length, filestat));
      break;
    case 8: {
      const flags = timesFlags();
      expectRace(
        "utimes",
        wasi.path_filestat_set_times(shared, next(2), path.at, path.length, next(1000), next(1000), flags),
      );
      break;
    }
    case 9:
      listShared();
      break;
    case 10:
      renumberHeld();
      break;
    case 11:
    case 12:
      openShared();
      break;
    default:
      useHeld();
      break;
  }
}

// What loses updates when locks do not hold

function appendRecord(): void {
  store<u64>(buffer, seed);
  store<u64>(buffer, appended, 8);
  const count = writeBytes(appendFd, buffer, RECORD_SIZE);
  if (count != RECORD_SIZE) wrong("appending a record", count < 0 ? -count : 0);
  appended++;
}

function countUnderLock(): void {
  const lock = openRaw(base, lockName, OFLAGS_CREAT | OFLAGS_EXCL, RIGHTS_READ_WRITE, 0, 0);
  if (lock == -WASI_EEXIST) {
    wasi.sched_yield();
    return;
  }
  if (lock < 0) wrong("taking the lock", -lock);
  closeRight(lock);
  let count = preadBytes(counterFd, buffer, 8, 0);
  if (count < 0) wrong("reading the counter", -count);
  const value: u64 = count == 8 ? load<u64>(buffer) : 0;
  store<u64>(buffer, value + 1);
  count = pwriteBytes(counterFd, buffer, 8, 0);
  if (count != 8) wrong("writing the counter", count < 0 ? -count : 0);
  counted++;
  const errno = wasi.path_unlink_file(base, lockName.at, lockName.length);
  if (errno != 0) wrong("releasing the lock", errno);
}

function callAny(): void {
  const chosen = <i32>next(importCount());
  if (chosen != exitImport && chosen != raiseImport) callImport(chosen);
}

function work(): void {
  const kind = next(16);
  if (kind < 5) workOnOwn();
  else if (kind < 12) workOnShared();
  else if (kind < 13) appendRecord();
  else if (kind < 14) countUnderLock();
  else callAny();
}

// Setting up

function directoryAt(dir: i32, name: string): i32 {
  const errno = mkdirAt(dir, name);
  if (errno != 0 && errno != WASI_EEXIST) fail(`making ${name}: ${errnoName(errno)}`);
  return must(openAt(dir, name, OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), `opening ${name}`);
}

function setUp(directory: i32): void {
  base = directory;
  own = directoryAt(base, `own-${seed}`);
  shared = directoryAt(base, "shared");
  appendFd = must(openAt(base, "appended", OFLAGS_CREAT, RIGHTS_READ_WRITE, FDFLAGS_APPEND), "appended");
  counterFd = must(openAt(base, "counter", OFLAGS_CREAT), "counter");
  const lock = String.UTF8.encode("counter.lock");
  lockName.bytes(changetype<usize>(lock), <u32>lock.byteLength);
  for (let i = 0; i < OWN_FILES; i++) ownSize[i] = -1;
  for (let i = 0; i < HELD; i++) held[i] = -1;
  exitImport = importNamed("proc_exit");
  raiseImport = importNamed("proc_raise");
}

function hammer(seconds: f64, directory: i32): void {
  setUp(directory);
  const end = now(CLOCK_MONOTONIC) + <u64>(seconds * 1e9);
  while (seconds == 0 || operations % CLOCK_INTERVAL != 0 || now(CLOCK_MONOTONIC) < end) {
    work();
    operations++;
  }
  for (let i = 0; i < OWN_FILES; i++) if (ownSize[i] >= 0) verifyOwn(i);
  print(`operations ${operations} appended ${appended} counted ${counted}\n`);
}

// Looking at what was left

function verify(directory: i32): void {
  const file = must(openAt(directory, "appended", 0, RIGHTS_READ_ONLY), "appended");
  const lastOf = new Map<u64, u64>();
  let records: u64 = 0;
  while (true) {
    const count = preadBytes(file, buffer, RECORD_SIZE, records * RECORD_SIZE);
    if (count < 0) fail(`reading appended: ${errnoName(-count)}`);
    if (count == 0) break;
    if (count != RECORD_SIZE) fail(`appended: a record of ${count} bytes at ${records}`);
    const who = load<u64>(buffer);
    const sequence = load<u64>(buffer, 8);
    const expected = lastOf.has(who) ? lastOf.get(who) + 1 : 0;
    if (sequence != expected)
      fail(`appended: copy ${who} has record ${sequence} where ${expected} was to come`);
    lastOf.set(who, sequence);
    records++;
  }
  const counter = must(openAt(directory, "counter", 0, RIGHTS_READ_ONLY), "counter");
  const count = preadBytes(counter, buffer, 8, 0);
  print(`appended ${records} counted ${count == 8 ? load<u64>(buffer) : 0}\n`);
}

export function _start(): void {
  const given = args();
  if (given.length < 3) fail("usage: hammer SEED SECONDS DIR | hammer verify DIR | hammer clean DIR", 2);
  const located = locate(given[given.length - 1]);
  const directory = must(openAt(located.fd, located.path, OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), "opening DIR");
  if (given[1] == "verify") verify(directory);
  else if (given[1] == "clean") removeTree(directory);
  else {
    seed = <u32>I32.parseInt(given[1]);
    random = 0x2545f4914f6cdd1d ^ (<u64>(seed + 1) * 0x9e3779b97f4a7c15);
    hammer(F64.parseFloat(given[2]), directory);
  }
}
