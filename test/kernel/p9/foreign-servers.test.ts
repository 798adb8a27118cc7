// The kernel over servers that are not ours: older ones, ones that know less, and ones that do things in their own way.

import { afterEach, describe, expect, test } from "vitest";
import * as errno from "../../../assembly/abi/errno.ts";
import { AT_FDCWD, AT_REMOVEDIR, F_SETLK, F_WRLCK, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import * as p9 from "../../../assembly/abi/p9.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import { lockBytes } from "../../support/sys/descriptor-calls.ts";
import { MemoryServer, type ServerOptions } from "./memory-server.ts";
import { kernelModule, World, type WorldOptions } from "./world.ts";

const module = kernelModule();

const worlds: World[] = [];

afterEach(() => {
  for (const world of worlds.splice(0)) world.end();
});

function world(options: ServerOptions & WorldOptions = {}): World {
  const server = new MemoryServer({ extended: false, ...options });
  server.directory("/dir");
  server.file("/dir/file", "content");
  server.directory("/dir/sub");
  server.symlink("/link", "dir/file");
  const w = new World(module, server, options);
  worlds.push(w);
  return w;
}

const unknown = (value: number, ...types: number[]) => ({
  unknown: new Map(types.map((type) => [type, value])),
});

const unlink = (w: World, path: string, flags = 0) => w.syscall(nr.SYS_unlinkat, AT_FDCWD, path, flags);
const rename = (w: World, from: string, to: string) => w.syscall(nr.SYS_rename, from, to);

describe.each([
  ["EOPNOTSUPP", errno.EOPNOTSUPP],
  ["ENOSYS", errno.ENOSYS],
])("a server that answers %s to what is new", (_name, value) => {
  test.each([false, true])("is asked by older messages to rename and to remove (shared: %s)", (shared) => {
    const w = world({ shared, ...unknown(value, p9.P9_TRENAMEAT, p9.P9_TUNLINKAT) });
    expect(rename(w, "/dir/file", "/moved")).toBe(0);
    expect(w.text("moved")).toBe("content");
    expect(rename(w, "/none", "/x")).toBe(-errno.ENOENT);
    expect(unlink(w, "/dir/sub")).toBe(-errno.EISDIR);
    expect(unlink(w, "/moved", AT_REMOVEDIR)).toBe(-errno.ENOTDIR);
    expect(unlink(w, "/dir", AT_REMOVEDIR)).toBe(-errno.ENOTEMPTY);
    expect(unlink(w, "/dir/sub", AT_REMOVEDIR)).toBe(0);
    expect(unlink(w, "/moved")).toBe(0);
    expect(unlink(w, "/link")).toBe(0);
    expect([w.names("."), w.names("dir")]).toEqual([["dir"], []]);
    expect(w.server.count(p9.P9_TREMOVE)).toBeGreaterThanOrEqual(3);
    expect(w.server.count(p9.P9_TRENAME)).toBe(1);
    // Only the fids of what is still known are left, and of what the next request gives back.
    w.statError("nothing");
    expect(w.server.fids.size).toBeLessThanOrEqual(3);
  });

  test("has no extended attributes then", () => {
    const w = world(unknown(value, p9.P9_TXATTRWALK, p9.P9_TXATTRCREATE));
    const out = Buffer.alloc(100);
    expect(w.syscall(nr.SYS_listxattr, "/dir/file", out, 100)).toBe(0);
    expect(w.syscall(nr.SYS_getxattr, "/dir/file", "user.a", out, 100)).toBe(-value);
    expect(w.syscall(nr.SYS_setxattr, "/dir/file", "user.a", "v", 1, 0)).toBe(-value);
    expect(w.text("dir/file")).toBe("content");
  });

  test("has locks that hold within this kernel alone", () => {
    const w = world({ shared: true, ...unknown(value, p9.P9_TLOCK, p9.P9_TGETLOCK) });
    const fd = w.syscall(nr.SYS_openat, AT_FDCWD, "/dir/file", O_RDWR, 0);
    expect(w.syscall(nr.SYS_fcntl, fd, F_SETLK, lockBytes({ type: F_WRLCK }))).toBe(0);
  });
});

test("what a server does not tell about a file is what a file without it would have", () => {
  const w = world();
  w.server.alter = ({ bytes, request }) => {
    if (request !== p9.P9_TGETATTR || bytes.readUInt8(4) !== p9.P9_RGETATTR) return;
    // Mode and size alone, and no sense in the rest.
    bytes.writeBigUInt64LE(0x201n, p9.P9_HEADER);
    for (const [at, size] of [
      [32, 8],
      [40, 8],
      [72, 8],
    ] as const)
      bytes.fill(0, at, at + size);
  };
  const out = Buffer.alloc(144);
  expect(w.syscall(nr.SYS_newfstatat, AT_FDCWD, "/dir/file", out, 0)).toBe(0);
  const told = { nlink: out.readBigUInt64LE(16), uid: out.readUInt32LE(28), gid: out.readUInt32LE(32) };
  expect(told).toEqual({ nlink: 1n, uid: 65534, gid: 65534 });
  expect([out.readBigUInt64LE(48), out.readBigUInt64LE(64)]).toEqual([7n, 1n]);
  expect(w.text("dir/file")).toBe("content");
  expect(unlink(w, "/dir/file")).toBe(0);
});

test("a server without mode or size is not believed", () => {
  const w = world();
  w.server.alter = ({ bytes, request }) => {
    if (request === p9.P9_TGETATTR) bytes.writeBigUInt64LE(0x001n, p9.P9_HEADER);
  };
  expect(w.syscall(nr.SYS_newfstatat, AT_FDCWD, "/dir/file", Buffer.alloc(144), 0)).toBe(-errno.EIO);
});

test("a walk that ends before its first name found nothing", () => {
  const w = world();
  w.server.alter = (answer) => {
    if (answer.request !== p9.P9_TWALK || answer.bytes.readUInt8(4) !== p9.P9_RLERROR) return;
    const bytes = Buffer.alloc(9);
    bytes.writeUInt32LE(9, 0);
    bytes.writeUInt8(p9.P9_RWALK, 4);
    answer.bytes.copy(bytes, 5, 5, 7);
    answer.bytes = bytes;
  };
  expect(w.syscall(nr.SYS_newfstatat, AT_FDCWD, "/dir/none", Buffer.alloc(144), 0)).toBe(-errno.ENOENT);
  expect(w.text("dir/file")).toBe("content");
  expect(w.text("dir/file")).toBe("content");
});

test("iounit is a recommendation: what a message holds is read and written", () => {
  const w = world();
  w.server.alter = ({ bytes }) => {
    if (bytes.readUInt8(4) === p9.P9_RLOPEN) bytes.writeUInt32LE(3, bytes.length - 4);
  };
  const fd = w.open("dir/file");
  expect(w.write(fd, "longer content")).toBe(14);
  expect(w.text("dir/file")).toBe("longer content");
});

test.each([4096, 8192])(
  "messages of %d bytes carry large files, directories and attributes",
  (messageSize) => {
    for (const extended of [false, true]) {
      const w = world({ messageSize, extended });
      const text = "0123456789".repeat(3000);
      const fd = w.open("dir/file");
      expect(w.write(fd, text)).toBe(text.length);
      expect(w.text("dir/file")).toBe(text);
      for (let i = 0; i < 500; i++) w.server.file(`/dir/sub/${i}-${"n".repeat(60)}`, "");
      expect(w.names("dir/sub")).toHaveLength(500);
      for (const name of w.names("dir/sub").slice(0, 40)) expect(w.statError(`dir/sub/${name}`)).toBe(0);
      expect(w.syscall(nr.SYS_setxattr, "/dir/file", "user.a", "v".repeat(3000), 3000, 0)).toBe(0);
      const out = Buffer.alloc(4000);
      expect(w.syscall(nr.SYS_getxattr, "/dir/file", "user.a", out, 4000)).toBe(3000);
      // What no message holds is refused, and the connection goes on.
      expect(w.syscall(nr.SYS_setxattr, "/dir/file", "user.a", "v".repeat(60_000), 60_000, 0)).toBe(
        -errno.E2BIG,
      );
      expect(w.text("dir/file")).toBe(text);
    }
  },
);

test("numbers of files that are no other file's are taken for one only where the types agree", () => {
  const w = world();
  // A server that gives a file and a directory one number: each is what it is, whichever was seen last.
  const file = w.server.find("/dir/file");
  const sub = w.server.find("/dir/sub");
  Object.assign(sub, { ino: file.ino });
  for (let i = 0; i < 3; i++) {
    expect(w.text("dir/file")).toBe("content");
    expect(w.names("dir/sub")).toEqual([]);
    w.shrink();
  }
});

describe("a version", () => {
  const versions = (...answers: [string, string][]) => ({ extended: true, versions: new Map(answers) });
  const OURS = "9P2000.L.wvisor.1";
  const PLAIN = "9P2000.L";

  test.each([
    ["unknown, and the plain one when asked for that", versions([OURS, "unknown"])],
    ["an error, and the plain one when asked for that", versions([OURS, "an error"])],
    ["the plain one at once", versions([OURS, PLAIN])],
    ["another extension's, and the plain one when asked for that", versions([OURS, "9P2000.L.Google.7"])],
    ["a later one of ours, and the plain one when asked for that", versions([OURS, "9P2000.L.wvisor.2"])],
  ])("%s is the plain protocol", (_name, options) => {
    const w = world(options);
    expect(w.text("dir/file")).toBe("content");
    expect(w.server.count(p9.P9_TWALKFIDS) + w.server.count(p9.P9_TWALKATTR)).toBe(0);
  });

  test.each(["unknown", "an error", "9P2000.u", "9P2000", "", "9P2000.L ", "\0", "9P2000.L.wvisor.1"])(
    "%j in answer to the plain one is no server for us",
    (answer) => {
      const server = new MemoryServer(versions([OURS, "unknown"], [PLAIN, answer]));
      const w = new World(module, server);
      if (answer === OURS) {
        // It does know us after all.
        expect(w.names(".")).toEqual([]);
        return;
      }
      expect(w.root).toBe(-errno.EIO);
    },
  );
});
