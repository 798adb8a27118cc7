import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { WvisorError } from "../../../src/common/errors.ts";
import { oneLine } from "../../../src/common/one-line.ts";
import { VERSION } from "../../../src/common/version.ts";
import { runSandbox } from "../../../src/host/boot/loader.ts";
import { ProgramNotFoundError } from "../../../src/host/boot/program.ts";
import { put, scratchDirectory } from "../scratch.ts";
import { wvisor } from "./harness.ts";

vi.mock("../../../src/host/boot/loader.ts", () => ({ runSandbox: vi.fn() }));
const run = vi.mocked(runSandbox);
beforeEach(() => void run.mockReset());

const scratch = scratchDirectory();

describe("help", () => {
  test("lists every command, wherever it is asked for", async () => {
    for (const args of [["help"], ["--help"], ["-h"], ["help", "help"]]) {
      const { code, out, err } = await wvisor(...args);
      expect(code).toBe(0);
      expect(err).toBe("");
      for (const name of ["do", "run", "spec", "help"])
        expect(out).toMatch(new RegExp(`^  ${name} +\\S`, "m"));
    }
  });

  test.each(["do", "run", "spec"])("of %s shows examples and its exit codes", async (name) => {
    const outcomes = [
      await wvisor("help", name),
      await wvisor(name, "--help"),
      await wvisor(name, "-h"),
      await wvisor("--help", name),
    ];
    for (const { code, out, err } of outcomes) {
      expect([code, err]).toEqual([0, ""]);
      expect(out).toMatch(new RegExp(`^Usage: wvisor ${name} `));
      expect(out).toContain("Exit code:");
      expect(out.split("\n").filter((line) => line.startsWith("  wvisor ")).length).toBeGreaterThan(1);
    }
  });

  test("lines fit a wide terminal", async () => {
    for (const name of ["do", "run", "spec"]) {
      for (const line of (await wvisor("help", name)).out.split("\n"))
        expect(line.length).toBeLessThanOrEqual(125);
    }
  });

  test("a --help behind PROGRAM belongs to the program", async () => {
    run.mockResolvedValue(0);
    expect((await wvisor("do", "prog", "--help")).out).toBe("");
    expect(run.mock.calls[0]![0].process.args).toEqual(["prog", "--help"]);
  });

  test("without any argument goes to stderr and is a usage error", async () => {
    const { code, out, err } = await wvisor();
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("Commands:");
  });
});

test("--version says package.json's version in the form that docker reads", async () => {
  const file = join(import.meta.dirname, "../../../package.json");
  expect(VERSION).toBe(JSON.parse(readFileSync(file, "utf8")).version);
  expect(await wvisor("--version")).toEqual({ code: 0, out: `wvisor version ${VERSION}\n`, err: "" });
});

describe("arguments that cannot be understood", () => {
  test.each([
    [["frobnicate"], 2, "wvisor: unknown command frobnicate (see 'wvisor help')"],
    [["help", "frobnicate"], 2, "wvisor: unknown command frobnicate (see 'wvisor help')"],
    [["--foo", "do"], 2, "wvisor: unknown flag --foo (see 'wvisor help')"],
    [["do", "--foo"], 125, "wvisor do: unknown flag --foo (see 'wvisor do --help')"],
    [["do", "-v"], 125, "wvisor do: flag -v needs a value (see 'wvisor do --help')"],
    [
      ["do", "--read-only=1", "x"],
      125,
      "wvisor do: flag --read-only takes no value (see 'wvisor do --help')",
    ],
    [
      ["do", "-w", "x", "y"],
      125,
      "wvisor do: -w x: must be an absolute path inside the sandbox (see 'wvisor do --help')",
    ],
    [["run", "--foo"], 125, "wvisor run: unknown flag --foo (see 'wvisor run --help')"],
    [["run", "a", "b"], 125, "wvisor run: unexpected argument b (see 'wvisor run --help')"],
    [
      ["run", "--overlay2=all:self"],
      125,
      "wvisor run: --overlay2 all:self: changes are not kept in the root itself; use :memory or :dir=DIR (see 'wvisor run --help')",
    ],
    ...["root", "root:disk", "all:memory:x", "root:memory,size=1m,size=2m"].map(
      (text): [string[], number, string] => [
        ["run", `--overlay2=${text}`],
        125,
        `wvisor run: --overlay2 ${text}: expected none, or root or all with :memory, :memory,size=SIZE or :dir=DIR (see 'wvisor run --help')`,
      ],
    ),
    ...["", "0", "-1", "x", "1z"].map((size): [string[], number, string] => [
      ["run", `--overlay2=all:memory,size=${size}`],
      125,
      `wvisor run: --overlay2 all:memory,size=${size}: expected a size such as 64m (see 'wvisor run --help')`,
    ]),
    [
      ["create", "--overlay2=root:dir=/d,size=1m", "x"],
      1,
      "wvisor create: --overlay2 root:dir=/d,size=1m: size= bounds what is kept in memory; a directory has the size of its disk (see 'wvisor create --help')",
    ],
    [
      ["run", "--overlay2=all:dir=here"],
      125,
      "wvisor run: --overlay2 all:dir=here: the directory must be an absolute path (see 'wvisor run --help')",
    ],
    [
      ["run", "--overlay2=all:dir=/here"],
      125,
      "wvisor run: --overlay2 with dir= needs --detach (see 'wvisor run --help')",
    ],
    [
      ["--overlay2=root:memory", "run", "--file-access=shared"],
      125,
      "wvisor run: --overlay2 is incompatible with --file-access=shared (see 'wvisor run --help')",
    ],
    [
      ["run", "--overlay2=all:memory", "--file-access-mounts", "shared"],
      125,
      "wvisor run: --overlay2 all is incompatible with --file-access-mounts=shared (see 'wvisor run --help')",
    ],
    [
      ["create", "--file-access=private", "x"],
      1,
      "wvisor create: --file-access private: expected exclusive or shared (see 'wvisor create --help')",
    ],
    [["spec", "--foo"], 2, "wvisor spec: unknown flag --foo (see 'wvisor spec --help')"],
    [["spec"], 2, "wvisor spec: which file? wvisor spec FILE.wasm [ARGS] (see 'wvisor spec --help')"],
  ])("%j exits %d with one line", async (args, code, line) => {
    expect(await wvisor(...args)).toEqual({ code, out: "", err: `${line}\n` });
    expect(run).not.toHaveBeenCalled();
  });

  test.each(["", ".hidden", "a/b", "a b", "..", "x".repeat(1025)])(
    "container id %j is refused",
    async (id) => {
      const { code, err } = await wvisor("run", id);
      expect(code).toBe(125);
      expect(err).toMatch(/^wvisor run: container id .*: must be 1 to 1024 letters/);
    },
  );
});

describe("a sandbox", () => {
  test("exits with what its program exits with", async () => {
    for (const code of [0, 1, 42, 124, 137]) {
      run.mockResolvedValueOnce(code);
      expect(await wvisor("do", "--session=none", "--", "x")).toEqual({ code, out: "", err: "" });
    }
  });

  test("that fails is one line and docker's exit code", async () => {
    run.mockRejectedValue(new WvisorError("ERR_WVISOR_EXEC", "x: not executable", 126));
    expect(await wvisor("do", "--session=none", "--", "x")).toEqual({
      code: 126,
      out: "",
      err: "wvisor do: x: not executable\n",
    });
    run.mockRejectedValue(new WvisorError("ERR_WVISOR_BOOT", "no helper"));
    expect(await wvisor("do", "--session=none", "--", "x")).toEqual({
      code: 125,
      out: "",
      err: "wvisor do: no helper\n",
    });
  });

  test("whose program is missing says what to install", async () => {
    run.mockRejectedValue(new ProgramNotFoundError("ruby"));
    expect(await wvisor("do", "--session=none", "--", "ruby")).toEqual({
      code: 127,
      out: "",
      err: "wvisor do: ruby: not found; name one by --runtime ruby=FILE.wasm\n",
    });
  });

  test("a mount source that does not exist is found before it starts", async () => {
    expect(await wvisor("do", "-v", "/no/such:/d", "--", "x")).toEqual({
      code: 125,
      out: "",
      err: "wvisor do: mount source /no/such: no such file or directory\n",
    });
    expect(run).not.toHaveBeenCalled();
  });

  test("an error of no known kind is called internal, and --debug shows where it came from", async () => {
    run.mockRejectedValue(new TypeError("x is not a function"));
    expect(await wvisor("do", "--session=none", "--", "x")).toEqual({
      code: 125,
      out: "",
      err: "wvisor do: internal error: x is not a function\n",
    });
    for (const args of [
      ["--debug", "do", "--session=none"],
      ["do", "--session=none", "--debug"],
    ]) {
      const { err } = await wvisor(...args, "--", "x");
      expect(err).toMatch(/^wvisor do: internal error: .*\nTypeError: x is not a function\n {4}at /);
      expect(err).toContain(basename(import.meta.filename));
    }
  });
});

describe("run", () => {
  const CONFIG = JSON.stringify({
    ociVersion: "1.0.2",
    root: { path: "rootfs" },
    process: { args: ["/app.wasm"], cwd: "/", capabilities: { effective: ["CAP_NONE"] } },
  });

  test("starts the bundle's process under the given id", async () => {
    run.mockResolvedValue(7);
    put(scratch, "bundle/config.json", CONFIG);
    put(scratch, "bundle/rootfs/app.wasm", "");
    const { code, err } = await wvisor("run", "--bundle", join(scratch, "bundle"), "my_c-1.x+");
    expect(code).toBe(7);
    expect(err).toBe(
      'wvisor run: warning: process.capabilities.effective: ignoring unknown capability "CAP_NONE"\n',
    );
    expect(run.mock.calls[0]![0]).toMatchObject({ id: "my_c-1.x+", process: { args: ["/app.wasm"] } });
  });

  test("says which bundle is missing", async () => {
    expect(await wvisor("run", "-b", "/no/such")).toEqual({
      code: 125,
      out: "",
      err: "wvisor run: loading bundle: /no/such/config.json: no such file or directory\n",
    });
  });

  test("says which field is wrong", async () => {
    put(scratch, "wrong/config.json", '{ "root": { "path": "r" }, "process": { "args": [], "cwd": "/" } }');
    expect(await wvisor("run", "-b", join(scratch, "wrong"))).toEqual({
      code: 125,
      out: "",
      err: "wvisor run: loading bundle: config.json: process.args: must not be empty\n",
    });
  });
});

test("what others wrote cannot break a message's line or drive the terminal", () => {
  expect(oneLine("a\nb\x1b[31mc\u009b\t")).toBe("a b\\x1b[31mc\\x9b\\x09");
});
