// What a user gets to see for a mistake: one clear line, the documented exit code, and never a stack trace.

import { chmodSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { CLI, type Finished, put, runCommand, scratchDirectory, wvisor } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";

const top = scratchDirectory();
const bin = path.join(top, "bin");
mkdirSync(bin);

/** Writes an executable file below bin/. */
function program(name: string, content: string | Uint8Array): string {
  const file = put(bin, name, content);
  chmodSync(file, 0o755);
  return file;
}

/** A module with `_start` missing and one imported function. */
function moduleImporting(from: string, name: string): Uint8Array {
  const text = (value: string) => [value.length, ...Buffer.from(value)];
  const importSection = [1, ...text(from), ...text(name), 0, 0];
  const typeSection = [1, 0x60, 0, 0];
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  return Uint8Array.from([
    ...head,
    1,
    typeSection.length,
    ...typeSection,
    2,
    importSection.length,
    ...importSection,
  ]);
}

function expectOneLine(run: Finished, code: number, line: RegExp): void {
  expect(run).toMatchObject({ code, stdout: "" });
  expect(run.stderr).toMatch(/^[^\n]+\n$/);
  expect(run.stderr.slice(0, -1)).toMatch(line);
  expect(run.stderr).not.toMatch(/ {4}at |node:internal|file:\/\//);
}

const inBin = (...args: string[]) => wvisor(["do", "-v", `${bin}:/bin`, "--", ...args]);

beforeAll(async () => {
  await buildGuests(["hello", "echo-args-env"]);
  const hello = readFileSync(guestFile("hello"));
  for (const length of [0, 4, 8, 9, 100, hello.length - 1]) {
    program(`cut-${length}.wasm`, hello.subarray(0, length));
  }
});

describe("126, not executable:", () => {
  test.each([4, 8, 9, 100])("a module that ends after %i bytes", (length) => {
    const name = `cut-${length}.wasm`;
    expectOneLine(
      wvisor(["do", "--session=none", "--", name], { cwd: bin }),
      126,
      new RegExp(`^wvisor do: [^ ]*${name}: `),
    );
    expectOneLine(inBin(`/bin/${name}`), 126, new RegExp(`^wvisor do: /bin/${name}: `));
  });

  test("a module that lacks its last byte", () => {
    const length = readFileSync(guestFile("hello")).length - 1;
    expectOneLine(inBin(`/bin/cut-${length}.wasm`), 126, /: not a valid WebAssembly module: /);
  });

  test("an empty file", () => {
    expectOneLine(
      inBin("/bin/cut-0.wasm"),
      126,
      /: ENOEXEC: it is neither a WebAssembly module nor a script/,
    );
  });

  test.each([
    [
      "env",
      "memory_grow_please",
      /imports\.wasm: it imports env\.memory_grow_please, which is not WASI preview1/,
    ],
    [
      "wasi_snapshot_preview1",
      "fork",
      /imports\.wasm: it imports wasi_snapshot_preview1\.fork, which preview1 does not have/,
    ],
    [
      "wasi_unstable",
      "fd_write",
      /imports\.wasm: it imports wasi_unstable\.fd_write, which is not WASI preview1/,
    ],
  ])("a module that imports %s.%s", (from, name, line) => {
    const file = program("imports.wasm", moduleImporting(from, name));
    expectOneLine(wvisor(["do", "--session=none", "--", file]), 126, line);
    expectOneLine(inBin("/bin/imports.wasm"), 126, line);
  });

  test("a module without a start", () => {
    program("no-start.wasm", Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    expectOneLine(inBin("/bin/no-start.wasm"), 126, /it exports neither _start nor _initialize/);
  });

  test("a Linux program", () => {
    copyFileSync("/bin/true", path.join(bin, "elf"));
    expectOneLine(inBin("/bin/elf"), 126, /^wvisor do: \/bin\/elf: ENOEXEC: it is a Linux ELF program/);
  });

  test("a text without #!", () => {
    program("text", "print('hello')\n");
    expectOneLine(inBin("/bin/text"), 126, /^wvisor do: \/bin\/text: ENOEXEC: /);
  });

  test("a script without execute permission", () => {
    put(bin, "script", "#!/usr/local/bin/python3\n");
    expectOneLine(inBin("/bin/script"), 126, /^wvisor do: \/bin\/script: EACCES: /);
  });

  test("a script that is its own interpreter", () => {
    program("loop", "#!/bin/loop\n");
    expectOneLine(inBin("/bin/loop"), 126, /ELOOP/);
  });

  test("a directory", () => {
    expectOneLine(inBin("/bin"), 126, /^wvisor do: \/bin: EISDIR/);
  });
});

describe("127, not found:", () => {
  test("a name that nothing answers to, with what to do about it", () => {
    expectOneLine(
      wvisor(["do", "--session=none", "--", "ruby"]),
      127,
      /^wvisor do: ruby: not found; .*--runtime ruby=FILE\.wasm/,
    );
  });

  test("a runtime that is not installed, with the package to install", () => {
    // A copy of the command line that stands beside no node_modules.
    const run = runCommand(
      process.execPath,
      [path.join(copyOfBuild(), "cli.js"), "do", "--session=none", "--", "python3"],
      {
        cwd: bin,
      },
    );
    expectOneLine(run, 127, /^wvisor do: python3: not found; npm install @antonz\/python-wasi/);
  });

  test("a path that the sandbox does not have", () => {
    expectOneLine(inBin("/bin/missing"), 127, /^wvisor do: \/bin\/missing: not found/);
    expectOneLine(inBin("/bin/text/below"), 127, /not found/);
    expectOneLine(
      wvisor(["do", "--session=none", "--", "missing.wasm"]),
      127,
      /^wvisor do: missing\.wasm: not found/,
    );
  });

  test("a path that only the host has, with what to do about it", () => {
    expectOneLine(
      wvisor(["do", "--session=none", "--", "/bin/ls"]),
      127,
      /\/bin\/ls: not found; .*bind its directory by -v/,
    );
  });

  test("an interpreter that the sandbox does not have", () => {
    program("no-interpreter", "#!/no/such/interpreter\n");
    expectOneLine(inBin("/bin/no-interpreter"), 127, /\/no\/such\/interpreter: not found/);
    program("no-env", "#!/usr/bin/env ruby\n");
    expectOneLine(inBin("/bin/no-env"), 127, /ruby: not found/);
  });
});

function copyOfBuild(): string {
  const copy = path.join(top, "elsewhere");
  const build = path.dirname(CLI);
  mkdirSync(path.join(copy, "native"), { recursive: true });
  for (const name of [
    "cli.js",
    "program.js",
    "gofer.js",
    "gofer-server.js",
    "package.json",
    "kernel.wasm",
    "kernel-merged.wasm",
    "guest-peek.wasm",
  ]) {
    copyFileSync(path.join(build, name), path.join(copy, name));
  }
  for (const name of ["wv.node", "wv-launch"]) {
    copyFileSync(path.join(build, "native", name), path.join(copy, "native", name));
  }
  return copy;
}

test("134: a program that traps", () => {
  // (module (func (export "_start") unreachable))
  const start = [7, 10, 1, 6, ...Buffer.from("_start"), 0, 0];
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0];
  program("trap.wasm", Uint8Array.from([...head, ...start, 10, 5, 1, 3, 0, 0, 0x0b]));
  expectOneLine(
    inBin("/bin/trap.wasm"),
    134,
    /^wvisor do: \/bin\/trap\.wasm: the program trapped: unreachable$/,
  );
});

describe("137, a limit:", () => {
  test("a program that needs more memory to start than --memory allows", () => {
    expectOneLine(
      wvisor(["do", "--session=none", "--memory", "1m", "--", "python3"]),
      137,
      /needs \d+ MiB of memory to start, more than its memory limit allows/,
    );
  });
});

describe("125, wVisor's own:", () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      "an unknown flag",
      ["--nonsense", "--", "python3"],
      /unknown flag --nonsense \(see 'wvisor do --help'\)$/,
    ],
    ["no program", [], /which program\?/],
    ["an empty program", ["--", ""], /the program's name is empty/],
    [
      "a mount source that does not exist",
      ["-v", "/no/such:/data", "--", "python3"],
      /\/no\/such: no such file/,
    ],
    ["a mount without a destination", ["-v", "/tmp", "--", "python3"], /-v \/tmp: expected SRC:DST/],
    [
      "a relative destination",
      ["-v", "/tmp:data", "--", "python3"],
      /-v \/tmp:data: the destination must be an absolute/,
    ],
    ["an unknown mount option", ["-v", "/tmp:/data:rx", "--", "python3"], /unknown option in "rx"/],
    ["two mounts at one place", ["-v", "/tmp:/d", "--tmpfs", "/d", "--", "python3"], /two mounts at \/d/],
    [
      "a root directory that does not exist",
      ["--rootfs", "/no/such", "--", "python3"],
      /\/no\/such: no such file/,
    ],
    ["a size that is none", ["--memory", "much", "--", "python3"], /--memory much: not a size/],
    ["a duration that is none", ["--timeout", "soon", "--", "python3"], /--timeout soon: not a duration/],
    ["a missing working directory", ["-w", "/no/such", "--", "python3"], /\/no\/such/],
    [
      "a runtime that is no module",
      ["--runtime", `x=${CLI}`, "--", "x"],
      /runtime x: .*: not a WebAssembly module/,
    ],
  ];

  test.each(cases)("%s", (_name, args, line) => {
    expectOneLine(wvisor(["do", ...args]), 125, line);
  });

  test("a bundle that does not exist", () => {
    expectOneLine(
      wvisor(["run", "--bundle", "/no/such"]),
      125,
      /^wvisor run: loading bundle: \/no\/such\/config\.json: no such file/,
    );
  });

  const fields: readonly (readonly [string, string, RegExp])[] = [
    ["is not JSON", "{", /config\.json: not JSON/],
    ["is no object", "[]", /config\.json/],
    ["has no process", '{"ociVersion":"1.0.2","root":{"path":"."}}', /config\.json: process\b/],
    [
      "has arguments that are no list",
      config({ process: { args: "x", cwd: "/" } }),
      /config\.json: process\.args\b/,
    ],
    [
      "has a number among its arguments",
      config({ process: { args: ["x", 5], cwd: "/" } }),
      /process\.args\[1\]/,
    ],
    ["has a relative working directory", config({ process: { args: ["x"], cwd: "tmp" } }), /process\.cwd/],
    [
      "has a user that is no number",
      config({ process: { args: ["x"], cwd: "/", user: { uid: "root" } } }),
      /process\.user\.uid/,
    ],
    ["has a root without a path", config({ root: {} }), /root\.path/],
    [
      "has a mount without a destination",
      config({ mounts: [{ destination: "/a", type: "tmpfs" }, { type: "tmpfs" }] }),
      /mounts\[1\]\.destination/,
    ],
    [
      "has mount options that are no list",
      config({ mounts: [{ destination: "/a", type: "tmpfs", options: "ro" }] }),
      /mounts\[0\]\.options/,
    ],
    [
      "has a mount source that does not exist",
      config({ mounts: [{ destination: "/a", type: "bind", source: "/no/such" }] }),
      /\/no\/such: no such file/,
    ],
  ];

  test.each(fields)("a config.json that %s", (_name, text, line) => {
    put(top, "bundle/config.json", text);
    expectOneLine(wvisor(["run", "--bundle", path.join(top, "bundle")]), 125, line);
  });
});

function config(change: object): string {
  return JSON.stringify({
    ociVersion: "1.0.2",
    root: { path: "." },
    process: { args: ["x"], cwd: "/" },
    ...change,
  });
}

describe("other commands", () => {
  test("an unknown command is 2", () => {
    expectOneLine(wvisor(["destroy"]), 2, /^wvisor: unknown command destroy/);
  });

  test("spec refuses a file that is no module with 1, and wrong arguments with 2", () => {
    const bundle = path.join(top, "spec");
    expectOneLine(
      wvisor(["spec", "-b", bundle, path.join(bin, "cut-0.wasm")]),
      1,
      /not a WebAssembly module/,
    );
    expectOneLine(wvisor(["spec", "-b", bundle]), 2, /which file\?/);
  });
});

describe("scripts", () => {
  test.each(["#!/usr/local/bin/python3", "#!/usr/bin/env python3", "#! /usr/local/bin/python3 -E"])(
    "%s",
    (line) => {
      program("greet", `${line}\nimport sys; print(sys.argv); sys.exit(5)\n`);
      const run = inBin("/bin/greet", "a", "b c");
      expect(run).toEqual({ code: 5, signal: null, stdout: "['/bin/greet', 'a', 'b c']\n", stderr: "" });
    },
  );

  test("that other scripts interpret", () => {
    program("outer", "#!/bin/greet one two\n");
    program("greet", "#!/usr/bin/env python3\nimport sys; print(sys.argv)\n");
    expect(inBin("/bin/outer", "x").stdout).toBe("['/bin/greet', 'one two', '/bin/outer', 'x']\n");
  });
});

describe("streams", () => {
  const shell = (line: string) =>
    runCommand("sh", ["-c", line, "sh", process.execPath, CLI, guestFile("hello")]);
  const many = `for n in range(100000): print("line", n)`;

  test("a reader that goes away ends a writer by EPIPE", () => {
    const run = shell(`"$1" "$2" do --session=none -- python3 -c '${many}' | head -n 1`);
    expect(run).toMatchObject({ code: 0, stdout: "line 0\n" });
    // Python's own words.
    expect(run.stderr).toMatch(/BrokenPipeError/);
    expect(run.stderr).not.toMatch(/wvisor|node:internal/);
  });

  test("closed streams are no reason to fail", () => {
    expect(shell(`"$1" "$2" do --session=none -- "$3" >&-`)).toMatchObject({ stdout: "", stderr: "" });
    expect(shell(`"$1" "$2" do --session=none -- "$3" <&-`)).toMatchObject({
      code: 0,
      stdout: "hello from wasm\n",
      stderr: "",
    });
    expect(shell(`"$1" "$2" do --session=none -- "$3" 2>&-`)).toMatchObject({
      code: 0,
      stdout: "hello from wasm\n",
    });
  });

  test("a full disk is an errno for the program", () => {
    const run = shell(`"$1" "$2" do --session=none -- python3 -c 'print("x", flush=True)' > /dev/full`);
    expect(run.stderr).toMatch(/No space left on device/);
    expect(run.stderr).not.toMatch(/wvisor|node:internal/);
  });
});
