// wvisor apply and wvisor undo as processes: very many files, conflicts, failures of the disk, permissions, hostile session directories.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Finished, runCommand, wvisor } from "../support/cli.ts";
import { scaled } from "../support/scale.ts";
import { SessionFixture } from "../support/session-fixture.ts";
import { treeDigest } from "../support/tree-digest.ts";

const IS_ROOT = process.getuid?.() === 0;

let fixture: SessionFixture;
beforeEach(() => {
  fixture = new SessionFixture();
});
afterEach(() => fixture.remove());

const at = (name: string): string => path.join(fixture.base, name);
const read = (name: string): string => readFileSync(at(name), "utf8");

/** The session is the command's while it runs. */
function run(...args: string[]): Finished {
  return fixture.released(() => wvisor(args, { cwd: fixture.base, env: fixture.env }));
}

test("very many changed files are applied and undone, to the last byte, time and attribute", () => {
  const count = scaled(10_000, 300);
  for (let i = 0; i < count; i++) {
    const directory = at(`d${i % 97}`);
    if (i < 97) mkdirSync(directory);
    writeFileSync(path.join(directory, `f${i}`), `before ${i}\n`, { mode: i % 3 === 0 ? 0o600 : 0o644 });
  }
  const before = treeDigest(fixture.base);
  fixture.layer((layer) => {
    for (let i = 0; i < count; i++) {
      const name = `d${i % 97}/f${i}`;
      if (i % 5 === 0) layer.whiteout(name);
      else
        layer.write(i % 5 === 1 ? `n${i % 31}/new${i}` : name, `after ${i}\n`, i % 7 === 0 ? 0o755 : 0o644);
      if (i % 50 === 2) layer.setxattr(name, "user.number", String(i));
    }
  });
  const applied = run("apply");
  expect(applied).toMatchObject({ code: 0, stdout: "" });
  expect(applied.stderr).toMatch(/changes applied/);
  for (let i = 0; i < count; i += 7) {
    if (i % 5 === 0) expect(existsSync(at(`d${i % 97}/f${i}`))).toBe(false);
    else expect(read(i % 5 === 1 ? `n${i % 31}/new${i}` : `d${i % 97}/f${i}`)).toBe(`after ${i}\n`);
  }
  expect(treeDigest(fixture.base).join("\n")).not.toContain(".wvisor-");
  expect(run("diff", "--name-status").stdout).toBe("");
  expect(run("undo")).toMatchObject({ code: 0 });
  expect(treeDigest(fixture.base)).toEqual(before);
});

test("conflicts are named and nothing is written; other paths can be applied", () => {
  writeFileSync(at("mine"), "1\n");
  writeFileSync(at("theirs\u001b[31m"), "1\n");
  fixture.layer((layer) => {
    layer.write("mine", "2\n");
    layer.write("theirs\u001b[31m", "2\n");
  });
  writeFileSync(at("theirs\u001b[31m"), "somebody else's\n");
  const refused = run("apply");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/theirs.*: changed in the directory since the session saw it\n/);
  expect(refused.stderr).not.toContain("\u001b");
  expect(read("mine")).toBe("1\n");
  const json = JSON.parse(run("apply", "--json").stdout);
  expect(json).toMatchObject({ applied: false, conflicts: [{ path: "theirs\u001b[31m" }] });
  expect(run("apply", "mine")).toMatchObject({ code: 0 });
  expect(read("mine")).toBe("2\n");
  expect(read("theirs\u001b[31m")).toBe("somebody else's\n");
  expect(run("diff", "--name-status").stdout).toMatch(/^M\t"theirs/);
  // The user's own change of what was applied is no change of the session's.
  writeFileSync(at("mine"), "3\n");
  expect(run("diff", "--name-status").stdout).not.toContain("mine");
  expect(run("undo").code).toBe(1);
  writeFileSync(at("mine"), "2\n");
  expect(run("undo").stderr).toMatch(/mine: changed since it was applied/);
});

test("--dry-run says what would be done", () => {
  writeFileSync(at("a"), "1\n");
  fixture.layer((layer) => {
    layer.write("a", "2\n");
    layer.write("b", "new\n");
  });
  expect(run("apply", "--dry-run")).toMatchObject({ code: 0, stdout: "M  a\nA  b\n" });
  expect(read("a")).toBe("1\n");
  expect(run("apply", "--interactive").stderr).toMatch(/needs a terminal/);
  expect(run("apply", "nothing").stderr).toMatch(/nothing of that name is changed/);
  expect(run("undo").stderr).toMatch(/nothing was applied/);
});

describe("failures", () => {
  test.skipIf(!IS_ROOT)(
    "a full disk names the file; with space again apply goes on, or undo takes it back",
    () => {
      const base = path.join(fixture.directory, "small");
      mkdirSync(base);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", base]);
      try {
        const small = new SessionFixture(fixture.directory, base);
        const count = 20;
        for (let i = 0; i < count; i++) writeFileSync(path.join(base, `f${i}`), "small\n");
        writeFileSync(path.join(base, "ballast"), Buffer.alloc(1 << 20));
        const before = treeDigest(base, { times: false });
        small.layer((layer) => {
          for (let i = 0; i < count; i++) layer.write(`f${i}`, `${i}`.repeat(100_000));
        });
        const command = (name: string): Finished =>
          small.released(() => wvisor([name], { cwd: base, env: small.env }));
        const full = command("apply");
        expect(full.code).toBe(1);
        expect(full.stderr).toMatch(
          /^wvisor apply: f\d+: ENOSPC \(no space is left\); .wvisor apply. goes on, [^\n]*\n$/,
        );
        expect(readdirSync(base).filter((name) => name.startsWith(".wvisor-"))).toEqual([]);
        for (let i = 0; i < count; i++) {
          const content = readFileSync(path.join(base, `f${i}`), "utf8");
          expect([`${i}`.repeat(100_000), "small\n"].includes(content)).toBe(true);
        }
        expect(command("diff").stderr).toMatch(/was stopped before its end/);
        expect(command("undo")).toMatchObject({ code: 0 });
        expect(treeDigest(base, { times: false })).toEqual(before);
        expect(command("apply").code).toBe(1);
        execFileSync("mount", ["-o", "remount,size=16m", base]);
        expect(command("apply").stderr).toMatch(/that was stopped is finished/);
        for (let i = 0; i < count; i++)
          expect(readFileSync(path.join(base, `f${i}`), "utf8")).toBe(`${i}`.repeat(100_000));
        small.session.release();
      } finally {
        execFileSync("umount", ["-l", base]);
      }
    },
  );

  test("files may not be larger than RLIMIT_FSIZE", () => {
    writeFileSync(at("f"), "1\n");
    fixture.layer((layer) => layer.write("f", "x".repeat(3_000_000)));
    const command = `ulimit -f 1000; exec "$@"`;
    const cli = path.resolve("build/cli.js");
    const limited = fixture.released(() => {
      try {
        execFileSync("sh", ["-c", command, "sh", process.execPath, cli, "apply"], {
          cwd: fixture.base,
          env: fixture.env,
          stdio: "pipe",
          encoding: "utf8",
        });
        return "";
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
    });
    expect(limited).toMatch(/^wvisor apply: f: EFBIG/);
    expect(read("f")).toBe("1\n");
    expect(readdirSync(fixture.base)).toEqual(["f"]);
    expect(run("apply")).toMatchObject({ code: 0 });
    expect(read("f").length).toBe(3_000_000);
  });
});

describe("a session's directory that somebody edited", () => {
  const session = (name: string): string => path.join(fixture.session.directory, name);

  function stopHalfWay(): void {
    for (const name of ["a", "b"]) writeFileSync(at(name), "1\n");
    fixture.layer((layer) => {
      layer.write("a", "2\n");
      layer.write("b", "2\n");
    });
    expect(run("apply")).toMatchObject({ code: 0 });
  }

  test("an edited journal is refused", () => {
    stopHalfWay();
    const text = readFileSync(session("undo/journal"), "latin1");
    writeFileSync(session("undo/journal"), text.replace('"path":"a"', '"path":"../a"'), "latin1");
    expect(run("undo")).toMatchObject({ code: 1 });
    expect([read("a"), read("b")]).toEqual(["2\n", "2\n"]);
  });

  test("a journal whose last line is not whole is one of a process that was stopped", () => {
    stopHalfWay();
    appendFileSync(session("undo/journal"), "0123456789abcdef {");
    expect(run("undo")).toMatchObject({ code: 0 });
    expect([read("a"), read("b")]).toEqual(["1\n", "1\n"]);
  });

  test("symbolic links in the place of its directories lead nowhere", () => {
    stopHalfWay();
    const outside = path.join(fixture.directory, "outside");
    mkdirSync(outside);
    writeFileSync(path.join(outside, "0"), "not for you\n");
    for (const name of ["undo/files", "undo"]) {
      renameSync(session(name), session(`${name}.away`));
      symlinkSync(outside, session(name));
      expect(run("undo").code).toBe(1);
      expect([read("a"), read("b")]).toEqual(["2\n", "2\n"]);
      rmSync(session(name));
      renameSync(session(`${name}.away`), session(name));
    }
    renameSync(session("upper"), session("upper.away"));
    symlinkSync(outside, session("upper"));
    expect(run("apply").code).toBe(1);
    expect(readdirSync(outside)).toEqual(["0"]);
  });

  test("marks of the layer that lie are no way out of the base", () => {
    mkdirSync(at("d"));
    writeFileSync(path.join(fixture.directory, "secret"), "secret\n");
    fixture.layer((layer) => {
      layer.mkdir("moved");
      layer.setxattr("moved", "user.overlay.redirect", "/../..");
      layer.mkdir("up");
      layer.setxattr("up", "user.overlay.redirect", "..");
      layer.write("f", "f\n");
      layer.setxattr("f", "user.overlay.origin", "lies");
    });
    expect(run("apply").stderr).not.toContain("internal error");
    expect(readdirSync(fixture.directory).sort()).toEqual(["base", "secret", "state"]);
    expect(treeDigest(fixture.base).join("\n")).not.toContain("secret");
  });
});

test("permissions of the base decide", () => {
  mkdirSync(at("closed"));
  writeFileSync(at("closed/f"), "1\n");
  fixture.layer((layer) => layer.write("closed/f", "2\n"));
  if (IS_ROOT) {
    execFileSync("chattr", ["+i", at("closed")], { stdio: "ignore" });
  } else chmodSync(at("closed"), 0o555);
  try {
    const refused = run("apply");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/closed\/f: E(PERM|ACCES) /);
    expect(read("closed/f")).toBe("1\n");
  } finally {
    if (IS_ROOT) execFileSync("chattr", ["-i", at("closed")]);
    else chmodSync(at("closed"), 0o755);
  }
  expect(run("apply")).toMatchObject({ code: 0 });
  expect(read("closed/f")).toBe("2\n");
});

test("--interactive asks for each file, and applies those that are wanted", () => {
  for (const name of ["a", "b", "c"]) writeFileSync(at(name), "1\n");
  fixture.layer((layer) => {
    for (const name of ["a", "b", "c"]) layer.write(name, "2\n");
    layer.write("new/f", "2\n");
  });
  const command = `'${process.execPath}' '${path.resolve("build/cli.js")}' apply --interactive`;
  const shown = fixture.released(() =>
    execFileSync("script", ["-qec", command, "/dev/null"], {
      cwd: fixture.base,
      env: { ...fixture.env, NO_COLOR: "1" },
      input: "n\nd\ny\nq\n",
      encoding: "utf8",
    }),
  );
  expect(shown).toContain("(1/4) M  a [y,n,d,a,q,?]");
  expect(shown).toContain("+2");
  expect([read("a"), read("b"), read("c"), existsSync(at("new"))]).toEqual(["1\n", "2\n", "1\n", false]);
});

test.skipIf(!IS_ROOT)("an ordinary user applies what that user may change", () => {
  mkdirSync(at("closed"));
  for (const name of ["closed/f", "open"]) writeFileSync(at(name), "1\n");
  execFileSync("chown", ["65534:65534", fixture.directory, fixture.base, at("open")]);
  fixture.layer((layer) => {
    layer.write("open", "2\n");
    layer.write("closed/f", "2\n");
  });
  execFileSync("chown", ["-R", "65534:65534", path.join(fixture.directory, "state")]);
  const asUser = (...args: string[]): Finished =>
    fixture.released(() => {
      const cli = path.resolve("build/cli.js");
      const user = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, cli, ...args];
      return runCommand("setpriv", user, { cwd: fixture.base, env: fixture.env });
    });
  const refused = asUser("apply");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/closed\/f: EACCES \(permission denied\)/);
  expect([read("open"), read("closed/f")]).toEqual(["1\n", "1\n"]);
  expect(asUser("undo").code).toBe(0);
  expect(asUser("apply", "open")).toMatchObject({ code: 0 });
  expect([read("open"), read("closed/f")]).toEqual(["2\n", "1\n"]);
});
