// The native front as a program: what it takes from its caller, from the directory of containers and from a sentry may be anything.

import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { directoryName } from "../../src/host/container/container-id.ts";
import { identify } from "../../src/host/container/process-id.ts";
import { type ContainerRecord, writeRecord } from "../../src/host/container/record.ts";
import { frontPath } from "../../src/native/index.ts";
import { Random } from "../fuzz/random.ts";
import { scratchDirectory } from "../host/scratch.ts";
import { CLI } from "../support/cli.ts";

const top = scratchDirectory();
const DEADLY = [4, 6, 7, 8, 11];
let next = 0;
let root: string;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Ended {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env });
  return { code: status, out: stdout, err: stderr };
}

const front = (...args: string[]): Ended => run(frontPath(), ["--root", root, ...args]);
const cli = (...args: string[]): Ended =>
  run(process.execPath, ["--no-warnings", CLI, "--root", root, ...args]);

/** A container whose anchor is this very process, unless it is said otherwise. */
function put(id: string, change: Partial<ContainerRecord> = {}, phase = "r"): string {
  const directory = path.join(root, directoryName(id));
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(path.join(directory, "phase"), phase);
  writeRecord(directory, {
    id,
    ociVersion: "1.0.2",
    anchor: identify(process.pid)!,
    bundle: "/bundle",
    rootfs: "/bundle/rootfs",
    created: "2026-01-01T00:00:00.000Z",
    owner: "root",
    annotations: { "a\n\nb": "\u0001 ü" },
    process: { env: [], cwd: "/", uid: 0, gid: 0, groups: [], umask: 0o22, capabilities: "0" },
    ...change,
  });
  return directory;
}

const GONE = { anchor: { pid: 2 ** 22 + 1, startTime: "1" } };

beforeEach(() => {
  root = path.join(top, `root-${next++}`);
  mkdirSync(root, { mode: 0o700 });
});

describe("the state of a container", () => {
  test("is OCI's, with what never changes as it was written", () => {
    put("c1");
    const { code, out } = front("state", "c1");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      ociVersion: "1.0.2",
      id: "c1",
      pid: process.pid,
      status: "running",
      bundle: "/bundle",
      rootfs: "/bundle/rootfs",
      created: "2026-01-01T00:00:00.000Z",
      owner: "root",
      annotations: { "a\n\nb": "\u0001 ü" },
    });
  });

  test.each([
    ["created", {}, "c"],
    ["created", {}, ""],
    ["running", {}, "r"],
    ["stopped", GONE, "r"],
    ["stopped", { anchor: { pid: process.pid, startTime: "1" } }, "r"],
  ] as const)("%s", (status, change, phase) => {
    put("c1", change, phase);
    const pid = status === "stopped" ? 0 : process.pid;
    expect(JSON.parse(front("state", "c1").out)).toMatchObject({ status, pid });
  });

  test("of all containers: a table, JSON, ids", () => {
    put("b", { ...GONE, bundle: "/ä\x1b\n" });
    put("a");
    mkdirSync(path.join(root, "half-made"));
    expect(front("list", "-q").out).toBe("a\nb\n");
    const states = JSON.parse(front("list", "-f=json").out) as { id: string }[];
    expect(states).toEqual(["a", "b"].map((id) => JSON.parse(front("state", id).out)));
    const pid = String(process.pid);
    expect(front("list").out.split("\n")).toEqual([
      `ID   ${"PID".padEnd(pid.length)}   STATUS    BUNDLE    CREATED                    OWNER`,
      `a    ${pid}   running   /bundle   2026-01-01T00:00:00.000Z   root`,
      `b    ${"0".padEnd(pid.length)}   stopped   /ä\\x1b   2026-01-01T00:00:00.000Z   root`.replace(
        "\\x1b   ",
        "\\x1b    ",
      ),
      "",
    ]);
  });
});

describe("the front and the CLI are one", () => {
  const long = "x".repeat(300);
  test.each([
    ["state", "c1"],
    ["state", "-debug", "c1"],
    ["state", "gone"],
    ["state", "none"],
    ["state", long],
    ["state", "none", "more"],
    ["state"],
    ["state", "../x"],
    ["state", ""],
    ["state", "--", "c1"],
    ["start", "c1"],
    ["start", "gone"],
    ["start", "none"],
    ["kill", "gone"],
    ["kill", "-a", "gone", "9"],
    ["kill", "--all=false", "gone", "SIGRTMIN+1"],
    ["kill", "c1", "FOO"],
    ["kill", "c1", "0"],
    ["kill", "c1", "URG", "x"],
    ["kill", "--nosuch", "c1"],
    ["delete", "c1"],
    ["delete", "none"],
    ["delete", "none", "--force"],
    ["delete", "-force=maybe", "none"],
    ["ps", "gone"],
    ["ps", "-f"],
    ["ps", "--format=xml", "c1"],
    ["ps", "c1", "-ef"],
    ["list"],
    ["list", "--quiet", "-f", "json"],
    ["list", "x"],
    ["features"],
    ["--version"],
    ["-v", "state"],
    ["help", "kill"],
    ["kill", "--help"],
    ["nosuch"],
    ["-"],
    ["--log-format"],
  ])("%s %s %s %s", (...args) => {
    put("c1");
    put("gone", GONE);
    put(long);
    const given = args.filter((argument) => argument !== undefined);
    const log = path.join(root, "../log");
    const logged = (by: typeof front) => {
      const ended = by("--log", log, "--log-format", "json", ...given);
      const records = statSync(log, { throwIfNoEntry: false }) && readFileSync(log, "utf8");
      rmSync(log, { force: true });
      return { ...ended, log: records?.replace(/"time":"[^"]*"/, "") };
    };
    expect(logged(front)).toEqual(logged(cli));
  });

  test("a log gets lines of either form", () => {
    const log = path.join(root, "log");
    front("--log", log, "state", "none");
    front("--log", log, "--log-format=json", "state", "none");
    const [text, json] = readFileSync(log, "utf8").trimEnd().split("\n");
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
    expect(text).toMatch(new RegExp(`^time="${time}" level=error msg="container none does not exist"$`));
    expect(json).toMatch(new RegExp(String.raw`^\{"level":"error","msg":"[a-z ]+","time":"${time}"\}$`));
  });
});

describe("a hostile directory of containers", () => {
  test("others may not write there", () => {
    put("c1");
    chmodSync(root, 0o770);
    expect(front("state", "c1")).toMatchObject({
      code: 1,
      err: `wvisor state: ${root}: others may write there\n`,
    });
  });

  test("links are no containers, and records are files", () => {
    const target = put("c1");
    symlinkSync(target, path.join(root, "link"));
    expect(front("state", "link").err).toBe("wvisor state: container link does not exist\n");
    expect(front("list", "-q").out).toBe("c1\n");
    const record = path.join(target, "record");
    rmSync(record);
    symlinkSync("/etc/passwd", record);
    expect(front("state", "c1")).toMatchObject({ code: 1, out: "" });
    rmSync(record);
    expect(spawnSync("mkfifo", [record]).status).toBe(0);
    expect(front("state", "c1")).toMatchObject({ code: 1, err: "wvisor state: record: not a record\n" });
  });

  test("records with bytes changed, left out and added are refused or read, and nothing crashes", () => {
    const record = path.join(put("c1"), "record");
    const whole = readFileSync(record);
    const random = new Random(1);
    for (let round = 0; round < 150; round++) {
      const bytes = Buffer.from(whole);
      const at = random.below(bytes.length);
      const changed = [
        () => bytes.subarray(0, at),
        () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(bytes.length))]),
        () => {
          bytes[at] = random.below(256);
          return bytes;
        },
      ][round % 3]!();
      writeFileSync(record, changed);
      const { code, err } = front(round % 2 === 0 ? "state" : "list", ...(round % 2 === 0 ? ["c1"] : []));
      expect({ round, code, err }).toMatchObject({
        code: err === "" ? 0 : 1,
        err: expect.stringMatching(/^(wvisor (state|list): .*\n)?$/),
      });
    }
  });

  test("deleting goes nowhere else", () => {
    const directory = put("c1", GONE);
    mkdirSync(path.join(directory, "sub/sub"), { recursive: true });
    const outside = path.join(top, "outside");
    mkdirSync(outside);
    writeFileSync(path.join(outside, "file"), "");
    symlinkSync(outside, path.join(directory, "sub/link"));
    expect(front("delete", "c1")).toEqual({ code: 0, out: "", err: "" });
    expect(statSync(directory, { throwIfNoEntry: false })).toBeUndefined();
    expect(statSync(path.join(outside, "file")).size).toBe(0);
  });
});

describe("a hostile sentry", () => {
  /** What `ps` makes of an answer. */
  async function ps(answer: string | Buffer, args: readonly string[] = ["ps", "c1"]): Promise<Ended> {
    const socket = path.join(root, "c1/control");
    const server = createServer((client) => {
      client.on("error", () => {});
      client.once("data", () => client.end(answer));
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const child = spawn(frontPath(), ["--root", root, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (part) => {
      out += part;
    });
    child.stderr.on("data", (part) => {
      err += part;
    });
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    await new Promise((resolve) => server.close(resolve));
    return { code, out, err };
  }

  const process0 = {
    UID: 0,
    PID: 1,
    PPID: 0,
    HostPID: 0,
    Cmd: "/bin/a",
    More: [{ x: ["]}"] }, null, -1.5e3],
  };
  const listing = (...processes: object[]) => JSON.stringify({ success: true, err: "", result: processes });

  beforeEach(() => {
    put("c1");
  });

  test("a list of processes, as it should be", async () => {
    const answer = listing(process0, {
      ...process0,
      UID: 1000,
      PID: 2,
      HostPID: 77,
      Cmd: '\u001bé😀\u0085"\\/\n',
    });
    const { code, out } = await ps(answer);
    const pid = String(process.pid);
    expect({ code, out }).toEqual({
      code: 0,
      out: [
        `UID    HOSTPID   PID   CMD`,
        `0      ${pid.padEnd(7)}   1     /bin/a`,
        `1000   ${"77".padEnd(7)}   2     \\x1bé😀\\x85"\\/ `.trimEnd(),
        "",
      ].join("\n"),
    });
    const escaped = answer.replace("é😀", "\\u00e9\\uD83D\\ude00");
    expect((await ps(escaped)).out).toBe(out);
    expect((await ps(answer, ["ps", "--format", "json", "c1"])).out).toBe(`[${pid},77]\n`);
    expect((await ps(listing(), ["ps", "-f=json", "c1"])).out).toBe("[]\n");
  });

  test("its words, when it refuses", async () => {
    const answer = JSON.stringify({ success: false, err: 'no\u001b "such"', result: null });
    expect(await ps(answer)).toEqual({ code: 1, out: "", err: 'wvisor ps: no\\x1b "such"\n' });
  });

  test.each([
    ["nothing", ""],
    ["no JSON", "hello}"],
    ["no object", "[]"],
    ["half of it", '{"success":true,"err":"","result":['],
    ["no success", '{"err":"","result":[]}'],
    ["no word", '{"success":maybe,"err":"","result":[]}'],
    ["another key", '{"success":true,"err":"","result":[],"x":1}'],
    ["no list", '{"success":true,"err":"","result":{}}'],
    ["no processes", '{"success":true,"err":"","result":[1]}'],
    ["no command", listing({ UID: 0, PID: 1, HostPID: 0 })],
    ["a negative number", listing({ ...process0, PID: -1 })],
    ["a number beyond all", listing({ ...process0, PID: 1 }).replace('"PID":1', `"PID":${"9".repeat(40)}`)],
    ["a pid that is none", listing({ ...process0, HostPID: 2 ** 31 })],
    ["half a pair", listing(process0).replace("/bin/a", "\\ud83d")],
    ["NUL", listing(process0).replace("/bin/a", "\\u0000")],
    ["deep", `{"success":true,"err":"","result":${"[".repeat(100_000)}}`],
    ["long", Buffer.alloc(9 << 20, "[")],
  ])("%s", async (_name, answer) => {
    const { code, out, err } = await ps(answer);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^wvisor ps: the sandbox does not answer.*\n$/);
  });

  test("answers with bytes changed", async () => {
    const random = new Random(2);
    for (let round = 0; round < 100; round++) {
      const bytes = Buffer.from(listing(process0, process0));
      for (let times = 0; times <= round % 4; times++) bytes[random.below(bytes.length)] = random.below(256);
      const { code } = await ps(bytes);
      expect([0, 1]).toContain(code);
      expect(DEADLY.map((number) => 128 + number)).not.toContain(code);
    }
  });

  test("nobody listens", () => {
    expect(front("ps", "c1").err).toBe("wvisor ps: container not running\n");
  });
});

describe("Node, when it is needed", () => {
  /** A build of its own, whose node prints what it was given. */
  function layout(node: string | undefined): string {
    const folder = path.join(top, `build-${next++}`);
    mkdirSync(folder);
    copyFileSync(frontPath(), path.join(folder, "wvisor"));
    chmodSync(path.join(folder, "wvisor"), 0o755);
    if (node !== undefined) writeFileSync(path.join(folder, "node"), node, { mode: 0o755 });
    return folder;
  }

  const TELL = `#!/bin/sh\nprintf '%s\\n' "$@"\ntr '\\0' '\\n' < /proc/self/environ\n`;
  const HOSTILE = {
    NODE_OPTIONS: "--require=/evil.js",
    NODE_PATH: "/evil",
    LD_PRELOAD: "/evil.so",
    LD_LIBRARY_PATH: "/evil",
    GLIBC_TUNABLES: "x",
    OPENSSL_CONF: "/evil",
    SSL_CERT_FILE: "/evil",
    UV_USE_IO_URING: "1",
    TTRPC_ADDRESS: "/secret",
    ANY: "thing",
  };

  test("gets the arguments as they are, and little of the environment", () => {
    const folder = layout(TELL);
    const env = { ...HOSTILE, PATH: "/usr/bin:/bin", XDG_RUNTIME_DIR: "" };
    const { code, out } = run(path.join(folder, "wvisor"), ["--log=x", "create", "-b", "a b", "", "c1"], env);
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      "--no-warnings",
      `${folder}/cli.js`,
      "--log=x",
      "create",
      "-b",
      "a b",
      "",
      "c1",
      "PATH=/usr/bin:/bin",
      "XDG_RUNTIME_DIR=",
      "WVISOR_OPEN_FDS=0",
      "",
    ]);
  });

  test("has the user's variables for `do`, but none that changes Node", () => {
    const folder = layout(TELL);
    const env = { ...HOSTILE, PATH: "/usr/bin:/bin" };
    const { out } = run(path.join(folder, "wvisor"), ["do", "x"], env);
    expect(out.split("\n").slice(4)).toEqual([
      "TTRPC_ADDRESS=/secret",
      "ANY=thing",
      "PATH=/usr/bin:/bin",
      "WVISOR_OPEN_FDS=0",
      "",
    ]);
  });

  test("does not hear of a preloaded module", () => {
    const evil = path.join(top, "evil.cjs");
    writeFileSync(evil, 'console.log("evil")');
    const shown = run(frontPath(), ["help", "state"], { NODE_OPTIONS: `--require=${evil}` });
    expect(shown).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: wvisor state/) });
  });

  test("is found by a link to the program, too, and without any environment", () => {
    const link = path.join(top, "linked");
    symlinkSync(frontPath(), link);
    expect(run(link, ["help", "kill"])).toMatchObject({ code: 0, err: "" });
    expect(run(link, ["features"]).out).toBe(run(frontPath(), ["features"]).out);
  });

  test("that does not run is told", () => {
    const folder = layout("no program");
    const { code, err } = run(path.join(folder, "wvisor"), ["create", "c1"]);
    expect({ code, err }).toEqual({ code: 1, err: `wvisor: ${folder}/node: Exec format error\n` });
  });
});

test("features are those of OCI's schema", () => {
  const features = JSON.parse(front("features").out);
  expect(features).toMatchObject({
    ociVersionMin: "1.0.0",
    ociVersionMax: expect.stringMatching(/^1\.\d\.\d$/),
  });
  expect(features.mountOptions).toEqual(expect.arrayContaining(["ro", "rro", "bind", "nosuid"]));
  expect(features.linux.namespaces).toContain("pid");
  expect(features.linux.capabilities).toContain("CAP_CHECKPOINT_RESTORE");
});
