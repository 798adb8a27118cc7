// Changing names: link, rename, unlink, mkdir and rmdir, and each way in which they refuse.

import {
  LOOKUP_SYMLINK_FOLLOW,
  OFLAGS_CREAT,
  OFLAGS_EXCL,
  WASI_EBUSY,
  WASI_EEXIST,
  WASI_EINVAL,
  WASI_EISDIR,
  WASI_ENOENT,
  WASI_ENOTDIR,
  WASI_ENOTEMPTY,
  WASI_EPERM,
} from "../../../assembly/abi/wasi.ts";
import {
  close,
  FILESTAT_INO,
  linkAt,
  mkdirAt,
  must,
  openAt,
  preadBytes,
  readlinkAt,
  renameAt,
  rmdirAt,
  statAt,
  symlinkAt,
  textOf,
  unlinkAt,
} from "../lib/wasi.ts";
import {
  begin,
  contentOf,
  count,
  dir,
  equal,
  errno,
  makeDirectory,
  makeFile,
  ok,
  openDirectory,
  refused,
  same,
  test,
} from "./lib/checks.ts";

const filestat: usize = memory.data(64, 8);
const buffer: usize = memory.data(64, 8);

function rename(from: string, to: string): i32 {
  return renameAt(dir, from, dir, to);
}

function link(from: string, to: string): i32 {
  return linkAt(dir, from, dir, to);
}

function isGone(path: string): void {
  errno(`${path} is gone`, statAt(dir, path, filestat, 0), WASI_ENOENT);
}

function inoOf(path: string): u64 {
  ok(`stat ${path}`, statAt(dir, path, filestat, 0));
  return load<u64>(filestat, FILESTAT_INO);
}

function testLink(): void {
  test("link makes a second name for the same bytes", (): void => {
    makeFile(dir, "a", "shared");
    ok("link", link("a", "b"));
    equal("ino", inoOf("a"), inoOf("b"));
    ok("unlink", unlinkAt(dir, "a"));
    same("content", contentOf(dir, "b"), "shared");
  });

  test("link into another directory", (): void => {
    makeDirectory(dir, "d");
    makeFile(dir, "a", "shared");
    const below = openDirectory(dir, "d");
    ok("link", linkAt(dir, "a", below, "b"));
    same("content", contentOf(dir, "d/b"), "shared");
    close(below);
  });

  test("link of a directory is PERM", (): void => {
    makeDirectory(dir, "d");
    errno("link", link("d", "e"), WASI_EPERM);
    isGone("e");
  });

  test("link onto anything is EXIST", (): void => {
    makeFile(dir, "a");
    makeFile(dir, "b");
    makeDirectory(dir, "d");
    ok("symlink", symlinkAt("nowhere", dir, "l"));
    errno("a file", link("a", "b"), WASI_EEXIST);
    errno("itself", link("a", "a"), WASI_EEXIST);
    errno("a directory", link("a", "d"), WASI_EEXIST);
    errno("a dangling link", link("a", "l"), WASI_EEXIST);
  });

  test("link of a symbolic link links the link itself", (): void => {
    makeFile(dir, "file");
    ok("symlink", symlinkAt("file", dir, "l"));
    ok("link", link("l", "m"));
    count("readlink", readlinkAt(dir, "m", buffer, 64), 4);
    equal("ino", inoOf("l"), inoOf("m"));
    ok("symlink", symlinkAt("nowhere", dir, "dangling"));
    ok("link of a dangling one", link("dangling", "n"));
  });

  test("link with SYMLINK_FOLLOW is INVAL", (): void => {
    makeFile(dir, "file");
    errno("link", linkAt(dir, "file", dir, "b", LOOKUP_SYMLINK_FOLLOW), WASI_EINVAL);
    isGone("b");
  });

  test("link of nothing and below nothing is NOENT", (): void => {
    makeFile(dir, "a");
    errno("of nothing", link("nope", "b"), WASI_ENOENT);
    errno("below nothing", link("a", "nope/b"), WASI_ENOENT);
    errno("below a file", link("a", "a/b"), WASI_ENOTDIR);
  });
}

function testRename(): void {
  test("rename moves a file and keeps it the same", (): void => {
    makeDirectory(dir, "d");
    makeFile(dir, "a", "moved");
    const ino = inoOf("a");
    ok("rename", rename("a", "d/b"));
    isGone("a");
    same("content", contentOf(dir, "d/b"), "moved");
    equal("ino", inoOf("d/b"), ino);
  });

  test("rename between directories' descriptors", (): void => {
    makeDirectory(dir, "x");
    makeDirectory(dir, "y");
    makeFile(dir, "x/a", "moved");
    const x = openDirectory(dir, "x");
    const y = openDirectory(dir, "y");
    ok("rename", renameAt(x, "a", y, "b"));
    same("content", contentOf(dir, "y/b"), "moved");
    isGone("x/a");
    close(x);
    close(y);
  });

  test("rename onto a file replaces it, and whoever has it open keeps it", (): void => {
    makeFile(dir, "a", "new");
    makeFile(dir, "b", "old");
    const fd = must(openAt(dir, "b"), "open");
    ok("rename", rename("a", "b"));
    same("content", contentOf(dir, "b"), "new");
    count("pread", preadBytes(fd, buffer, 8, 0), 3);
    same("the old one", textOf(buffer, 3), "old");
    close(fd);
  });

  test("rename of a directory takes what is below", (): void => {
    makeDirectory(dir, "d");
    makeDirectory(dir, "d/e");
    makeFile(dir, "d/e/file", "deep");
    ok("rename", rename("d", "m"));
    same("content", contentOf(dir, "m/e/file"), "deep");
    isGone("d");
  });

  test("rename of a directory onto an empty one replaces it", (): void => {
    makeDirectory(dir, "d");
    makeFile(dir, "d/file", "inside");
    makeDirectory(dir, "empty");
    ok("rename", rename("d", "empty"));
    same("content", contentOf(dir, "empty/file"), "inside");
  });

  test("rename of a directory onto a full one is NOTEMPTY", (): void => {
    makeDirectory(dir, "d");
    makeDirectory(dir, "full");
    makeFile(dir, "full/file");
    errno("rename", rename("d", "full"), WASI_ENOTEMPTY, WASI_EEXIST);
    ok("both are there", statAt(dir, "d", filestat));
    same("content", contentOf(dir, "full/file"), "data");
  });

  test("rename between a file and a directory is refused", (): void => {
    makeDirectory(dir, "d");
    makeFile(dir, "file");
    errno("a directory onto a file", rename("d", "file"), WASI_ENOTDIR);
    errno("a file onto a directory", rename("file", "d"), WASI_EISDIR);
  });

  test("rename of a directory below itself is INVAL", (): void => {
    makeDirectory(dir, "d");
    makeDirectory(dir, "d/e");
    errno("into a child", rename("d", "d/x"), WASI_EINVAL);
    errno("into a grandchild", rename("d", "d/e/x"), WASI_EINVAL);
    errno("a child onto its parent", rename("d/e", "d"), WASI_ENOTEMPTY, WASI_EEXIST);
  });

  test("rename onto another name of the same file does nothing", (): void => {
    makeFile(dir, "a", "same");
    ok("link", link("a", "b"));
    ok("rename", rename("a", "b"));
    same("a", contentOf(dir, "a"), "same");
    same("b", contentOf(dir, "b"), "same");
    ok("onto itself", rename("a", "a"));
    same("a again", contentOf(dir, "a"), "same");
  });

  test("rename of dot and onto dot is refused", (): void => {
    makeDirectory(dir, "d");
    makeDirectory(dir, "e");
    errno("onto .", rename("d", "."), WASI_EBUSY, WASI_EINVAL);
    errno("onto e/.", rename("d", "e/."), WASI_EBUSY, WASI_EINVAL);
    errno("of .", rename(".", "x"), WASI_EBUSY, WASI_EINVAL);
    errno("of d/.", rename("d/.", "x"), WASI_EBUSY, WASI_EINVAL);
  });

  test("rename of nothing and below nothing is NOENT", (): void => {
    makeFile(dir, "a");
    errno("of nothing", rename("nope", "b"), WASI_ENOENT);
    errno("below nothing", rename("a", "nope/b"), WASI_ENOENT);
    errno("below a file", rename("a", "a/b"), WASI_ENOTDIR);
    ok("still there", statAt(dir, "a", filestat));
  });

  test("rename of a link moves the link and replaces a link", (): void => {
    makeFile(dir, "file", "target");
    ok("symlink", symlinkAt("file", dir, "l"));
    ok("symlink", symlinkAt("nowhere", dir, "m"));
    ok("rename", rename("l", "m"));
    same("through it", contentOf(dir, "m"), "target");
    makeFile(dir, "other", "other");
    ok("onto the link", rename("other", "m"));
    same("the target stays", contentOf(dir, "file"), "target");
    same("the link is replaced", contentOf(dir, "m"), "other");
  });
}

function testRemoval(): void {
  test("unlink of a directory is ISDIR", (): void => {
    makeDirectory(dir, "d");
    errno("unlink", unlinkAt(dir, "d"), WASI_EISDIR);
    ok("still there", statAt(dir, "d", filestat));
  });

  test("unlink of nothing is NOENT", (): void => {
    makeFile(dir, "file");
    errno("unlink", unlinkAt(dir, "nope"), WASI_ENOENT);
    errno("below a file", unlinkAt(dir, "file/x"), WASI_ENOTDIR);
  });

  test("rmdir of a file is NOTDIR and of a full directory NOTEMPTY", (): void => {
    makeFile(dir, "file");
    makeDirectory(dir, "d");
    makeFile(dir, "d/file");
    errno("a file", rmdirAt(dir, "file"), WASI_ENOTDIR);
    errno("a full directory", rmdirAt(dir, "d"), WASI_ENOTEMPTY);
    errno("nothing", rmdirAt(dir, "nope"), WASI_ENOENT);
    ok("unlink", unlinkAt(dir, "d/file"));
    ok("an empty one", rmdirAt(dir, "d"));
    isGone("d");
  });

  test("nothing is created in a removed directory", (): void => {
    makeDirectory(dir, "d");
    makeFile(dir, "file");
    const gone = openDirectory(dir, "d");
    ok("rmdir", rmdirAt(dir, "d"));
    refused("a file", openAt(gone, "x", OFLAGS_CREAT), WASI_ENOENT);
    errno("a directory", mkdirAt(gone, "x"), WASI_ENOENT);
    errno("a symbolic link", symlinkAt("y", gone, "x"), WASI_ENOENT);
    errno("a link", linkAt(dir, "file", gone, "x"), WASI_ENOENT);
    errno("by rename", renameAt(dir, "file", gone, "x"), WASI_ENOENT);
    ok("close", close(gone));
  });

  test("a removed directory's name can be used again", (): void => {
    makeDirectory(dir, "d");
    const gone = openDirectory(dir, "d");
    ok("rmdir", rmdirAt(dir, "d"));
    makeDirectory(dir, "d");
    makeFile(dir, "d/file", "new");
    refused("the old one", openAt(gone, "file"), WASI_ENOENT);
    same("the new one", contentOf(dir, "d/file"), "new");
    close(gone);
  });

  test("mkdir over anything is EXIST", (): void => {
    makeFile(dir, "file");
    makeDirectory(dir, "d");
    ok("symlink", symlinkAt("nowhere", dir, "dangling"));
    ok("symlink", symlinkAt("d", dir, "good"));
    errno("a file", mkdirAt(dir, "file"), WASI_EEXIST);
    errno("a directory", mkdirAt(dir, "d"), WASI_EEXIST);
    errno("a dangling link", mkdirAt(dir, "dangling"), WASI_EEXIST);
    errno("a link to a directory", mkdirAt(dir, "good"), WASI_EEXIST);
    isGone("nowhere");
  });

  test("mkdir below nothing is NOENT and below a file NOTDIR", (): void => {
    makeFile(dir, "file");
    errno("below nothing", mkdirAt(dir, "nope/d"), WASI_ENOENT);
    errno("below a file", mkdirAt(dir, "file/d"), WASI_ENOTDIR);
  });

  test("what is unlinked can be made again at once", (): void => {
    for (let i = 0; i < 50; i++) {
      const fd = must(openAt(dir, "file", OFLAGS_CREAT | OFLAGS_EXCL), "create");
      ok("unlink while open", unlinkAt(dir, "file"));
      ok("close", close(fd));
    }
    isGone("file");
  });
}

export function _start(): void {
  begin();
  testLink();
  testRename();
  testRemoval();
}
