// Writes the declarations of the package's library into build/types, for programs in TypeScript.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { LIBRARY } from "./bundles.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const outDir = path.join(root, "build/types");

/** Declarations name others by their sources: `from "./x.ts"`, `import("./x.ts")`. */
const REFERENCE = /(?:from|import\() ?"(\.{1,2}\/[^"]+)\.ts"/g;

const declarationOf = (source) => path.join(outDir, source.replace(/\.ts$/, ".d.ts"));

/** Everything that the declarations of `sources` refer to, themselves included. */
function reached(sources) {
  const found = new Set(sources.map(declarationOf));
  for (const file of found) {
    for (const [, name] of readFileSync(file, "utf8").matchAll(REFERENCE)) {
      found.add(path.join(path.dirname(file), `${name}.d.ts`));
    }
  }
  return found;
}

rmSync(outDir, { recursive: true, force: true });
const options = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--rootDir", root];
execFileSync(
  path.join(root, "node_modules/.bin/tsc"),
  ["-p", path.join(root, "tsconfig.library.json"), ...options, "--outDir", outDir],
  { stdio: "inherit" },
);
const kept = reached(Object.values(LIBRARY));
for (const name of readdirSync(outDir, { recursive: true })) {
  const file = path.join(outDir, name);
  if (name.endsWith(".d.ts") && !kept.has(file)) rmSync(file);
}
