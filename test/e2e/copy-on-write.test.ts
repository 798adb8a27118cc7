// Sessions of `wvisor do`: what Python changes in the sandbox, as wvisor tells it, against git and the merged tree.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Random } from "../fuzz/random.ts";
import { CLI, type Finished, put, runCommand, scratchDirectory, wvisor } from "../support/cli.ts";
import { SCALE } from "../support/scale.ts";

const top = scratchDirectory();
let count = 0;

/** A directory of its own, with files from their names and texts. */
function makeBase(files: Readonly<Record<string, string>> = {}): string {
  const base = path.join(top, `base${count++}`);
  mkdirSync(base);
  for (const [name, text] of Object.entries(files)) put(base, name, text);
  return base;
}

function runPython(cwd: string, code: string, ...flags: readonly string[]): Finished {
  return wvisor(["do", "--quiet", ...flags, "--", "python3", "-c", code], { cwd });
}

/** The tree that programs in the session see, as this process writes it: told by Python, file by file. */
const TELL = `
import os, json
tree = {}
for folder, folders, files in os.walk(".", followlinks=False):
  for name in folders + files:
    at = os.path.join(folder, name)
    if os.path.islink(at): tree[at[2:]] = ["link", os.readlink(at)]
    elif os.path.isdir(at): tree[at[2:]] = ["directory", ""]
    else: tree[at[2:]] = ["file", open(at, "rb").read().hex()]
print(json.dumps(tree))
`;

type Tree = Record<string, readonly [type: string, content: string]>;

function seenInSession(base: string): Tree {
  const { stdout, stderr, code } = runPython(base, TELL);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Tree;
}

function onDisk(root: string, below = ""): Tree {
  const tree: Tree = {};
  for (const name of readdirSync(path.join(root, below))) {
    const at = path.join(below, name);
    const file = path.join(root, at);
    const stats = lstatSync(file);
    if (stats.isSymbolicLink()) tree[at] = ["link", readlinkSync(file)];
    else if (stats.isDirectory()) Object.assign(tree, { [at]: ["directory", ""] }, onDisk(root, at));
    else tree[at] = ["file", readFileSync(file).toString("hex")];
  }
  return tree;
}

/** Directories without a file below are not in a patch. */
function withoutEmptyDirectories(tree: Tree): Tree {
  const names = Object.keys(tree);
  const isKept = (name: string): boolean =>
    tree[name]![0] !== "directory" ||
    names.some((other) => other.startsWith(`${name}/`) && tree[other]![0] !== "directory");
  return Object.fromEntries(
    names
      .filter(isKept)
      .sort()
      .map((name) => [name, tree[name]!]),
  );
}

function expectPatchApplies(base: string): void {
  const patch = spawnSync(process.execPath, [CLI, "diff", "--patch"], { cwd: base, maxBuffer: 64 << 20 });
  expect(patch.status, String(patch.stderr)).toBe(0);
  const copy = `${base}-applied`;
  cpSync(base, copy, { recursive: true, verbatimSymlinks: true });
  const applied = spawnSync("git", ["apply", "--allow-empty", "--whitespace=nowarn"], {
    cwd: copy,
    input: patch.stdout,
    env: { ...process.env, GIT_CEILING_DIRECTORIES: top },
  });
  expect(applied.status, `${applied.stderr}\n${patch.stdout}`).toBe(0);
  expect(withoutEmptyDirectories(onDisk(copy))).toEqual(withoutEmptyDirectories(seenInSession(base)));
  rmSync(copy, { recursive: true });
}

test("the directory stays as it is, the changes are kept, and the next run goes on with them", () => {
  const base = makeBase({ kept: "k", changed: "before\n", gone: "g" });
  const before = onDisk(base);
  const code =
    'import os; open("changed", "a").write("after\\n"); os.remove("gone"); open("new", "w").write("n")';
  const first = wvisor(["do", "--changes", "--", "python3", "-c", code], { cwd: base });
  expect(first).toMatchObject({ code: 0, stdout: "" });
  expect(first.stderr).toMatch(
    /^wvisor do: 3 changes in session base\d+-[0-9a-f]{10} \(.*\)\n {2}M {2}changed\n {2}D {2}gone\n {2}A {2}new\n$/,
  );
  expect(onDisk(base)).toEqual(before);
  const second = wvisor(["do", "--", "python3", "-c", 'print(sorted(__import__("os").listdir(".")))'], {
    cwd: base,
  });
  expect(second.stdout).toBe("['changed', 'kept', 'new']\n");
  expect(second.stderr).toMatch(/^wvisor do: goes on in session base\d+-[0-9a-f]{10} of .*\n$/);
  expect(wvisor(["diff", "--name-status"], { cwd: base }).stdout).toBe("M\tchanged\nD\tgone\nA\tnew\n");
});

test("changes of memory alone are kept nowhere", () => {
  const base = makeBase();
  expect(runPython(base, 'open("x", "w")', "--session=none")).toMatchObject({ code: 0, stderr: "" });
  const { code, stderr } = wvisor(["diff"], { cwd: base });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `wvisor diff: no changes of ${base} are kept ('wvisor sessions' lists all)\n`,
  });
});

test("what was written is there when the program was killed", () => {
  const base = makeBase();
  const code =
    'import os, time; open("half", "w").write("x"); print("written", flush=True); time.sleep(1000)';
  const killed = `
    "$1" "$2" do -q -- python3 -c '${code}' > out & pid=$!
    while ! grep -q written out; do sleep 0.05; done
    kill -9 $pid; wait $pid; rm out`;
  runCommand("bash", ["-c", killed, "bash", process.execPath, CLI], { cwd: base });
  expect(wvisor(["diff", "--name-status"], { cwd: base }).stdout).toContain("A\thalf\n");
});

test("one process at a time works on a session, and the other one says so", () => {
  const base = makeBase();
  const script = `
    mkfifo ../pipe.$$; "$1" "$2" do -q -- python3 -c 'print("on", flush=True); input()' < ../pipe.$$ > ../on.$$ & pid=$!
    exec 9> ../pipe.$$; while ! grep -q on ../on.$$; do sleep 0.05; done
    "$1" "$2" diff; echo "code $?"; exec 9>&-; wait $pid; rm ../pipe.$$ ../on.$$`;
  const { stdout, stderr } = runCommand("bash", ["-c", script, "bash", process.execPath, CLI], { cwd: base });
  expect(stdout).toBe("code 1\n");
  expect(stderr).toMatch(
    /wvisor diff: session \S+ is in use by process \d+: wait for it, or take another one by --session NAME\n/,
  );
});

describe("the patch", () => {
  test("has text, binary, links, names of all kinds, modes of files that are made, empty files, no newline", () => {
    const base = makeBase({
      text: "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n",
      tail: "no newline",
      link: "",
      "dir/a": "a\n",
      "dir/b": "b\n",
    });
    rmSync(path.join(base, "link"));
    symlinkSync("text", path.join(base, "link"));
    writeFileSync(path.join(base, "bin"), Buffer.from([0, 1, 2, 3]));
    const script = put(base, "script", "#!/bin/sh\n");
    chmodSync(script, 0o755);
    const code = `
import os
lines = open("text").read().split("\\n"); lines[1] = "two"; lines[8] = "nine"; open("text", "w").write("\\n".join(lines))
open("tail", "a").write(" still")
os.remove("link"); os.symlink("dir", "link")
open("bin", "ab").write(bytes(range(256)) * 20)
open("script", "a").write("true\\n")
os.rename("dir", "moved"); open("moved/a", "a").write("more\\n")
for name in ["a b", "tab\\there", "quo\\"te", "back\\\\slash", "ünï", "new\\nline", "-dash", " lead", "trail "]:
  open(name, "w").write(name)
open("empty", "w")
open("latin", "wb").write(b"caf\\xe9\\n")
open("cr", "wb").write(b"a\\r\\nb\\r\\n")
os.mkdir("deep"); os.mkdir("deep/er"); open("deep/er/file", "w").write("x")
`;
    expect(runPython(base, code)).toMatchObject({ code: 0, stderr: "" });
    expectPatchApplies(base);
    expect(wvisor(["diff", "script"], { cwd: base }).stdout).toMatch(/^index \w+\.\.\w+ 100755$/m);
  });

  test("turns files into links and directories, and back", () => {
    const base = makeBase({ file: "f\n", other: "o\n", "dir/x": "x\n" });
    const code = `
import os
os.remove("file"); os.symlink("other", "file")
os.remove("other"); os.mkdir("other"); open("other/in", "w").write("in\\n")
os.remove("dir/x"); os.rmdir("dir"); open("dir", "w").write("now a file\\n")
`;
    expect(runPython(base, code)).toMatchObject({ code: 0, stderr: "" });
    expect(wvisor(["diff", "--name-status"], { cwd: base }).stdout).toBe(
      "T\tdir\nD\tdir/x\nT\tfile\nT\tother/\nA\tother/in\n",
    );
    expectPatchApplies(base);
  });

  test("says what it cannot say", () => {
    const base = makeBase({ "old/x": "" });
    expect(runPython(base, 'import os; os.mkdir("empty")')).toMatchObject({ code: 0 });
    expect(wvisor(["diff"], { cwd: base })).toEqual({
      code: 0,
      signal: null,
      stdout: "",
      stderr: "wvisor diff: warning: a patch cannot say all of it: 1 directory alone\n",
    });
  });
});

test("a patch of random changes to a random tree makes the tree that the programs saw", () => {
  const rounds = Math.max(2, Math.round(20 * SCALE));
  for (let seed = 1; seed <= rounds; seed++) {
    const random = new Random(seed);
    const base = makeBase(randomTree(random));
    const operations = `
import os, random, shutil
random.seed(${seed})
def paths():
  found = ["."]
  for folder, folders, files in os.walk("."):
    found += [os.path.join(folder, name) for name in folders + files]
  return found
for step in range(40):
  every = paths()
  folders = [p for p in every if os.path.isdir(p) and not os.path.islink(p)]
  others = [p for p in every if p != "."]
  target = os.path.join(random.choice(folders), random.choice(["a", "b", "c d", "e", "\\u00fc"]))
  some = random.choice(others) if others else "."
  try:
    kind = random.randrange(9)
    if kind == 0: open(target, "w").write("".join(random.choice("ab\\n") for _ in range(random.randrange(60))))
    elif kind == 1: open(some, "a").write("more\\n")
    elif kind == 2: open(target, "wb").write(bytes(random.randrange(256) for _ in range(random.randrange(99))))
    elif kind == 3: os.mkdir(target)
    elif kind == 4: os.remove(some)
    elif kind == 5: os.rename(some, target)
    elif kind == 6: os.symlink(random.choice(["a", "nowhere", "."]), target)
    elif kind == 7: shutil.rmtree(some)
    elif kind == 8: os.rename(random.choice(folders), target)
  except OSError: pass
`;
    for (let run = 0; run < 2; run++) {
      expect(runPython(base, operations), `seed ${seed}`).toMatchObject({ code: 0, stderr: "" });
      expectPatchApplies(base);
    }
    expect(wvisor(["discard", "--force", "--quiet"], { cwd: base })).toMatchObject({ code: 0, stderr: "" });
  }
});

function randomTree(random: Random): Record<string, string> {
  const files: Record<string, string> = {};
  const names = ["a", "b", "c d", "e"];
  for (let index = 0; index < 12; index++) {
    const depth = 1 + random.below(3);
    const parts = Array.from(
      { length: depth },
      (_, level) => names[random.below(names.length)]! + (level < depth - 1 ? "-dir" : ""),
    );
    files[parts.join("/")] = "line\n".repeat(random.below(6)) + String(index);
  }
  return files;
}

describe("discard", () => {
  test("of paths shows the directory's own files again", () => {
    const base = makeBase({ one: "1", two: "2", "dir/three": "3" });
    const code = `
import os
open("one", "w").write("x"); os.remove("two"); os.rename("dir", "moved"); open("new", "w")
`;
    expect(runPython(base, code)).toMatchObject({ code: 0 });
    expect(wvisor(["discard", "-q", "one", "moved"], { cwd: base })).toMatchObject({ code: 0, stderr: "" });
    expect(wvisor(["diff", "--name-status"], { cwd: base }).stdout).toBe("A\tnew\nD\ttwo\n");
    expect(seenInSession(base)).toEqual({
      one: ["file", "31"],
      new: ["file", ""],
      dir: ["directory", ""],
      "dir/three": ["file", "33"],
    });
  });

  test("refuses what is only gone with its directory, and changes nothing", () => {
    const base = makeBase({ "dir/x": "x", "dir/y": "y" });
    expect(runPython(base, 'import shutil; shutil.rmtree("dir")')).toMatchObject({ code: 0 });
    const { code, stderr } = wvisor(["discard", "dir/x"], { cwd: base });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "wvisor discard: dir/x was changed with its directory: discard dir, or all\n",
    });
    expect(wvisor(["diff", "--name-status"], { cwd: base }).stdout).toBe("D\tdir/\nD\tdir/x\nD\tdir/y\n");
  });

  test("of all needs --force without a terminal, and leaves nothing", () => {
    const base = makeBase();
    expect(runPython(base, 'import os\nfor i in range(300): os.mkdir("d"); os.chdir("d")')).toMatchObject({
      code: 0,
    });
    expect(wvisor(["discard"], { cwd: base })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/--force/),
    });
    expect(wvisor(["discard", "--force"], { cwd: base })).toMatchObject({ code: 0 });
    expect(wvisor(["sessions", "--quiet"]).stdout).not.toContain(path.basename(base));
  });
});

test("names that could drive a terminal are shown with escapes", () => {
  const base = makeBase();
  const code = String.raw`open("a\x1b[31mred", "w"); open("b\u202etxt", "w")`;
  const { stderr } = wvisor(["do", "--changes", "--", "python3", "-c", code], { cwd: base });
  expect(stderr).toContain('A  "a\\033[31mred"\n');
  expect(stderr).toContain('A  "b\\342\\200\\256txt"\n');
});

test("--stat is git's", () => {
  const base = makeBase({ a: "1\n2\n3\n", "long/er/name/file": "x\n".repeat(100), "dir/r": "r\n".repeat(9) });
  const code = `
import os
open("a", "w").write("1\\n3\\n4\\n5\\n"); open("long/er/name/file", "w").write("y\\n" * 300)
open("bin", "wb").write(bytes(999)); os.rename("dir/r", "dir/s"); open("empty", "w")
os.mkdir("d" * 60); open("d" * 60 + "/" + "e" * 40, "w").write("long\\n")
`;
  expect(runPython(base, code)).toMatchObject({ code: 0 });
  const repository = `${base}-git`;
  cpSync(base, repository, { recursive: true });
  const script = `
    git init -q . && git add -A && git -c user.name=x -c user.email=x@y commit -qm x
    "$1" "$2" diff --session "$3" | git apply --index && git diff --cached -M --stat HEAD`;
  const name = wvisor(["sessions", "-q"])
    .stdout.split("\n")
    .find((line) => line.startsWith(`${path.basename(base)}-`))!;
  const git = runCommand("bash", ["-c", script, "bash", process.execPath, CLI, name], { cwd: repository });
  expect(git.stderr).toBe("");
  expect(wvisor(["diff", "--stat"], { cwd: base }).stdout).toBe(git.stdout);
});
