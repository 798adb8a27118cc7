import fs from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import * as errno from "../../assembly/abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from "../../assembly/abi/fcntl.ts";
import { S_IFIFO, STATX_BASIC_STATS, UTIME_NOW, UTIME_OMIT } from "../../assembly/abi/stat.ts";
import { Memory, native, openDescriptors, owned, scratch } from "./support.ts";

const BENEATH = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
const NO_NAME = -1;

let memory: Memory;
let root: string;
let dir: number;

beforeEach(() => {
  memory = new Memory();
  root = scratch();
  dir = owned(native.openat(AT_FDCWD, 0, memory.name(root), O_PATH | O_DIRECTORY, 0));
});

const inRoot = (...parts: string[]) => path.join(root, ...parts);
const name = (text: string) => memory.name(text);

function isCloexec(fd: number): boolean {
  const flags = /flags:\s+(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1]!;
  return (Number.parseInt(flags, 8) & 0o2000000) !== 0;
}

function procSelfFd(): number {
  return owned(native.openat(AT_FDCWD, 0, name("/proc/self/fd"), O_PATH | O_DIRECTORY, 0));
}

describe("openat and openat2", () => {
  test("a new file gets its mode and its descriptor is close-on-exec", () => {
    const before = native.umask(0);
    const fd = owned(native.openat(dir, 0, name("file"), O_CREAT | O_EXCL | O_RDWR, 0o640));
    native.umask(before);
    expect(isCloexec(fd)).toBe(true);
    expect(fs.statSync(inRoot("file")).mode & 0o7777).toBe(0o640);
    expect(native.openat(dir, 0, name("file"), O_CREAT | O_EXCL | O_RDWR, 0o640)).toBe(-errno.EEXIST);
  });

  test("missing names, files as directories and bad descriptors have their errors", () => {
    fs.writeFileSync(inRoot("file"), "");
    expect(native.openat(dir, 0, name("none"), O_RDONLY, 0)).toBe(-errno.ENOENT);
    expect(native.openat(dir, 0, name("file/x"), O_RDONLY, 0)).toBe(-errno.ENOTDIR);
    expect(native.openat(dir, 0, NO_NAME, O_RDONLY, 0)).toBe(-errno.ENOENT);
    expect(native.openat(99999, 0, name("file"), O_RDONLY, 0)).toBe(-errno.EBADF);
    expect(native.openat2(99999, 0, name("file"), O_RDONLY, 0, 0)).toBe(-errno.EBADF);
  });

  test("RESOLVE_BENEATH lets nothing out of the directory", () => {
    fs.mkdirSync(inRoot("inside"));
    fs.writeFileSync(inRoot("inside/file"), "");
    fs.symlinkSync("/etc/passwd", inRoot("absolute"));
    fs.symlinkSync("../../etc", inRoot("relative"));
    const open = (text: string, resolve: number) => native.openat2(dir, 0, name(text), O_RDONLY, 0, resolve);
    expect(isCloexec(owned(open("inside/file", BENEATH)))).toBe(true);
    expect(open("../x", RESOLVE_BENEATH)).toBe(-errno.EXDEV);
    expect(open("inside/../../x", RESOLVE_BENEATH)).toBe(-errno.EXDEV);
    expect(open("/etc/passwd", RESOLVE_BENEATH)).toBe(-errno.EXDEV);
    expect(open("absolute", RESOLVE_BENEATH)).toBe(-errno.EXDEV);
    expect(open("relative/passwd", RESOLVE_BENEATH)).toBe(-errno.EXDEV);
    expect(open("absolute", BENEATH)).toBe(-errno.ELOOP);
    expect(open("relative/passwd", BENEATH)).toBe(-errno.ELOOP);
  });

  test("openat2 refuses flags that the kernel does not know", () => {
    expect(native.openat2(dir, 0, name("x"), 0x40000000, 0, 0)).toBe(-errno.EINVAL);
    expect(native.openat2(dir, 0, name("x"), O_RDONLY, 0o644, 0)).toBe(-errno.EINVAL);
    expect(native.openat2(dir, 0, name("x"), O_RDONLY, 0, 0x8000)).toBe(-errno.EINVAL);
  });

  test("reopen turns a path descriptor into one that reads", () => {
    fs.writeFileSync(inRoot("file"), "text");
    const proc = procSelfFd();
    const pathOnly = owned(native.openat(dir, 0, name("file"), O_PATH, 0));
    const out = memory.room(16);
    expect(native.read(pathOnly, 0, out, 16)).toBe(-errno.EBADF);
    const fd = owned(native.reopen(proc, pathOnly, O_RDONLY));
    expect(isCloexec(fd)).toBe(true);
    expect(native.read(fd, 0, out, 16)).toBe(4);
    expect(native.reopen(proc, 99999, O_RDONLY)).toBe(-errno.ENOENT);
  });

  test("openChild opens whatever the entry is, and says what that is", () => {
    fs.writeFileSync(inRoot("file"), "text");
    fs.symlinkSync("/etc", inRoot("link"));
    fs.mkdirSync(inRoot("sub"));
    const out = memory.room(256);
    for (const entry of ["file", "link", "sub"]) {
      const fd = owned(native.openChild(dir, 0, name(entry), STATX_BASIC_STATS, out));
      const seen = fs.lstatSync(inRoot(entry), { bigint: true });
      expect([entry, memory.view.getBigUint64(out + 32, true)]).toEqual([entry, seen.ino]);
      expect(memory.view.getUint16(out + 28, true)).toBe(Number(seen.mode));
      expect(fs.readlinkSync(`/proc/self/fd/${fd}`)).toBe(inRoot(entry));
      expect(isCloexec(fd)).toBe(true);
      expect(native.read(fd, 0, out, 1)).toBe(-errno.EBADF);
    }
  });

  test("openChild leads nowhere else, and leaves nothing open when it fails", () => {
    fs.symlinkSync("/", inRoot("link"));
    const out = memory.room(256);
    const before = openDescriptors();
    const refused: [string, number][] = [
      ["none", errno.ENOENT],
      ["..", errno.EXDEV],
      ["/etc", errno.EXDEV],
      ["link/etc", errno.ELOOP],
      ["x".repeat(256), errno.ENAMETOOLONG],
    ];
    for (const [entry, error] of refused) {
      expect([entry, native.openChild(dir, 0, name(entry), STATX_BASIC_STATS, out)]).toEqual([entry, -error]);
    }
    fs.writeFileSync(inRoot("file"), "");
    expect(native.openChild(dir, 0, name("file"), STATX_BASIC_STATS, memory.size - 255)).toBe(-errno.EFAULT);
    // No mask of statx(2) has the highest bit.
    expect(native.openChild(dir, 0, name("file"), 0x8000_0000, out)).toBe(-errno.EINVAL);
    expect(native.openChild(99999, 0, name("file"), STATX_BASIC_STATS, out)).toBe(-errno.EBADF);
    expect(openDescriptors()).toBe(before);
  });
});

describe("attributes", () => {
  const statx = (fd: number, offset: number, out: number) =>
    native.statx(fd, 0, offset, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, out);

  test("statx reports what fs.statSync reports, by name and by descriptor", () => {
    fs.writeFileSync(inRoot("file"), "12345", { mode: 0o604 });
    const expected = fs.statSync(inRoot("file"), { bigint: true });
    const fd = owned(native.openat(dir, 0, name("file"), O_PATH, 0));
    for (const [at, offset] of [
      [dir, name("file")],
      [fd, NO_NAME],
    ] as const) {
      const out = memory.room(256);
      expect(statx(at, offset, out)).toBe(0);
      expect(BigInt(memory.view.getUint16(out + 28, true))).toBe(expected.mode);
      expect(memory.view.getBigUint64(out + 32, true)).toBe(expected.ino);
      expect(memory.view.getBigUint64(out + 40, true)).toBe(5n);
      expect(memory.view.getBigInt64(out + 112, true)).toBe(expected.mtimeNs / 1_000_000_000n);
    }
  });

  test("statx checks its output span before it looks", () => {
    expect(statx(dir, NO_NAME, memory.size - 255)).toBe(-errno.EFAULT);
    expect(statx(dir, NO_NAME, memory.size - 256)).toBe(0);
    expect(statx(dir, name("none"), 0)).toBe(-errno.ENOENT);
    expect(statx(99999, NO_NAME, 0)).toBe(-errno.EBADF);
  });

  test("fstatfs agrees with fs.statfsSync", () => {
    const out = memory.room(64);
    const expected = fs.statfsSync(root);
    expect(native.fstatfs(dir, 0, out)).toBe(0);
    expect(Number(memory.view.getBigUint64(out, true))).toBe(expected.type);
    expect(Number(memory.view.getBigUint64(out + 8, true))).toBe(expected.bsize);
    expect(Number(memory.view.getBigUint64(out + 16, true))).toBe(expected.blocks);
    expect(memory.view.getBigUint64(out + 56, true)).toBe(255n);
    expect(native.fstatfs(99999, 0, out)).toBe(-errno.EBADF);
  });

  test("mode, owner and times change through a path descriptor", () => {
    fs.writeFileSync(inRoot("file"), "");
    const proc = procSelfFd();
    const fd = owned(native.openat(dir, 0, name("file"), O_PATH, 0));
    expect(native.fchmod(proc, fd, 0o4711)).toBe(0);
    expect(fs.statSync(inRoot("file")).mode & 0o7777).toBe(0o4711);
    expect(native.fchown(fd, -1, -1)).toBe(0);
    expect(native.futimens(fd, -5, 250, 2 ** 33, 999_999_999)).toBe(0);
    const { atimeNs, mtimeNs } = fs.statSync(inRoot("file"), { bigint: true });
    expect(atimeNs).toBe(-4_999_999_750n);
    expect(mtimeNs).toBe(BigInt(2 ** 33) * 1_000_000_000n + 999_999_999n);
    expect(native.fchmod(proc, 99999, 0o600)).toBe(-errno.EBADF);
    expect(native.fchown(99999, 0, 0)).toBe(-errno.EBADF);
    expect(native.futimens(fd, 0, 1e9, 0, 0)).toBe(-errno.EINVAL);
  });

  test("futimens takes now and leaves what is omitted", () => {
    fs.writeFileSync(inRoot("file"), "");
    fs.utimesSync(inRoot("file"), 100, 200);
    const fd = owned(native.openat(dir, 0, name("file"), O_PATH, 0));
    expect(native.futimens(fd, 0, UTIME_OMIT, 0, UTIME_NOW)).toBe(0);
    const status = fs.statSync(inRoot("file"));
    expect(status.atimeMs).toBe(100_000);
    expect(Math.abs(status.mtimeMs - Date.now())).toBeLessThan(60_000);
  });

  test("times of a symbolic link are its own", () => {
    fs.writeFileSync(inRoot("file"), "");
    fs.symlinkSync("file", inRoot("link"));
    const before = fs.statSync(inRoot("file")).mtimeMs;
    const fd = owned(native.openat(dir, 0, name("link"), O_PATH | O_NOFOLLOW, 0));
    expect(native.futimens(fd, 7, 0, 7, 0)).toBe(0);
    expect(fs.lstatSync(inRoot("link")).mtimeMs).toBe(7000);
    expect(fs.statSync(inRoot("file")).mtimeMs).toBe(before);
  });

  test.runIf(process.getuid?.() === 0)("fchown changes the owner of a link, not of its target", () => {
    fs.writeFileSync(inRoot("file"), "");
    fs.symlinkSync("file", inRoot("link"));
    const fd = owned(native.openat(dir, 0, name("link"), O_PATH | O_NOFOLLOW, 0));
    expect(native.fchown(fd, 1234, 2 ** 32 - 2)).toBe(0);
    expect(fs.lstatSync(inRoot("link")).uid).toBe(1234);
    expect(fs.lstatSync(inRoot("link")).gid).toBe(2 ** 32 - 2);
    expect(fs.statSync(inRoot("file")).uid).toBe(0);
  });
});

describe("directories and names", () => {
  test("readlinkat returns the target, cut at the capacity", () => {
    fs.symlinkSync("some/target", inRoot("link"));
    const out = memory.room(64);
    expect(native.readlinkat(dir, 0, name("link"), out, 64)).toBe(11);
    expect(memory.text(out, 11)).toBe("some/target");
    expect(native.readlinkat(dir, 0, name("link"), out, 4)).toBe(4);
    const fd = owned(native.openat(dir, 0, name("link"), O_PATH | O_NOFOLLOW, 0));
    expect(native.readlinkat(fd, 0, NO_NAME, out, 64)).toBe(11);
    expect(native.readlinkat(dir, 0, name("link"), memory.size - 4, 5)).toBe(-errno.EFAULT);
    expect(native.readlinkat(dir, 0, name("none"), out, 64)).toBe(-errno.ENOENT);
  });

  test("directories, nodes, links and removals", () => {
    expect(native.mkdirat(dir, 0, name("d"), 0o700)).toBe(0);
    expect(native.mkdirat(dir, 0, name("d"), 0o700)).toBe(-errno.EEXIST);
    expect(native.mknodat(dir, 0, name("d/fifo"), S_IFIFO | 0o600, 0, 0)).toBe(0);
    expect(fs.statSync(inRoot("d/fifo")).isFIFO()).toBe(true);
    expect(native.symlinkat(0, name("d/fifo"), dir, name("sym"))).toBe(0);
    expect(fs.readlinkSync(inRoot("sym"))).toBe("d/fifo");
    expect(native.linkat(dir, 0, name("d/fifo"), dir, name("hard"), 0)).toBe(0);
    expect(fs.statSync(inRoot("hard")).nlink).toBe(2);
    expect(native.unlinkat(dir, 0, name("d"), 0)).toBe(-errno.EISDIR);
    expect(native.unlinkat(dir, 0, name("d"), AT_REMOVEDIR)).toBe(-errno.ENOTEMPTY);
    expect(native.unlinkat(dir, 0, name("d/fifo"), 0)).toBe(0);
    expect(native.unlinkat(dir, 0, name("d"), AT_REMOVEDIR)).toBe(0);
    expect(fs.readdirSync(root).sort()).toEqual(["hard", "sym"]);
  });

  test.runIf(process.getuid?.() === 0)("linkat without a name links the descriptor's file", () => {
    fs.writeFileSync(inRoot("file"), "x");
    const fd = owned(native.openat(dir, 0, name("file"), O_PATH, 0));
    expect(native.linkat(fd, 0, NO_NAME, dir, name("other"), AT_EMPTY_PATH)).toBe(0);
    expect(fs.readFileSync(inRoot("other"), "utf8")).toBe("x");
  });

  test("renameat2 replaces, refuses to replace, and exchanges", () => {
    fs.writeFileSync(inRoot("a"), "a");
    fs.writeFileSync(inRoot("b"), "b");
    const rename = (flags: number) => native.renameat2(dir, 0, name("a"), dir, name("b"), flags);
    expect(rename(RENAME_NOREPLACE)).toBe(-errno.EEXIST);
    expect(rename(RENAME_EXCHANGE)).toBe(0);
    expect(fs.readFileSync(inRoot("a"), "utf8")).toBe("b");
    expect(rename(0)).toBe(0);
    expect(fs.readdirSync(root)).toEqual(["b"]);
    expect(rename(0)).toBe(-errno.ENOENT);
    expect(rename(0x80)).toBe(-errno.EINVAL);
  });
});

describe("sizes", () => {
  test("ftruncate, fallocate and fsync work on a file and refuse what Linux refuses", () => {
    const fd = owned(native.openat(dir, 0, name("file"), O_CREAT | O_RDWR, 0o600));
    expect(native.ftruncate(fd, 2 ** 33 + 1)).toBe(0);
    expect(fs.statSync(inRoot("file")).size).toBe(2 ** 33 + 1);
    expect(native.ftruncate(fd, 0)).toBe(0);
    expect(native.fallocate(fd, 0, 0, 8192)).toBe(0);
    expect(fs.statSync(inRoot("file")).size).toBe(8192);
    expect(native.fsync(fd, 0)).toBe(0);
    expect(native.fsync(fd, 1)).toBe(0);
    expect(native.ftruncate(fd, -1)).toBe(-errno.EINVAL);
    expect(native.fallocate(fd, 0, 0, 0)).toBe(-errno.EINVAL);
    expect(native.fsync(99999, 0)).toBe(-errno.EBADF);
    const readOnly = owned(native.openat(dir, 0, name("file"), O_RDONLY, 0));
    expect(native.ftruncate(readOnly, 0)).toBe(-errno.EINVAL);
    expect(native.fallocate(readOnly, 0, 0, 1)).toBe(-errno.EBADF);
    expect(native.ftruncate(fd, 2 ** 54)).toBe(-errno.EINVAL);
  });

  test("truncate works on an O_PATH descriptor, and follows no further link", () => {
    const fd = owned(native.openat(dir, 0, name("file"), O_CREAT | O_RDWR, 0o600));
    const place = owned(native.openat(dir, 0, name("file"), O_PATH, 0));
    expect(native.truncate(place, 100)).toBe(0);
    expect(fs.fstatSync(fd).size).toBe(100);
    expect(native.truncate(place, -1)).toBe(-errno.EINVAL);
    expect(native.truncate(dir, 0)).toBe(-errno.EISDIR);
    expect(native.truncate(99999, 0)).toBe(-errno.ENOENT);
    fs.symlinkSync("file", inRoot("link"));
    const link = owned(native.openat(dir, 0, name("link"), O_PATH | O_NOFOLLOW, 0));
    expect(native.truncate(link, 0)).toBeLessThan(0);
    expect(fs.fstatSync(fd).size).toBe(100);
  });
});

test("no failed call leaves a descriptor behind", () => {
  fs.writeFileSync(inRoot("file"), "");
  const before = openDescriptors();
  native.openat(dir, 0, name("none"), O_WRONLY, 0);
  native.openat2(dir, 0, name("../x"), O_RDONLY, 0, BENEATH);
  native.reopen(dir, 0, O_RDONLY);
  native.socketpair(0, memory.size - 4);
  expect(openDescriptors()).toBe(before);
});
