// path_open: flags, rights, the kinds of files, and the numbers that it gives.

import {
  FDFLAGS_NONBLOCK,
  LOOKUP_SYMLINK_FOLLOW,
  OFLAGS_CREAT,
  OFLAGS_DIRECTORY,
  OFLAGS_EXCL,
  OFLAGS_TRUNC,
  RIGHT_FD_ADVISE,
  RIGHT_FD_ALLOCATE,
  RIGHT_FD_DATASYNC,
  RIGHT_FD_FDSTAT_SET_FLAGS,
  RIGHT_FD_FILESTAT_GET,
  RIGHT_FD_FILESTAT_SET_SIZE,
  RIGHT_FD_FILESTAT_SET_TIMES,
  RIGHT_FD_READ,
  RIGHT_FD_READDIR,
  RIGHT_FD_SEEK,
  RIGHT_FD_SYNC,
  RIGHT_FD_TELL,
  RIGHT_FD_WRITE,
  RIGHT_PATH_CREATE_DIRECTORY,
  RIGHT_PATH_CREATE_FILE,
  RIGHT_PATH_FILESTAT_GET,
  RIGHT_PATH_FILESTAT_SET_TIMES,
  RIGHT_PATH_LINK_SOURCE,
  RIGHT_PATH_LINK_TARGET,
  RIGHT_PATH_OPEN,
  RIGHT_PATH_READLINK,
  RIGHT_PATH_REMOVE_DIRECTORY,
  RIGHT_PATH_RENAME_SOURCE,
  RIGHT_PATH_RENAME_TARGET,
  RIGHT_PATH_SYMLINK,
  RIGHT_PATH_UNLINK_FILE,
  RIGHT_POLL_FD_READWRITE,
  WASI_EBADF,
  WASI_EEXIST,
  WASI_EINVAL,
  WASI_EISDIR,
  WASI_ELOOP,
  WASI_EMFILE,
  WASI_ENFILE,
  WASI_ENOENT,
  WASI_ENOTCAPABLE,
  WASI_ENOTDIR,
} from "../../../assembly/abi/wasi.ts";
import {
  close,
  FDSTAT_RIGHTS_BASE,
  FDSTAT_RIGHTS_INHERITING,
  FILESTAT_SIZE,
  must,
  openAt,
  RIGHTS_DIRECTORY,
  RIGHTS_READ_ONLY,
  RIGHTS_READ_WRITE,
  readBytes,
  statAt,
  symlinkAt,
  unlinkAt,
  writeBytes,
} from "../lib/wasi.ts";
import * as wasi from "../lib/wasi_snapshot_preview1.ts";
import {
  begin,
  contentOf,
  dir,
  equal,
  errno,
  isTrue,
  makeDirectory,
  makeFile,
  ok,
  preopen,
  refused,
  same,
  test,
} from "./lib/checks.ts";

const filestat: usize = memory.data(64, 8);
const fdstat: usize = memory.data(24, 8);
const buffer: usize = memory.data(64, 8);

/** More than any table of descriptors is given for these checks. */
const MANY: i32 = 70000;

function makeLink(target: string, path: string): void {
  ok(`symlink ${path} to ${target}`, symlinkAt(target, dir, path));
}

function opens(what: string, fd: i32): void {
  if (fd < 0) ok(what, -fd);
  else ok(`closing ${what}`, close(fd));
}

function openNoFollow(path: string, oflags: i32): i32 {
  return openAt(dir, path, oflags, RIGHTS_READ_ONLY, 0, 0);
}

const opened = new StaticArray<i32>(MANY);

export function _start(): void {
  begin();

  test("without SYMLINK_FOLLOW a final link is LOOP", (): void => {
    makeFile(dir, "file");
    makeDirectory(dir, "d");
    makeLink("file", "l");
    makeLink("d", "ld");
    refused("link to a file", openNoFollow("l", 0), WASI_ELOOP);
    refused("link to a directory", openNoFollow("ld", 0), WASI_ELOOP);
    refused("link as a directory", openNoFollow("ld", OFLAGS_DIRECTORY), WASI_ELOOP, WASI_ENOTDIR);
    opens("what is no link", openNoFollow("file", 0));
  });

  test("without SYMLINK_FOLLOW a link in the middle is followed", (): void => {
    makeDirectory(dir, "d");
    makeFile(dir, "d/file");
    makeLink("d", "l");
    opens("l/file", openNoFollow("l/file", 0));
  });

  test("CREAT with EXCL on any link is EXIST", (): void => {
    makeFile(dir, "file");
    makeLink("file", "good");
    makeLink("nowhere", "dangling");
    const exclusive = OFLAGS_CREAT | OFLAGS_EXCL;
    refused("a good link", openAt(dir, "good", exclusive), WASI_EEXIST);
    refused("a dangling link", openAt(dir, "dangling", exclusive), WASI_EEXIST);
    refused("a good link, nofollow", openAt(dir, "good", exclusive, RIGHTS_READ_WRITE, 0, 0), WASI_EEXIST);
    refused(
      "a dangling link, nofollow",
      openAt(dir, "dangling", exclusive, RIGHTS_READ_WRITE, 0, 0),
      WASI_EEXIST,
    );
    errno("nothing was made", statAt(dir, "nowhere", filestat), WASI_ENOENT);
  });

  test("CREAT through a dangling link makes the target", (): void => {
    makeLink("target", "l");
    opens("open", openAt(dir, "l", OFLAGS_CREAT, RIGHTS_READ_WRITE, 0, LOOKUP_SYMLINK_FOLLOW));
    ok("target", statAt(dir, "target", filestat, 0));
  });

  test("CREAT without SYMLINK_FOLLOW on a dangling link is LOOP", (): void => {
    makeLink("target", "l");
    refused("open", openAt(dir, "l", OFLAGS_CREAT, RIGHTS_READ_WRITE, 0, 0), WASI_ELOOP);
    errno("nothing was made", statAt(dir, "target", filestat), WASI_ENOENT);
  });

  test("CREAT keeps what is there, EXCL refuses it, TRUNC empties it", (): void => {
    makeFile(dir, "file", "content");
    opens("create", openAt(dir, "file", OFLAGS_CREAT));
    same("kept", contentOf(dir, "file"), "content");
    refused("exclusive", openAt(dir, "file", OFLAGS_CREAT | OFLAGS_EXCL), WASI_EEXIST);
    same("kept again", contentOf(dir, "file"), "content");
    opens("truncate", openAt(dir, "file", OFLAGS_TRUNC));
    same("emptied", contentOf(dir, "file"), "");
  });

  test("what is missing is NOENT", (): void => {
    makeFile(dir, "file");
    refused("a file", openAt(dir, "nope"), WASI_ENOENT);
    refused("a directory", openAt(dir, "nope", OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), WASI_ENOENT);
    refused("created below nothing", openAt(dir, "nope/file", OFLAGS_CREAT), WASI_ENOENT);
    refused("created below a file", openAt(dir, "file/x", OFLAGS_CREAT), WASI_ENOTDIR);
  });

  test("DIRECTORY on a file is NOTDIR", (): void => {
    makeFile(dir, "file");
    makeLink("file", "l");
    refused("file", openAt(dir, "file", OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), WASI_ENOTDIR);
    refused("link to a file", openAt(dir, "l", OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), WASI_ENOTDIR);
  });

  test("DIRECTORY with CREAT is INVAL", (): void => {
    makeDirectory(dir, "d");
    const both = OFLAGS_DIRECTORY | OFLAGS_CREAT;
    refused("a new name", openAt(dir, "new", both, RIGHTS_DIRECTORY), WASI_EINVAL);
    refused("a directory", openAt(dir, "d", both, RIGHTS_DIRECTORY), WASI_EINVAL);
    errno("nothing was made", statAt(dir, "new", filestat), WASI_ENOENT);
  });

  test("a directory cannot be opened to be written", (): void => {
    makeDirectory(dir, "d");
    refused("to write", openAt(dir, "d", 0, RIGHT_FD_READ | RIGHT_FD_WRITE), WASI_EISDIR);
    refused("to truncate", openAt(dir, "d", OFLAGS_TRUNC, RIGHT_FD_READ), WASI_EISDIR);
    refused("to create", openAt(dir, "d", OFLAGS_CREAT, RIGHT_FD_READ), WASI_EISDIR);
  });

  test("a directory can be opened to be read without DIRECTORY", (): void => {
    makeDirectory(dir, "d");
    opens("to read", openAt(dir, "d", 0, RIGHT_FD_READ | RIGHT_FD_READDIR));
    opens("with NONBLOCK", openAt(dir, "d", 0, RIGHT_FD_READ | RIGHT_FD_READDIR, FDFLAGS_NONBLOCK));
    opens("the directory itself", openAt(dir, ".", OFLAGS_DIRECTORY, RIGHTS_DIRECTORY));
  });

  test("a file opens with no rights at all", (): void => {
    makeFile(dir, "file", "content");
    const fd = must(openAt(dir, "file", 0, 0, 0, 0, 0), "open");
    refused("reading", readBytes(fd, buffer, 8), WASI_EBADF, WASI_ENOTCAPABLE);
    refused("writing", writeBytes(fd, buffer, 8), WASI_EBADF, WASI_ENOTCAPABLE);
    ok("unlinking meanwhile", unlinkAt(dir, "file"));
    ok("close", close(fd));
  });

  test("a write-only file is not read and a read-only one not written", (): void => {
    makeFile(dir, "file", "content");
    const writer = must(openAt(dir, "file", 0, RIGHT_FD_WRITE), "open to write");
    refused("reading", readBytes(writer, buffer, 8), WASI_EBADF, WASI_ENOTCAPABLE);
    close(writer);
    const reader = must(openAt(dir, "file", 0, RIGHT_FD_READ), "open to read");
    refused("writing", writeBytes(reader, buffer, 8), WASI_EBADF, WASI_ENOTCAPABLE);
    close(reader);
    same("content", contentOf(dir, "file"), "content");
  });

  test("a directory's descriptor has no right to seek or to set a size", (): void => {
    const fd = must(openAt(dir, ".", OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), "open");
    ok("fd_fdstat_get", wasi.fd_fdstat_get(fd, fdstat));
    const rights = load<u64>(fdstat, FDSTAT_RIGHTS_BASE);
    equal("seek and size", rights & (RIGHT_FD_SEEK | RIGHT_FD_FILESTAT_SET_SIZE), 0);
    close(fd);
  });

  test("a preopened directory has the rights that libc looks for", (): void => {
    ok("fd_fdstat_get", wasi.fd_fdstat_get(preopen, fdstat));
    const directory: u64 =
      RIGHT_PATH_CREATE_DIRECTORY |
      RIGHT_PATH_CREATE_FILE |
      RIGHT_PATH_LINK_SOURCE |
      RIGHT_PATH_LINK_TARGET |
      RIGHT_PATH_OPEN |
      RIGHT_FD_READDIR |
      RIGHT_PATH_READLINK |
      RIGHT_PATH_RENAME_SOURCE |
      RIGHT_PATH_RENAME_TARGET |
      RIGHT_PATH_SYMLINK |
      RIGHT_PATH_REMOVE_DIRECTORY |
      RIGHT_PATH_UNLINK_FILE |
      RIGHT_PATH_FILESTAT_GET |
      RIGHT_PATH_FILESTAT_SET_TIMES |
      RIGHT_FD_FILESTAT_GET |
      RIGHT_FD_FILESTAT_SET_TIMES;
    const below: u64 =
      directory |
      RIGHT_FD_DATASYNC |
      RIGHT_FD_READ |
      RIGHT_FD_SEEK |
      RIGHT_FD_FDSTAT_SET_FLAGS |
      RIGHT_FD_SYNC |
      RIGHT_FD_TELL |
      RIGHT_FD_WRITE |
      RIGHT_FD_ADVISE |
      RIGHT_FD_ALLOCATE |
      RIGHT_FD_FILESTAT_SET_SIZE |
      RIGHT_POLL_FD_READWRITE;
    equal("base", load<u64>(fdstat, FDSTAT_RIGHTS_BASE) & directory, directory);
    equal("inheriting", load<u64>(fdstat, FDSTAT_RIGHTS_INHERITING) & below, below);
    equal(
      "seek and size",
      load<u64>(fdstat, FDSTAT_RIGHTS_BASE) & (RIGHT_FD_SEEK | RIGHT_FD_FILESTAT_SET_SIZE),
      0,
    );
  });

  test("a file as the directory is NOTDIR", (): void => {
    makeFile(dir, "file");
    const fd = must(openAt(dir, "file"), "open");
    refused("open", openAt(fd, "x"), WASI_ENOTDIR);
    refused("open dot", openAt(fd, "."), WASI_ENOTDIR);
    errno("stat", statAt(fd, "x", filestat), WASI_ENOTDIR);
    errno("unlink", unlinkAt(fd, "x"), WASI_ENOTDIR);
    close(fd);
  });

  test("a closed descriptor as the directory is BADF", (): void => {
    const fd = must(openAt(dir, ".", OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), "open");
    ok("close", close(fd));
    refused("open", openAt(fd, "x"), WASI_EBADF);
    errno("stat", statAt(fd, "x", filestat), WASI_EBADF);
    refused("open at -1", openAt(-1, "x"), WASI_EBADF);
  });

  test("descriptors are small numbers above the standard ones, and used again", (): void => {
    makeFile(dir, "file");
    const first = must(openAt(dir, "file"), "open");
    isTrue("above 2", first > 2);
    isTrue("below 64", first < 64);
    const second = must(openAt(dir, "file"), "open");
    isTrue("another", second != first);
    ok("close", close(first));
    const third = must(openAt(dir, "file"), "open");
    equal("the number again", third, first);
    close(second);
    close(third);
  });

  test("unknown flags are INVAL", (): void => {
    makeFile(dir, "file");
    refused("oflags", openAt(dir, "file", 16), WASI_EINVAL);
    refused("fdflags", openAt(dir, "file", 0, RIGHTS_READ_WRITE, 32), WASI_EINVAL);
    refused("lookup flags", openAt(dir, "file", 0, RIGHTS_READ_WRITE, 0, 2), WASI_EINVAL);
    errno("lookup flags of stat", statAt(dir, "file", filestat, 4), WASI_EINVAL);
  });

  test("too many descriptors are MFILE, and closing them helps", (): void => {
    makeFile(dir, "file");
    let held = 0;
    let last = 0;
    while (held < MANY) {
      last = openAt(dir, "file", 0, RIGHT_FD_READ);
      if (last < 0) break;
      opened[held++] = last;
    }
    refused("the one too many", last, WASI_EMFILE, WASI_ENFILE);
    // Nothing is made, and nothing emptied, for a descriptor that there is not.
    refused("a new file", openAt(dir, "new", OFLAGS_CREAT), WASI_EMFILE, WASI_ENFILE);
    errno("nothing was made", statAt(dir, "new", filestat), WASI_ENOENT);
    refused("truncating", openAt(dir, "file", OFLAGS_TRUNC), WASI_EMFILE, WASI_ENFILE);
    ok("stat without a descriptor", statAt(dir, "file", filestat));
    equal("size", load<u64>(filestat, FILESTAT_SIZE), 4);
    // One that is closed is one that can be had.
    ok("close the last", close(opened[--held]));
    opens("in its place", openAt(dir, "file"));
    for (let i = 0; i < held; i++) ok("close", close(opened[i]));
    opens("afterwards", openAt(dir, "file"));
  });
}
