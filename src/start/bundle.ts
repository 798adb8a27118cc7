// Runs a bundle of this package with the code that V8 made of it before: to compile it anew takes 10 ms of a start.
//
// A bundle is the text of one function with a module's parameters, below a first line that is its own (scripts/bundles.mjs). The
// code, made by scripts/code-cache.mjs for one version of Node, ends with the first line of the text that it was made of: V8
// compares nothing but lengths. Where there is none, or V8 does not take it (other flags, say), it compiles.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { Script } from "node:vm";
import { builtFile } from "../common/build-folder.ts";

/** Runs the bundle in build/ and returns what it exports. */
export function runBundle(name: string): unknown {
  const file = builtFile(`${name}.js`);
  // ASCII, as the build writes it.
  const source = readFileSync(file, "latin1");
  const script = new Script(source, { filename: file, cachedData: readCode(name, source) });
  const run = script.runInThisContext() as (...parameters: unknown[]) => void;
  const module = { exports: {} };
  run(module.exports, createRequire(file), module, file, dirname(file));
  return module.exports;
}

/** The file beside the bundle that has the code for the running Node. */
export function codeFile(name: string): string {
  return `${name}.${process.version}-${process.arch}.code`;
}

function readCode(name: string, source: string): Buffer | undefined {
  let code: Buffer;
  try {
    code = readFileSync(builtFile(codeFile(name)));
  } catch {
    // Made for other versions of Node only.
    return undefined;
  }
  const line = source.slice(0, source.indexOf("\n") + 1);
  const end = code.length - line.length;
  return code.toString("latin1", Math.max(end, 0)) === line ? code.subarray(0, end) : undefined;
}
