// The code that V8 made of a bundle at build time: taken where it fits, and never in place of another text.

import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Script } from "node:vm";
import { describe, expect, test } from "vitest";
import { asFunction } from "../../scripts/bundles.mjs";
import { codeOf } from "../../scripts/code-cache.mjs";
import { codeFile } from "../../src/start/bundle.ts";
import { scratchDirectory } from "../host/scratch.ts";

const BUILD = resolve(import.meta.dirname, "../../build");
const scratch = scratchDirectory();

/** What the gofer's entry prints when its bundle has `text`, and the code beside it is `code`. */
function runs(text: string, code: Buffer | undefined): string {
  copyFileSync(join(BUILD, "gofer.js"), join(scratch, "entry.cjs"));
  writeFileSync(join(scratch, "gofer-server.js"), text);
  writeFileSync(join(scratch, codeFile("gofer-server")), code ?? "");
  const { stdout, stderr } = spawnSync(process.execPath, [join(scratch, "entry.cjs")], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout;
}

test.each(["program", "gofer-server"])("the build's code of %s is taken by the Node that built", (name) => {
  const source = readFileSync(join(BUILD, `${name}.js`), "latin1");
  const code = readFileSync(join(BUILD, codeFile(name)));
  const line = source.slice(0, source.indexOf("\n") + 1);
  expect(code.subarray(-line.length).toString("latin1")).toBe(line);
  const cachedData = code.subarray(0, -line.length);
  expect(new Script(source, { cachedData }).cachedDataRejected).toBe(false);
});

describe("a bundle runs", () => {
  const one = asFunction("console.log(1)");
  const two = asFunction("console.log(2)");

  test("with its code, even where that says something else than the text: V8 believes it", () => {
    const [firstLine] = two.split("\n");
    const disguised = `${firstLine}\n${one.split("\n").slice(1).join("\n")}`;
    expect(runs(two, codeOf(disguised, "x"))).toBe("1\n");
  });

  test("without the code of another text of the same length", () => {
    expect(two.length).toBe(one.length);
    expect(runs(two, codeOf(one, "x"))).toBe("2\n");
  });

  test.each([
    ["no code", undefined],
    ["nothing but the line", Buffer.from(one.slice(0, one.indexOf("\n") + 1))],
    [
      "what is no code",
      Buffer.concat([Buffer.alloc(500, 7), Buffer.from(one.slice(0, one.indexOf("\n") + 1))]),
    ],
  ])("with %s", (_what, code) => {
    expect(runs(one, code)).toBe("1\n");
  });
});
