// wvisor/p9 as a program imports it: the example, and the declarations for one in TypeScript.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { ROOT, runCommand } from "../support/cli.ts";

test("the example of an object's files runs", () => {
  const result = runCommand(process.execPath, ["examples/p9/squares.mjs"]);
  expect(result).toEqual({
    code: 0,
    signal: null,
    stdout: "7 squared is 49\n111111111 squared is 12345678987654321\nseven: ENOENT\n",
    stderr: "",
  });
});

test("the example of files that answer later runs", () => {
  const { code, stdout, stderr } = runCommand(process.execPath, ["examples/p9/web-pages.mjs"]);
  expect([code, stderr]).toEqual([0, ""]);
  // What is done at once ends in any order.
  expect(stdout.split("\n").sort()).toEqual(
    [
      "",
      ". 0",
      ".. 0",
      "hello 12",
      "numbers 10",
      "forever 1",
      "hello: web",
      "numbers: 1 2 3 4 5",
      "forever: no longer wanted",
      "the fetch of forever was given up",
    ].sort(),
  );
});

test("a program in TypeScript finds the types, and they are checked", () => {
  execFileSync(process.execPath, ["scripts/build-types.mjs"], { cwd: ROOT });
  const folder = mkdtempSync(path.join(tmpdir(), "wvisor-types-"));
  try {
    // As if installed.
    mkdirSync(path.join(folder, "node_modules"));
    symlinkSync(ROOT, path.join(folder, "node_modules/wvisor"));
    const program = (size: string) => `
      import { P9Client, P9Server, serveObject, type ServedFile } from "wvisor/p9";
      const file: ServedFile = { attributes: () => ({ ino: 1, mode: 0o100444, size: ${size} }) };
      const server: P9Server = await P9Server.listen("tcp:127.0.0.1:0", serveObject(file));
      const client = await P9Client.connect(server.address);
      const size: bigint = (await (await client.attach()).getattr()).size;
      export { size };
    `;
    writeFileSync(path.join(folder, "right.mts"), program("0"));
    writeFileSync(path.join(folder, "wrong.mts"), program('"none"'));
    const options = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--target",
      "es2022",
      "--module",
      "nodenext",
      "--typeRoots",
      path.join(ROOT, "node_modules/@types"),
      "--types",
      "node",
    ];
    const check = (file: string) =>
      runCommand(path.join(ROOT, "node_modules/.bin/tsc"), [...options, path.join(folder, file)]);
    expect(check("right.mts").stdout).toBe("");
    expect(check("wrong.mts").stdout).toContain("Type 'string' is not assignable to type 'number'");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
