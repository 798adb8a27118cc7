// Mounts in a tree of the host, at names that it has and at names that only the kernel has. What the kernel made there is of
// another class than the files around it: no operation may take one for the other.

import { describe, expect, test } from "vitest";
import * as p9 from "../../../assembly/abi/p9.ts";
import * as wasi from "../../../assembly/abi/wasi.ts";
import { MemoryServer } from "./memory-server.ts";
import { kernelModule, World } from "./world.ts";

const module = kernelModule();

function world(shared: boolean): World {
  const server = new MemoryServer();
  server.file("/hello", "hello, world");
  server.directory("/dir");
  server.file("/dir/a", "a");
  const made = new World(module, server, { shared });
  expect(made.root).toBeGreaterThanOrEqual(0);
  return made;
}

const create = (w: World, name: string): number => w.open(name, wasi.OFLAGS_CREAT | wasi.OFLAGS_EXCL);

describe.each([
  ["exclusive", false],
  ["shared", true],
])("with the %s cache, below names that only the kernel has,", (_name, shared) => {
  function mounted(): World {
    const w = world(shared);
    expect(w.mountTmpfs("/dir/made/point")).toBe(0);
    expect(create(w, "dir/made/point/in")).toBeGreaterThanOrEqual(0);
    expect(create(w, "dir/made/file")).toBeGreaterThanOrEqual(0);
    return w;
  }

  test("the server is told nothing (GF-13)", () => {
    const w = mounted();
    expect([...w.server.find("/dir").children.keys()]).toEqual(["a"]);
    expect(w.server.count(p9.P9_TMKDIR) + w.server.count(p9.P9_TLCREATE)).toBe(0);
  });

  test("files of one side are not renamed or linked to the other", () => {
    const w = mounted();
    for (const [from, to] of [
      ["hello", "dir/made/x"],
      ["dir/a", "dir/made/file"],
      ["dir/made/file", "x"],
      ["dir/made/file", "hello"],
      ["dir/made/file", "dir/made/point/x"],
    ] as const) {
      expect(w.rename(from, to), `rename ${from} ${to}`).toBe(wasi.WASI_EXDEV);
      expect(w.link(from, to), `link ${from} ${to}`).toBe(
        w.statError(to) === 0 ? wasi.WASI_EEXIST : wasi.WASI_EXDEV,
      );
    }
    expect(w.text("hello")).toBe("hello, world");
  });

  test("mount points are not removed, moved or replaced", () => {
    const w = mounted();
    expect(w.mkdir("other")).toBe(0);
    expect(w.rmdir("dir/made")).toBe(wasi.WASI_EBUSY);
    expect(w.rename("dir/made", "moved")).toBe(wasi.WASI_EBUSY);
    expect(w.rename("other", "dir/made")).toBe(wasi.WASI_EBUSY);
    expect(w.rmdir("dir/made/point")).toBe(wasi.WASI_EBUSY);
    expect(w.rename("dir/made/point", "dir/made/moved")).toBe(wasi.WASI_EBUSY);
    expect(w.unlink("dir/made")).toBe(wasi.WASI_EISDIR);
    expect(w.statError("dir/made/point/in")).toBe(0);
  });

  test("the directory around them may move, and they with it", () => {
    const w = mounted();
    expect(w.rename("dir", "moved")).toBe(0);
    expect(w.statError("moved/made/point/in")).toBe(0);
    expect(create(w, "moved/made/again")).toBeGreaterThanOrEqual(0);
  });

  test("files come and go, and directories are listed", () => {
    const w = mounted();
    expect(w.mkdir("dir/made/sub")).toBe(0);
    expect(w.rename("dir/made/file", "dir/made/sub/file")).toBe(0);
    expect(w.link("dir/made/sub/file", "dir/made/link")).toBe(0);
    expect(w.names("dir/made").sort()).toEqual(["link", "point", "sub"]);
    expect(w.unlink("dir/made/link")).toBe(0);
    expect(w.unlink("dir/made/sub/file")).toBe(0);
    expect(w.rmdir("dir/made/sub")).toBe(0);
    w.shrink();
    expect(w.names("dir/made")).toEqual(["point"]);
    expect(w.statError("dir/made/point/in")).toBe(0);
  });
});

describe("a mount on a directory of the server's", () => {
  test("stays when others put something else there, or nothing", () => {
    const w = world(true);
    expect(w.mountTmpfs("/dir")).toBe(0);
    expect(create(w, "dir/mine")).toBeGreaterThanOrEqual(0);
    w.server.root.children.delete("dir");
    expect(w.statError("dir/mine")).toBe(0);
    w.server.directory("/dir");
    w.server.file("/dir/theirs", "");
    expect(w.statError("dir/mine")).toBe(0);
    expect(w.statError("dir/theirs")).toBe(wasi.WASI_ENOENT);
    w.server.root.children.delete("dir");
    w.server.file("/dir", "a file");
    expect(w.statError("dir/mine")).toBe(0);
  });
});
