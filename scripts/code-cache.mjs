// Makes the code of the bundles that src/start/bundle.ts runs, as the running Node's V8 wants it, beside them: the build does it
// for the Node that builds. For another one:
//
//   node scripts/code-cache.mjs
//
// Every function is compiled, so that none is at a start: V8 reads 260 KB of code in less time than it compiles 20 KB of text.

import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import vm from "node:vm";
import { FUNCTIONS } from "./bundles.mjs";

const BUILD = fileURLToPath(new URL("../build/", import.meta.url));

/** The code of all versions of Node, which was made of older bundles. */
export function removeCode() {
  for (const name of readdirSync(BUILD)) {
    if (name.endsWith(".code")) rmSync(path.join(BUILD, name));
  }
}

export function writeCode() {
  for (const name of Object.keys(FUNCTIONS)) {
    const bundle = path.join(BUILD, `${name}.js`);
    const file = path.join(BUILD, `${name}.${process.version}-${process.arch}.code`);
    writeFileSync(`${file}.${process.pid}`, codeOf(readFileSync(bundle, "latin1"), bundle));
    renameSync(`${file}.${process.pid}`, file);
  }
}

/** The code of a bundle's text, and the text's first line. */
export function codeOf(source, filename) {
  v8.setFlagsFromString("--no-lazy");
  const script = new vm.Script(source, { filename });
  // V8 writes its flags into the code, and takes none that was made with others.
  v8.setFlagsFromString("--lazy");
  const line = source.slice(0, source.indexOf("\n") + 1);
  return Buffer.concat([script.createCachedData(), Buffer.from(line, "latin1")]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeCode();
