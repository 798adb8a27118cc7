// Resolution of paths: containment, lengths, bytes that no name has, `.`, `..` and trailing slashes.

import {
  FILETYPE_DIRECTORY,
  OFLAGS_CREAT,
  OFLAGS_DIRECTORY,
  WASI_EEXIST,
  WASI_EILSEQ,
  WASI_EINVAL,
  WASI_EISDIR,
  WASI_ENAMETOOLONG,
  WASI_ENOENT,
  WASI_ENOTCAPABLE,
  WASI_ENOTDIR,
  WASI_ENOTEMPTY,
  WASI_EPERM,
} from "../../../assembly/abi/wasi.ts";
import {
  close,
  FILESTAT_FILETYPE,
  linkAt,
  mkdirAt,
  openAt,
  readlinkAt,
  renameAt,
  rmdirAt,
  statAt,
  symlinkAt,
  unlinkAt,
} from "../lib/wasi.ts";
import * as wasi from "../lib/wasi_snapshot_preview1.ts";
import {
  begin,
  contentOf,
  dir,
  equal,
  errno,
  makeDirectory,
  makeFile,
  ok,
  openDirectory,
  preopen,
  refused,
  same,
  test,
} from "./lib/checks.ts";

const filestat: usize = memory.data(64, 8);
const buffer: usize = memory.data(64, 8);
const cell: usize = memory.data(8, 8);

/** Every call that takes a path, with one that must not be resolved. `file` exists in `dir`. */
function everyCallRefuses(path: string, first: i32, second: i32 = -1, third: i32 = -1): void {
  refused(`open ${path}`, openAt(dir, path), first, second, third);
  refused(`create ${path}`, openAt(dir, path, OFLAGS_CREAT), first, second, third);
  errno(`stat ${path}`, statAt(dir, path, filestat), first, second, third);
  errno(`nofollow stat ${path}`, statAt(dir, path, filestat, 0), first, second, third);
  errno(`mkdir ${path}`, mkdirAt(dir, path), first, second, third);
  errno(`rmdir ${path}`, rmdirAt(dir, path), first, second, third);
  errno(`unlink ${path}`, unlinkAt(dir, path), first, second, third);
  refused(`readlink ${path}`, readlinkAt(dir, path, buffer, 64), first, second, third);
  errno(`rename from ${path}`, renameAt(dir, path, dir, "other"), first, second, third);
  errno(`rename to ${path}`, renameAt(dir, "file", dir, path), first, second, third);
  errno(`link from ${path}`, linkAt(dir, path, dir, "other"), first, second, third);
  errno(`link to ${path}`, linkAt(dir, "file", dir, path), first, second, third);
  errno(`symlink at ${path}`, symlinkAt("file", dir, path), first, second, third);
}

function openRaw(at: usize, length: u32): i32 {
  const result = wasi.path_open(dir, 0, at, length, OFLAGS_CREAT, 0x2, 0, 0, cell);
  return result != 0 ? -result : load<i32>(cell);
}

export function _start(): void {
  begin();

  test("a path that begins with a slash is refused by every call", (): void => {
    makeFile(dir, "file");
    everyCallRefuses("/file", WASI_EPERM, WASI_ENOTCAPABLE);
  });

  test("dot-dot above the directory is refused by every call", (): void => {
    makeFile(dir, "file");
    everyCallRefuses("../file", WASI_EPERM, WASI_ENOTCAPABLE);
  });

  test("dot-dot above the directory is refused behind real components", (): void => {
    makeFile(dir, "file");
    makeDirectory(dir, "a");
    makeDirectory(dir, "a/b");
    refused("..", openAt(dir, ".."), WASI_EPERM, WASI_ENOTCAPABLE);
    refused("./..", openAt(dir, "./.."), WASI_EPERM, WASI_ENOTCAPABLE);
    refused("a/../..", openAt(dir, "a/../.."), WASI_EPERM, WASI_ENOTCAPABLE);
    refused("a/b/../../../x", openAt(dir, "a/b/../../../x"), WASI_EPERM, WASI_ENOTCAPABLE);
    // Coming back in does not help: the way led outside.
    makeFile(dir, "a/file");
    const below = openDirectory(dir, "a");
    refused("../a/file", openAt(below, "../a/file"), WASI_EPERM, WASI_ENOTCAPABLE);
    refused("b/../../a/file", openAt(below, "b/../../a/file"), WASI_EPERM, WASI_ENOTCAPABLE);
    close(below);
  });

  test("dot-dot inside the directory is followed", (): void => {
    makeDirectory(dir, "a");
    makeDirectory(dir, "a/b");
    makeFile(dir, "file", "inside");
    same("a/b/../../file", contentOf(dir, "a/b/../../file"), "inside");
    same("a/./b/.././../file", contentOf(dir, "a/./b/.././../file"), "inside");
  });

  test("a directory's descriptor confines after the directory was moved", (): void => {
    makeDirectory(dir, "a");
    makeDirectory(dir, "a/b");
    makeFile(dir, "file");
    makeFile(dir, "a/b/inner", "inner");
    const below = openDirectory(dir, "a/b");
    ok("rename", renameAt(dir, "a/b", dir, "c"));
    same("inner", contentOf(below, "inner"), "inner");
    refused("../file", openAt(below, "../file"), WASI_EPERM, WASI_ENOTCAPABLE);
    close(below);
  });

  test("a preopened directory cannot be left", (): void => {
    refused("..", openAt(preopen, ".."), WASI_EPERM, WASI_ENOTCAPABLE);
    refused(
      "../../../../etc/passwd",
      openAt(preopen, "../../../../etc/passwd"),
      WASI_EPERM,
      WASI_ENOTCAPABLE,
    );
    refused("/etc/passwd", openAt(preopen, "/etc/passwd"), WASI_EPERM, WASI_ENOTCAPABLE);
  });

  test("an empty path is NOENT for every call", (): void => {
    makeFile(dir, "file");
    everyCallRefuses("", WASI_ENOENT);
  });

  test("a name of 255 bytes is good and one of 256 too long", (): void => {
    makeFile(dir, "file");
    makeFile(dir, "n".repeat(255), "long");
    same("255", contentOf(dir, "n".repeat(255)), "long");
    everyCallRefuses("n".repeat(256), WASI_ENAMETOOLONG);
  });

  test("a name of 256 bytes is too long as a middle component", (): void => {
    const path = "n".repeat(256) + "/x";
    refused("open", openAt(dir, path), WASI_ENAMETOOLONG);
    errno("mkdir", mkdirAt(dir, path), WASI_ENAMETOOLONG);
  });

  test("a path of 4095 bytes is good and one of 4096 too long", (): void => {
    makeFile(dir, "f");
    ok("4095", statAt(dir, "./".repeat(2047) + "f", filestat));
    errno("4096", statAt(dir, "./".repeat(2047) + "/f", filestat), WASI_ENAMETOOLONG);
    errno("5001", mkdirAt(dir, "./".repeat(2500) + "x"), WASI_ENAMETOOLONG);
  });

  test("a path with a NUL is refused", (): void => {
    makeFile(dir, "file");
    const path = memory.data<u8>([0x66, 0x69, 0x6c, 0x65, 0x00, 0x78]);
    refused("open", openRaw(path, 6), WASI_EINVAL, WASI_EILSEQ, WASI_ENOENT);
    refused("open with the NUL at the end", openRaw(path, 5), WASI_EINVAL, WASI_EILSEQ, WASI_ENOENT);
    errno("mkdir", wasi.path_create_directory(dir, path, 6), WASI_EINVAL, WASI_EILSEQ, WASI_ENOENT);
  });

  test("a path that is not UTF-8 is ILSEQ", (): void => {
    const path = memory.data<u8>([0x61, 0xff, 0x62, 0xc0, 0xaf, 0xed, 0xa0, 0x80]);
    refused("a byte that begins nothing", openRaw(path, 3), WASI_EILSEQ);
    refused("an overlong slash", openRaw(path + 3, 2), WASI_EILSEQ);
    refused("a surrogate", openRaw(path + 5, 3), WASI_EILSEQ);
    refused("a cut sequence", openRaw(path + 5, 2), WASI_EILSEQ);
    errno("mkdir", wasi.path_create_directory(dir, path, 3), WASI_EILSEQ);
  });

  test("names beyond ASCII are kept as they are", (): void => {
    makeFile(dir, "grün-日本-🙂", "here");
    same("content", contentOf(dir, "grün-日本-🙂"), "here");
    errno("another form", statAt(dir, "gru\u0308n-日本-🙂", filestat), WASI_ENOENT);
  });

  test("dot-dot is not folded before the components are looked at", (): void => {
    makeFile(dir, "file");
    refused("file/../file", openAt(dir, "file/../file"), WASI_ENOTDIR);
    refused("nope/../file", openAt(dir, "nope/../file"), WASI_ENOENT);
    errno("mkdir nope/../d", mkdirAt(dir, "nope/../d"), WASI_ENOENT);
    refused("file/.", openAt(dir, "file/."), WASI_ENOTDIR);
    refused("file/x", openAt(dir, "file/x"), WASI_ENOTDIR);
  });

  test("repeated slashes and dots change nothing", (): void => {
    makeDirectory(dir, "a");
    makeFile(dir, "a/file", "here");
    same("a//file", contentOf(dir, "a//file"), "here");
    same("./a/././file", contentOf(dir, "./a/././file"), "here");
    ok("a/.", statAt(dir, "a/.", filestat));
    ok("a///", statAt(dir, "a///", filestat));
  });

  test("a trailing slash behind a file is NOTDIR", (): void => {
    makeFile(dir, "file");
    refused("open", openAt(dir, "file/"), WASI_ENOTDIR);
    refused("open as a directory", openAt(dir, "file/", OFLAGS_DIRECTORY), WASI_ENOTDIR);
    errno("stat", statAt(dir, "file/", filestat), WASI_ENOTDIR);
    errno("nofollow stat", statAt(dir, "file/", filestat, 0), WASI_ENOTDIR);
    errno("unlink", unlinkAt(dir, "file/"), WASI_ENOTDIR);
    errno("rename from", renameAt(dir, "file/", dir, "g"), WASI_ENOTDIR);
    errno("rename to", renameAt(dir, "file", dir, "g/"), WASI_ENOTDIR);
    ok("the file is still there", statAt(dir, "file", filestat));
  });

  test("a trailing slash behind a directory is good", (): void => {
    ok("mkdir", mkdirAt(dir, "d/"));
    ok("stat", statAt(dir, "d/", filestat));
    ok("rename", renameAt(dir, "d/", dir, "d2/"));
    errno("unlink", unlinkAt(dir, "d2/"), WASI_EISDIR);
    ok("rmdir", rmdirAt(dir, "d2/"));
  });

  test("a trailing slash behind a link follows it", (): void => {
    makeDirectory(dir, "d");
    ok("symlink", symlinkAt("d", dir, "l"));
    ok("nofollow stat", statAt(dir, "l/", filestat, 0));
    equal("type", load<u8>(filestat, FILESTAT_FILETYPE), FILETYPE_DIRECTORY);
    errno("rmdir", rmdirAt(dir, "l/"), WASI_ENOTDIR);
  });

  test("a trailing slash behind a new name", (): void => {
    makeDirectory(dir, "d");
    makeFile(dir, "file");
    refused("create new/", openAt(dir, "new/", OFLAGS_CREAT), WASI_EISDIR);
    errno("symlink at new/", symlinkAt("x", dir, "new/"), WASI_ENOENT);
    errno("symlink at d/", symlinkAt("x", dir, "d/"), WASI_EEXIST);
    errno("symlink at file/", symlinkAt("x", dir, "file/"), WASI_EEXIST, WASI_ENOTDIR);
    errno("link at new/", linkAt(dir, "file", dir, "new/"), WASI_ENOENT);
    errno("nothing was made", statAt(dir, "new", filestat, 0), WASI_ENOENT);
  });

  test("dot as the last component", (): void => {
    makeDirectory(dir, "a");
    makeDirectory(dir, "a/b");
    errno("mkdir .", mkdirAt(dir, "."), WASI_EEXIST);
    errno("rmdir a/.", rmdirAt(dir, "a/."), WASI_EINVAL);
    errno("rmdir a/b/..", rmdirAt(dir, "a/b/.."), WASI_ENOTEMPTY);
    errno("unlink a/.", unlinkAt(dir, "a/."), WASI_EISDIR);
    errno("symlink at .", symlinkAt("x", dir, "."), WASI_EEXIST);
  });
}
