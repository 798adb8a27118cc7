// Bundles a program as the product does, so that tests spawn what users run, and never one that is out of date.

import { renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { BUNDLE } from "../../scripts/bundles.mjs";

const root = path.resolve(import.meta.dirname, "../..");

/**
 * Bundles a source file. Returns the bundle's path, which lies in build/ because the helper is found from there. Test files
 * that run at the same time write the same bytes, each in one step.
 */
export async function bundleProgram(source: string, name: string): Promise<string> {
  const { outputFiles } = await build({ ...BUNDLE, entryPoints: [path.join(root, source)], write: false });
  const file = path.join(root, "build", `${name}-test.cjs`);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, outputFiles[0]!.contents);
  renameSync(draft, file);
  return file;
}

/** The gofer of src/gofer/main.ts. */
export function buildGofer(): Promise<string> {
  return bundleProgram("src/gofer/main.ts", "gofer");
}
