// What a change leaves as it was: everything that nobody asked to change. On an overlay whose lower layer has the file, each of
// these calls copies it up first.

import { describe, expect, test } from "vitest";
import { ENOENT } from "../../../../assembly/abi/errno.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls, type Stat } from "../../../support/sys/calls.ts";
import type { Target } from "../../../support/sys/target.ts";

const BIG = Buffer.alloc(300_000, "0123456789abcdef!");
const HOLE = 1 << 20;

/** What is seen of a file. */
interface Snapshot {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly ino: number;
  readonly mtime: bigint;
  readonly content: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface Kind {
  readonly name: string;
  readonly path: string;
  readonly make: (sys: Calls) => void;
}

function write(sys: Calls, path: string, content: string | Uint8Array, at = 0): void {
  const fd = sys.open(path, O_CREAT | O_WRONLY, 0o640);
  sys.pwrite(fd, content, at);
  sys.close(fd);
}

const FILES: readonly Kind[] = [
  { name: "a file", path: "it", make: (sys) => write(sys, "it", "content") },
  { name: "a large file", path: "it", make: (sys) => write(sys, "it", BIG) },
  { name: "a file with a hole", path: "it", make: (sys) => write(sys, "it", "end", HOLE) },
  {
    name: "a file with two names",
    path: "it",
    make: (sys) => {
      write(sys, "it", "content");
      sys.link("it", "twin");
    },
  },
  {
    name: "a file far below",
    path: "one/two/three/it",
    make: (sys) => {
      sys.mkdir("one", 0o751);
      sys.mkdir("one/two", 0o2715);
      sys.mkdir("one/two/three", 0o1777);
      write(sys, "one/two/three/it", "content");
    },
  },
];

const OTHERS: readonly Kind[] = [
  {
    name: "a directory",
    path: "it",
    make: (sys) => {
      sys.mkdir("it", 0o750);
      write(sys, "it/below", "content");
      sys.mkdir("it/deeper", 0o700);
    },
  },
  { name: "a FIFO", path: "it", make: (sys) => void sys.process.syscall(nr.SYS_mknod, "it", 0o010640, 0) },
  { name: "a link", path: "it", make: (sys) => void sys.symlink("somewhere", "it") },
];

function contentOf(sys: Calls, path: string, mode: number): string {
  const type = mode & 0o170000;
  if (type === 0o120000) return String(sys.readlink(path));
  if (type !== 0o100000) return "";
  const fd = sys.open(path, O_RDONLY);
  const parts: string[] = [];
  for (;;) {
    const got = sys.read(fd, 1 << 19);
    if (typeof got === "number") throw new Error(`read: ${got}`);
    if (got.length === 0) break;
    parts.push(got.toString("latin1"));
  }
  sys.close(fd);
  return parts.join("");
}

function snapshot(sys: Calls, path: string): Snapshot {
  const found = sys.stat(path, AT_SYMLINK_NOFOLLOW) as Stat;
  const content = contentOf(sys, path, found.mode);
  const names = sys.listxattr(path, 4096, false);
  if (typeof names === "number") throw new Error(`listxattr: ${names}`);
  const attributes = Object.fromEntries(
    names.map((name) => [name, String(sys.getxattr(path, name, 256, false))]),
  );
  const { mode, uid, gid, nlink, ino, mtime } = found;
  return {
    mode,
    uid,
    gid,
    nlink: (mode & 0o170000) === 0o040000 ? 0 : nlink,
    ino,
    mtime,
    content,
    attributes,
  };
}

/** The directories above a path, the top one first. */
function above(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return [".", ...parts.map((_, index) => parts.slice(0, index + 1).join("/"))];
}

interface Change {
  readonly name: string;
  readonly apply: (sys: Calls, path: string) => number;
  /** What differs afterwards. */
  readonly differs: (before: Snapshot) => Partial<Snapshot>;
  /** It moves the time of the last modification. */
  readonly writes?: boolean;
}

function times(...seconds: number[]): Buffer {
  const bytes = Buffer.alloc(seconds.length * 16);
  for (const [index, each] of seconds.entries()) bytes.writeBigInt64LE(BigInt(each), index * 16);
  return bytes;
}

function writeTo(sys: Calls, path: string, flags: number, text: string, at?: number): number {
  const fd = sys.open(path, flags);
  if (fd < 0) return fd;
  const written = at === undefined ? sys.write(fd, text) : sys.pwrite(fd, text, at);
  sys.close(fd);
  return written === text.length ? 0 : written;
}

const OF_ALL: readonly Change[] = [
  {
    name: "new owners",
    apply: (sys, path) => sys.process.syscall(nr.SYS_lchown, path, 7, 8),
    differs: () => ({ uid: 7, gid: 8 }),
  },
  {
    name: "new times",
    apply: (sys, path) =>
      sys.process.syscall(nr.SYS_utimensat, AT_FDCWD, path, times(100, 200), AT_SYMLINK_NOFOLLOW),
    differs: () => ({ mtime: 200_000_000_000n }),
  },
  {
    name: "an attribute",
    apply: (sys, path) => sys.setxattr(path, "trusted.new", "value", 0, false),
    differs: ({ attributes }) => ({ attributes: { ...attributes, "trusted.new": "value" } }),
  },
];

const OF_ALL_BUT_LINKS: readonly Change[] = [
  {
    name: "a new mode",
    apply: (sys, path) => sys.process.syscall(nr.SYS_chmod, path, 0o4711),
    differs: ({ mode }) => ({ mode: (mode & 0o170000) | 0o4711 }),
  },
];

const OF_FILES: readonly Change[] = [
  {
    name: "data at the end",
    apply: (sys, path) => writeTo(sys, path, O_WRONLY | O_APPEND, "more"),
    differs: ({ content }) => ({ content: `${content}more` }),
    writes: true,
  },
  {
    name: "data in the middle",
    apply: (sys, path) => writeTo(sys, path, O_WRONLY, "NEW", 2),
    differs: ({ content }) => ({ content: `${content.slice(0, 2)}NEW${content.slice(5)}` }),
    writes: true,
  },
  {
    name: "data far behind the end",
    apply: (sys, path) => writeTo(sys, path, O_WRONLY, "NEW", HOLE + 5000),
    differs: ({ content }) => ({ content: `${content.padEnd(HOLE + 5000, "\0")}NEW` }),
    writes: true,
  },
  {
    name: "fewer bytes",
    apply: (sys, path) => sys.process.syscall(nr.SYS_truncate, path, 2),
    differs: ({ content }) => ({ content: content.slice(0, 2) }),
    writes: true,
  },
  {
    name: "more bytes",
    apply: (sys, path) => sys.process.syscall(nr.SYS_truncate, path, HOLE + 7000),
    differs: ({ content }) => ({ content: content.padEnd(HOLE + 7000, "\0") }),
    writes: true,
  },
  {
    name: "no bytes, by open",
    apply: (sys, path) => writeTo(sys, path, O_WRONLY | O_TRUNC, ""),
    differs: () => ({ content: "" }),
    writes: true,
  },
];

export function changeCases(make: () => Target): void {
  function run(name: string, kind: Kind, body: (sys: Calls, before: Snapshot) => void): void {
    test(name, () => {
      const target = make();
      const sys = new Calls(target.process());
      kind.make(sys);
      body(sys, snapshot(sys, kind.path));
      target.end();
    });
  }

  function changes(kind: Kind, all: readonly Change[]): void {
    for (const { name, apply, differs, writes = false } of all) {
      run(`is the same but for ${name}`, kind, (sys, before) => {
        const directories = above(kind.path).map((path) => snapshot(sys, path));
        expect(apply(sys, kind.path)).toBe(0);
        const after = snapshot(sys, kind.path);
        const wanted = { ...before, ...differs(before) };
        if (writes) expect(after.mtime).toBeGreaterThanOrEqual(before.mtime);
        // A whole megabyte in a message helps nobody.
        expect(after.content === wanted.content).toBe(true);
        expect({ ...after, content: "" }).toEqual({
          ...wanted,
          content: "",
          mtime: writes ? after.mtime : wanted.mtime,
        });
        if (sys.stat("twin") !== -ENOENT) expect(snapshot(sys, "twin")).toEqual(after);
        expect(above(kind.path).map((path) => snapshot(sys, path))).toEqual(directories);
      });
    }
  }

  for (const kind of [...FILES, ...OTHERS]) {
    describe(`${kind.name} that is changed`, () => {
      changes(kind, OF_ALL);
      if (kind.name !== "a link") changes(kind, OF_ALL_BUT_LINKS);
      if (FILES.includes(kind)) changes(kind, OF_FILES);
      run("is the same under a new name", kind, (sys, before) => {
        const moved = `${kind.path}-moved`;
        expect(sys.rename(kind.path, moved)).toBe(0);
        expect(snapshot(sys, moved)).toEqual(before);
        expect(sys.stat(kind.path, AT_SYMLINK_NOFOLLOW)).toBe(-ENOENT);
      });
      run("is the same in another directory", kind, (sys, before) => {
        sys.mkdir("elsewhere");
        expect(sys.rename(kind.path, "elsewhere/it")).toBe(0);
        expect(snapshot(sys, "elsewhere/it")).toEqual(before);
      });
      run("comes back to the name that it had", kind, (sys, before) => {
        expect(sys.rename(kind.path, "away")).toBe(0);
        expect(sys.rename("away", kind.path)).toBe(0);
        expect(snapshot(sys, kind.path)).toEqual(before);
      });
      if (kind.name !== "a directory") {
        run("gets another name", kind, (sys, before) => {
          expect(sys.link(kind.path, "another")).toBe(0);
          expect(snapshot(sys, "another")).toEqual({ ...before, nlink: before.nlink + 1 });
          expect(snapshot(sys, kind.path)).toEqual(snapshot(sys, "another"));
          expect(sys.unlink(kind.path)).toBe(0);
          expect(snapshot(sys, "another")).toEqual(before);
        });
      }
    });
  }
}
