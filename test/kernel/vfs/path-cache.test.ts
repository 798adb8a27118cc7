// What is remembered of paths is forgotten when it is no longer true: every way in which a warm path can change its meaning.

import { beforeEach, describe, expect, test } from "vitest";
import { ENOENT, ENOTDIR, EXDEV } from "../../../assembly/abi/errno.ts";
import { O_CREAT, O_DIRECTORY, O_PATH, O_RDWR, RENAME_EXCHANGE } from "../../../assembly/abi/fcntl.ts";
import type { Machine, NamespaceHandle } from "../../../src/host/boot/machine.ts";
import { Calls } from "../../support/sys/calls.ts";
import { kernelTarget } from "../../support/sys/kernel.ts";
import type { Target } from "../../support/sys/target.ts";
import { makeMachine } from "../../support/wvisor.ts";

let machine: Machine;
let namespace: NamespaceHandle;
let target: Target;
let sys: Calls;

/** A file's first bytes by its path, or why not. */
function content(path: string, by = sys): string | number {
  const fd = by.open(path);
  if (fd < 0) return fd;
  const bytes = by.read(fd, 100);
  by.close(fd);
  return typeof bytes === "number" ? bytes : bytes.toString();
}

function put(path: string, text: string): void {
  const fd = sys.open(path, O_CREAT | O_RDWR, 0o644);
  expect(sys.write(fd, text)).toBe(text.length);
  sys.close(fd);
}

beforeEach(() => {
  machine = makeMachine();
  namespace = machine.namespace(machine.tmpfs("mode=777"), false);
  target = kernelTarget(machine, namespace, "tmpfs");
  sys = new Calls(target.process());
  for (const directory of ["a", "a/b", "a/b/c", "other", "other/c"]) expect(sys.mkdir(directory)).toBe(0);
  put("a/b/c/file", "first");
  put("other/c/file", "second");
  // Twice: the first walk is the one that is remembered.
  for (let i = 0; i < 2; i++)
    expect([content("a/b/c/file"), content("/a/b/c/file")]).toEqual(["first", "first"]);
});

describe("a warm path", () => {
  test("is walked anew after a directory of it moved", () => {
    expect(sys.rename("a/b", "a/moved")).toBe(0);
    expect(content("a/b/c/file")).toBe(-ENOENT);
    expect(content("a/moved/c/file")).toBe("first");
    expect(sys.rename("other", "a/b")).toBe(0);
    expect(content("a/b/c/file")).toBe("second");
  });

  test("is walked anew after directories changed places", () => {
    expect(sys.rename("a/b", "other", RENAME_EXCHANGE)).toBe(0);
    expect(content("a/b/c/file")).toBe("second");
    expect(content("other/c/file")).toBe("first");
  });

  test("is walked anew after its directory was removed and made again", () => {
    expect(sys.unlink("a/b/c/file")).toBe(0);
    expect(content("a/b/c/file")).toBe(-ENOENT);
    expect(sys.rmdir("a/b/c")).toBe(0);
    expect(content("a/b/c/file")).toBe(-ENOENT);
    put("a/b/c", "a file");
    expect(content("a/b/c/file")).toBe(-ENOTDIR);
    sys.unlink("a/b/c");
    sys.mkdir("a/b/c");
    put("a/b/c/file", "third");
    expect(content("a/b/c/file")).toBe("third");
  });

  test("is walked anew after something was mounted on it", () => {
    machine.mount(namespace, machine.tmpfs("mode=777"), "/a/b", false);
    expect(content("a/b/c/file")).toBe(-ENOENT);
    sys.mkdir("a/b/c");
    put("a/b/c/file", "on top");
    expect(content("/a/b/c/file")).toBe("on top");
  });

  test("is each working directory's own", () => {
    sys.mkdir("other/a");
    sys.mkdir("other/a/b");
    sys.mkdir("other/a/b/c");
    put("other/a/b/c/file", "below other");
    const fd = sys.open("other", O_PATH | O_DIRECTORY);
    const below = sys.open("a/b/c/file", 0, 0, fd);
    expect(sys.read(below, 100)).toEqual(Buffer.from("below other"));
    expect(content("a/b/c/file")).toBe("first");
  });

  test("through a link leads where the link leads now", () => {
    sys.symlink("a/b", "link");
    for (let i = 0; i < 2; i++) expect(content("link/c/file")).toBe("first");
    sys.unlink("link");
    sys.symlink("other", "link");
    expect(content("link/c/file")).toBe("second");
  });

  test("with dots is as long a way as it says", () => {
    for (let i = 0; i < 2; i++) {
      expect(content("a/./b//c/file")).toBe("first");
      expect(content("a/b/../b/c/file")).toBe("first");
      expect(content("a/b/c/file/../file")).toBe(-ENOTDIR);
      expect(content("a/b/c/file/")).toBe(-ENOTDIR);
    }
  });

  test("is forgotten with the directories that the cache of names forgets", () => {
    machine.kernel.namespace_shrink(namespace);
    expect(content("a/b/c/file")).toBe("first");
    expect(sys.rename("a/b", "other/b")).toBe(0);
    expect(content("a/b/c/file")).toBe(-ENOENT);
  });

  test("keeps a name from crossing what it must not cross", () => {
    machine.mount(namespace, machine.tmpfs("mode=777"), "/other/c", false);
    put("other/c/file", "mounted");
    for (let i = 0; i < 2; i++) expect(content("other/c/file")).toBe("mounted");
    expect(sys.link("other/c/file", "a/b/c/linked")).toBe(-EXDEV);
  });
});
