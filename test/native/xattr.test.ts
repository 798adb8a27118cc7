import fs from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import * as errno from "../../assembly/abi/errno.ts";
import { AT_FDCWD, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDWR, SEEK_DATA } from "../../assembly/abi/fcntl.ts";
import { XATTR_CREATE, XATTR_REPLACE } from "../../assembly/abi/xattr.ts";
import { Memory, native, owned, scratch } from "./support.ts";

let memory: Memory;
let root: string;
let procSelfFd: number;

beforeEach(() => {
  memory = new Memory();
  root = scratch();
  procSelfFd = owned(native.openat(AT_FDCWD, 0, memory.name("/proc/self/fd"), O_PATH | O_DIRECTORY, 0));
  fs.writeFileSync(path.join(root, "file"), "0123456789");
});

const open = (name: string, flags: number): number =>
  owned(native.openat(AT_FDCWD, 0, memory.name(path.join(root, name)), flags, 0));

describe("extended attributes", () => {
  test("are set, read, listed and removed by an O_PATH descriptor, also after the name has gone", () => {
    const fd = open("file", O_PATH);
    fs.unlinkSync(path.join(root, "file"));
    const name = memory.name("user.a");
    const value = memory.name("value");
    expect(native.getxattr(procSelfFd, fd, 0, name, 0, 0)).toBe(-errno.ENODATA);
    expect(native.setxattr(procSelfFd, fd, 0, name, value, 5, XATTR_REPLACE)).toBe(-errno.ENODATA);
    expect(native.setxattr(procSelfFd, fd, 0, name, value, 5, XATTR_CREATE)).toBe(0);
    expect(native.setxattr(procSelfFd, fd, 0, name, value, 5, XATTR_CREATE)).toBe(-errno.EEXIST);
    expect(native.getxattr(procSelfFd, fd, 0, name, 0, 0)).toBe(5);
    expect(native.getxattr(procSelfFd, fd, 0, name, value, 3)).toBe(-errno.ERANGE);
    expect(native.listxattr(procSelfFd, fd, 0, 0, 0)).toBeGreaterThanOrEqual("user.a\0".length);
    expect(native.removexattr(procSelfFd, fd, 0, name)).toBe(0);
    expect(native.removexattr(procSelfFd, fd, 0, name)).toBe(-errno.ENODATA);
  });

  test("of a symbolic link are the link's own, which has none of the user's", () => {
    fs.symlinkSync("file", path.join(root, "link"));
    const fd = open("link", O_PATH | O_NOFOLLOW);
    const name = memory.name("user.a");
    expect(native.setxattr(procSelfFd, fd, 0, name, name, 1, 0)).toBe(-errno.EPERM);
  });

  test("access control lists come together, each with its length", () => {
    const list = Buffer.from(
      "0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000000ffffffff",
      "hex",
    );
    const file = open("file", O_PATH);
    fs.mkdirSync(path.join(root, "directory"));
    const directory = open("directory", O_PATH);
    const at = memory.room(256);
    memory.bytes.set(list, at + 100);
    const bytesAt = (offset: number) => Buffer.from(memory.bytes.subarray(offset, offset + list.length));
    const set = (fd: number, which: string) =>
      native.setxattr(procSelfFd, fd, 0, memory.name(`system.posix_acl_${which}`), at + 100, list.length, 0);
    expect(set(file, "access")).toBe(0);
    expect(native.posixAcls(procSelfFd, file, 0, at, 100, 0)).toBe(4 + list.length);
    expect(memory.view.getUint16(at, true)).toBe(list.length);
    expect(bytesAt(at + 2)).toEqual(list);
    expect(memory.view.getUint16(at + 2 + list.length, true)).toBe(0);
    expect(set(directory, "default")).toBe(0);
    expect(native.posixAcls(procSelfFd, directory, 0, at, 100, 1)).toBe(4 + list.length);
    expect(memory.view.getUint16(at, true)).toBe(0);
    expect(bytesAt(at + 4)).toEqual(list);
    for (const room of [0, 2, 40, 2 + list.length]) {
      expect(native.posixAcls(procSelfFd, file, 0, at, room, 0)).toBe(-errno.ERANGE);
      expect(native.posixAcls(procSelfFd, directory, 0, at, room, 1)).toBe(-errno.ERANGE);
    }
    expect(native.posixAcls(procSelfFd, 987654, 0, at, 100, 0)).toBe(-errno.EBADF);
    const proc = owned(native.openat(AT_FDCWD, 0, memory.name("/proc/self"), O_PATH, 0));
    expect(native.posixAcls(procSelfFd, proc, 0, at, 100, 1)).toBe(-errno.EOPNOTSUPP);
  });

  test("need a descriptor that is open, and memory that is there", () => {
    const name = memory.name("user.a");
    expect(native.getxattr(procSelfFd, 987654, 0, name, 0, 0)).toBe(-errno.EBADF);
    expect(native.getxattr(procSelfFd, open("file", O_PATH), 0, name, 2 ** 40, 10)).toBe(-errno.EFAULT);
  });
});

describe("locks of open file descriptions", () => {
  test("hold against other descriptions, by ranges", () => {
    const [a, b] = [open("file", O_RDWR), open("file", O_RDWR)];
    expect(native.ofdSetLock(a, 1, 2, 3)).toBe(0);
    expect(native.ofdSetLock(b, 0, 4, 1)).toBe(-errno.EAGAIN);
    expect(native.ofdSetLock(b, 0, 5, 1)).toBe(0);
    expect(native.ofdSetLock(a, 2, 0, 0)).toBe(0);
    expect(native.ofdSetLock(b, 1, 0, 0)).toBe(0);
  });
});

test("copy_file_range moves between two positions", () => {
  const [from, to] = [open("file", O_RDWR), open("file", O_RDWR)];
  expect(native.copyFileRange(from, 0, to, 8, 4)).toBe(4);
  expect(fs.readFileSync(path.join(root, "file"), "utf8")).toBe("012345670123");
  expect(native.copyFileRange(from, 0, to, 0, -1)).toBe(-errno.EINVAL);
  expect(native.lseek(from, 0, SEEK_DATA)).toBe(0);
});
