// `wvisor install-runtime`: a copy that engines can call without PATH, and which nobody else has written to.

import { spawnSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { put, scratchDirectory, wvisor } from "../../support/cli.ts";

const top = scratchDirectory();

const modesIn = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => ({ name, stat: lstatSync(path.join(directory, name)) }))
    .filter(({ stat }) => !stat.isSymbolicLink());

test("the copy runs by its own link to Node, whatever the environment is", () => {
  const target = path.join(top, "opt/wvisor");
  const { code, stdout, stderr } = wvisor(["install-runtime", target]);
  const node = realpathSync(process.execPath);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: `${target}/wvisor is the runtime; it runs on Node ${process.version}, ${node}\n`,
    stderr: "",
  });
  expect(readlinkSync(path.join(target, "node"))).toBe(node);
  const runtime = path.join(target, "wvisor");
  const empty = { env: {}, encoding: "utf8", cwd: "/" } as const;
  expect(spawnSync(runtime, ["--version"], empty)).toMatchObject({ status: 0, stderr: "" });
  // Node does this one: it reads all of the program.
  const { status, stdout: help } = spawnSync(runtime, ["help", "install-runtime"], empty);
  expect({ status, first: help.split("\n")[0] }).toEqual({
    status: 0,
    first: "Usage: wvisor install-runtime DIR",
  });
  // Its own helper, not the one that it was copied from.
  const { findings } = JSON.parse(spawnSync(runtime, ["doctor", "--json"], empty).stdout);
  expect(findings[0]).toEqual({ name: "native helper", ok: true, detail: "loaded" });
});

test("nobody else may write to it, whatever the umask is", () => {
  const target = path.join(top, "modes");
  const before = process.umask(0);
  try {
    expect(wvisor(["install-runtime", target]).code).toBe(0);
  } finally {
    process.umask(before);
  }
  const entries = modesIn(target);
  expect(entries.length).toBeGreaterThan(14);
  for (const { name, stat } of [...entries, { name: "", stat: lstatSync(target) }]) {
    expect([name, stat.mode & 0o7022]).toEqual([name, 0]);
  }
});

test("a directory that has something is left alone, and an empty one is taken", () => {
  const full = path.dirname(put(top, "full/file", "mine\n"));
  const refused = wvisor(["install-runtime", full]);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toBe(
    `wvisor install-runtime: ${full} is not empty: remove it first, or name another\n`,
  );
  expect(readdirSync(full)).toEqual(["file"]);
  const empty = path.join(top, "empty");
  mkdirSync(empty);
  expect(wvisor(["install-runtime", empty]).code).toBe(0);
  expect(readFileSync(path.join(empty, "package.json"), "utf8")).toContain("commonjs");
});

test("what cannot be done leaves nothing", () => {
  const file = put(top, "a-file", "");
  const refused = wvisor(["install-runtime", path.join(file, "below")]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^wvisor install-runtime: ENOTDIR: /);
  expect(wvisor(["install-runtime"]).code).toBe(2);
  expect(wvisor(["install-runtime", "one", "two"]).code).toBe(2);
  expect(readdirSync(top).filter((name) => name.includes(".new-"))).toEqual([]);
});
