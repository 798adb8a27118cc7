// preview1 in a sandbox of several mounts, links of an image and devices: what a conformance program cannot make by itself.

import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EBADF, EMFILE, ENOENT, EPERM, EROFS, EXDEV } from "../../../assembly/abi/errno.ts";
import { O_CREAT, O_DIRECTORY, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import { TIOCSPTLCK } from "../../../assembly/abi/ioctl.ts";
import { FD_MAX } from "../../../assembly/abi/limits.ts";
import { MS_BIND } from "../../../assembly/abi/mount.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import {
  FILETYPE_CHARACTER_DEVICE,
  FILETYPE_DIRECTORY,
  FILETYPE_REGULAR_FILE,
  FILETYPE_UNKNOWN,
  OFLAGS_CREAT,
  OFLAGS_TRUNC,
  RIGHT_FD_SEEK,
  RIGHT_FD_TELL,
} from "../../../assembly/abi/wasi.ts";
import type { FilesystemHandle, Machine, NamespaceHandle } from "../../../src/host/boot/machine.ts";
import { DescriptorCalls } from "../../support/sys/descriptor-calls.ts";
import { KernelProcess } from "../../support/sys/kernel.ts";
import { Preview1Calls } from "../../support/sys/preview1-calls.ts";
import { kernelModules, makeMachine, memoryNamespace } from "../../support/wvisor.ts";

const ROOT = { uid: 0, gid: 0 };
const PLACE = BigInt(RIGHT_FD_SEEK | RIGHT_FD_TELL);

let machine: Machine;
let namespace: NamespaceHandle;
let process: KernelProcess;
/** Linux's calls and preview1's, of one process. */
let sys: DescriptorCalls;
let wasi: Preview1Calls;
/** "/", preopened. */
let root: number;

const tmpfs = (): FilesystemHandle => machine.tmpfs("mode=777");

function put(path: string, content = "data"): void {
  const fd = sys.open(path, O_CREAT | O_RDWR);
  expect(sys.write(fd, content)).toBe(content.length);
  sys.close(fd);
}

beforeAll(() => {
  machine = makeMachine({ modules: kernelModules("peek", true) });
});

beforeEach(() => {
  namespace = memoryNamespace(machine);
  process = new KernelProcess(machine, namespace, ROOT);
  sys = new DescriptorCalls(process);
  wasi = new Preview1Calls(process);
  root = machine.preopen(process.task, "/", "/");
});

afterEach(() => {
  process.end();
  machine.kernel.namespace_release(namespace);
});

describe("descriptors that are used up", () => {
  test("are MFILE, leave everything as it was, and can be had again", () => {
    put("/file");
    sys.mkdir("/dir");
    const held: number[] = [];
    for (let fd = sys.dup(root); fd >= 0; fd = sys.dup(root)) held.push(fd);
    expect(held.at(-1)).toBe(FD_MAX - 1);
    expect(wasi.open(root, "file")).toBe(-EMFILE);
    expect(wasi.open(root, "new", { oflags: OFLAGS_CREAT, write: true })).toBe(-EMFILE);
    expect(wasi.open(root, "file", { oflags: OFLAGS_TRUNC, write: true })).toBe(-EMFILE);
    expect(wasi.stat(root, "new")).toBe(-ENOENT);
    expect(wasi.stat(root, "file")).toMatchObject({ size: 4n });
    // What needs none goes on.
    expect(wasi.mkdir(root, "dir/made")).toBe(0);
    expect(wasi.rename(root, "file", root, "dir/moved")).toBe(0);
    expect(wasi.readdir(root, 0n).entries.map(({ name }) => name)).toContain("dir");
    // The lowest number is given first, whichever was closed last.
    for (const fd of [held[100]!, held[7]!]) expect(wasi.close(fd)).toBe(0);
    expect(wasi.open(root, "dir")).toBe(held[7]);
    expect(wasi.open(root, "new", { oflags: OFLAGS_CREAT, write: true })).toBe(held[100]);
    expect(wasi.open(root, "dir")).toBe(-EMFILE);
    expect(wasi.stat(root, "new")).toMatchObject({ size: 0n });
  });
});

describe("what a descriptor says that it is", () => {
  /** As libc's isatty(). */
  function isatty(path: string): boolean {
    const fd = wasi.open(root, path, { write: true });
    expect(fd).toBeGreaterThanOrEqual(0);
    const fdstat = wasi.fdstat(fd);
    if (typeof fdstat === "number") throw new Error(`fd_fdstat_get: ${fdstat}`);
    wasi.close(fd);
    return fdstat.type === FILETYPE_CHARACTER_DEVICE && (fdstat.rights & PLACE) === 0n;
  }

  test("makes a terminal of a pseudoterminal, and of no other device, file or FIFO", () => {
    sys.mkdir("/pts");
    machine.mount(namespace, machine.kernelFilesystem("devpts"), "/pts", false);
    const master = sys.open("/pts/ptmx", O_RDWR);
    expect(sys.ioctl(master, TIOCSPTLCK, Buffer.alloc(4))).toBe(0);
    sys.mkfifo("/fifo");
    put("/file");
    const terminals = ["pts/0", "pts/ptmx"];
    const others = ["dev/null", "dev/zero", "dev/full", "dev/urandom", "fifo", "file"];
    expect([...terminals, ...others].filter(isatty)).toEqual(terminals);
  });

  test("is the type of its file", () => {
    sys.mkfifo("/fifo");
    put("/file");
    const types = ["dev/null", "tmp", "file", "fifo"].map((path) => wasi.stat(root, path));
    expect(types).toMatchObject([
      { type: FILETYPE_CHARACTER_DEVICE },
      { type: FILETYPE_DIRECTORY },
      { type: FILETYPE_REGULAR_FILE },
      { type: FILETYPE_UNKNOWN },
    ]);
  });
});

describe("names across mounts", () => {
  beforeEach(() => {
    for (const name of ["/a", "/b", "/fixed"]) sys.mkdir(name);
    machine.mount(namespace, tmpfs(), "/a", false);
    machine.mount(namespace, tmpfs(), "/b", false);
    machine.mount(namespace, tmpfs(), "/fixed", false);
    for (const top of ["/a", "/b", "/fixed"]) {
      put(`${top}/file`);
      sys.mkdir(`${top}/dir`);
    }
    const MS_REMOUNT = 32;
    const MS_RDONLY = 1;
    expect(
      sys.process.syscall(nr.SYS_mount, "none", "/fixed", "", MS_REMOUNT | MS_BIND | MS_RDONLY, ""),
    ).toBe(0);
  });

  test("are neither linked nor renamed: XDEV, and all stays where it is", () => {
    expect(wasi.link(root, "a/file", root, "b/new")).toBe(-EXDEV);
    expect(wasi.rename(root, "a/file", root, "b/new")).toBe(-EXDEV);
    expect(wasi.rename(root, "a/file", root, "b/file")).toBe(-EXDEV);
    expect(wasi.rename(root, "a/dir", root, "b/new")).toBe(-EXDEV);
    const a = wasi.open(root, "a");
    const b = wasi.open(root, "b");
    expect(wasi.link(a, "file", b, "new")).toBe(-EXDEV);
    expect(wasi.rename(a, "file", b, "new")).toBe(-EXDEV);
    expect(wasi.stat(a, "file")).toMatchObject({ nlink: 1n });
    expect(wasi.stat(b, "new")).toBe(-ENOENT);
  });

  test("from and to a read-only one are ROFS or XDEV, in Linux's order", () => {
    expect(wasi.link(root, "fixed/file", root, "a/new")).toBe(-EXDEV);
    expect(wasi.link(root, "a/file", root, "fixed/new")).toBe(-EROFS);
    expect(wasi.rename(root, "fixed/file", root, "a/new")).toBe(-EXDEV);
    expect(wasi.rename(root, "a/file", root, "fixed/new")).toBe(-EXDEV);
    expect(wasi.link(root, "fixed/file", root, "fixed/new")).toBe(-EROFS);
    expect(wasi.rename(root, "fixed/file", root, "fixed/new")).toBe(-EROFS);
  });

  test("are XDEV between two mounts of one file system, too", () => {
    sys.mkdir("/a/there");
    expect(sys.process.syscall(nr.SYS_mount, "/a/dir", "/a/there", "", MS_BIND, "")).toBe(0);
    expect(wasi.link(root, "a/file", root, "a/there/new")).toBe(-EXDEV);
    expect(wasi.rename(root, "a/file", root, "a/there/new")).toBe(-EXDEV);
    expect(wasi.rename(root, "a/file", root, "a/dir/new")).toBe(0);
    expect(wasi.stat(root, "a/there/new")).toMatchObject({ size: 4n });
  });

  test("have devices of their own, and a mount point the number of what is mounted", () => {
    const [a, b] = [wasi.stat(root, "a/file"), wasi.stat(root, "b/file")];
    if (typeof a === "number" || typeof b === "number") throw new Error("no stat");
    expect(a.dev).not.toBe(b.dev);
    const there = wasi.stat(root, "a");
    const inside = wasi.stat(wasi.open(root, "a"), ".");
    expect(there).toEqual(inside);
  });
});

describe("links that an image has", () => {
  beforeEach(() => {
    sys.mkdir("/etc");
    sys.mkdir("/usr");
    put("/etc/passwd", "of the sandbox");
    sys.symlink("/etc/passwd", "/usr/absolute");
    sys.symlink("/etc", "/usr/folder");
    sys.symlink("../../../etc/passwd", "/usr/climbing");
    sys.symlink("/", "/usr/top");
  });

  test("lead below the sandbox's root from a preopened directory", () => {
    for (const path of ["usr/absolute", "usr/folder/passwd", "usr/top/etc/passwd"]) {
      expect(wasi.stat(root, path)).toMatchObject({ size: 14n });
    }
    expect(wasi.stat(root, "usr/climbing")).toBe(-EPERM);
    expect(wasi.readlink(root, "usr/absolute")).toBe("/etc/passwd");
  });

  test("lead nowhere from a directory that the program opened", () => {
    const usr = wasi.open(root, "usr");
    for (const path of ["absolute", "absolute/", "folder", "folder/passwd", "top", "climbing"]) {
      expect(wasi.stat(usr, path)).toBe(-EPERM);
      expect(wasi.open(usr, path)).toBe(-EPERM);
    }
    expect(wasi.mkdir(usr, "folder/made")).toBe(-EPERM);
    expect(wasi.rename(usr, "folder/passwd", usr, "mine")).toBe(-EPERM);
    expect(wasi.readlink(usr, "absolute")).toBe("/etc/passwd");
    expect(wasi.stat(usr, "absolute", false)).toMatchObject({ size: 11n });
  });

  test("are not made by the program, whatever the directory", () => {
    const usr = wasi.open(root, "usr");
    for (const dir of [root, usr]) {
      expect(wasi.symlink("/etc/passwd", dir, "mine")).toBe(-EPERM);
      expect(wasi.stat(dir, "mine", false)).toBe(-ENOENT);
    }
  });
});

describe("a preopened directory that is not the root", () => {
  test("names a place in the sandbox: dot-dot leads up to the root and no further", () => {
    sys.mkdir("/work");
    put("/beside", "beside");
    const work = machine.preopen(process.task, "/work", "/work");
    expect(wasi.stat(work, "../beside")).toMatchObject({ size: 6n });
    expect(wasi.stat(work, "../../beside")).toBe(-EPERM);
    expect(wasi.stat(work, "/beside")).toBe(-EPERM);
    // What the program opens itself is confined to its own tree.
    const opened = wasi.open(root, "work");
    expect(wasi.stat(opened, "../beside")).toBe(-EPERM);
  });
});

describe("the order of what is wrong", () => {
  test("is the descriptor, then the path, then what is there", () => {
    const fd = sys.open("/tmp", O_DIRECTORY);
    sys.close(fd);
    expect(wasi.stat(fd, "")).toBe(-EBADF);
    expect(wasi.stat(fd, "/x")).toBe(-EBADF);
    expect(wasi.stat(root, "")).toBe(-ENOENT);
    expect(wasi.stat(root, "/nope")).toBe(-EPERM);
    expect(wasi.stat(root, "nope/../../..")).toBe(-ENOENT);
  });
});
