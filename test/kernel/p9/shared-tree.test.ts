// The kernel, a gofer, and somebody else in the gofer's directory at the same time.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EACCES, EAGAIN, ENODATA, ENOENT, ENOTDIR } from "../../../assembly/abi/errno.ts";
import {
  F_GETLK,
  F_RDLCK,
  F_SETLK,
  F_UNLCK,
  F_WRLCK,
  O_RDONLY,
  O_RDWR,
} from "../../../assembly/abi/fcntl.ts";
import { SYS_fcntl } from "../../../assembly/abi/syscall.ts";
import { serve, type TestGofer } from "../../support/gofer-mount.ts";
import { Calls } from "../../support/sys/calls.ts";
import { kernelTarget } from "../../support/sys/kernel.ts";
import { isRoot, linuxTarget } from "../../support/sys/linux.ts";
import type { Target } from "../../support/sys/target.ts";
import { makeMachine } from "../../support/wvisor.ts";

let top: string;
let gofer: TestGofer;
let target: Target;
let sys: Calls;

function start(directory: string, shared: boolean): void {
  gofer = serve({ source: directory, readonly: false, donate: true });
  const machine = makeMachine({ sockets: gofer.sockets });
  const root = machine.gofer(0, { readonly: false, shared, uid: 0 });
  target = kernelTarget(machine, machine.namespace(root, false), "gofer");
  sys = new Calls(target.process());
}

const host = (...parts: string[]): string => path.join(top, ...parts);

beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), "wvisor-shared-"));
  mkdirSync(host("a", "b"), { recursive: true });
  writeFileSync(host("a", "b", "file"), "text");
});

afterEach(() => {
  target.end();
  gofer.close();
  rmSync(top, { recursive: true, force: true });
});

describe("what others do to a shared tree is seen at once:", () => {
  beforeEach(() => start(top, true));

  test("a name comes, goes, and comes again", () => {
    expect(sys.stat("a/b/new")).toBe(-ENOENT);
    writeFileSync(host("a/b/new"), "1");
    expect(sys.stat("a/b/new")).toMatchObject({ size: 1 });
    unlinkSync(host("a/b/new"));
    expect(sys.stat("a/b/new")).toBe(-ENOENT);
    expect(sys.open("a/b/new")).toBe(-ENOENT);
    writeFileSync(host("a/b/new"), "22");
    expect(sys.stat("a/b/new")).toMatchObject({ size: 2 });
  });

  test("a directory on the way is renamed, and another takes its place", () => {
    expect(sys.stat("a/b/file")).toMatchObject({ size: 4 });
    renameSync(host("a"), host("z"));
    expect(sys.stat("a/b/file")).toBe(-ENOENT);
    expect(sys.stat("z/b/file")).toMatchObject({ size: 4 });
    mkdirSync(host("a/b"), { recursive: true });
    writeFileSync(host("a/b/file"), "other text");
    expect(sys.stat("a/b/file")).toMatchObject({ size: 10 });
  });

  test("a file turns into a directory, a directory into a link, a link into a file", () => {
    expect(sys.stat("a/b/file/x")).toBe(-ENOTDIR);
    rmSync(host("a/b/file"));
    mkdirSync(host("a/b/file"));
    writeFileSync(host("a/b/file/x"), "x");
    expect(sys.stat("a/b/file/x")).toMatchObject({ size: 1 });
    rmSync(host("a/b/file"), { recursive: true });
    mkdirSync(host("elsewhere"));
    writeFileSync(host("elsewhere/x"), "xyz");
    symlinkSync("../../elsewhere", host("a/b/file"));
    expect(sys.stat("a/b/file/x")).toMatchObject({ size: 3 });
    unlinkSync(host("a/b/file"));
    writeFileSync(host("a/b/file"), "12345");
    expect(sys.stat("a/b/file")).toMatchObject({ size: 5 });
  });

  test("access control lists, by path and by descriptor", () => {
    const NAME = "system.posix_acl_access";
    const list = (bits: number) =>
      Buffer.from(
        `0200000001000600ffffffff02000${bits}00e803000004000000ffffffff10000600ffffffff20000000ffffffff`,
        "hex",
      );
    const others = linuxTarget(top);
    const outside = new Calls(others.process());
    if (outside.setxattr("a/b/file", NAME, list(4)) < 0) return;
    const user = new Calls(target.process({ uid: 1000, gid: 1000 }));
    chmodSync(top, 0o755);
    expect(sys.stat("/")).toMatchObject({ mode: 0o040755 });
    const fd = sys.open("a/b/file");
    expect(user.open("a/b/file", O_RDONLY)).toBeGreaterThanOrEqual(0);
    expect(user.open("a/b/file", O_RDWR)).toBe(-EACCES);
    outside.setxattr("a/b/file", NAME, list(6));
    expect(sys.getxattr("a/b/file", NAME)).toEqual(list(6));
    expect(user.open("a/b/file", O_RDWR)).toBeGreaterThanOrEqual(0);
    outside.setxattr("a/b/file", NAME, list(0));
    expect(sys.getxattr(fd, NAME)).toEqual(list(0));
    expect(user.open("a/b/file", O_RDONLY)).toBe(-EACCES);
    outside.removexattr("a/b/file", NAME);
    expect(sys.getxattr(fd, NAME)).toBe(-ENODATA);
    others.end();
  });

  test("mode and size, by path and by descriptor", () => {
    const fd = sys.open("a/b/file", O_RDWR);
    chmodSync(host("a/b/file"), 0o600);
    appendFileSync(host("a/b/file"), " and more");
    expect(sys.stat("a/b/file")).toMatchObject({ mode: 0o100600, size: 13 });
    chmodSync(host("a/b/file"), 0o640);
    expect(sys.fstat(fd)).toMatchObject({ mode: 0o100640, size: 13 });
    expect(`${sys.pread(fd, 100, 4)}`).toBe(" and more");
  });

  test("an open file that somebody removes lives on", () => {
    const fd = sys.open("a/b/file", O_RDWR);
    unlinkSync(host("a/b/file"));
    expect(sys.write(fd, "TEXT")).toBe(4);
    expect(`${sys.pread(fd, 10, 0)}`).toBe("TEXT");
    expect(sys.fstat(fd)).toMatchObject({ nlink: 0, size: 4 });
  });
});

describe("record locks in a shared tree", () => {
  const lock = (type: number, start: number, length: number): Buffer => {
    const bytes = Buffer.alloc(32);
    bytes.writeInt16LE(type, 0);
    bytes.writeBigInt64LE(BigInt(start), 8);
    bytes.writeBigInt64LE(BigInt(length), 16);
    return bytes;
  };
  const set = (calls: Calls, fd: number, type: number, start = 0, length = 0): number =>
    calls.process.syscall(SYS_fcntl, fd, F_SETLK, lock(type, start, length));

  test("hold against processes of the host, and theirs against ours", () => {
    start(top, true);
    const linux = linuxTarget(top);
    const other = new Calls(linux.process());
    const [ours, theirs] = [sys.open("a/b/file", O_RDWR), other.open("a/b/file", O_RDWR)];
    expect(set(sys, ours, F_WRLCK, 0, 10)).toBe(0);
    expect(set(other, theirs, F_RDLCK, 5, 10)).toBe(-EAGAIN);
    expect(set(other, theirs, F_WRLCK, 20, 10)).toBe(0);
    expect(set(sys, ours, F_RDLCK, 15, 10)).toBe(-EAGAIN);
    const asked = lock(F_RDLCK, 0, 0);
    expect(sys.process.syscall(SYS_fcntl, ours, F_GETLK, asked)).toBe(0);
    expect([asked.readInt16LE(0), asked.readBigInt64LE(8), asked.readBigInt64LE(16)]).toEqual([
      F_WRLCK,
      20n,
      10n,
    ]);
    expect(set(sys, ours, F_UNLCK, 0, 5)).toBe(0);
    expect(set(other, theirs, F_RDLCK, 0, 5)).toBe(0);
    expect(set(other, theirs, F_RDLCK, 5, 5)).toBe(-EAGAIN);
    // Closing any descriptor of the file gives up all of a process's locks.
    sys.close(sys.open("a/b/file", O_RDONLY));
    expect(set(other, theirs, F_WRLCK, 0, 0)).toBe(0);
    linux.end();
  });

  test("of two of our processes are told apart on the host too", () => {
    start(top, true);
    const second = new Calls(target.process());
    const [a, b] = [sys.open("a/b/file", O_RDWR), second.open("a/b/file", O_RDWR)];
    expect(set(sys, a, F_WRLCK, 0, 10)).toBe(0);
    expect(set(second, b, F_WRLCK, 5, 10)).toBe(-EAGAIN);
    expect(set(second, b, F_WRLCK, 10, 10)).toBe(0);
    expect(set(sys, a, F_UNLCK)).toBe(0);
    expect(set(second, b, F_WRLCK, 0, 0)).toBe(0);
  });
});

test.runIf(isRoot)(
  "a file that was opened before an overlay of the host copied it up shows what is written [needs root]",
  () => {
    mkdirSync(host("upper"));
    mkdirSync(host("work"));
    mkdirSync(host("merged"));
    const layers = `lowerdir=${host("a")},upperdir=${host("upper")},workdir=${host("work")}`;
    try {
      execFileSync("mount", ["-t", "overlay", "-o", layers, "overlay", host("merged")], { stdio: "ignore" });
    } catch {
      start(top, false);
      return;
    }
    try {
      start(host("merged"), false);
      const reader = sys.open("b/file", O_RDONLY);
      expect(`${sys.pread(reader, 10, 0)}`).toBe("text");
      const writer = sys.open("b/file", O_RDWR);
      expect(sys.pwrite(writer, "TEXT", 0)).toBe(4);
      expect(readFileSync(host("merged/b/file"), "utf8")).toBe("TEXT");
      expect(`${sys.pread(reader, 10, 0)}`).toBe("TEXT");
      for (const fd of [reader, writer]) sys.close(fd);
    } finally {
      execFileSync("umount", ["-l", host("merged")]);
    }
  },
);
