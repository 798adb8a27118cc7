// fd_readdir: what is listed, with which numbers and types, through buffers of any size, while the directory
// changes.

import {
  FILETYPE_DIRECTORY,
  FILETYPE_REGULAR_FILE,
  FILETYPE_SYMBOLIC_LINK,
  SIZEOF_DIRENT,
  WASI_EBADF,
  WASI_EINVAL,
  WASI_ENOENT,
  WASI_ENOTDIR,
  WASI_ESUCCESS,
} from "../../../assembly/abi/wasi.ts";
import { errnoName } from "../lib/errno-name.ts";
import {
  close,
  DIRENT_INO,
  DIRENT_NAME_LENGTH,
  DIRENT_NEXT,
  DIRENT_TYPE,
  FILESTAT_INO,
  must,
  openAt,
  renameAt,
  rmdirAt,
  statAt,
  symlinkAt,
  textOf,
  unlinkAt,
} from "../lib/wasi.ts";
import * as wasi from "../lib/wasi_snapshot_preview1.ts";
import {
  begin,
  dir,
  equal,
  errno,
  isTrue,
  makeDirectory,
  makeFile,
  ok,
  openDirectory,
  same,
  test,
} from "./lib/checks.ts";

const filestat: usize = memory.data(64, 8);
const buffer: usize = memory.data(65536, 8);
const cell: usize = memory.data(8, 8);

@final
class Entry {
  constructor(
    readonly name: string,
    readonly ino: u64,
    readonly type: u8,
    readonly next: u64,
  ) {}
}

/** The entries that lie complete in the first `used` bytes of the buffer. */
function entriesIn(used: u32): Entry[] {
  const entries: Entry[] = [];
  let at: u32 = 0;
  while (at + SIZEOF_DIRENT <= used) {
    const length = load<u32>(buffer + at, DIRENT_NAME_LENGTH);
    if (at + SIZEOF_DIRENT + length > used) break;
    const name = textOf(buffer + at + SIZEOF_DIRENT, length);
    entries.push(
      new Entry(
        name,
        load<u64>(buffer + at, DIRENT_INO),
        load<u8>(buffer + at, DIRENT_TYPE),
        load<u64>(buffer + at, DIRENT_NEXT),
      ),
    );
    at += SIZEOF_DIRENT + length;
  }
  return entries;
}

function read(fd: i32, size: u32, cookie: u64): u32 {
  const result = wasi.fd_readdir(fd, buffer, size, cookie, cell);
  ok("fd_readdir", result);
  return result == WASI_ESUCCESS ? load<u32>(cell) : 0;
}

/** All names, read through a buffer of that size; each is unlinked as soon as it is seen when asked. */
function list(fd: i32, size: u32, unlinking: bool = false): string[] {
  const names: string[] = [];
  let cookie: u64 = 0;
  while (true) {
    const used = read(fd, size, cookie);
    const entries = entriesIn(used);
    for (let i = 0; i < entries.length; i++) {
      names.push(entries[i].name);
      cookie = entries[i].next;
      const isDots = entries[i].name == "." || entries[i].name == "..";
      if (unlinking && !isDots) ok(`unlink ${entries[i].name}`, unlinkAt(fd, entries[i].name));
    }
    if (used < size) return names;
    if (entries.length == 0) {
      names.push(`<no whole entry in ${size} bytes>`);
      return names;
    }
  }
  return names;
}

function without(names: string[], removed: string): string[] {
  const rest: string[] = [];
  for (let i = 0; i < names.length; i++) if (names[i] != removed) rest.push(names[i]);
  return rest;
}

function joined(names: string[]): string {
  const sorted = without(without(names, "."), "..");
  sorted.sort();
  return sorted.join(" ");
}

function makeFiles(howMany: i32): void {
  for (let i = 0; i < howMany; i++) makeFile(dir, `file-${i}`, "");
}

function makeMixed(): void {
  makeFile(dir, "file");
  makeDirectory(dir, "sub");
  ok("symlink", symlinkAt("file", dir, "link"));
}

function sameAsNow(what: string, names: string[], howMany: i32): void {
  const seen = new Map<string, bool>();
  for (let i = 0; i < names.length; i++) {
    isTrue(`${what}: ${names[i]} once`, !seen.has(names[i]));
    seen.set(names[i], true);
  }
  equal(what, seen.size, howMany + 2);
}

export function _start(): void {
  begin();

  test("dot and dot-dot come first", (): void => {
    makeMixed();
    const entries = entriesIn(read(dir, 4096, 0));
    isTrue("five entries", entries.length == 5);
    if (entries.length < 2) return;
    same("first", entries[0].name, ".");
    same("second", entries[1].name, "..");
    equal("type of .", entries[0].type, FILETYPE_DIRECTORY);
    equal("type of ..", entries[1].type, FILETYPE_DIRECTORY);
  });

  test("the inode numbers are those of stat", (): void => {
    makeMixed();
    const entries = entriesIn(read(dir, 4096, 0));
    for (let i = 0; i < entries.length; i++) {
      if (entries[i].name == "..") continue;
      ok(`stat ${entries[i].name}`, statAt(dir, entries[i].name, filestat, 0));
      equal(`ino of ${entries[i].name}`, entries[i].ino, load<u64>(filestat, FILESTAT_INO));
    }
    ok("fd_filestat_get", wasi.fd_filestat_get(dir, filestat));
    if (entries.length > 0) equal("ino of .", entries[0].ino, load<u64>(filestat, FILESTAT_INO));
  });

  test("the types are right and links are not followed", (): void => {
    makeMixed();
    const entries = entriesIn(read(dir, 4096, 0));
    for (let i = 0; i < entries.length; i++) {
      const name = entries[i].name;
      let expected = FILETYPE_DIRECTORY;
      if (name == "file") expected = FILETYPE_REGULAR_FILE;
      if (name == "link") expected = FILETYPE_SYMBOLIC_LINK;
      equal(`type of ${name}`, entries[i].type, expected);
    }
    same("names", joined(list(dir, 4096)), "file link sub");
  });

  test("an empty directory lists dot and dot-dot", (): void => {
    same("names", list(dir, 4096).join(" "), ". ..");
  });

  test("two hundred names come through buffers of any size", (): void => {
    makeFiles(200);
    sameAsNow("64 KiB", list(dir, 65536), 200);
    sameAsNow("3280 bytes", list(dir, 3280), 200);
    sameAsNow("121 bytes", list(dir, 121), 200);
    sameAsNow("32 bytes", list(dir, 32), 200);
  });

  test("a thousand names come once each", (): void => {
    makeFiles(1000);
    sameAsNow("4096 bytes", list(dir, 4096), 1000);
  });

  test("names that are unlinked while they are listed do not hide others", (): void => {
    makeFiles(200);
    const fd = openDirectory(dir, ".");
    equal("names", list(fd, 512, true).length, 202);
    close(fd);
    same("what is left", joined(list(dir, 4096)), "");
  });

  test("names that are added while others are listed hide nothing", (): void => {
    makeFiles(100);
    const fd = openDirectory(dir, ".");
    const seen = new Map<string, bool>();
    let cookie: u64 = 0;
    let added = 0;
    while (added < 400) {
      const used = read(fd, 256, cookie);
      const entries = entriesIn(used);
      for (let i = 0; i < entries.length; i++) {
        isTrue(`${entries[i].name} once`, !seen.has(entries[i].name));
        seen.set(entries[i].name, true);
        cookie = entries[i].next;
      }
      if (used < 256) break;
      makeFile(dir, `added-${added++}`, "");
    }
    for (let i = 0; i < 100; i++) isTrue(`file-${i} seen`, seen.has(`file-${i}`));
    close(fd);
  });

  test("names that are renamed while they are listed do not hide others", (): void => {
    makeFiles(200);
    const fd = openDirectory(dir, ".");
    const seen = new Map<string, bool>();
    let cookie: u64 = 0;
    while (true) {
      const used = read(fd, 300, cookie);
      const entries = entriesIn(used);
      for (let i = 0; i < entries.length; i++) {
        const name = entries[i].name;
        cookie = entries[i].next;
        if (!name.startsWith("file-")) continue;
        isTrue(`${name} once`, !seen.has(name));
        seen.set(name, true);
        ok(`rename ${name}`, renameAt(dir, name, dir, `moved-${name}`));
      }
      if (used < 300) break;
    }
    close(fd);
    equal("names", seen.size, 200);
    equal("afterwards", list(dir, 4096).length, 202);
  });

  test("names that another descriptor removes ahead hide none of the rest", (): void => {
    makeFiles(1000);
    const fd = openDirectory(dir, ".");
    let cookie = entriesIn(read(fd, 200, 0))[1].next;
    for (let i = 0; i < 1000; i += 2) ok("unlink", unlinkAt(dir, `file-${i}`));
    const seen = new Map<string, bool>();
    while (true) {
      const used = read(fd, 500, cookie);
      const entries = entriesIn(used);
      for (let i = 0; i < entries.length; i++) {
        isTrue(`${entries[i].name} once`, !seen.has(entries[i].name));
        seen.set(entries[i].name, true);
        cookie = entries[i].next;
      }
      if (used < 500) break;
    }
    for (let i = 1; i < 1000; i += 2) isTrue(`file-${i} seen`, seen.has(`file-${i}`));
    close(fd);
  });

  test("a cookie is still good when the entries around it are gone", (): void => {
    makeFiles(20);
    const fd = openDirectory(dir, ".");
    const entries = entriesIn(read(fd, 4096, 0));
    const cookie = entries[9].next;
    for (let i = 5; i < 15; i++) ok(`unlink ${entries[i].name}`, unlinkAt(dir, entries[i].name));
    const rest = entriesIn(read(fd, 4096, cookie));
    const names: string[] = [];
    for (let i = 0; i < rest.length; i++) names.push(rest[i].name);
    for (let i = 15; i < entries.length; i++)
      isTrue(`${entries[i].name} told`, names.includes(entries[i].name));
    for (let i = 0; i < 5; i++) isTrue(`${entries[i].name} not told again`, !names.includes(entries[i].name));
    close(fd);
  });

  test("reading again from the start sees what is new", (): void => {
    makeFile(dir, "one");
    const fd = openDirectory(dir, ".");
    same("before", joined(list(fd, 4096)), "one");
    makeFile(dir, "two");
    same("after", joined(list(fd, 4096)), "one two");
    ok("unlink", unlinkAt(dir, "one"));
    same("without one", joined(list(fd, 4096)), "two");
    close(fd);
  });

  test("a cookie can be used twice", (): void => {
    makeFiles(10);
    const fd = openDirectory(dir, ".");
    const first = entriesIn(read(fd, 4096, 0));
    const cookie = first[4].next;
    const rest = entriesIn(read(fd, 4096, cookie));
    same("the next", rest[0].name, first[5].name);
    same("the next again", entriesIn(read(fd, 64, cookie))[0].name, first[5].name);
    equal("how many", rest.length, first.length - 5);
    const last = first[first.length - 1].next;
    equal("behind the last", read(fd, 4096, last), 0);
    close(fd);
  });

  test("the last entry is cut at the buffer's end and nothing is written beyond", (): void => {
    makeFiles(20);
    for (let size: u32 = 1; size < 140; size++) {
      memory.fill(buffer, 0xaa, 256);
      equal(`used of ${size}`, read(dir, size, 0), size);
      equal(`behind ${size}`, load<u64>(buffer + size), 0xaaaaaaaaaaaaaaaa);
    }
  });

  test("a buffer smaller than an entry's head is filled", (): void => {
    makeFile(dir, "file");
    const whole = entriesIn(read(dir, 4096, 0));
    equal("used", read(dir, 10, 0), 10);
    equal("the cookie in it", load<u64>(buffer), whole[0].next);
  });

  test("a buffer of no bytes gives none", (): void => {
    makeFile(dir, "file");
    equal("used", read(dir, 0, 0), 0);
  });

  test("fewer bytes than asked for mean the end", (): void => {
    makeFile(dir, "file");
    const used = read(dir, 4096, 0);
    isTrue("less", used < 4096);
    // Exactly full means that there may be more: the next call says that there is not.
    const exact = read(dir, used, 0);
    equal("exactly full", exact, used);
    const entries = entriesIn(exact);
    equal("the end", read(dir, 4096, entries[entries.length - 1].next), 0);
  });

  test("a cookie that was never given does no harm", (): void => {
    makeFile(dir, "file");
    const result = wasi.fd_readdir(dir, buffer, 4096, u64.MAX_VALUE, cell);
    errno("fd_readdir", result, WASI_ESUCCESS, WASI_EINVAL, WASI_ENOENT);
    same("names", joined(list(dir, 4096)), "file");
  });

  test("a file is not listed", (): void => {
    makeFile(dir, "file");
    const fd = must(openAt(dir, "file"), "open");
    errno("fd_readdir", wasi.fd_readdir(fd, buffer, 4096, 0, cell), WASI_ENOTDIR, WASI_EBADF);
    close(fd);
  });

  test("a removed directory lists nothing", (): void => {
    makeDirectory(dir, "sub");
    const fd = openDirectory(dir, "sub");
    ok("rmdir", rmdirAt(dir, "sub"));
    const result = wasi.fd_readdir(fd, buffer, 4096, 0, cell);
    errno("fd_readdir", result, WASI_ESUCCESS, WASI_ENOENT);
    if (result == WASI_ESUCCESS) same(errnoName(result), joined(list(fd, 4096)), "");
    close(fd);
  });
}
