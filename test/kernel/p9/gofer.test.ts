// The gofer file system against an honest server: what a guest sees, and how many round trips it costs.

import { describe, expect, test } from "vitest";
import { EEXIST, EMFILE, EPERM } from "../../../assembly/abi/errno.ts";
import * as p9 from "../../../assembly/abi/p9.ts";
import { S_IFIFO, S_IFREG } from "../../../assembly/abi/stat.ts";
import * as wasi from "../../../assembly/abi/wasi.ts";
import { MemoryServer, Node, type ServerOptions } from "./memory-server.ts";
import { kernelModule, World, type WorldOptions } from "./world.ts";

const module = kernelModule();

function serverWith(options: ServerOptions = {}): MemoryServer {
  const server = new MemoryServer(options);
  server.file("/hello", "hello, world");
  server.directory("/dir");
  server.file("/dir/a", "a");
  server.file("/dir/b", "bb");
  server.symlink("/link", "dir/a");
  return server;
}

function world(options: ServerOptions & WorldOptions = {}): World {
  const made = new World(module, serverWith(options), options);
  expect(made.root).toBeGreaterThan(0);
  return made;
}

const KINDS: [string, ServerOptions & WorldOptions][] = [
  ["with the extension", {}],
  ["with donated descriptors", { donates: true }],
  ["plain 9P2000.L", { extended: false }],
  ["plain 9P2000.L, smallest messages", { extended: false, messageSize: 4096 }],
  ["shared cache", { shared: true, donates: true }],
  ["shared cache, plain 9P2000.L", { shared: true, extended: false }],
];

describe.each(KINDS)("%s", (_name, options) => {
  test("a file is found, read and described", () => {
    const w = world(options);
    expect(w.text("hello")).toBe("hello, world");
    expect(w.stat("hello")).toMatchObject({ filetype: wasi.FILETYPE_REGULAR_FILE, size: 12, nlink: 1 });
    expect(w.text("link")).toBe("a");
    expect(w.readlink("link")).toBe("dir/a");
    expect(w.statError("dir/none")).toBe(wasi.WASI_ENOENT);
    expect(w.statError("hello/none")).toBe(wasi.WASI_ENOTDIR);
  });

  test("a directory is listed with itself and its parent", () => {
    const w = world(options);
    const fd = w.open("dir", wasi.OFLAGS_DIRECTORY, 0, false);
    const entries = w.readdir(fd);
    expect(entries).toMatchObject([
      { name: ".", ino: w.stat("dir").ino, type: wasi.FILETYPE_DIRECTORY },
      { name: "..", ino: w.server.root.ino, type: wasi.FILETYPE_DIRECTORY },
      { name: "a", ino: w.stat("dir/a").ino, type: wasi.FILETYPE_REGULAR_FILE },
      { name: "b", type: wasi.FILETYPE_REGULAR_FILE },
    ]);
    w.close(fd);
  });

  test("a listing goes on from each of its cookies", () => {
    const w = world(options);
    for (let i = 0; i < 300; i++) w.server.file(`/dir/file-${i}`, "");
    const fd = w.open("dir", wasi.OFLAGS_DIRECTORY, 0, false);
    const names: string[] = [];
    let cookie = 0n;
    for (;;) {
      const entries = w.readdir(fd, cookie, 300);
      if (typeof entries === "number" || entries.length === 0) break;
      names.push(...entries.map((entry) => entry.name));
      cookie = entries.at(-1)!.next;
    }
    expect(names.length).toBe(304);
    expect(new Set(names).size).toBe(304);
    const again = w.readdir(fd, 0n, 100);
    expect(again).toMatchObject([{ name: "." }, { name: ".." }, { name: "a" }]);
  });

  test("what is written is read again, by others too", () => {
    const w = world(options);
    const fd = w.open("new", wasi.OFLAGS_CREAT);
    expect(fd).toBeGreaterThanOrEqual(0);
    expect(w.write(fd, "one ")).toBe(4);
    expect(w.write(fd, "two")).toBe(3);
    expect(w.fstat(fd)).toMatchObject({ size: 7 });
    expect(w.pread(fd, 4, 10)?.toString()).toBe("two");
    expect(w.sync(fd)).toBe(0);
    w.close(fd);
    expect(w.server.find("/new").data.toString()).toBe("one two");
    expect(w.text("new")).toBe("one two");
    expect(w.stat("new").size).toBe(7);
  });

  test("more than a message holds is moved whole", () => {
    const w = world(options);
    const data = Buffer.alloc(300_000, "0123456789");
    const fd = w.open("big", wasi.OFLAGS_CREAT);
    expect(w.write(fd, data)).toBe(data.length);
    expect(w.server.find("/big").data.equals(data)).toBe(true);
    expect((w.pread(fd, 1, 400_000) as Buffer).equals(data.subarray(1))).toBe(true);
    w.close(fd);
  });

  test("appending writes go to the end and move the offset there", () => {
    const w = world(options);
    const fd = w.open("hello", 0, wasi.FDFLAGS_APPEND);
    expect(w.write(fd, "!")).toBe(1);
    expect(w.write(fd, "?")).toBe(1);
    expect(w.server.find("/hello").data.toString()).toBe("hello, world!?");
    expect(w.fstat(fd)).toMatchObject({ size: 14 });
    w.close(fd);
  });

  test("a file is truncated by its descriptor and by open", () => {
    const w = world(options);
    const fd = w.open("hello");
    expect(w.setSize(fd, 5)).toBe(0);
    expect(w.fstat(fd)).toMatchObject({ size: 5 });
    expect(w.server.find("/hello").data.toString()).toBe("hello");
    w.close(fd);
    w.close(w.open("hello", wasi.OFLAGS_TRUNC));
    expect(w.stat("hello").size).toBe(0);
  });

  test("names are made, linked, moved and removed", () => {
    const w = world(options);
    expect(w.statError("d2")).toBe(wasi.WASI_ENOENT);
    expect(w.mkdir("d2")).toBe(0);
    expect(w.mkdir("d2")).toBe(wasi.WASI_EEXIST);
    expect(w.link("hello", "d2/hard")).toBe(0);
    expect(w.stat("d2/hard")).toMatchObject({ ino: w.stat("hello").ino, nlink: 2 });
    expect(w.symlink("hard", "d2/soft")).toBe(0);
    expect(w.text("d2/soft")).toBe("hello, world");
    expect(w.rename("d2/hard", "dir/a")).toBe(0);
    expect(w.statError("d2/hard")).toBe(wasi.WASI_ENOENT);
    expect(w.text("dir/a")).toBe("hello, world");
    expect(w.rmdir("d2")).toBe(wasi.WASI_ENOTEMPTY);
    expect(w.unlink("d2/soft")).toBe(0);
    expect(w.rmdir("d2")).toBe(0);
    expect(w.statError("d2")).toBe(wasi.WASI_ENOENT);
    expect(w.unlink("hello")).toBe(0);
    expect(w.stat("dir/a").nlink).toBe(1);
    expect(w.names("dir").sort()).toEqual(["a", "b"]);
    expect([...w.server.root.children.keys()].sort()).toEqual(["dir", "link"]);
  });

  test("an open file outlives its name", () => {
    const w = world(options);
    const fd = w.open("hello");
    expect(w.unlink("hello")).toBe(0);
    expect(w.fstat(fd)).toMatchObject({ nlink: 0 });
    expect(w.write(fd, "HELLO")).toBe(5);
    expect(w.pread(fd, 0, 100)?.toString()).toBe("HELLO, world");
    w.close(fd);
  });

  test("all fids and descriptors are given back", () => {
    const w = world(options);
    for (let i = 0; i < 3; i++) {
      w.text("dir/a");
      w.close(w.open(`new-${i}`, wasi.OFLAGS_CREAT));
      w.names("dir");
      w.mkdir(`d-${i}`);
      w.statError("none");
    }
    w.shrink();
    // The next request carries the clunks. The root is held by the mount and the preopened descriptor.
    w.statError("none");
    w.shrink();
    w.statError("none");
    expect([...w.server.fids.values()].map((fid) => fid.node.ino)).toEqual([w.server.root.ino]);
    expect(w.server.handles.size).toBe(0);
  });

  test("no kernel memory is lost", () => {
    const w = world(options);
    const run = (): void => {
      w.text("link");
      w.close(w.open("new", wasi.OFLAGS_CREAT));
      w.rename("new", "newer");
      w.names("dir");
      w.unlink("newer");
      w.statError("dir/none");
      w.shrink();
      w.statError("none");
      w.shrink();
    };
    run();
    const before = w.kernel.heap_objects();
    run();
    expect(w.kernel.heap_objects()).toBe(before);
  });

  test("a FIFO is a pipe of this kernel's: the server is not asked to open it", () => {
    const w = world(options);
    w.server.place("/fifo", S_IFIFO | 0o644);
    expect(w.stat("fifo").size).toBe(0);
    const fd = w.open("fifo");
    expect(w.write(fd, "through")).toBe(7);
    expect(w.read(fd, 100)).toEqual(Buffer.from("through"));
    expect(w.server.count(p9.P9_TLOPEN)).toBe(0);
    w.close(fd);
  });

  test("running out of fids or descriptors is met by giving some back", () => {
    const w = world(options);
    w.server.refuse.set(options.extended === false ? p9.P9_TWALK : p9.P9_TWALKATTR, EMFILE);
    expect(w.statError("dir/b")).toBe(0);
    w.server.refuse.set(p9.P9_TLOPEN, EMFILE);
    expect(w.text("dir/b")).toBe("bb");
  });

  test("running out of fids after a file was made finds what was made", () => {
    const w = world(options);
    const walk = options.extended === false ? p9.P9_TWALK : p9.P9_TWALKATTR;
    const makers: readonly number[] = [p9.P9_TLCREATE, p9.P9_TMKDIR, p9.P9_TSYMLINK];
    w.server.alter = ({ request }) => {
      if (makers.includes(request)) w.server.refuse.set(walk, EMFILE);
    };
    const fd = w.open("new", wasi.OFLAGS_CREAT);
    expect(fd).toBeGreaterThanOrEqual(0);
    expect(w.write(fd, "text")).toBe(4);
    w.close(fd);
    expect(w.text("new")).toBe("text");
    expect(w.mkdir("new-dir")).toBe(0);
    expect(w.symlink("new", "new-link")).toBe(0);
    expect(w.readlink("new-link")).toBe("new");
    expect([...w.server.root.children.keys()]).toContain("new-dir");
  });

  test("a new file is given to its maker where the server can", () => {
    const server = serverWith(options);
    const w = new World(module, server, { ...options, uid: 0 });
    server.owner = 7;
    w.close(w.open("mine", wasi.OFLAGS_CREAT));
    expect(server.find("/mine").uid).toBe(0);
    server.refuse.set(p9.P9_TSETATTR, EPERM);
    const fd = w.open("theirs", wasi.OFLAGS_CREAT);
    expect(fd).toBeGreaterThanOrEqual(0);
    expect(server.find("/theirs").uid).toBe(7);
  });
});

describe("exclusive cache", () => {
  test("what was seen once costs no round trip again (GF-06)", () => {
    const w = world({ donates: true });
    w.text("dir/a");
    w.statError("dir/none");
    w.names("dir");
    w.server.sends = 0;
    w.text("dir/a");
    expect(w.stat("dir/b").size).toBe(2);
    expect(w.server.sends).toBe(1);
    w.server.sends = 0;
    w.statError("dir/none");
    w.names("dir");
    w.text("dir/a");
    w.stat("dir/b");
    expect(w.server.sends).toBe(0);
  });

  test("a cold open is one send, a create too", () => {
    const w = world({ donates: true });
    w.stat("dir/a");
    w.server.sends = 0;
    const fd = w.open("dir/a", 0, 0, false);
    expect(w.server.sends).toBe(1);
    w.close(fd);
    w.statError("fresh");
    w.server.sends = 0;
    w.close(w.open("fresh", wasi.OFLAGS_CREAT));
    expect(w.server.sends).toBe(1);
  });

  test("a stat after a write asks once for the server's times", () => {
    const w = world({ donates: true });
    const fd = w.open("hello");
    w.write(fd, "x");
    const { mtime } = w.fstat(fd) as { mtime: bigint };
    expect(mtime).toBe(BigInt(w.server.find("/hello").mtime) * 1_000_000_000n);
    w.server.sends = 0;
    w.fstat(fd);
    expect(w.server.sends).toBe(0);
  });

  test("a listing shows what was made and removed since the last one", () => {
    const w = world();
    expect(w.names("dir")).toEqual(["a", "b"]);
    w.close(w.open("dir/c", wasi.OFLAGS_CREAT));
    w.unlink("dir/a");
    expect(w.names("dir")).toEqual(["b", "c"]);
  });

  test("removing what is being listed leaves the listing whole", () => {
    const w = world();
    for (let i = 0; i < 100; i++) w.server.file(`/dir/file-${i}`, "");
    const fd = w.open("dir", wasi.OFLAGS_DIRECTORY, 0, false);
    const seen: string[] = [];
    let cookie = 0n;
    for (;;) {
      const entries = w.readdir(fd, cookie, 400);
      if (typeof entries === "number" || entries.length === 0) break;
      for (const { name } of entries) {
        seen.push(name);
        if (!name.startsWith(".")) expect(w.unlink(`dir/${name}`)).toBe(0);
      }
      cookie = entries.at(-1)!.next;
    }
    expect(seen.length).toBe(104);
    expect(w.server.find("/dir").children.size).toBe(0);
  });

  test("a cookie that no entry has goes on at the next entry", () => {
    const w = world();
    const fd = w.open("dir", wasi.OFLAGS_DIRECTORY, 0, false);
    w.readdir(fd);
    expect(w.readdir(fd, 3n)).toMatchObject([{ name: "b" }]);
    expect(w.readdir(fd, 0xffff_ffff_ffff_ffffn)).toEqual([]);
  });

  test("a directory too large for a listing is read through", () => {
    const w = world();
    for (let i = 0; i < 6000; i++) w.server.file(`/dir/${"n".repeat(200)}-${i}`, "");
    const fd = w.open("dir", wasi.OFLAGS_DIRECTORY, 0, false);
    const names = new Set<string>();
    let cookie = 0n;
    for (;;) {
      const entries = w.readdir(fd, cookie, 65536);
      if (typeof entries === "number" || entries.length === 0) break;
      for (const { name } of entries) names.add(name);
      cookie = entries.at(-1)!.next;
    }
    expect(names.size).toBe(6004);
  });

  test("no more than 1,024 handles are kept", () => {
    const w = world({ donates: true });
    for (let i = 0; i < 1100; i++) w.server.file(`/dir/file-${i}`, "");
    for (let i = 0; i < 1100; i++) w.close(w.open(`dir/file-${i}`, 0, 0, false));
    expect(w.server.handles.size).toBe(1024);
  });

  test("a writer that comes after a reader gets a handle that can write (GF-12)", () => {
    const w = world({ donates: true });
    const reader = w.open("hello", 0, 0, false);
    const writer = w.open("hello");
    expect(w.write(writer, "J")).toBe(1);
    expect(w.pread(reader, 0, 5)?.toString()).toBe("Jello");
    expect(w.server.count(p9.P9_TLOPEN)).toBe(2);
    w.close(w.open("hello", 0, 0, false));
    w.close(w.open("hello"));
    expect(w.server.count(p9.P9_TLOPEN)).toBe(2);
  });
});

describe("shared cache", () => {
  test("what others change is seen at once (GF-08)", () => {
    const w = world({ shared: true });
    expect(w.text("hello")).toBe("hello, world");
    expect(w.statError("later")).toBe(wasi.WASI_ENOENT);
    w.server.file("/later", "now");
    w.server.find("/hello").data = Buffer.from("changed");
    expect(w.text("later")).toBe("now");
    expect(w.stat("hello").size).toBe(7);
    expect(w.text("hello")).toBe("changed");
    w.server.root.children.delete("later");
    expect(w.statError("later")).toBe(wasi.WASI_ENOENT);
  });

  test("a name that became another file is another file", () => {
    const w = world({ shared: true });
    const fd = w.open("hello");
    w.server.root.children.delete("hello");
    const other = w.server.file("/hello", "other");
    expect(w.text("hello")).toBe("other");
    expect(w.stat("hello").ino).toBe(other.ino);
    expect(w.pread(fd, 0, 5)?.toString()).toBe("hello");
  });

  test("a name that appears between lookup and create is EEXIST", () => {
    const w = world({ shared: true });
    w.server.refuse.set(p9.P9_TCREATEATTR, EEXIST);
    expect(w.open("fresh", wasi.OFLAGS_CREAT | wasi.OFLAGS_EXCL)).toBe(-wasi.WASI_EEXIST);
    expect(w.open("fresh", wasi.OFLAGS_CREAT)).toBeGreaterThanOrEqual(0);
  });

  test("an append asks where the end is", () => {
    const w = world({ shared: true });
    const fd = w.open("hello", 0, wasi.FDFLAGS_APPEND);
    const node = w.server.find("/hello");
    node.data = Buffer.from("hello, whole world");
    w.write(fd, "!");
    expect(node.data.toString()).toBe("hello, whole world!");
  });
});

describe("the root", () => {
  test("may be one regular file", () => {
    const server = new MemoryServer({ donates: true });
    server.root = new Node(9, S_IFREG | 0o644);
    server.root.data = Buffer.from("alone");
    const w = new World(module, server);
    expect(w.root).toBeGreaterThan(0);
    expect(w.readRoot()).toBe("alone");
  });

  test("is no FIFO", () => {
    const server = new MemoryServer();
    server.root = new Node(9, S_IFIFO | 0o644);
    expect(new World(module, server).root).toBeLessThan(0);
  });

  test("is not written to when it was mounted read-only", () => {
    const w = world({ readonly: true, donates: true });
    expect(w.open("hello")).toBe(-wasi.WASI_EROFS);
    expect(w.mkdir("d")).toBe(wasi.WASI_EROFS);
    expect(w.text("hello")).toBe("hello, world");
  });
});
