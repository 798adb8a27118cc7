// A server that breaks the protocol, vanishes, or answers late: the connection may end, the kernel may not.

import { describe, expect, test } from "vitest";
import { AT_FDCWD, O_RDWR, RENAME_EXCHANGE, SEEK_DATA } from "../../../assembly/abi/fcntl.ts";
import * as p9 from "../../../assembly/abi/p9.ts";
import { S_IFDIR } from "../../../assembly/abi/stat.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import * as wasi from "../../../assembly/abi/wasi.ts";
import {
  type Answer,
  frame,
  MemoryServer,
  type ServerOptions,
  string,
  u16,
  u32,
  u64,
} from "./memory-server.ts";
import { kernelModule, World, type WorldOptions } from "./world.ts";

const EIO = 5;

const module = kernelModule();

function world(options: ServerOptions & WorldOptions = {}): World {
  const server = new MemoryServer(options);
  server.file("/hello", "hello, world");
  server.directory("/dir");
  server.file("/dir/a", "a");
  server.symlink("/link", "dir/a");
  return new World(module, server, options);
}

/** Changes the next answer to a request of type `type`. */
function alterNext(w: World, type: number, change: (answer: Answer) => void): void {
  w.server.alter = (answer) => {
    if (answer.request !== type) return;
    w.server.alter = () => {};
    change(answer);
  };
}

/** The answer's fields replaced. */
function body(answer: Answer, bytes: Buffer): void {
  answer.bytes = frame(answer.bytes.readUInt8(4), answer.bytes.readUInt16LE(5), bytes);
}

/** A Linux system call's result as the others' are. */
function linux(result: number): number {
  const known: Record<number, number> = {
    [-4]: wasi.WASI_EINTR,
    [-5]: wasi.WASI_EIO,
    [-13]: wasi.WASI_EACCES,
  };
  return known[result] ?? result;
}

function opened(w: World): number {
  return w.syscall(nr.SYS_openat, AT_FDCWD, "/hello", O_RDWR, 0);
}

const EXCHANGE = [AT_FDCWD, "/hello", AT_FDCWD, "/link", RENAME_EXCHANGE] as const;
const VALUE = Buffer.from("value");

/** A request of each type, and what sends it. */
const REQUESTS: [string, number, (w: World) => unknown, ServerOptions & WorldOptions][] = [
  ["Rwalkattr", p9.P9_TWALKATTR, (w) => w.statError("dir"), {}],
  ["Rwalk", p9.P9_TWALK, (w) => w.statError("dir"), { extended: false }],
  ["Rgetattr", p9.P9_TGETATTR, (w) => w.fstat(w.open("hello")), { shared: true }],
  ["Rlopen", p9.P9_TLOPEN, (w) => w.open("hello"), { donates: true }],
  ["Rlcreate", p9.P9_TLCREATE, (w) => w.open("new", wasi.OFLAGS_CREAT), { extended: false }],
  ["Rcreateattr", p9.P9_TCREATEATTR, (w) => w.open("new", wasi.OFLAGS_CREAT), { donates: true }],
  ["Rmkdir", p9.P9_TMKDIR, (w) => w.mkdir("new"), {}],
  ["Rsymlink", p9.P9_TSYMLINK, (w) => w.symlink("x", "new"), {}],
  ["Rlink", p9.P9_TLINK, (w) => w.link("hello", "new"), {}],
  ["Runlinkat", p9.P9_TUNLINKAT, (w) => w.unlink("hello"), {}],
  ["Rrenameat", p9.P9_TRENAMEAT, (w) => w.rename("hello", "new"), {}],
  ["Rreadlink", p9.P9_TREADLINK, (w) => w.readlink("link"), {}],
  ["Rsetattr", p9.P9_TSETATTR, (w) => w.setSize(w.open("hello"), 3), {}],
  ["Rread", p9.P9_TREAD, (w) => w.read(w.open("hello")), {}],
  ["Rwrite", p9.P9_TWRITE, (w) => w.write(w.open("hello"), "x"), {}],
  ["Rreaddir", p9.P9_TREADDIR, (w) => w.readdir(w.open("dir", 2, 0, false)), {}],
  ["Rrenameat2", p9.P9_TRENAMEAT2, (w) => linux(w.syscall(nr.SYS_renameat2, ...EXCHANGE)), {}],
  ["Rallocate", p9.P9_TALLOCATE, (w) => linux(w.syscall(nr.SYS_fallocate, opened(w), 0, 0, 100)), {}],
  ["Rseek", p9.P9_TSEEK, (w) => linux(w.syscall(nr.SYS_lseek, opened(w), 0, SEEK_DATA)), {}],
  [
    "Rxattrwalk",
    p9.P9_TXATTRWALK,
    (w) => {
      w.server.find("/hello").attributes.set("user.a", VALUE);
      return linux(w.syscall(nr.SYS_getxattr, "/hello", "user.a", Buffer.alloc(100), 100));
    },
    {},
  ],
  [
    "Rxattrcreate",
    p9.P9_TXATTRCREATE,
    (w) => linux(w.syscall(nr.SYS_setxattr, "/hello", "user.a", VALUE, VALUE.length, 0)),
    {},
  ],
  [
    "Rxattrcreate of plain 9P2000.L",
    p9.P9_TXATTRCREATE,
    (w) => linux(w.syscall(nr.SYS_setxattr, "/hello", "user.a", VALUE, VALUE.length, 0)),
    { extended: false },
  ],
  [
    "Rxattrremove",
    p9.P9_TXATTRREMOVE,
    (w) => {
      w.server.find("/hello").attributes.set("user.a", VALUE);
      return linux(w.syscall(nr.SYS_removexattr, "/hello", "user.a"));
    },
    {},
  ],
  ["Rfsync", p9.P9_TFSYNC, (w) => w.sync(w.open("hello")), {}],
];

/** What `call` returned, as a WASI errno. */
function errnoOf(result: unknown): unknown {
  return typeof result === "number" ? Math.abs(result) : result;
}

function expectBroken(w: World): void {
  const { sends } = w.server;
  expect(w.statError("dir/never-seen")).toBe(wasi.WASI_EIO);
  expect(w.server.sends, "nothing is sent any more").toBe(sends);
}

describe.each(REQUESTS)("%s", (_name, type, call, options) => {
  test("cut off anywhere, or too long, ends the connection", () => {
    const seen = world(options);
    let length = 0;
    alterNext(seen, type, (answer) => {
      length = answer.bytes.length;
    });
    call(seen);
    expect(length).toBeGreaterThanOrEqual(p9.P9_HEADER);
    // Data may have any length below what was asked for, when its count says so; here the count stays.
    // Rwalkattr's attributes are Rgetattr's, which are cut everywhere.
    const step = type === p9.P9_TWALKATTR ? 7 : 1;
    for (let cut = 0; cut <= length + 1; cut += step) {
      if (cut === length) continue;
      const w = world(options);
      alterNext(w, type, (answer) => {
        const bytes = Buffer.concat([answer.bytes, Buffer.alloc(1)]).subarray(0, cut);
        if (cut >= 4) bytes.writeUInt32LE(cut);
        answer.bytes = Buffer.from(bytes);
      });
      expect(errnoOf(call(w)), `cut at ${cut}`).toBe(wasi.WASI_EIO);
      expectBroken(w);
      expect(w.server.handles.size).toBe(0);
    }
  });

  test("with a size, tag or type that is wrong ends the connection", () => {
    const changes: ((bytes: Buffer) => void)[] = [
      (bytes) => bytes.writeUInt32LE(bytes.length + 1),
      (bytes) => bytes.writeUInt32LE(0),
      (bytes) => bytes.writeUInt16LE(bytes.readUInt16LE(5) ^ 0x4000, 5),
      (bytes) => bytes.writeUInt16LE(p9.P9_NOTAG, 5),
      (bytes) => bytes.writeUInt8(type, 4),
      (bytes) => bytes.writeUInt8(p9.P9_RCLUNK + 2, 4),
      (bytes) => bytes.writeUInt8(p9.P9_RLERROR, 4),
    ];
    for (const [index, change] of changes.entries()) {
      const w = world(options);
      let isError = false;
      alterNext(w, type, (answer) => {
        change(answer.bytes);
        isError = answer.bytes.readUInt8(4) === p9.P9_RLERROR && answer.bytes.length === p9.P9_HEADER + 4;
      });
      const result = errnoOf(call(w));
      // What has the length of an error and says so is one.
      if (isError) continue;
      expect(result, `change ${index}`).toBe(wasi.WASI_EIO);
      expectBroken(w);
      expect(w.server.handles.size).toBe(0);
    }
  });

  test("with random contents never harms the kernel", () => {
    let seed = type;
    const random = (): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return seed >>> 16;
    };
    for (let round = 0; round < 25; round++) {
      const w = world(options);
      alterNext(w, type, (answer) => {
        for (let i = 0; i < 1 + (round & 3); i++) {
          const at = p9.P9_HEADER + (random() % Math.max(answer.bytes.length - p9.P9_HEADER, 1));
          if (at < answer.bytes.length) answer.bytes[at] = random();
        }
      });
      call(w);
      w.statError("dir/never-seen");
    }
  });

  test("as an error is an error, and the connection goes on", () => {
    const w = world(options);
    w.server.refuse.set(type, 13);
    expect(errnoOf(call(w))).toBe(wasi.WASI_EACCES);
    expect(w.text("dir/a")).toBe("a");
    expect(w.unread).toBe(0);
  });

  test("that comes after the caller was killed is put aside, with what it made", () => {
    const w = world(options);
    const before = w.server.fids.size;
    const seen = w.server.requests.length;
    w.server.alter = ({ request }) => {
      if (request === type && w.server.requests.length > seen) {
        w.interrupt = 1;
        w.server.alter = () => {};
      }
    };
    expect(errnoOf(call(w))).toBe(wasi.WASI_EINTR);
    expect(w.unread).toBeGreaterThan(0);
    // The next one to talk clears up.
    expect(w.text("dir/a")).toBe("a");
    expect(w.unread).toBe(0);
    for (let fd = 0; fd < 6; fd++) if (fd !== w.preopen) w.close(fd);
    w.shrink();
    w.statError("never-seen");
    w.shrink();
    w.statError("never-seen");
    expect(w.server.fids.size).toBe(before);
    expect(w.server.handles.size).toBe(0);
  });

  test("from a peer that is gone is EIO, now and later", () => {
    const w = world(options);
    w.server.alter = ({ request }) => {
      if (request === type) w.reset = true;
    };
    // The answer that is under way still arrives; the one after it does not.
    call(w);
    w.reset = true;
    expect(w.statError("dir/never-seen")).toBe(wasi.WASI_EIO);
    expect(w.statError("dir/never-seen")).toBe(wasi.WASI_EIO);
  });
});

describe("attributes", () => {
  /** Rwalkattr: status, nwattr, then valid[8] qid[13] mode[4] ... */
  const VALID = p9.P9_HEADER + 6;
  const QID = VALID + 8;
  const MODE = QID + 13;
  const SIZE = MODE + 4 + 8 + 16;

  test.each<[string, (bytes: Buffer) => void]>([
    ["a directory whose qid says file", (bytes) => bytes.writeUInt8(0, QID)],
    ["a mode without a type", (bytes) => bytes.writeUInt32LE(0o644, MODE)],
    ["a mode of another type", (bytes) => bytes.writeUInt32LE(0o120777, MODE)],
    ["a negative size", (bytes) => bytes.writeUInt8(0x80, SIZE + 7)],
    ["no mode", (bytes) => bytes.writeUInt8(0, VALID)],
    ["two answers to one name", (bytes) => bytes.writeUInt16LE(2, p9.P9_HEADER + 4)],
  ])("of %s end the connection", (_name, change) => {
    const w = world();
    alterNext(w, p9.P9_TWALKATTR, (answer) => change(answer.bytes));
    expect(w.statError("dir")).toBe(wasi.WASI_EIO);
    expectBroken(w);
  });

  test("that turn a file into a directory end the connection", () => {
    const w = world({ shared: true });
    const fd = w.open("hello");
    const node = w.server.find("/hello");
    node.mode = S_IFDIR | 0o755;
    expect(w.fstat(fd)).toBe(-wasi.WASI_EIO);
    expectBroken(w);
  });

  test("that turn a file into another one end the connection", () => {
    const w = world({ shared: true });
    const fd = w.open("hello");
    alterNext(w, p9.P9_TGETATTR, (answer) => answer.bytes.writeUInt8(99, p9.P9_HEADER + 8 + 5));
    expect(w.fstat(fd)).toBe(-wasi.WASI_EIO);
    expectBroken(w);
  });

  test("with impossible times are read as the nearest possible ones", () => {
    const w = world();
    const MTIME = SIZE + 24 + 16;
    alterNext(w, p9.P9_TWALKATTR, (answer) => {
      answer.bytes.fill(0xff, MTIME, MTIME + 7);
      answer.bytes.writeUInt8(0x7f, MTIME + 7);
      answer.bytes.fill(0xff, MTIME + 8, MTIME + 16);
    });
    expect(w.stat("hello").mtime).toBe(9223372035999999999n);
  });
});

describe("access control lists", () => {
  const ACCESS = "system.posix_acl_access";
  const DEFAULT = "system.posix_acl_default";
  /** Version 2; then tag, permissions and id of each entry. */
  const acl = (...entries: [tag: number, permissions: number, id?: number][]) =>
    Buffer.concat([
      u32(2),
      ...entries.map(([tag, bits, id = 0xffffffff]) => Buffer.concat([u16(tag), u16(bits), u32(id)])),
    ]);
  const LIST = acl([1, 6], [2, 4, 1000], [4, 4], [16, 4], [32, 0]);
  const given = (name: string, path: string, value: Buffer) => {
    const w = world({ acls: true });
    w.server.find(path).attributes.set(name, value);
    return w;
  };

  test("are taken, also those that name nobody of here", () => {
    expect(given(ACCESS, "/hello", LIST).statError("hello")).toBe(0);
    const unmapped = acl([1, 6], [2, 4], [4, 4], [16, 4], [32, 0]);
    expect(given(ACCESS, "/hello", unmapped).statError("hello")).toBe(0);
    expect(given(DEFAULT, "/dir", LIST).statError("dir")).toBe(0);
  });

  test.each([
    ["of no form", Buffer.from("list")],
    ["without entries", u32(2)],
    ["out of order", acl([4, 4], [1, 6], [32, 0])],
    ["without a mask", acl([1, 6], [2, 4, 1000], [4, 4], [32, 0])],
    ["longer than there can be", Buffer.alloc(p9.P9_ACL_MAX + 1)],
  ])("that are lists %s end the connection", (_what, value) => {
    const w = given(ACCESS, "/hello", value);
    expect(w.statError("hello")).toBe(wasi.WASI_EIO);
    expectBroken(w);
  });

  test("that cannot be, and those that are cut off, end the connection", () => {
    const w = given(DEFAULT, "/hello", LIST);
    expect(w.statError("hello")).toBe(wasi.WASI_EIO);
    expectBroken(w);
    const cut = given(ACCESS, "/hello", LIST);
    alterNext(cut, p9.P9_TWALKATTR, (answer) => {
      body(answer, answer.bytes.subarray(p9.P9_HEADER, -1));
    });
    expect(cut.statError("hello")).toBe(wasi.WASI_EIO);
    expectBroken(cut);
  });
});

describe("data", () => {
  test("more than was asked for ends the connection", () => {
    const w = world();
    const fd = w.open("hello");
    alterNext(w, p9.P9_TREAD, (answer) => body(answer, Buffer.concat([u32(50), Buffer.alloc(50)])));
    expect(w.pread(fd, 0, 10)).toBe(-wasi.WASI_EIO);
    expectBroken(w);
  });

  test("more written than was sent ends the connection", () => {
    const w = world();
    const fd = w.open("hello");
    alterNext(w, p9.P9_TWRITE, (answer) => body(answer, u32(2)));
    expect(w.write(fd, "x")).toBe(-wasi.WASI_EIO);
    expectBroken(w);
  });

  test("written in part is a short write", () => {
    const w = world();
    const fd = w.open("hello");
    alterNext(w, p9.P9_TWRITE, (answer) => body(answer, u32(2)));
    expect(w.write(fd, "xyz")).toBe(2);
    expect(w.fstat(fd)).toMatchObject({ size: 12 });
  });

  test("a descriptor that nobody asked for is closed", () => {
    const w = world({ donates: true });
    alterNext(w, p9.P9_TWALKATTR, (answer) => {
      w.server.handles.set(77, w.server.root);
      answer.handle = 77;
    });
    expect(w.statError("dir")).toBe(0);
    expect(w.closed).toEqual([77]);
  });

  test("a descriptor with an error is closed", () => {
    const w = world({ donates: true });
    w.server.refuse.set(p9.P9_TLOPEN, 13);
    alterNext(w, p9.P9_TLOPEN, (answer) => {
      w.server.handles.set(77, w.server.root);
      answer.handle = 77;
    });
    expect(w.open("hello")).toBe(-wasi.WASI_EACCES);
    expect(w.closed).toEqual([77]);
  });
});

describe("directory entries", () => {
  const entry = (name: string, length = Buffer.byteLength(name)): Buffer => {
    return Buffer.concat([
      Buffer.from([0]),
      u32(0),
      u64(9),
      u64(9),
      Buffer.from([8]),
      u16(length),
      Buffer.from(name),
    ]);
  };
  const names = ["", "a/b", "/", "a\0b", "n".repeat(256)];

  test.each([false, true])("with names that are none end the connection (shared: %s)", (shared) => {
    for (const name of names) {
      const w = world({ shared });
      const fd = w.open("dir", wasi.OFLAGS_DIRECTORY, 0, false);
      alterNext(w, p9.P9_TREADDIR, (answer) => {
        const entries = Buffer.concat([entry("fine"), entry(name)]);
        body(answer, Buffer.concat([u32(entries.length), entries]));
      });
      expect(w.readdir(fd), JSON.stringify(name)).toBe(-wasi.WASI_EIO);
      expectBroken(w);
    }
  });

  test("that never end are cut short by what a listing may hold", () => {
    const w = world();
    const fd = w.open("dir", wasi.OFLAGS_DIRECTORY, 0, false);
    let answers = 0;
    w.server.alter = (answer) => {
      if (answer.request !== p9.P9_TREADDIR) return;
      answers++;
      const entries = Buffer.concat(Array.from({ length: 100 }, () => entry("same-name-again")));
      body(answer, Buffer.concat([u32(entries.length), entries]));
    };
    const listed = w.readdir(fd, 0n, 65536) as { name: string }[];
    expect(listed.length).toBeGreaterThan(1000);
    expect(answers).toBeLessThan(600);
  });

  test("of a kind that is unknown are listed as unknown", () => {
    const w = world();
    const fd = w.open("dir", wasi.OFLAGS_DIRECTORY, 0, false);
    alterNext(w, p9.P9_TREADDIR, (answer) => {
      const bytes = entry("odd");
      bytes.writeUInt8(99, 21);
      body(answer, Buffer.concat([u32(bytes.length), bytes]));
    });
    expect(w.readdir(fd)).toMatchObject([{ name: "." }, { name: ".." }, { name: "odd", type: 0 }]);
  });
});

describe("a link's text", () => {
  test.each(["", "a\0b", "n".repeat(4096)])("that is none ends the connection (%#)", (text) => {
    const w = world();
    alterNext(w, p9.P9_TREADLINK, (answer) => body(answer, string(text)));
    expect(w.readlink("link")).toBe(-wasi.WASI_EIO);
    expectBroken(w);
  });
});

describe("a version", () => {
  function mountWith(change: (answer: Answer) => void): { root: number; versions: number } {
    const server = new MemoryServer();
    server.alter = (answer) => {
      if (answer.request === p9.P9_TVERSION) change(answer);
    };
    const { root } = new World(module, server);
    return { root, versions: server.count(p9.P9_TVERSION) };
  }

  test("unknown is met by asking for the plain one", () => {
    let asked = 0;
    const { root, versions } = mountWith((answer) => {
      if (asked++ === 0) body(answer, Buffer.concat([u32(8192), string("unknown")]));
    });
    expect(root).toBeGreaterThan(0);
    expect(versions).toBe(2);
  });

  test.each<[string, number, string]>([
    ["never known", 8192, "unknown"],
    ["of another kind", 8192, "9P2000.u"],
    ["with messages too small", 4095, "9P2000.L"],
    ["with messages larger than we asked for", p9.P9_MSIZE + 1, "9P2000.L"],
  ])("%s cannot be mounted", (_name, size, text) => {
    expect(mountWith((answer) => body(answer, Buffer.concat([u32(size), string(text)]))).root).toBe(-EIO);
  });

  test("and then no tree cannot be mounted", () => {
    const server = new MemoryServer();
    server.refuse.set(p9.P9_TATTACH, 2);
    expect(new World(module, server).root).toBe(-2);
  });
});

describe("clunks", () => {
  test("wait for the next request and go with it", () => {
    const w = world();
    for (let i = 0; i < 200; i++) w.server.file(`/dir/file-${i}`, "");
    for (let i = 0; i < 200; i++) w.stat(`dir/file-${i}`);
    const { sends } = w.server;
    w.shrink();
    w.shrink();
    expect(w.server.sends, "eviction does not talk").toBe(sends);
    w.server.requests.length = 0;
    w.statError("x");
    expect(w.server.count(p9.P9_TCLUNKS), "many in one message").toBe(1);
    for (let i = 0; i < 4; i++) w.statError(`x${i}`);
    expect(w.server.count(p9.P9_TCLUNKS)).toBe(4);
    expect(w.server.count(p9.P9_TCLUNK)).toBe(0);
    expect(w.server.fids.size).toBeLessThan(5);
  });

  test("that are queued while a request is under way go with a later one", () => {
    const w = world({ donates: true });
    for (const name of ["hello", "dir/a"]) w.close(w.open(name));
    w.mkdir("new");
    const { size } = w.server.fids;
    alterNext(w, p9.P9_TWALKATTR, () => {
      // The kernel is unlocked here: others evict names, and with them inodes and handles.
      w.shrink();
      w.shrink();
    });
    expect(w.statError("new/none")).toBe(wasi.WASI_ENOENT);
    expect(w.server.fids.size).toBe(size);
    w.statError("other");
    expect(w.server.fids.size).toBeLessThan(size - 3);
    expect(w.server.handles.size).toBe(0);
    expect(w.text("dir/a")).toBe("a");
  });

  test("that fail free the fid all the same", () => {
    const w = world();
    w.stat("dir/a");
    w.shrink();
    w.server.refuse.set(p9.P9_TCLUNKS, 9);
    expect(w.statError("dir/a")).toBe(0);
    expect(w.text("dir/a")).toBe("a");
  });
});

describe("Rwalkfids", () => {
  const walk = (w: World): number => w.statError("dir/a");
  const COUNT = p9.P9_HEADER + 4;

  test("that cannot be true ends the connection", () => {
    const changes: ((answer: Answer) => void)[] = [
      (answer) => answer.bytes.writeUInt16LE(3, COUNT),
      (answer) => answer.bytes.writeUInt16LE(1, COUNT),
      (answer) => answer.bytes.writeUInt32LE(2, p9.P9_HEADER),
      (answer) => body(answer, Buffer.concat([u32(0), u16(1)])),
      (answer) => body(answer, Buffer.concat([u32(0), u16(0)])),
      (answer) => body(answer, Buffer.concat([u32(5000), u16(0)])),
      (answer) => body(answer, u32(0)),
      // The second component's attributes: no mode, then the type of the qid and the mode differ.
      (answer) => answer.bytes.writeUInt8(0, COUNT + 2 + p9.P9_ATTR_SIZE),
      (answer) => answer.bytes.writeUInt8(p9.P9_QTDIR, COUNT + 2 + p9.P9_ATTR_SIZE + 8),
    ];
    for (const [index, change] of changes.entries()) {
      const w = world();
      alterNext(w, p9.P9_TWALKFIDS, change);
      expect(walk(w), `change ${index}`).toBe(wasi.WASI_EIO);
      expectBroken(w);
    }
  });

  test("cut anywhere ends the connection", () => {
    const seen = world();
    let length = 0;
    alterNext(seen, p9.P9_TWALKFIDS, (answer) => {
      length = answer.bytes.length;
    });
    walk(seen);
    for (let cut = p9.P9_HEADER; cut < length; cut += 13) {
      const w = world();
      alterNext(w, p9.P9_TWALKFIDS, (answer) => {
        answer.bytes = sizedTo(answer.bytes, cut);
      });
      expect(walk(w), `cut at ${cut}`).toBe(wasi.WASI_EIO);
    }
  });

  test("that is an error is passed over: the walk asks name by name", () => {
    for (const refused of [13, 24, 95]) {
      const w = world();
      w.server.refuse.set(p9.P9_TWALKFIDS, refused);
      expect(walk(w)).toBe(0);
      expect(w.text("dir/a")).toBe("a");
    }
  });

  test("that comes after the caller was killed gives back what it made", () => {
    const w = world();
    const before = w.server.fids.size;
    w.server.alter = ({ request }) => {
      if (request !== p9.P9_TWALKFIDS) return;
      w.interrupt = 1;
      w.server.alter = () => {};
    };
    walk(w);
    w.statError("never-seen");
    w.shrink();
    w.statError("never-seen");
    w.shrink();
    w.statError("never-seen");
    expect(w.server.fids.size).toBe(before);
  });
});

function sizedTo(bytes: Buffer, length: number): Buffer {
  const cut = Buffer.from(bytes.subarray(0, length));
  cut.writeUInt32LE(length);
  return cut;
}
