import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { launcherPath } from "../../src/native/index.ts";
import { closeNow, Memory, native, outcome, pair, scratch } from "./support.ts";

const LAUNCH = launcherPath();
const NODE = process.execPath;

/** The launcher with `options`, then Node on `source`. */
function launch(options: string[], source: string, extra: number[] = []): ChildProcess {
  // Arguments of the launcher's own come behind the program's.
  return spawn(LAUNCH, [...options, "--", NODE, "-e", source, "--"], {
    stdio: ["ignore", "pipe", "pipe", ...extra],
    env: { SECRET: "x", NODE_OPTIONS: "--no-such-option" },
  });
}

function run(...args: string[]): ChildProcess {
  return spawn(LAUNCH, args, { stdio: ["ignore", "pipe", "pipe"], env: {} });
}

const print = (expression: string) => `process.stdout.write(JSON.stringify(${expression}))`;

/** One letter, as in /proc; X when there is no such process. */
function stateOf(pid: number): string {
  if (!existsSync(`/proc/${pid}`)) return "X";
  return /State:\t(.)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]!;
}

describe("what the program gets", () => {
  test("exactly the environment that was named", async () => {
    const ended = await outcome(launch(["--env", "A=1", "--env", "B=x=y z"], print("process.env")));
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(ended.stdout)).toEqual({ A: "1", B: "x=y z" });
    expect((await outcome(launch([], print("process.env")))).stdout).toBe("{}");
  });

  test("its arguments unchanged, and its exit status is passed on", async () => {
    const ended = await outcome(
      run("--", NODE, "-e", "console.log(process.argv.slice(1)); process.exit(9)", "--", "--fds=9", ""),
    );
    expect(ended).toMatchObject({ code: 9, stdout: "[ '--fds=9', '' ]\n" });
  });

  test("the first N descriptors and no other", async () => {
    const memory = new Memory(1);
    const [left, right] = pair(memory);
    // The shell opens descriptor 9 after Node's own sweep, so that only the launcher can close it.
    const shell = (fds: number) =>
      spawn(
        "sh",
        ["-c", `exec 9</dev/null; exec ${LAUNCH} --fds=${fds} -- /bin/sh -c 'echo /proc/self/fd/*'`],
        {
          stdio: ["ignore", "pipe", "inherit", left, right],
          env: { PATH: process.env.PATH ?? "" },
        },
      );
    const numbers = async (fds: number) => (await outcome(shell(fds))).stdout.match(/\d+/g)?.map(Number);
    expect(await numbers(10)).toContain(9);
    // The shell opens the directory itself: the lowest number that is free.
    expect(await numbers(4)).toEqual([0, 1, 2, 3, 4]);
    expect(await numbers(3)).toEqual([0, 1, 2, 3]);
  });

  test("no new privileges, no core dumps, no blocked and no ignored signals", async () => {
    const source = `trap "" HUP INT PIPE USR1; exec ${LAUNCH} -- /bin/cat /proc/self/status /proc/self/limits`;
    const { stdout } = await outcome(spawn("sh", ["-c", source], { stdio: ["ignore", "pipe", "inherit"] }));
    expect(stdout).toMatch(/^NoNewPrivs:\t1$/m);
    expect(stdout).toMatch(/^SigIgn:\t0+$/m);
    expect(stdout).toMatch(/^SigBlk:\t0+$/m);
    expect(stdout).toMatch(/^SigCgt:\t0+$/m);
    expect(stdout).toMatch(/^Max core file size +0 +0 /m);
  });

  test("a donated socket is usable as descriptor 3", async () => {
    const memory = new Memory(1);
    const [left, right] = pair(memory);
    const child = launch(["--fds=4"], `require("fs").writeSync(3, "hello")`, [right]);
    const out = memory.room(8);
    expect(native.read(left, 0, out, 8)).toBe(5);
    expect(memory.text(out, 5)).toBe("hello");
    expect((await outcome(child)).code).toBe(0);
  });
});

describe("the death of the parent", () => {
  test("kills the program", async () => {
    const [alive, held] = pair(new Memory(1));
    const middle = spawn(
      NODE,
      [
        "-e",
        `const child = require("child_process").spawn(${JSON.stringify(LAUNCH)},
           ["--fds=4", "--pdeathsig=9", "--parent=" + process.pid, "--", process.execPath, "-e",
            ${JSON.stringify(`require("fs").writeSync(3, String(process.pid)); setInterval(() => {}, 1000);`)}],
           { stdio: ["ignore", "ignore", "inherit", 3] });
         setInterval(() => {}, 1000);`,
      ],
      { stdio: ["ignore", "ignore", "inherit", held] },
    );
    closeNow(held);
    const memory = new Memory(1);
    const pid = Number(memory.text(0, native.read(alive, 0, 0, 16)));
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    middle.kill("SIGKILL");
    // The end of the stream comes when the last process that has the socket closes its files, which is a little
    // before it is gone.
    expect(native.read(alive, 0, 0, 16)).toBe(0);
    await expect.poll(() => stateOf(pid)).toMatch(/[XZ]/);
  });

  test("that is another process already is the end, without a word", async () => {
    const ended = await outcome(launch(["--pdeathsig=9", "--parent=1"], ""));
    expect(ended.code).toBe(125);
    expect(ended.stderr).toBe("");
  });
});

describe("in namespaces", () => {
  const libraries = (): string[] => {
    const memory = new Memory(1);
    const length = native.loadedLibraries(0, 0, memory.size);
    return memory.text(0, length).split("\0").slice(0, -1);
  };
  const shown = () => [NODE, ...libraries(), "/etc/ld.so.cache"].map((file) => `--show=${file}`);
  const caged = (source: string, mode = "must", extra: number[] = []) =>
    launch([`--namespaces=${mode}`, `--fds=${3 + extra.length}`, "--caps=1f", ...shown()], source, extra);

  test("the program is process 1 and sees the named files, read-only, and its own /proc", async () => {
    const ended = await outcome(
      caged(`const fs = require("fs");
        const tried = ["/x", "/usr/x", process.execPath].map((file) => {
          try { return fs.writeFileSync(file, ""); } catch (error) { return error.code; }
        });
        const tasks = fs.readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
        ${print('{ pid: process.pid, tasks, tried, proc: fs.readdirSync("/").includes("proc"), etc: fs.readdirSync("/etc") }')}`),
    );
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(ended.stdout)).toEqual({
      pid: 1,
      tasks: ["1"],
      tried: ["EROFS", "EROFS", "EROFS"],
      proc: true,
      etc: ["ld.so.cache"],
    });
  });

  test("it keeps no capability but those that were named", async () => {
    const ended = await outcome(
      caged(print('require("fs").readFileSync("/proc/self/status", "utf8").match(/Cap.*/g)')),
    );
    const five = process.getuid?.() === 0 ? "000000000000001f" : "0000000000000000";
    const none = "0000000000000000";
    expect(JSON.parse(ended.stdout)).toEqual([
      `CapInh:\t${none}`,
      `CapPrm:\t${five}`,
      `CapEff:\t${five}`,
      `CapBnd:\t${five}`,
      `CapAmb:\t${none}`,
    ]);
  });

  test("the launcher ends as the program does", async () => {
    expect((await outcome(caged("process.exit(9)"))).code).toBe(9);
    // Linux keeps SIGABRT from process 1, which sends it to itself; abort(3) has a last resort.
    expect((await outcome(caged("process.abort()"))).code).toBe(128 + 11);
  });

  test("the program ends with the launcher", async () => {
    const memory = new Memory(1);
    const [alive, held] = pair(memory);
    const launcher = caged('require("fs").writeSync(3, "x"); setInterval(() => {}, 1000);', "must", [held]);
    closeNow(held);
    const at = memory.room(8);
    expect(native.read(alive, 0, at, 8)).toBe(1);
    launcher.kill("SIGKILL");
    expect(native.read(alive, 0, at, 8)).toBe(0);
  });

  test("what cannot be had is a failure, unless it was only to be tried", async () => {
    const missing = ["--namespaces=must", "--", NODE, "-e", "0"];
    expect(await outcome(run(...missing))).toMatchObject({
      code: 125,
      stderr: `wv-launch: namespaces: ${NODE}: No such file or directory\n`,
    });
    const tried = await outcome(run("--namespaces=try", "--", NODE, "-e", "console.log(process.argv)"));
    expect(tried).toMatchObject({ code: 0, stdout: `[ '${NODE}' ]\n`, stderr: "" });
  });
});

describe("failures are one line and 125", () => {
  const NUMBER = "is not a number from";
  test.each([
    [["--bogus", "--", "/bin/true"], "unknown option: --bogus"],
    [["/bin/true"], "unknown option: /bin/true"],
    [[], "expected -- PROGRAM ARGS..."],
    [["--"], "expected -- PROGRAM ARGS..."],
    [["--fds=2", "--", "/bin/true"], `--fds: 2 ${NUMBER} 3 to 1048576`],
    [["--fds=3x", "--", "/bin/true"], `--fds: 3x ${NUMBER} 3 to 1048576`],
    [["--fds=", "--", "/bin/true"], `--fds:  ${NUMBER} 3 to 1048576`],
    [["--pdeathsig=65", "--", "/bin/true"], `--pdeathsig: 65 ${NUMBER} 1 to 64`],
    [["--pdeathsig=9", "--", "/bin/true"], "--pdeathsig and --parent go together"],
    [["--parent=1", "--", "/bin/true"], "--pdeathsig and --parent go together"],
    [["--env"], "--env: expected NAME=VALUE"],
    [["--env", "NAME", "--", "/bin/true"], "--env: expected NAME=VALUE"],
    [["--env", "=x", "--", "/bin/true"], "--env: expected NAME=VALUE"],
    [["--caps=x", "--", "/bin/true"], "--caps: x is not a hexadecimal number"],
    [["--namespaces=x", "--", "/bin/true"], "--namespaces: x is neither try nor must"],
    [["--show=x", "--", "/bin/true"], "--show: x is not an absolute path"],
    [["--parent-roots=2", "--", "/bin/true"], `--parent-roots: 2 ${NUMBER} 3 to 1048576`],
    [["--fds=5", "--parent-roots=4", "--", "/bin/true"], "--parent-roots: it is the program's"],
    [["--", "/none"], "/none: No such file or directory"],
    [["--", "true"], "true: No such file or directory"],
  ])("%j", async (args, line) => {
    expect(await outcome(run(...args))).toEqual({
      code: 125,
      signal: null,
      stdout: "",
      stderr: `wv-launch: ${line}\n`,
    });
  });

  test("a program that may not be executed", async () => {
    const file = path.join(scratch(), "file");
    writeFileSync(file, "", { mode: 0o600 });
    expect((await outcome(run("--", file))).stderr).toBe(`wv-launch: ${file}: Permission denied\n`);
  });
});
