// Builds everything into build/: the native helper, the kernel, and the bundles. Quick when nothing has changed.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildKernel } from "./build-kernel.mjs";
import { buildNative } from "./build-native.mjs";
import { asFunction, BUNDLE, FUNCTIONS, LIBRARY, MODULES, PAGE, PAGE_STYLE } from "./bundles.mjs";
import { removeCode, writeCode } from "./code-cache.mjs";
import { writeModules } from "./library.mjs";
import { licenses } from "./licenses.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

export async function build() {
  mkdirSync(path.join(root, "build"), { recursive: true });
  const manifest = path.join(root, "build/package.json");
  // Whoever runs a bundle meanwhile reads it: it is written once.
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "type": "commonjs" }\n');
  await buildNative();
  await buildKernel();
  await buildBundles();
}

async function buildBundles() {
  const { build: bundle } = await import("esbuild");
  const common = { ...BUNDLE, legalComments: "none", absWorkingDir: root, outdir: "build", metafile: true };
  const modules = await bundle({ ...common, entryPoints: { ...MODULES, ...LIBRARY } });
  writeModules();
  await bundle({ ...PAGE, absWorkingDir: root, outdir: "build" });
  await bundle({
    entryPoints: PAGE_STYLE,
    minify: true,
    charset: "ascii",
    absWorkingDir: root,
    outdir: "build",
  });
  const functions = await bundle({ ...common, entryPoints: FUNCTIONS, write: false });
  for (const { path: file, text } of functions.outputFiles)
    writeWhole(file, file.endsWith(".js") ? asFunction(text) : text);
  const inputs = [modules, functions].flatMap(({ metafile }) => Object.keys(metafile.inputs));
  writeWhole(path.join(root, "build/THIRD-PARTY-LICENSES.txt"), licenses(inputs));
  removeCode();
  writeCode();
  writeFeatures();
}

/** For build/wvisor, which prints them as they are. */
function writeFeatures() {
  const cli = path.join(root, "build/cli.js");
  const features = execFileSync(process.execPath, ["--no-warnings", cli, "features"], { encoding: "utf8" });
  writeWhole(path.join(root, "build/features.json"), features);
}

/** In one step: somebody may run it meanwhile. */
function writeWhole(file, text) {
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
