// Bundles the gofer as the product does, so that tests spawn the file that users run.

import { rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/**
 * Bundles src/gofer/main.ts. Returns the bundle's path, which lies in build/ because the helper is found from there.
 * It is this process's own and goes with it.
 */
export async function buildGofer(): Promise<string> {
  const outfile = path.join(root, "build", `gofer.test-${process.pid}.js`);
  process.once("exit", () => rmSync(outfile, { force: true }));
  await build({
    entryPoints: [path.join(root, "src/gofer/main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    minifySyntax: true,
    logLevel: "error",
  });
  return outfile;
}
