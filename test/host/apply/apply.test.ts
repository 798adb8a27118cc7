// Changes of a session written to its base, and taken back.

import {
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { undo } from "../../../src/host/apply/undo.ts";
import { unfinishedIn } from "../../../src/host/session/unfinished.ts";
import { QUIET, SessionFixture } from "../../support/session-fixture.ts";
import { treeDigest } from "../../support/tree-digest.ts";

let fixture: SessionFixture;
beforeEach(() => {
  fixture = new SessionFixture();
});
afterEach(() => fixture.remove());

const at = (name: string): string => path.join(fixture.base, name);
const read = (name: string): string => readFileSync(at(name), "utf8");

function makeBase(): void {
  mkdirSync(at("src/deep"), { recursive: true });
  mkdirSync(at("old/inner"), { recursive: true });
  writeFileSync(at("src/a.txt"), "a\n");
  writeFileSync(at("src/deep/b.txt"), "b\n", { mode: 0o600 });
  writeFileSync(at("gone.txt"), "gone\n");
  writeFileSync(at("old/inner/x"), "x\n");
  writeFileSync(at("becomes-directory"), "file\n");
  mkdirSync(at("becomes-file/below"), { recursive: true });
  writeFileSync(at("becomes-file/below/y"), "y\n");
  symlinkSync("src/a.txt", at("link"));
  for (const name of ["src/a.txt", "src", "old/inner", "old", "gone.txt", ""])
    utimesSync(at(name), 1_700_000_000, 1_700_000_001);
}

function changeAll(): void {
  fixture.layer((layer) => {
    layer.write("src/a.txt", "changed\n", 0o755);
    layer.setxattr("src/a.txt", "user.kept", "value");
    layer.setxattr("src/a.txt", "user.overlay.overlay.own", "escaped");
    layer.write("src/deep/new.txt", "new\n");
    layer.whiteout("gone.txt");
    layer.whiteout("old");
    layer.write("becomes-directory/inside", "inside\n");
    layer.setxattr("becomes-directory", "user.overlay.opaque", "y");
    layer.write("becomes-file", "a file\n");
    layer.symlink("new-link", "../elsewhere");
    layer.write("one", "linked\n");
    layer.link("two", "one");
    layer.mkdir("empty", 0o700);
  });
}

test("all kinds of changes are applied, and undone to the last time and attribute", () => {
  makeBase();
  const before = treeDigest(fixture.base);
  changeAll();
  expect(fixture.applyAll()).toEqual([]);
  expect(read("src/a.txt")).toBe("changed\n");
  expect(read("becomes-directory/inside")).toBe("inside\n");
  expect(read("becomes-file")).toBe("a file\n");
  expect(readlinkSync(at("new-link"))).toBe("../elsewhere");
  const after = treeDigest(fixture.base, { times: false }).join("\n");
  expect(after).toMatch(/'two' .* link of b'one'/);
  expect(after).toMatch(/'src\/a.txt' 0o100755 .* user.kept=b'value' user.overlay.own=b'escaped'/);
  expect(after).toMatch(/'empty' 0o40700/);
  expect(after).not.toMatch(/gone|old|wvisor|opaque/);
  expect(unfinishedIn(fixture.session.directory)).toBeUndefined();

  const undone = fixture.trees((trees) => undo(fixture.session, trees, QUIET));
  expect(undone.conflicts).toEqual([]);
  expect(treeDigest(fixture.base)).toEqual(before);

  // The session has its changes again, and they can be applied again.
  expect(fixture.applyAll()).toEqual([]);
  expect(treeDigest(fixture.base, { times: false }).join("\n")).toBe(after);
});

test("a renamed directory takes what is in it along", () => {
  makeBase();
  const before = treeDigest(fixture.base);
  fixture.layer((layer) => {
    layer.whiteout("src");
    layer.mkdir("moved");
    layer.setxattr("moved", "user.overlay.redirect", "/src");
    layer.write("moved/new", "new\n");
  });
  expect(fixture.applyAll()).toEqual([]);
  expect(read("moved/deep/b.txt")).toBe("b\n");
  expect(read("moved/new")).toBe("new\n");
  expect(treeDigest(fixture.base).join("\n")).not.toContain("'src'");
  fixture.trees((trees) => undo(fixture.session, trees, QUIET));
  expect(treeDigest(fixture.base)).toEqual(before);
});

test("two directories that changed places", () => {
  for (const name of ["a", "b"]) {
    mkdirSync(at(name));
    writeFileSync(at(`${name}/same`), `${name}\n`);
    writeFileSync(at(`${name}/only-${name}`), `${name}\n`);
  }
  const before = treeDigest(fixture.base);
  fixture.layer((layer) => {
    layer.mkdir("a");
    layer.setxattr("a", "user.overlay.redirect", "/b");
    layer.mkdir("b");
    layer.setxattr("b", "user.overlay.redirect", "/a");
  });
  expect(fixture.applyAll()).toEqual([]);
  expect([read("a/same"), read("b/same"), read("a/only-b"), read("b/only-a")]).toEqual([
    "b\n",
    "a\n",
    "b\n",
    "a\n",
  ]);
  fixture.trees((trees) => undo(fixture.session, trees, QUIET));
  expect(treeDigest(fixture.base)).toEqual(before);
});

test("names of one file stay names of one file when all are replaced and brought back", () => {
  writeFileSync(at("one"), "1\n");
  linkSync(at("one"), at("two"));
  const before = treeDigest(fixture.base);
  fixture.layer((layer) => {
    layer.write("one", "changed\n");
    layer.whiteout("two");
  });
  expect(fixture.applyAll()).toEqual([]);
  fixture.trees((trees) => undo(fixture.session, trees, QUIET));
  expect(treeDigest(fixture.base)).toEqual(before);
});

test("what somebody else changed, replaced, made or deleted since is a conflict, and nothing is written", () => {
  makeBase();
  changeAll();
  writeFileSync(at("src/a.txt"), "somebody else's\n");
  writeFileSync(at("old/inner/later"), "later\n");
  rmSync(at("gone.txt"));
  writeFileSync(at("gone.txt"), "again\n");
  writeFileSync(at("one"), "made meanwhile\n");
  const before = treeDigest(fixture.base);
  expect(fixture.applyAll().sort()).toEqual(["gone.txt", "old/inner/later", "one", "src/a.txt"]);
  expect(treeDigest(fixture.base)).toEqual(before);
});

test("an undo does not touch what was changed since the apply", () => {
  makeBase();
  changeAll();
  fixture.applyAll();
  writeFileSync(at("src/a.txt"), "somebody else's\n");
  writeFileSync(at("empty/later"), "");
  const before = treeDigest(fixture.base);
  const { conflicts } = fixture.trees((trees) => undo(fixture.session, trees, QUIET));
  expect(conflicts.map((conflict) => String(conflict.path)).sort()).toEqual(["empty", "src/a.txt"]);
  expect(treeDigest(fixture.base)).toEqual(before);
});

test("nothing leads out of the base: a symbolic link in the place of a directory is an error", () => {
  makeBase();
  const outside = path.join(fixture.directory, "outside");
  mkdirSync(outside);
  writeFileSync(path.join(outside, "a.txt"), "secret\n");
  changeAll();
  renameSync(at("src"), at("src.away"));
  symlinkSync(outside, at("src"));
  const before = treeDigest(outside);
  expect(fixture.applyAll()).toContain("src");
  expect(treeDigest(outside)).toEqual(before);
});
