// What each call that takes a path makes of every kind of path: the last component there or not, of each type, with slashes and
// dots behind it. The tables are what Linux answers.

import { describe, expect, test } from "vitest";
import * as errno from "../../../../assembly/abi/errno.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls } from "../../../support/sys/calls.ts";
import type { Target } from "../../../support/sys/target.ts";

type Operation = (sys: Calls, path: string) => number;

const LONG = "n".repeat(256);

/** Paths by what is at them; each column of EXPECTED is one. */
const PATHS = {
  "the root and dots": ["/", ".", ".."],
  "a file": ["file", "file/", "file/.", "file/x", `file/${LONG}`],
  "a directory": ["full", "full/", "full/.", "full/..", "empty", "empty//"],
  "a link": ["link", "link/", "dirlink", "dirlink/", "dirlink/."],
  "a link to nowhere or itself": ["dangling", "dangling/", "loop", "loop/x"],
  "a FIFO": ["fifo"],
  "what is not there": ["", "none", "none/", "none/x", LONG],
} as const;

type Kind = keyof typeof PATHS;

function result(value: number | object | string): number {
  return typeof value === "number" ? value : 0;
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  stat: (sys, path) => result(sys.stat(path)),
  lstat: (sys, path) => result(sys.stat(path, AT_SYMLINK_NOFOLLOW)),
  "open to read": (sys, path) => Math.min(sys.open(path, O_RDONLY | O_NONBLOCK), 0),
  "open to write": (sys, path) => Math.min(sys.open(path, O_WRONLY | O_NONBLOCK), 0),
  "open with O_PATH": (sys, path) => Math.min(sys.open(path, O_PATH), 0),
  "open with O_DIRECTORY": (sys, path) => Math.min(sys.open(path, O_DIRECTORY), 0),
  "open with O_CREAT": (sys, path) => Math.min(sys.open(path, O_CREAT | O_RDWR | O_NONBLOCK), 0),
  "open with O_EXCL": (sys, path) => Math.min(sys.open(path, O_CREAT | O_EXCL | O_RDWR), 0),
  mkdir: (sys, path) => sys.mkdir(path),
  mknod: (sys, path) => sys.process.syscall(nr.SYS_mknod, path, 0o100644, 0),
  symlink: (sys, path) => sys.symlink("text", path),
  readlink: (sys, path) => result(sys.readlink(path)),
  unlink: (sys, path) => sys.unlink(path),
  rmdir: (sys, path) => sys.rmdir(path),
  "link from": (sys, path) => sys.link(path, "made"),
  "link to": (sys, path) => sys.link("file", path),
  "rename from": (sys, path) => sys.rename(path, "made"),
  "rename of a file to": (sys, path) => sys.rename("other", path),
  "rename of a directory to": (sys, path) => sys.rename("another", path),
  chmod: (sys, path) => sys.process.syscall(nr.SYS_chmod, path, 0o700),
  lchown: (sys, path) => sys.process.syscall(nr.SYS_lchown, path, -1, -1),
  truncate: (sys, path) => sys.process.syscall(nr.SYS_truncate, path, 0),
  access: (sys, path) => sys.process.syscall(nr.SYS_access, path, 0),
  chdir: (sys, path) => sys.process.syscall(nr.SYS_chdir, path),
  utimensat: (sys, path) => sys.process.syscall(nr.SYS_utimensat, AT_FDCWD, path, null, 0),
  statfs: (sys, path) => sys.process.syscall(nr.SYS_statfs, path, Buffer.alloc(120)),
  getxattr: (sys, path) => result(sys.getxattr(path, "user.none")),
};

/** What each operation makes of each path: "ok" or the error. */
const EXPECTED: Readonly<Record<string, Readonly<Record<Kind, string>>>> = {
  stat: {
    "the root and dots": "ok ok ok",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok ok ok ok ok",
    "a link": "ok ENOTDIR ok ok ok",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  lstat: {
    "the root and dots": "ok ok ok",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok ok ok ok ok",
    "a link": "ok ENOTDIR ok ok ok",
    "a link to nowhere or itself": "ok ENOENT ok ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  "open to read": {
    "the root and dots": "ok ok ok",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok ok ok ok ok",
    "a link": "ok ENOTDIR ok ok ok",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  "open to write": {
    "the root and dots": "EISDIR EISDIR EISDIR",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EISDIR EISDIR EISDIR EISDIR EISDIR EISDIR",
    "a link": "ok ENOTDIR EISDIR EISDIR EISDIR",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "ENXIO",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  "open with O_PATH": {
    "the root and dots": "ok ok ok",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok ok ok ok ok",
    "a link": "ok ENOTDIR ok ok ok",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  "open with O_DIRECTORY": {
    "the root and dots": "ok ok ok",
    "a file": "ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok ok ok ok ok",
    "a link": "ENOTDIR ENOTDIR ok ok ok",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "ENOTDIR",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  "open with O_CREAT": {
    "the root and dots": "EISDIR EISDIR EISDIR",
    "a file": "ok EISDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EISDIR EISDIR EISDIR EISDIR EISDIR EISDIR",
    "a link": "ok EISDIR EISDIR EISDIR EISDIR",
    "a link to nowhere or itself": "ok EISDIR ELOOP ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ok EISDIR ENOENT ENAMETOOLONG",
  },
  "open with O_EXCL": {
    "the root and dots": "EEXIST EEXIST EEXIST",
    "a file": "EEXIST EISDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EEXIST EISDIR EEXIST EEXIST EEXIST EISDIR",
    "a link": "EEXIST EISDIR EEXIST EISDIR EEXIST",
    "a link to nowhere or itself": "EEXIST EISDIR EEXIST ELOOP",
    "a FIFO": "EEXIST",
    "what is not there": "ENOENT ok EISDIR ENOENT ENAMETOOLONG",
  },
  mkdir: {
    "the root and dots": "EEXIST EEXIST EEXIST",
    "a file": "EEXIST EEXIST ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EEXIST EEXIST EEXIST EEXIST EEXIST EEXIST",
    "a link": "EEXIST EEXIST EEXIST EEXIST EEXIST",
    "a link to nowhere or itself": "EEXIST EEXIST EEXIST ELOOP",
    "a FIFO": "EEXIST",
    "what is not there": "ENOENT ok ok ENOENT ENAMETOOLONG",
  },
  mknod: {
    "the root and dots": "EEXIST EEXIST EEXIST",
    "a file": "EEXIST EEXIST ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EEXIST EEXIST EEXIST EEXIST EEXIST EEXIST",
    "a link": "EEXIST EEXIST EEXIST EEXIST EEXIST",
    "a link to nowhere or itself": "EEXIST EEXIST EEXIST ELOOP",
    "a FIFO": "EEXIST",
    "what is not there": "ENOENT ok ENOENT ENOENT ENAMETOOLONG",
  },
  symlink: {
    "the root and dots": "EEXIST EEXIST EEXIST",
    "a file": "EEXIST EEXIST ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EEXIST EEXIST EEXIST EEXIST EEXIST EEXIST",
    "a link": "EEXIST EEXIST EEXIST EEXIST EEXIST",
    "a link to nowhere or itself": "EEXIST EEXIST EEXIST ELOOP",
    "a FIFO": "EEXIST",
    "what is not there": "ENOENT ok ENOENT ENOENT ENAMETOOLONG",
  },
  readlink: {
    "the root and dots": "EINVAL EINVAL EINVAL",
    "a file": "EINVAL ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL",
    "a link": "ok ENOTDIR ok EINVAL EINVAL",
    "a link to nowhere or itself": "ok ENOENT ok ELOOP",
    "a FIFO": "EINVAL",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  unlink: {
    "the root and dots": "EISDIR EISDIR EISDIR",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EISDIR EISDIR EISDIR EISDIR EISDIR EISDIR",
    "a link": "ok ENOTDIR ok ENOTDIR EISDIR",
    "a link to nowhere or itself": "ok ENOTDIR ok ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  rmdir: {
    "the root and dots": "EBUSY EINVAL ENOTEMPTY",
    "a file": "ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ENOTEMPTY ENOTEMPTY EINVAL ENOTEMPTY ok ok",
    "a link": "ENOTDIR ENOTDIR ENOTDIR ENOTDIR EINVAL",
    "a link to nowhere or itself": "ENOTDIR ENOTDIR ENOTDIR ELOOP",
    "a FIFO": "ENOTDIR",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  "link from": {
    "the root and dots": "EPERM EPERM EPERM",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EPERM EPERM EPERM EPERM EPERM EPERM",
    "a link": "ok ENOTDIR ok EPERM EPERM",
    "a link to nowhere or itself": "ok ENOENT ok ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  "link to": {
    "the root and dots": "EEXIST EEXIST EEXIST",
    "a file": "EEXIST EEXIST ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EEXIST EEXIST EEXIST EEXIST EEXIST EEXIST",
    "a link": "EEXIST EEXIST EEXIST EEXIST EEXIST",
    "a link to nowhere or itself": "EEXIST EEXIST EEXIST ELOOP",
    "a FIFO": "EEXIST",
    "what is not there": "ENOENT ok ENOENT ENOENT ENAMETOOLONG",
  },
  "rename from": {
    "the root and dots": "EBUSY EBUSY EBUSY",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok EBUSY EBUSY ok ok",
    "a link": "ok ENOTDIR ok ENOTDIR EBUSY",
    "a link to nowhere or itself": "ok ENOTDIR ok ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  "rename of a file to": {
    "the root and dots": "EBUSY EBUSY EBUSY",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EISDIR ENOTDIR EBUSY EBUSY EISDIR ENOTDIR",
    "a link": "ok ENOTDIR ok ENOTDIR EBUSY",
    "a link to nowhere or itself": "ok ENOTDIR ok ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ok ENOTDIR ENOENT ENAMETOOLONG",
  },
  "rename of a directory to": {
    "the root and dots": "EBUSY EBUSY EBUSY",
    "a file": "ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ENOTEMPTY ENOTEMPTY EBUSY EBUSY ok ok",
    "a link": "ENOTDIR ENOTDIR ENOTDIR ENOTDIR EBUSY",
    "a link to nowhere or itself": "ENOTDIR ENOTDIR ENOTDIR ELOOP",
    "a FIFO": "ENOTDIR",
    "what is not there": "ENOENT ok ok ENOENT ENAMETOOLONG",
  },
  chmod: {
    "the root and dots": "ok ok ok",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok ok ok ok ok",
    "a link": "ok ENOTDIR ok ok ok",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  lchown: {
    "the root and dots": "ok ok ok",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok ok ok ok ok",
    "a link": "ok ENOTDIR ok ok ok",
    "a link to nowhere or itself": "ok ENOENT ok ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  truncate: {
    "the root and dots": "EISDIR EISDIR EISDIR",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "EISDIR EISDIR EISDIR EISDIR EISDIR EISDIR",
    "a link": "ok ENOTDIR EISDIR EISDIR EISDIR",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "EINVAL",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  access: {
    "the root and dots": "ok ok ok",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok ok ok ok ok",
    "a link": "ok ENOTDIR ok ok ok",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  chdir: {
    "the root and dots": "ok ok ok",
    "a file": "ENOTDIR ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok ok ok ok ok",
    "a link": "ENOTDIR ENOTDIR ok ok ok",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "ENOTDIR",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  utimensat: {
    "the root and dots": "ok ok ok",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok ok ok ok ok",
    "a link": "ok ENOTDIR ok ok ok",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  statfs: {
    "the root and dots": "ok ok ok",
    "a file": "ok ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ok ok ok ok ok ok",
    "a link": "ok ENOTDIR ok ok ok",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "ok",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
  getxattr: {
    "the root and dots": "ENODATA ENODATA ENODATA",
    "a file": "ENODATA ENOTDIR ENOTDIR ENOTDIR ENOTDIR",
    "a directory": "ENODATA ENODATA ENODATA ENODATA ENODATA ENODATA",
    "a link": "ENODATA ENOTDIR ENODATA ENODATA ENODATA",
    "a link to nowhere or itself": "ENOENT ENOENT ELOOP ELOOP",
    "a FIFO": "ENODATA",
    "what is not there": "ENOENT ENOENT ENOENT ENOENT ENAMETOOLONG",
  },
};

function prepare(sys: Calls, top: string): void {
  sys.mkdir(top);
  for (const name of ["file", "other"]) sys.close(sys.open(`${top}/${name}`, O_CREAT | O_WRONLY));
  for (const name of ["full", "full/below", "empty", "another"]) sys.mkdir(`${top}/${name}`);
  for (const [text, name] of [
    ["file", "link"],
    ["full", "dirlink"],
    ["nowhere", "dangling"],
    ["loop", "loop"],
  ] as const) {
    sys.symlink(text, `${top}/${name}`);
  }
  sys.process.syscall(nr.SYS_mknod, `${top}/fifo`, 0o010644, 0);
}

function nameOf(result: number): string {
  if (result === 0) return "ok";
  const found = Object.entries(errno).find(([, value]) => value === -result);
  return found === undefined ? String(result) : found[0];
}

export function pathCases(make: () => Target): void {
  /** What the operation makes of each path, in a tree of its own. */
  function outcomes(target: Target, operation: Operation, paths: readonly string[]): string {
    const sys = new Calls(target.process());
    for (const index of paths.keys()) prepare(sys, `tree${index}`);
    const top = sys.open(".", O_DIRECTORY);
    const found = paths.map((path, index) => {
      sys.process.syscall(nr.SYS_chdir, `tree${index}`);
      const result = operation(sys, path);
      sys.process.syscall(nr.SYS_fchdir, top);
      return nameOf(result);
    });
    return found.join(" ");
  }

  for (const [name, operation] of Object.entries(OPERATIONS)) {
    describe(`${name}, by path`, () => {
      for (const [kind, paths] of Object.entries(PATHS)) {
        test(`of ${kind}`, () => {
          const target = make();
          expect(outcomes(target, operation, paths)).toBe(EXPECTED[name]?.[kind as Kind]);
          target.end();
        });
      }
    });
  }
}
