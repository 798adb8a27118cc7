// Symbolic links: what they may hold, where they lead, how many of them, and what they look like.

import {
  FILETYPE_REGULAR_FILE,
  FILETYPE_SYMBOLIC_LINK,
  WASI_EEXIST,
  WASI_EINVAL,
  WASI_ELOOP,
  WASI_ENAMETOOLONG,
  WASI_ENOENT,
  WASI_ENOTCAPABLE,
  WASI_ENOTDIR,
  WASI_EPERM,
  WASI_ESUCCESS,
} from "../../../assembly/abi/wasi.ts";
import {
  close,
  FILESTAT_FILETYPE,
  FILESTAT_SIZE,
  mkdirAt,
  openAt,
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
const buffer: usize = memory.data(4096, 8);

function makeLink(target: string, path: string): void {
  ok(`symlink ${path} to ${target}`, symlinkAt(target, dir, path));
}

function escapes(path: string): void {
  refused(`open ${path}`, openAt(dir, path), WASI_EPERM, WASI_ENOTCAPABLE);
  errno(`stat ${path}`, statAt(dir, path, filestat), WASI_EPERM, WASI_ENOTCAPABLE);
}

/** link-0 names file, link-1 names link-0, and so on. */
function makeChain(length: i32): void {
  makeFile(dir, "file", "end");
  makeLink("file", "link-0");
  for (let i = 1; i < length; i++) makeLink(`link-${i - 1}`, `link-${i}`);
}

export function _start(): void {
  begin();

  test("an absolute link is not made", (): void => {
    errno("symlink", symlinkAt("/etc/passwd", dir, "l"), WASI_EPERM, WASI_ENOTCAPABLE);
    errno("nothing was made", statAt(dir, "l", filestat, 0), WASI_ENOENT);
  });

  test("a link out of the directory is made and shown, and never followed", (): void => {
    makeLink("../x", "l");
    escapes("l");
    ok("nofollow stat", statAt(dir, "l", filestat, 0));
    equal("type", load<u8>(filestat, FILESTAT_FILETYPE), FILETYPE_SYMBOLIC_LINK);
    count("readlink", readlinkAt(dir, "l", buffer, 64), 4);
    same("text", textOf(buffer, 4), "../x");
  });

  test("a link far out of the directory is never followed", (): void => {
    makeLink("../../../../../../../../etc", "e");
    escapes("e");
    escapes("e/passwd");
    errno("mkdir below", mkdirAt(dir, "e/made"), WASI_EPERM, WASI_ENOTCAPABLE);
    errno("unlink below", unlinkAt(dir, "e/passwd"), WASI_EPERM, WASI_ENOTCAPABLE);
  });

  test("a link out of the directory is not followed by its trailing slash", (): void => {
    makeLink("../", "up");
    makeLink("../../", "up2");
    makeLink("..", "bare");
    escapes("up");
    escapes("up/");
    escapes("up2/");
    escapes("bare/");
    escapes("bare/.");
  });

  test("a link that leads out in its middle is refused though it comes back", (): void => {
    makeDirectory(dir, "a");
    makeFile(dir, "a/file", "inside");
    makeFile(dir, "file", "outside");
    const below = openDirectory(dir, "a");
    ok("symlink", symlinkAt("../a/file", below, "l"));
    refused("through the directory itself", openAt(below, "l"), WASI_EPERM, WASI_ENOTCAPABLE);
    same("from above", contentOf(dir, "a/l"), "inside");
    close(below);
  });

  test("a link inside a deep directory is taken from there", (): void => {
    makeDirectory(dir, "a");
    makeDirectory(dir, "a/b");
    makeFile(dir, "file", "top");
    makeFile(dir, "a/file", "middle");
    makeLink("../../file", "a/b/top");
    makeLink("../file", "a/b/middle");
    makeLink("../../../x", "a/b/out");
    same("top", contentOf(dir, "a/b/top"), "top");
    same("middle", contentOf(dir, "a/b/middle"), "middle");
    escapes("a/b/out");
  });

  test("every component that is a link is resolved inside", (): void => {
    makeDirectory(dir, "a");
    makeDirectory(dir, "a/b");
    makeFile(dir, "a/b/file", "here");
    makeLink("a", "l1");
    makeLink("b", "a/l2");
    makeLink("../a/l2/file", "a/l3");
    same("l1/l2/file", contentOf(dir, "l1/l2/file"), "here");
    same("l1/l3", contentOf(dir, "l1/l3"), "here");
  });

  test("a chain of links that ends outside is refused", (): void => {
    makeLink("../x", "l1");
    makeLink("l1", "l2");
    makeLink("./l2", "l3");
    escapes("l3");
  });

  test("dot-dot behind a link goes to the target's parent", (): void => {
    makeDirectory(dir, "a");
    makeDirectory(dir, "a/b");
    makeFile(dir, "a/file", "of a");
    makeFile(dir, "file", "of top");
    makeLink("a/b", "l");
    same("l/../file", contentOf(dir, "l/../file"), "of a");
  });

  test("forty links are followed and forty-one are LOOP", (): void => {
    makeChain(41);
    same("forty", contentOf(dir, "link-39"), "end");
    refused("forty-one", openAt(dir, "link-40"), WASI_ELOOP);
  });

  test("the links of all components count together", (): void => {
    makeDirectory(dir, "d");
    makeFile(dir, "d/file", "end");
    makeLink(".", "d/l");
    same("twenty", contentOf(dir, `d/${"l/".repeat(20)}file`), "end");
    refused("forty-one", openAt(dir, `d/${"l/".repeat(41)}file`), WASI_ELOOP);
  });

  test("a link to itself is LOOP", (): void => {
    makeLink("self", "self");
    refused("open", openAt(dir, "self"), WASI_ELOOP);
    errno("stat", statAt(dir, "self", filestat), WASI_ELOOP);
    ok("nofollow stat", statAt(dir, "self", filestat, 0));
  });

  test("a loop in the middle of a path is LOOP", (): void => {
    makeLink("two", "one");
    makeLink("one", "two");
    refused("open", openAt(dir, "one/file"), WASI_ELOOP);
    errno("nofollow stat", statAt(dir, "one/file", filestat, 0), WASI_ELOOP);
    errno("mkdir", mkdirAt(dir, "two/d"), WASI_ELOOP);
  });

  test("a dangling link is NOENT when it is followed", (): void => {
    makeLink("nowhere", "l");
    refused("open", openAt(dir, "l"), WASI_ENOENT);
    errno("stat", statAt(dir, "l", filestat), WASI_ENOENT);
    errno("below", mkdirAt(dir, "l/d"), WASI_ENOENT);
  });

  test("a link's own stat tells its type and the length of its text", (): void => {
    makeFile(dir, "file", "0123456789");
    makeLink("file", "l");
    ok("nofollow stat", statAt(dir, "l", filestat, 0));
    equal("type", load<u8>(filestat, FILESTAT_FILETYPE), FILETYPE_SYMBOLIC_LINK);
    equal("size", load<u64>(filestat, FILESTAT_SIZE), 4);
    ok("stat", statAt(dir, "l", filestat));
    equal("type of the target", load<u8>(filestat, FILESTAT_FILETYPE), FILETYPE_REGULAR_FILE);
    equal("size of the target", load<u64>(filestat, FILESTAT_SIZE), 10);
  });

  test("readlink cuts the text and writes nothing beyond", (): void => {
    makeLink("0123456789", "l");
    memory.fill(buffer, 0xaa, 64);
    count("exactly", readlinkAt(dir, "l", buffer, 10), 10);
    same("text", textOf(buffer, 10), "0123456789");
    equal("behind it", load<u8>(buffer, 10), 0xaa);
    memory.fill(buffer, 0xaa, 64);
    count("cut", readlinkAt(dir, "l", buffer, 4), 4);
    same("cut text", textOf(buffer, 4), "0123");
    equal("behind the cut", load<u8>(buffer, 4), 0xaa);
  });

  test("readlink into no buffer is nothing or INVAL", (): void => {
    makeLink("text", "l");
    const result = readlinkAt(dir, "l", buffer, 0);
    errno("readlink", result < 0 ? -result : result, WASI_ESUCCESS, WASI_EINVAL);
  });

  test("readlink of what is no link is INVAL", (): void => {
    makeFile(dir, "file");
    refused("of a file", readlinkAt(dir, "file", buffer, 64), WASI_EINVAL);
    refused("of a directory", readlinkAt(dir, ".", buffer, 64), WASI_EINVAL);
    refused("of nothing", readlinkAt(dir, "nope", buffer, 64), WASI_ENOENT);
  });

  test("a link is not made over anything", (): void => {
    makeFile(dir, "file");
    makeDirectory(dir, "d");
    makeLink("nowhere", "l");
    errno("over a file", symlinkAt("x", dir, "file"), WASI_EEXIST);
    errno("over a directory", symlinkAt("x", dir, "d"), WASI_EEXIST);
    errno("over a dangling link", symlinkAt("x", dir, "l"), WASI_EEXIST);
    errno("mkdir over a dangling link", mkdirAt(dir, "l"), WASI_EEXIST);
  });

  test("a link with no text is not made", (): void => {
    errno("symlink", symlinkAt("", dir, "l"), WASI_ENOENT, WASI_EINVAL);
  });

  test("a link's text may have 4095 bytes and not 4096", (): void => {
    ok("4095", symlinkAt("x/".repeat(2047) + "y", dir, "l"));
    count("readlink", readlinkAt(dir, "l", buffer, 4096), 4095);
    errno("4096", symlinkAt("x/".repeat(2048), dir, "m"), WASI_ENAMETOOLONG);
  });

  test("unlink and rename take the link and not its target", (): void => {
    makeFile(dir, "file", "kept");
    makeLink("file", "l");
    ok("rename", renameAt(dir, "l", dir, "m"));
    count("readlink", readlinkAt(dir, "m", buffer, 64), 4);
    ok("unlink", unlinkAt(dir, "m"));
    same("target", contentOf(dir, "file"), "kept");
  });

  test("rmdir of a link is NOTDIR", (): void => {
    makeDirectory(dir, "d");
    makeLink("d", "l");
    errno("rmdir", rmdirAt(dir, "l"), WASI_ENOTDIR);
  });
}
