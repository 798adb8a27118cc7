// `wvisor export` and `import`: read by GNU tar, carried from one directory to another, and what hostile archives come to.

import { spawnSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type TarEntry, tarEnd, tarFile } from "../../src/host/archive/tar-writer.ts";
import { CLI, type Finished, put, runCommand, scratchDirectory, wvisor } from "../support/cli.ts";

const top = scratchDirectory();
let count = 0;

function makeBase(files: Readonly<Record<string, string>> = {}): string {
  const base = path.join(top, `dir${count++}`);
  mkdirSync(base);
  for (const [name, text] of Object.entries(files)) put(base, name, text);
  return base;
}

function runPython(cwd: string, code: string): Finished {
  return wvisor(["do", "--quiet", "--", "python3", "-c", code], { cwd });
}

const FILES = { "dir/a": "a\n", "dir/b": "b\n", gone: "g\n", "old/deep/file": "f\n" };
const LONG = "long-name/".repeat(15);
const CODE = `
import os, shutil
open("new", "w").write("new\\n"); os.remove("gone"); os.remove("dir/a"); shutil.rmtree("old")
os.makedirs("${LONG}"); open("${LONG}end", "w").write("x" * 5000)
os.symlink("new", "link"); os.mkdir("empty"); open("caf\\u00e9", "w").write("u")
os.utime("new", ns=(1, 1_600_000_000_123_456_789))
`;

function exported(base: string, format: string): Buffer {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, "export", "--format", format], {
    cwd: base,
  });
  expect([status, String(stderr)]).toEqual([0, ""]);
  return stdout;
}

test("an OCI layer has what is new, in GNU tar's eyes, and whiteouts for what is gone; the same bytes each time", () => {
  const base = makeBase(FILES);
  expect(runPython(base, CODE)).toMatchObject({ code: 0, stderr: "" });
  const layer = exported(base, "oci-layer");
  expect(exported(base, "oci-layer")).toEqual(layer);
  const file = put(top, "layer.tar", layer);
  const listed = runCommand("tar", ["-tf", file], { env: { ...process.env, LC_ALL: "C.UTF-8" } });
  expect(listed.stderr).toBe("");
  const names = listed.stdout.split("\n").filter((name) => name !== "");
  expect(names.filter((name) => name.includes(".wh."))).toEqual(["dir/.wh.a", ".wh.gone", ".wh.old"]);
  expect(names).toEqual(expect.arrayContaining(["new", "link", "empty/", `${LONG}end`, "café"]));
  const target = makeBase();
  expect(runCommand("tar", ["-xf", file, "-C", target])).toMatchObject({ code: 0, stderr: "" });
  expect(readFileSync(path.join(target, LONG, "end"), "utf8")).toBe("x".repeat(5000));
  expect(lstatSync(path.join(target, "new"), { bigint: true }).mtimeNs).toBe(1_600_000_000_123_456_789n);
  expect(lstatSync(path.join(target, "link")).isSymbolicLink()).toBe(true);
});

test("what was exported is the same changes where it is imported", () => {
  const base = makeBase(FILES);
  expect(runPython(base, CODE)).toMatchObject({ code: 0 });
  const file = put(top, "moved.tar", exported(base, "oci-layer"));
  const other = makeBase(FILES);
  expect(wvisor(["import", "-q", file], { cwd: other })).toMatchObject({ code: 0, stderr: "" });
  const shown = (cwd: string): string => wvisor(["diff", "--name-status"], { cwd }).stdout;
  expect(shown(other)).toBe(shown(base));
  const patch = (cwd: string): string => wvisor(["export", "--format", "patch"], { cwd }).stdout;
  expect(patch(other)).toBe(patch(base));
  expect(wvisor(["import", file], { cwd: other }).stderr).toMatch(
    /has changes already: --session NAME takes another one/,
  );
});

test("a plain archive says what it has not", () => {
  const base = makeBase({ gone: "g" });
  expect(runPython(base, 'import os; os.remove("gone")')).toMatchObject({ code: 0 });
  const { code, stderr } = wvisor(["export", "-o", path.join(top, "plain.tar")], { cwd: base });
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: "wvisor export: warning: 1 deleted path is not in a tar archive (--format oci-layer has them)\n",
  });
});

describe("a hostile archive is refused in one line, and nothing of it is taken", () => {
  const plain: Omit<TarEntry, "path"> = { type: "file", mode: 0o644, uid: 0, gid: 0, size: 0n, mtimeNs: 0n };
  const entry = (name: string, more: Partial<TarEntry> = {}): Buffer =>
    Buffer.concat([...tarFile({ ...plain, path: Buffer.from(name), ...more }, [])]);
  const whole = (...entries: Buffer[]): Buffer => Buffer.concat([...entries, tarEnd()]);
  const damaged = whole(entry("x"));
  damaged.writeUInt8(1, 1024);

  test.each<[string, Buffer, RegExp]>([
    ["an absolute name", whole(entry("/etc/passwd")), /\/etc\/passwd: an absolute name/],
    ["a name with ..", whole(entry("a/../../b")), /a\/\.\.\/\.\.\/b: a name with \.\./],
    [
      "a link to the outside",
      whole(entry("l", { type: "symlink", target: Buffer.from("../x") })),
      /l: a link that leads out/,
    ],
    [
      "an absolute link",
      whole(entry("l", { type: "symlink", target: Buffer.from("/etc") })),
      /l: a link that leads out/,
    ],
    [
      "a hard link to the outside",
      whole(entry("l", { type: "link", target: Buffer.from("/etc/passwd") })),
      /an absolute name/,
    ],
    [
      "a name through a link",
      whole(entry("l", { type: "symlink", target: Buffer.from("d") }), entry("l/x")),
      /l\/x: what is above it is no directory/,
    ],
    [
      "a name through the directory's own link",
      whole(entry("own/x")),
      /own\/x: what is above it is no directory/,
    ],
    [
      "a device",
      whole(entry("d", { type: "character", device: { major: 1, minor: 3 } })),
      /d: devices are not taken/,
    ],
    ["a size that it has not", whole(entry("big", { size: 1n << 40n })), /longer than the archive/],
    [
      "a mark of the overlay's",
      whole(entry("m", { xattrs: new Map([["user.overlay.opaque", Buffer.from("y")]]) })),
      /the overlay's own/,
    ],
    ["a wrong sum", damaged, /no tar archive, or a damaged one/],
    ["no end", entry("x"), /it ends before its end/],
    ["something else", Buffer.alloc(4096, "x"), /a number that is none|no tar archive/],
    ["a compressed one", Buffer.from([0x1f, 0x8b, 8, 0]), /it is compressed/],
  ])("%s", (_name, archive, line) => {
    const base = makeBase({ there: "" });
    runCommand("ln", ["-s", "there", path.join(base, "own")]);
    const file = path.join(top, "hostile.tar");
    writeFileSync(file, archive);
    const { code, stdout, stderr } = wvisor(["import", file], { cwd: base });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(line);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(wvisor(["sessions", "-q"]).stdout).not.toContain(path.basename(base));
    expect(readdirSync(base).sort()).toEqual(["own", "there"]);
  });
});

test.each(["bash", "zsh", "fish"])("the completion for %s has every command and flag", (shell) => {
  const { code, stdout, stderr } = wvisor(["completion", shell]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const word of ["diff", "discard", "completion", "name-status", "session"])
    expect(stdout).toContain(word);
  if (shell === "bash")
    expect(runCommand("bash", ["-n"], { input: stdout })).toMatchObject({ code: 0, stderr: "" });
});
