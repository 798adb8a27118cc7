// A read-only mount refuses every change.
//
//   read-only SCRATCH READ-ONLY
//
// READ-ONLY is the root of another mount, which holds: file ("data\n"), dir/ with dir/inner ("inner\n"),
// empty/, link to file.

import {
  FSTFLAGS_ATIM,
  FSTFLAGS_ATIM_NOW,
  FSTFLAGS_MTIM,
  LOOKUP_SYMLINK_FOLLOW,
  OFLAGS_CREAT,
  OFLAGS_EXCL,
  OFLAGS_TRUNC,
  RIGHT_FD_READ,
  RIGHT_FD_WRITE,
  WASI_EBADF,
  WASI_EEXIST,
  WASI_EINVAL,
  WASI_EISDIR,
  WASI_ENOENT,
  WASI_ENOTCAPABLE,
  WASI_EPERM,
  WASI_EROFS,
  WASI_EXDEV,
} from "../../../assembly/abi/wasi.ts";
import {
  close,
  linkAt,
  locate,
  mkdirAt,
  must,
  openAt,
  pwriteBytes,
  RIGHTS_READ_ONLY,
  readlinkAt,
  renameAt,
  rmdirAt,
  statAt,
  symlinkAt,
  Text,
  unlinkAt,
} from "../lib/wasi.ts";
import * as wasi from "../lib/wasi_snapshot_preview1.ts";
import {
  begin,
  contentOf,
  count,
  dir,
  errno,
  makeFile,
  ok,
  openDirectory,
  parameters,
  refused,
  same,
  test,
} from "./lib/checks.ts";

const filestat: usize = memory.data(64, 8);
const buffer: usize = memory.data(64, 8);

let fixed: i32 = -1;

function setTimes(path: string, flags: i32, lookup: i32 = LOOKUP_SYMLINK_FOLLOW): i32 {
  const name = new Text(path);
  return wasi.path_filestat_set_times(fixed, lookup, name.at, name.length, 1, 2, flags);
}

export function _start(): void {
  begin();
  const located = locate(parameters[2]);
  fixed = openDirectory(located.fd, located.path);

  test("reading works", (): void => {
    same("file", contentOf(fixed, "file"), "data\n");
    same("link", contentOf(fixed, "link"), "data\n");
    same("dir/inner", contentOf(fixed, "dir/inner"), "inner\n");
    count("readlink", readlinkAt(fixed, "link", buffer, 64), 4);
  });

  test("opening to write is ROFS", (): void => {
    refused("write", openAt(fixed, "file", 0, RIGHT_FD_WRITE), WASI_EROFS, WASI_EPERM);
    refused(
      "read and write",
      openAt(fixed, "file", 0, RIGHT_FD_READ | RIGHT_FD_WRITE),
      WASI_EROFS,
      WASI_EPERM,
    );
    refused("through a link", openAt(fixed, "link", 0, RIGHT_FD_WRITE), WASI_EROFS, WASI_EPERM);
    refused("a directory", openAt(fixed, "dir", 0, RIGHT_FD_WRITE), WASI_EISDIR, WASI_EROFS, WASI_EPERM);
  });

  test("TRUNC is ROFS even with the right to read only", (): void => {
    refused("open", openAt(fixed, "file", OFLAGS_TRUNC, RIGHT_FD_READ), WASI_EROFS, WASI_EPERM);
    refused("with write", openAt(fixed, "file", OFLAGS_TRUNC, RIGHT_FD_WRITE), WASI_EROFS, WASI_EPERM);
    same("file", contentOf(fixed, "file"), "data\n");
  });

  test("CREAT of a missing name is ROFS", (): void => {
    refused("to write", openAt(fixed, "new", OFLAGS_CREAT), WASI_EROFS, WASI_EPERM);
    refused("to read", openAt(fixed, "new", OFLAGS_CREAT, RIGHT_FD_READ), WASI_EROFS, WASI_EPERM);
    refused("exclusively", openAt(fixed, "dir/new", OFLAGS_CREAT | OFLAGS_EXCL), WASI_EROFS, WASI_EPERM);
    errno("nothing was made", statAt(fixed, "new", filestat), WASI_ENOENT);
  });

  test("CREAT of what is there, to read, opens it", (): void => {
    const fd = must(openAt(fixed, "file", OFLAGS_CREAT, RIGHT_FD_READ), "open");
    close(fd);
  });

  test("mkdir, unlink and rmdir are ROFS", (): void => {
    errno("mkdir", mkdirAt(fixed, "new"), WASI_EROFS, WASI_EPERM);
    errno("mkdir of what is there", mkdirAt(fixed, "dir"), WASI_EEXIST, WASI_EROFS, WASI_EPERM);
    errno("unlink", unlinkAt(fixed, "file"), WASI_EROFS, WASI_EPERM);
    errno("unlink below", unlinkAt(fixed, "dir/inner"), WASI_EROFS, WASI_EPERM);
    errno("rmdir", rmdirAt(fixed, "empty"), WASI_EROFS, WASI_EPERM);
    ok("file is there", statAt(fixed, "file", filestat));
    ok("empty is there", statAt(fixed, "empty", filestat));
  });

  test("symlink and link are ROFS", (): void => {
    errno("symlink", symlinkAt("file", fixed, "new"), WASI_EROFS, WASI_EPERM);
    errno("link", linkAt(fixed, "file", fixed, "new"), WASI_EROFS, WASI_EPERM);
    errno("nothing was made", statAt(fixed, "new", filestat, 0), WASI_ENOENT);
  });

  test("rename inside is ROFS", (): void => {
    errno("a file", renameAt(fixed, "file", fixed, "new"), WASI_EROFS, WASI_EPERM);
    errno("a directory", renameAt(fixed, "empty", fixed, "dir2"), WASI_EROFS, WASI_EPERM);
    errno("onto a file", renameAt(fixed, "file", fixed, "dir/inner"), WASI_EROFS, WASI_EPERM);
  });

  test("rename in and out fails", (): void => {
    makeFile(dir, "mine", "mine");
    errno("in", renameAt(dir, "mine", fixed, "new"), WASI_EROFS, WASI_EXDEV, WASI_EPERM);
    errno("in, onto a file", renameAt(dir, "mine", fixed, "file"), WASI_EROFS, WASI_EXDEV, WASI_EPERM);
    errno("out", renameAt(fixed, "file", dir, "new"), WASI_EROFS, WASI_EXDEV, WASI_EPERM);
    same("mine", contentOf(dir, "mine"), "mine");
    same("file", contentOf(fixed, "file"), "data\n");
  });

  test("link in and out fails", (): void => {
    makeFile(dir, "mine", "mine");
    errno("in", linkAt(dir, "mine", fixed, "new"), WASI_EROFS, WASI_EXDEV, WASI_EPERM);
    errno("out", linkAt(fixed, "file", dir, "new"), WASI_EROFS, WASI_EXDEV, WASI_EPERM);
    errno("nothing was made", statAt(dir, "new", filestat), WASI_ENOENT);
  });

  test("setting times is ROFS", (): void => {
    errno("of a file", setTimes("file", FSTFLAGS_MTIM), WASI_EROFS, WASI_EPERM);
    errno("now", setTimes("file", FSTFLAGS_ATIM_NOW), WASI_EROFS, WASI_EPERM);
    errno("of a directory", setTimes("dir", FSTFLAGS_ATIM | FSTFLAGS_MTIM), WASI_EROFS, WASI_EPERM);
    errno("of a link", setTimes("link", FSTFLAGS_MTIM, 0), WASI_EROFS, WASI_EPERM);
  });

  test("a file that is open to read cannot be changed", (): void => {
    const fd = must(openAt(fixed, "file", 0, RIGHTS_READ_ONLY), "open");
    refused("pwrite", pwriteBytes(fd, buffer, 1, 0), WASI_EBADF, WASI_ENOTCAPABLE, WASI_EROFS);
    errno("set_size", wasi.fd_filestat_set_size(fd, 0), WASI_EINVAL, WASI_EBADF, WASI_ENOTCAPABLE);
    const times = wasi.fd_filestat_set_times(fd, 1, 2, FSTFLAGS_MTIM);
    errno("set_times", times, WASI_EROFS, WASI_EPERM, WASI_ENOTCAPABLE);
    close(fd);
    same("file", contentOf(fixed, "file"), "data\n");
  });
}
