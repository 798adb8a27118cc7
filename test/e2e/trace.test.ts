// Programs under --strace and --trace, by the built command line.

import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { TraceRecord } from "../../src/trace/record.ts";
import { CLI, put, python, ROOT, runCommand, scratchDirectory, wvisor } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";

const top = scratchDirectory();
const WRITE = () => guestFile("write");

beforeAll(async () => {
  await buildGuests(["hello", "write", "stdin-copy", "spin", "exit-code"]);
  put(top, "data/a.txt", "hello");
});

function records(file: string): TraceRecord[] {
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as TraceRecord);
}

describe("--strace", () => {
  test("tells each call on stderr, and why one was refused", () => {
    const flags = ["--strace", "--strace-calls", "path_*,proc_exit", "-v", `${top}/data:/data:ro`];
    const { code, stderr } = wvisor(["do", ...flags, "--", WRITE(), "/data/x", "hi"]);
    expect(code).toBe(1);
    expect(stderr.replace(/0x[0-9a-f]+/g, "ADDRESS")).toBe(
      '[pid 1] path_open(3</>, LOOKUP_SYMLINK_FOLLOW, "data/x", OFLAGS_CREAT|OFLAGS_TRUNC, FD_WRITE, ' +
        "RIGHTS_ALL&~(SOCK_SHUTDOWN|SOCK_ACCEPT), 0, ADDRESS) = EROFS (mount /data is read-only)\n" +
        "write: /data/x: ROFS\n[pid 1] proc_exit(1) = ?\n[pid 1] +++ exited with 1 +++\n",
    );
  });

  test("a real program says the same with it and without", () => {
    const code =
      "import os, json; print(json.dumps(sorted(os.listdir('/data')))); print(open('/data/a.txt').read())";
    const bare = python(["-v", `${top}/data:/data:ro`], code);
    const file = path.join(top, "python.txt");
    const traced = python(["-v", `${top}/data:/data:ro`, `--strace=${file}`, "-c"], code);
    expect(bare.code).toBe(0);
    expect([traced.code, traced.stdout]).toEqual([bare.code, bare.stdout]);
    expect(traced.stderr).toMatch(/^% time .*\n(?:.*\n)*100\.00 .* total\n$/);
    const lines = readFileSync(file, "utf8");
    expect(lines).toMatch(/fd_read\(\d+<\/data\/a\.txt>, \[\{buf="hello", buf_len=\d+\}/);
    expect(lines).toMatch(/^[\x20-\x7e\n]*$/);
  });

  test("a program that --timeout ends in a call, and in its own code", () => {
    const file = path.join(top, "timeout.jsonl");
    // Open for writing as well: it has no end.
    const script = `mkfifo "$0" && exec "$@" 0<>"$0"`;
    const args = [process.execPath, CLI, "do", "--strace", "-c", "--trace", file, "--timeout", "2s", "--"];
    const asleep = runCommand("bash", [
      "-c",
      script,
      path.join(top, "fifo"),
      ...args,
      guestFile("stdin-copy"),
    ]);
    expect(asleep.code).toBe(124);
    expect(asleep.stderr).toMatch(
      /fd_read\(0<[^>]*>, 0x[0-9a-f]+, 1, 0x[0-9a-f]+ <unfinished \.\.\.>\n\[pid 1\] \+\+\+ stopped after 2000 ms \+\+\+\n/,
    );
    const [call, end] = records(file).slice(-2);
    expect(call).toMatchObject({ type: "call", name: "fd_read" });
    expect(call).not.toHaveProperty("dur");
    expect(end).toMatchObject({ type: "end", code: 124, message: "stopped after 2000 ms" });
    const spinning = wvisor(["do", "--strace", "--timeout", "1s", "--", guestFile("spin")]);
    expect(spinning.stderr).toMatch(/(?:^|\n)\[pid 1\] \+\+\+ stopped after 1000 ms \+\+\+\n/);
    expect(spinning.stderr).not.toContain("unfinished");
  });

  test("a reader that goes away ends the trace with one warning, and not the program", () => {
    const script = `exec 3> >(head -c 100 > /dev/null); exec "$@" --strace=/dev/fd/3 -- python3 -c 'print(6 * 7)'`;
    const { code, stdout, stderr } = runCommand("bash", ["-c", script, "bash", process.execPath, CLI, "do"]);
    expect([code, stdout]).toEqual([0, "42\n"]);
    expect(stderr).toBe("wvisor: warning: the trace ends here: writing /dev/fd/3: EPIPE\n");
  });

  test("a slow reader slows the program, and misses nothing", async () => {
    const child = spawn(process.execPath, [CLI, "do", "--strace", "--", "python3", "-c", "pass"], {
      cwd: top,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let text = "";
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    child.stderr.on("data", (piece: Buffer) => {
      text += piece.toString();
      child.stderr.pause();
      setTimeout(() => child.stderr.resume(), 5);
    });
    expect(await ended).toBe(0);
    expect(text.trimEnd().split("\n").at(-1)).toBe("[pid 1] +++ exited with 0 +++");
    for (const line of text.trimEnd().split("\n")) expect(line).toMatch(/^\[pid 1\] /);
  });

  test("flags that cannot be", () => {
    const refuse = (...flags: string[]) => wvisor(["do", ...flags, "--", "x"]).stderr;
    expect(refuse("--strace", "--strace-calls", "open")).toContain('there is no call "open"');
    expect(refuse("--strace-calls", "fd_read")).toContain("give one of them");
    expect(refuse("--strace=/nowhere/at/all")).toContain("/nowhere/at/all");
    expect(wvisor(["run", "--detach", "--strace", "c"]).stderr).toContain("for the foreground");
  });

  test("a bundle in the foreground", () => {
    const bundle = path.join(top, "bundle");
    expect(wvisor(["spec", "--bundle", bundle, guestFile("hello")]).code).toBe(0);
    const { code, stdout, stderr } = wvisor(["run", "--strace", "--bundle", bundle]);
    expect([code, stdout]).toEqual([0, "hello from wasm\n"]);
    expect(stderr).toMatch(
      /fd_write\(1<[^>]*>, \[\{buf="hello from wasm\\n", buf_len=16\}\], 1, \[16\]\) = 0\n/,
    );
  });
});

describe("--trace", () => {
  const file = path.join(top, "t.jsonl");

  test("keeps what ran, on what, each call, descriptors, and the end", () => {
    const flags = ["--trace", file, "-v", `${top}/data:/data`, "--tmpfs", "/t:size=4k"];
    expect(wvisor(["do", ...flags, "--", WRITE(), "/t/\u00e4\x1b[2J", "hi"]).code).toBe(0);
    const all = records(file);
    const [begin] = all;
    if (begin?.type !== "begin") throw new Error("it does not begin");
    expect(begin).toMatchObject({
      version: 1,
      pid: 1,
      cwd: "/",
      argv: [expect.any(String), "/t/\u00e4\x1b[2J", "hi"],
    });
    const root = begin.mounts.find(({ path: at }) => at === "/")!;
    expect(begin.mounts).toContainEqual(
      expect.objectContaining({ path: "/t", type: "tmpfs", parent: root.id, fsOptions: "rw,size=4k" }),
    );
    expect(begin.fds.at(-1)).toEqual({ fd: 3, path: "/" });
    const opened = all.find((record) => record.type === "open");
    expect(opened).toMatchObject({ fd: 4, path: "/t/\u00e4\x1b[2J" });
    expect(all.at(-2)).toMatchObject({ type: "close", fd: 4 });
    expect(all.at(-1)).toMatchObject({ type: "end", code: 0 });
  });

  test("is read by wvisor trace, as lines and as a table", () => {
    const lines = wvisor(["trace", file]);
    expect(lines.code).toBe(0);
    expect(lines.stdout).toContain('"t/\\303\\244\\33[2J"');
    expect(lines.stdout).toMatch(/\[pid 1\] \+\+\+ exited with 0 \+\+\+\n$/);
    expect(wvisor(["trace", "-c", file]).stdout).toMatch(/ 1 +path_open\n/);
  });

  test("what is no trace is refused in one line", () => {
    const wrong = put(top, "wrong.jsonl", '{"type":"begin","version":99}\n');
    const { code, stderr } = wvisor(["trace", wrong]);
    expect([code, stderr]).toEqual([
      1,
      `wvisor trace: ${wrong}, line 1: its version is not 1: not a trace of wvisor --trace\n`,
    ]);
    expect(wvisor(["trace", top]).stderr).toContain("not a regular file");
    expect(spawnSync(process.execPath, [CLI, "trace"], { cwd: ROOT }).status).toBe(2);
  });
});
