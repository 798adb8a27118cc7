// Bundles the gofer as the product does, so that tests spawn what users run, and never one that is out of date.

import { renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/**
 * Bundles src/gofer/main.ts. Returns the bundle's path, which lies in build/ because the helper is found from there.
 * Test files that run at the same time write the same bytes, each in one step.
 */
export async function buildGofer(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, "src/gofer/main.ts")],
    write: false,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20.11",
    minifySyntax: true,
    define: { "import.meta.url": "importMetaUrl" },
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    logLevel: "error",
  });
  const bundle = path.join(root, "build/gofer-test.cjs");
  const draft = `${bundle}.${process.pid}`;
  writeFileSync(draft, outputFiles[0]!.contents);
  renameSync(draft, bundle);
  return bundle;
}
