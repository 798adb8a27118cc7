// What an operation costs: sends to the server, each of which waits for an answer.

import { describe, expect, test } from "vitest";
import { AT_FDCWD, O_CREAT, O_EXCL, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import * as p9 from "../../../assembly/abi/p9.ts";
import { S_IFREG } from "../../../assembly/abi/stat.ts";
import {
  SYS_close,
  SYS_fstat,
  SYS_newfstatat,
  SYS_openat,
  SYS_unlink,
} from "../../../assembly/abi/syscall.ts";
import * as wasi from "../../../assembly/abi/wasi.ts";
import { MemoryServer } from "./memory-server.ts";
import { kernelModule, World, type WorldOptions } from "./world.ts";

const ENOENT = -2;
const ENOTDIR = -20;
const DEEP = "/a/b/c/d/file";

const module = kernelModule();

function world(options: WorldOptions & { donates?: boolean; acls?: boolean } = {}): World {
  const server = new MemoryServer({ donates: options.donates ?? false, acls: options.acls ?? false });
  for (const path of ["/a", "/a/b", "/a/b/c", "/a/b/c/d"]) server.directory(path);
  server.file(DEEP, "text");
  server.symlink("/a/link", "b/c");
  return new World(module, server, options);
}

function stat(w: World, path: string): number {
  return w.syscall(SYS_newfstatat, AT_FDCWD, path, Buffer.alloc(144), 0);
}

/** How many round trips `call` takes. */
function cost(w: World, call: () => unknown): number {
  w.server.sends = 0;
  w.server.requests.length = 0;
  call();
  return w.server.sends;
}

describe.each([
  ["exclusive", false],
  ["shared", true],
])("with the %s cache", (_name, shared) => {
  test("a stat of five components costs one round trip, the first time", () => {
    const w = world({ shared });
    expect(cost(w, () => expect(stat(w, DEEP)).toBe(0))).toBe(1);
    expect(w.server.requests).toEqual([p9.P9_TWALKFIDS]);
  });

  test("access control lists cost none more", () => {
    const w = world({ shared, acls: true });
    const list = "0200000001000700ffffffff02000700e803000004000500ffffffff10000700ffffffff20000500ffffffff";
    w.server.find("/a/b").attributes.set("system.posix_acl_access", Buffer.from(list, "hex"));
    expect(cost(w, () => expect(stat(w, DEEP)).toBe(0))).toBe(1);
    expect(cost(w, () => expect(stat(w, DEEP)).toBe(0))).toBe(shared ? 1 : 0);
  });

  test("so does one of a name that is missing, wherever on the way", () => {
    const w = world({ shared });
    expect(cost(w, () => expect(stat(w, "/a/b/none/d/file")).toBe(ENOENT))).toBe(1);
    expect(cost(w, () => expect(stat(w, "/a/b/c/d/none")).toBe(ENOENT))).toBeLessThanOrEqual(1);
    expect(cost(w, () => expect(stat(w, "/a/b/c/d/file/none")).toBe(ENOTDIR))).toBeLessThanOrEqual(2);
  });

  test("a symbolic link on the way costs its text, and a walk of that and of the rest", () => {
    const w = world({ shared });
    expect(cost(w, () => expect(stat(w, "/a/link/d/file")).toBe(0))).toBe(4);
  });

  test("more names than one message holds take two", () => {
    const w = world({ shared });
    let path = "";
    for (let i = 0; i < 20; i++) {
      path += `/n${i}`;
      w.server.directory(path);
    }
    expect(cost(w, () => expect(stat(w, path)).toBe(0))).toBe(2);
  });

  test("creating, closing and unlinking a file, again and again", () => {
    const w = world({ shared, donates: true });
    const round = (): void => {
      const fd = w.syscall(SYS_openat, AT_FDCWD, "/new", O_CREAT | O_EXCL | O_RDWR, 0o644);
      expect(fd).toBeGreaterThanOrEqual(0);
      expect(w.syscall(SYS_close, fd)).toBe(0);
      expect(w.syscall(SYS_unlink, "/new")).toBe(0);
    };
    round();
    // Exclusive: nobody else has made the name. Shared: the name is asked for before it is made and before it is removed.
    expect(cost(w, round)).toBe(shared ? 4 : 2);
    expect(w.server.count(p9.P9_TCREATEATTR)).toBe(1);
    expect(w.server.count(p9.P9_TCLUNK)).toBe(0);
    for (let i = 0; i < 10; i++) round();
    expect(w.server.fids.size).toBeLessThan(10);
  });
});

describe("when nobody else changes the tree", () => {
  test("what is known is never asked for again, names that are missing included", () => {
    const w = world();
    stat(w, DEEP);
    stat(w, "/a/b/none");
    expect(cost(w, () => expect(stat(w, DEEP)).toBe(0))).toBe(0);
    expect(cost(w, () => expect(stat(w, "/a/b/none")).toBe(ENOENT))).toBe(0);
    expect(cost(w, () => expect(stat(w, "/a/b/none/below")).toBe(ENOENT))).toBe(0);
  });

  test("what was learnt on the way is looked up only once", () => {
    const w = world();
    stat(w, DEEP);
    expect(cost(w, () => stat(w, "/a/b/c"))).toBe(0);
    expect(cost(w, () => stat(w, "/a/b/c/d"))).toBe(0);
  });
});

describe("a directory that is read and whose entries are then asked about, as by ls -l", () => {
  /** `count` files in "/a/b", and what it costs to list them and to ask about each. */
  function listed(count: number, options: WorldOptions & { plain?: boolean } = {}) {
    const server = new MemoryServer({ extended: options.plain !== true });
    server.directory("/dir");
    for (let i = 0; i < count; i++) server.file(`/dir/file-${i}`, "x".repeat(i % 50));
    const w = new World(module, server, options);
    expect(stat(w, "/dir")).toBe(0);
    return w;
  }

  function statAll(w: World, names: readonly string[]): void {
    for (const name of names) {
      const out = Buffer.alloc(144);
      expect(w.syscall(SYS_newfstatat, AT_FDCWD, `/dir/${name}`, out, 0), name).toBe(0);
      expect(out.readUInt32LE(48)).toBe(Number(name.slice("file-".length)) % 50);
    }
  }

  test("costs one round trip for sixteen names and fewer for more", () => {
    for (const [count, trips] of [
      [10, 1],
      [16, 1],
      [48, 2],
      [100, 3],
      [1000, 17],
    ] as const) {
      const w = listed(count);
      const names = w.names("dir");
      expect(names).toHaveLength(count);
      expect(cost(w, () => statAll(w, names))).toBe(trips);
      expect(w.server.count(p9.P9_TMULTIGETATTR)).toBe(trips);
      // All of it is known from then on.
      expect(cost(w, () => statAll(w, names))).toBe(0);
    }
  });

  test("costs one for each name where others change the tree, and where the server knows no extension", () => {
    for (const options of [{ shared: true }, { plain: true }]) {
      const w = listed(20, options);
      expect(cost(w, () => statAll(w, w.names("dir")))).toBeGreaterThanOrEqual(20);
      expect(w.server.count(p9.P9_TMULTIGETATTR)).toBe(0);
    }
  });

  test("what is not asked about in that order is asked about alone", () => {
    const w = listed(40);
    const names = w.names("dir");
    expect(cost(w, () => statAll(w, [names[20]!, names[5]!]))).toBe(2);
    expect(w.server.count(p9.P9_TWALKATTR)).toBe(2);
    // These two are known, and passed over.
    expect(cost(w, () => statAll(w, names))).toBe(2);
    expect(w.server.fids.size).toBeLessThan(45);
  });

  test("a name that is refused is refused alone; one that has gone is missing", () => {
    const w = listed(12);
    const names = w.names("dir");
    w.server.find("/dir").children.delete("file-3");
    w.server.refuseNames.set("file-5", 13);
    expect(cost(w, () => statAll(w, names.slice(0, 3)))).toBe(1);
    expect(stat(w, "/dir/file-3")).toBe(ENOENT);
    statAll(w, names.slice(4, 5));
    w.server.refuseNames.clear();
    statAll(w, names.slice(5));
    w.server.refuseNames.set("file-0", 13);
    const again = listed(12);
    again.server.refuseNames.set("file-0", 13);
    expect(again.names("dir")).toHaveLength(12);
    expect(stat(again, "/dir/file-0")).toBe(-13);
    expect(cost(again, () => statAll(again, names.slice(1)))).toBe(0);
  });

  test("a server that tells about fewer names at a time is asked on", () => {
    const w = listed(20);
    w.server.namesAnswered = 7;
    const names = w.names("dir");
    // 7, 7 and 6.
    expect(cost(w, () => statAll(w, names))).toBe(3);
    expect(w.server.fids.size).toBeLessThan(25);
  });

  test("a small cache is not filled with it", () => {
    const w = listed(100, { dcache: 40 });
    const names = w.names("dir");
    expect(cost(w, () => statAll(w, names.slice(0, 5)))).toBe(1);
    expect(w.server.fids.size).toBeLessThan(15);
  });

  const dishonest: readonly (readonly [string, (answer: { bytes: Buffer }) => void])[] = [
    ["about no name", ({ bytes }) => bytes.writeUInt16LE(0, 7)],
    ["about more names than were asked for", ({ bytes }) => bytes.writeUInt16LE(200, 7)],
    ["about fewer names than it tells", ({ bytes }) => bytes.writeUInt16LE(3, 7)],
    ["with attributes that no file has", ({ bytes }) => bytes.writeUInt32LE(0, 7 + 2 + 4)],
    ["with an errno that no Linux has", ({ bytes }) => bytes.writeUInt32LE(5000, 9)],
  ];

  test.each(dishonest)("an answer %s is not believed", (_what, change) => {
    const w = listed(10);
    const names = w.names("dir");
    w.server.alter = (answer) => {
      if (answer.request === p9.P9_TMULTIGETATTR) change(answer);
    };
    expect(stat(w, `/dir/${names[0]}`)).toBe(-5);
    expect(stat(w, "/dir/none")).toBe(-5);
  });

  test("an answer that is cut anywhere is not believed", () => {
    // A prime, so that in time every place in an answer about a name is met.
    for (let cut = 1; cut < 2 + 3 * 157; cut += 7) {
      const w = listed(3);
      w.names("dir");
      w.server.alter = (answer) => {
        if (answer.request !== p9.P9_TMULTIGETATTR) return;
        answer.bytes = Buffer.from(answer.bytes.subarray(0, -cut));
        answer.bytes.writeUInt32LE(answer.bytes.length, 0);
      };
      expect(stat(w, "/dir/file-0"), `cut by ${cut}`).toBe(-5);
    }
  });
});

describe("when others change the tree too", () => {
  test("a stat asks for the whole path each time, once (GF-09)", () => {
    const w = world({ shared: true });
    stat(w, DEEP);
    w.server.find(DEEP).mode = S_IFREG | 0o600;
    const out = Buffer.alloc(144);
    expect(cost(w, () => w.syscall(SYS_newfstatat, AT_FDCWD, DEEP, out, 0))).toBe(1);
    expect(out.readUInt32LE(24)).toBe(S_IFREG | 0o600);
    const fd = w.syscall(SYS_openat, AT_FDCWD, DEEP, 0, 0);
    w.server.find(DEEP).mode = S_IFREG | 0o640;
    expect(cost(w, () => w.syscall(SYS_fstat, fd, out))).toBe(1);
    expect(out.readUInt32LE(24)).toBe(S_IFREG | 0o640);
  });

  test("a directory on the way that is another one now is found so, with what is in it", () => {
    const w = world({ shared: true });
    const before = w.stat(DEEP.slice(1)).ino;
    w.server.directory("/a/b");
    w.server.directory("/a/b/c");
    w.server.directory("/a/b/c/d");
    const file = w.server.file(DEEP, "other");
    expect(w.stat(DEEP.slice(1)).ino).toBe(file.ino);
    expect(file.ino).not.toBe(before);
    expect(w.text(DEEP.slice(1))).toBe("other");
  });

  test("a name on the way that has gone, come, or turned into a file", () => {
    const w = world({ shared: true });
    expect(stat(w, DEEP)).toBe(0);
    const c = w.server.find("/a/b/c");
    w.server.find("/a/b").children.delete("c");
    expect(cost(w, () => expect(stat(w, DEEP)).toBe(ENOENT))).toBe(1);
    w.server.find("/a/b").children.set("c", c);
    expect(stat(w, DEEP)).toBe(0);
    w.server.file("/a/b/c", "now a file");
    expect(stat(w, DEEP)).toBe(ENOTDIR);
    expect(w.text("a/b/c")).toBe("now a file");
  });
});

describe("a small cap", () => {
  test.each([false, true])("bounds the names and the server's fids (shared: %s)", (shared) => {
    const dcache = 20;
    const w = world({ shared, dcache, donates: true });
    for (let i = 0; i < 300; i++) w.server.file(`/a/b/file-${i}`, "x");
    for (let i = 0; i < 300; i++) expect(stat(w, `/a/b/file-${i}`)).toBe(0);
    for (let i = 0; i < 300; i++) expect(stat(w, `/a/b/none-${i}`)).toBe(ENOENT);
    stat(w, "/a");
    // What is queued for the next clunk counts too.
    expect(w.server.fids.size).toBeLessThan(dcache + 70);
    for (let i = 0; i < 300; i++) expect(w.text(`a/b/file-${i}`)).toBe("x");
    stat(w, "/a");
    expect(w.server.handles.size).toBeLessThanOrEqual(dcache);
  });

  test("what is held is not evicted", () => {
    const w = world({ dcache: 8, donates: true });
    for (let i = 0; i < 30; i++) w.server.file(`/a/b/file-${i}`, `${i}`);
    const open = Array.from({ length: 30 }, (_, i) => w.open(`a/b/file-${i}`, 0, 0, false));
    for (const [i, fd] of open.entries()) expect(`${w.read(fd, 10)}`).toBe(`${i}`);
    for (const fd of open) expect(w.close(fd)).toBe(0);
    stat(w, "/a/b/none");
    stat(w, "/a/b/none-2");
    expect(w.server.handles.size).toBeLessThanOrEqual(8);
    expect(w.open("a/b/none")).toBe(-wasi.WASI_ENOENT);
  });
});
