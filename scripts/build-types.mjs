// Writes the declarations of the package's library into build/types, for programs in TypeScript.

import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const outDir = path.join(root, "build/types");

rmSync(outDir, { recursive: true, force: true });
const options = [
  "--noEmit",
  "false",
  "--declaration",
  "--emitDeclarationOnly",
  "--rootDir",
  root,
  "--outDir",
  outDir,
];
execFileSync(
  path.join(root, "node_modules/.bin/tsc"),
  ["-p", path.join(root, "tsconfig.library.json"), ...options],
  {
    stdio: "inherit",
  },
);
