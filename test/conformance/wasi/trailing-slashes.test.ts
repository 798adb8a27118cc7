// What follows the last name of a path, "/", "/." and "/..", for every call of preview1 on a path and every kind of file: each answer is
// real Linux's to the call that corresponds, and so is what is left of the tree.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDWR,
  O_TRUNC,
} from "../../../assembly/abi/fcntl.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import { OFLAGS_CREAT, OFLAGS_DIRECTORY, OFLAGS_EXCL, OFLAGS_TRUNC } from "../../../assembly/abi/wasi.ts";
import { Calls } from "../../support/sys/calls.ts";
import { KernelProcess } from "../../support/sys/kernel.ts";
import { linuxTarget } from "../../support/sys/linux.ts";
import { type OpenOptions, Preview1Calls } from "../../support/sys/preview1-calls.ts";
import { kernelModules, makeMachine, memoryNamespace } from "../../support/wvisor.ts";

const ROOT = { uid: 0, gid: 0 };
const SUFFIXES = ["", "/", "//", "/.", "/./", "/..", "/../"];

/** A tree for one call: the file in question is `x`. Made by Linux's calls on both sides. */
const KINDS: Readonly<Record<string, (sys: Calls, top: string) => void>> = {
  "a file": (sys, top) => makeFile(sys, `${top}/x`),
  "an empty directory": (sys, top) => sys.mkdir(`${top}/x`),
  "a full directory": (sys, top) => {
    sys.mkdir(`${top}/x`);
    makeFile(sys, `${top}/x/inner`);
  },
  "a link to a file": (sys, top) => sys.symlink("plain", `${top}/x`),
  "a link to a directory": (sys, top) => sys.symlink("folder", `${top}/x`),
  "a link to a link to a directory, with a slash": (sys, top) => {
    sys.symlink("folder/", `${top}/second`);
    sys.symlink("second/", `${top}/x`);
  },
  "a dangling link": (sys, top) => sys.symlink("nowhere", `${top}/x`),
  "a dangling link with a slash": (sys, top) => sys.symlink("nowhere/", `${top}/x`),
  "a link to itself": (sys, top) => sys.symlink("x", `${top}/x`),
  nothing: () => {},
};

function makeFile(sys: Calls, name: string): void {
  sys.close(sys.open(name, O_CREAT | O_RDWR));
}

interface Operation {
  readonly name: string;
  readonly linux: (sys: Calls, top: string, name: string) => unknown;
  readonly wasi: (sys: Preview1Calls, dir: number, name: string) => unknown;
}

/** 0, or the error. */
function outcome(result: unknown): number {
  return typeof result === "number" && result < 0 ? result : 0;
}

function opening(name: string, flags: number, options: OpenOptions): Operation {
  return {
    name,
    linux(sys, top, file) {
      const fd = sys.open(`${top}/${file}`, flags);
      if (fd >= 0) sys.close(fd);
      return outcome(fd);
    },
    wasi(sys, dir, file) {
      const fd = sys.open(dir, file, options);
      if (fd >= 0) sys.close(fd);
      return outcome(fd);
    },
  };
}

function setTimes(sys: Calls, name: string, flags: number): number {
  return sys.process.syscall(nr.SYS_utimensat, AT_FDCWD, name, Buffer.alloc(32), flags);
}

const OPERATIONS: readonly Operation[] = [
  opening("open", 0, {}),
  opening("open nofollow", O_NOFOLLOW, { follow: false }),
  opening("open to write", O_RDWR, { write: true }),
  opening("open a directory", O_DIRECTORY, { oflags: OFLAGS_DIRECTORY }),
  opening("truncate", O_RDWR | O_TRUNC, { oflags: OFLAGS_TRUNC, write: true }),
  opening("create", O_RDWR | O_CREAT, { oflags: OFLAGS_CREAT, write: true }),
  opening("create nofollow", O_RDWR | O_CREAT | O_NOFOLLOW, {
    oflags: OFLAGS_CREAT,
    write: true,
    follow: false,
  }),
  opening("create exclusively", O_RDWR | O_CREAT | O_EXCL, {
    oflags: OFLAGS_CREAT | OFLAGS_EXCL,
    write: true,
  }),
  {
    name: "stat",
    linux: (sys, top, file) => sys.stat(`${top}/${file}`),
    wasi: (sys, dir, file) => sys.stat(dir, file),
  },
  {
    name: "stat nofollow",
    linux: (sys, top, file) => sys.stat(`${top}/${file}`, AT_SYMLINK_NOFOLLOW),
    wasi: (sys, dir, file) => sys.stat(dir, file, false),
  },
  {
    name: "set times",
    linux: (sys, top, file) => setTimes(sys, `${top}/${file}`, 0),
    wasi: (sys, dir, file) => sys.setTimes(dir, file),
  },
  {
    name: "set times nofollow",
    linux: (sys, top, file) => setTimes(sys, `${top}/${file}`, AT_SYMLINK_NOFOLLOW),
    wasi: (sys, dir, file) => sys.setTimes(dir, file, false),
  },
  {
    name: "mkdir",
    linux: (sys, top, file) => sys.mkdir(`${top}/${file}`),
    wasi: (sys, dir, file) => sys.mkdir(dir, file),
  },
  {
    name: "rmdir",
    linux: (sys, top, file) => sys.rmdir(`${top}/${file}`),
    wasi: (sys, dir, file) => sys.rmdir(dir, file),
  },
  {
    name: "unlink",
    linux: (sys, top, file) => sys.unlink(`${top}/${file}`),
    wasi: (sys, dir, file) => sys.unlink(dir, file),
  },
  {
    name: "readlink",
    linux: (sys, top, file) => sys.readlink(`${top}/${file}`),
    wasi: (sys, dir, file) => sys.readlink(dir, file),
  },
  {
    name: "symlink at",
    linux: (sys, top, file) => sys.symlink("text", `${top}/${file}`),
    wasi: (sys, dir, file) => sys.symlink("text", dir, file),
  },
  {
    name: "link from",
    linux: (sys, top, file) => sys.link(`${top}/${file}`, `${top}/other`),
    wasi: (sys, dir, file) => sys.link(dir, file, dir, "other"),
  },
  {
    name: "link to",
    linux: (sys, top, file) => sys.link(`${top}/plain`, `${top}/${file}`),
    wasi: (sys, dir, file) => sys.link(dir, "plain", dir, file),
  },
  {
    name: "rename from",
    linux: (sys, top, file) => sys.rename(`${top}/${file}`, `${top}/other`),
    wasi: (sys, dir, file) => sys.rename(dir, file, dir, "other"),
  },
  {
    name: "rename from, to a name with a slash",
    linux: (sys, top, file) => sys.rename(`${top}/${file}`, `${top}/other/`),
    wasi: (sys, dir, file) => sys.rename(dir, file, dir, "other/"),
  },
  {
    name: "rename of a file to",
    linux: (sys, top, file) => sys.rename(`${top}/plain`, `${top}/${file}`),
    wasi: (sys, dir, file) => sys.rename(dir, "plain", dir, file),
  },
  {
    name: "rename of a directory to",
    linux: (sys, top, file) => sys.rename(`${top}/folder`, `${top}/${file}`),
    wasi: (sys, dir, file) => sys.rename(dir, "folder", dir, file),
  },
  {
    name: "rename of a directory with a slash to",
    linux: (sys, top, file) => sys.rename(`${top}/folder/`, `${top}/${file}`),
    wasi: (sys, dir, file) => sys.rename(dir, "folder/", dir, file),
  },
];

const NAMES = ["x", "plain", "folder", "other", "nowhere", "second"];

/** What is at each name that a call could have changed. */
function shape(sys: Calls, top: string): string {
  const modes = NAMES.map((name) => {
    const stat = sys.stat(`${top}/${name}`, AT_SYMLINK_NOFOLLOW);
    return typeof stat === "number" ? `${name} -` : `${name} ${(stat.mode >> 12).toString(8)}x${stat.nlink}`;
  });
  return modes.join(", ");
}

function prepare(sys: Calls, top: string, kind: string): void {
  sys.mkdir(top);
  makeFile(sys, `${top}/plain`);
  sys.mkdir(`${top}/folder`);
  KINDS[kind]!(sys, top);
}

const scratch = mkdtempSync(path.join(tmpdir(), "wvisor-slashes-"));
const oracle = linuxTarget(scratch);
const linux = new Calls(oracle.process());
const machine = makeMachine({ modules: kernelModules("peek", true) });
const namespace = memoryNamespace(machine);
const process = new KernelProcess(machine, namespace, ROOT);
const ours = new Calls(process);
const wasi = new Preview1Calls(process);
let trees = 0;

afterAll(() => {
  process.end();
  oracle.end();
  rmSync(scratch, { recursive: true, force: true });
});

describe("what follows the last name of a path", () => {
  test.each(Object.keys(KINDS))("behind %s is as on Linux for every call", (kind) => {
    const expected: Record<string, string> = {};
    const found: Record<string, string> = {};
    for (const suffix of SUFFIXES) {
      for (const { name, linux: onLinux, wasi: byWasi } of OPERATIONS) {
        const top = `tree-${trees++}`;
        const what = `${name} x${suffix}`;
        prepare(linux, top, kind);
        expected[what] = `${outcome(onLinux(linux, top, `x${suffix}`))}: ${shape(linux, top)}`;
        prepare(ours, top, kind);
        const dir = ours.open(top, O_DIRECTORY);
        found[what] = `${outcome(byWasi(wasi, dir, `x${suffix}`))}: ${shape(ours, top)}`;
        ours.close(dir);
      }
    }
    expect(found).toEqual(expected);
  });
});
