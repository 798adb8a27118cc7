// Builds the native helper (build/native/wv.node), the launcher (build/native/wv-launch), the anchor of containers
// (build/native/wv-anchor) and the runtime as engines get it (build/wvisor) with the system's C compiler.
// No network and no node-gyp: the headers come with Node or with the node-api-headers package.

import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const SELF = fileURLToPath(import.meta.url);
const ROOT = path.dirname(path.dirname(SELF));
const FOLDER = path.join(ROOT, "src/native");
const OUTPUT = path.join(ROOT, "build/native");
/** Has the version. */
const PACKAGE = path.join(ROOT, "package.json");

// -s: the package carries them.
const COMMON_FLAGS = [
  "-s",
  "-std=c17",
  "-O2",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-D_GNU_SOURCE",
  "-fstack-protector-strong",
];
// -z nodelete: the deadline thread outlives the worker that may have loaded the library.
const ADDON_FLAGS = [
  "-shared",
  "-fPIC",
  "-pthread",
  "-fvisibility=hidden",
  "-Wl,-z,nodelete",
  "-Wl,-z,relro,-z,now",
];
const STATIC_FLAGS = ["-static"];

function headers() {
  const bundled = path.join(path.dirname(path.dirname(realpathSync(process.execPath))), "include/node");
  if (existsSync(path.join(bundled, "node_api.h"))) return bundled;
  return createRequire(import.meta.url)("node-api-headers").include_dir;
}

function modified(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Compiles to a name of its own and renames, so that parallel builds and running users never see half a file. */
function compile(output, sources, flags) {
  const compiler = process.env.CC || "cc";
  const temporary = `${output}.${process.pid}.tmp`;
  const result = spawnSync(compiler, [...COMMON_FLAGS, ...flags, "-o", temporary, ...sources], {
    cwd: FOLDER,
    encoding: "utf8",
  });
  if (result.error) {
    throw new Error(`no C compiler: ${compiler}: ${result.error.code} (install one, or set CC)`);
  }
  if (result.status !== 0) {
    rmSync(temporary, { force: true });
    throw new Error(`${compiler} failed for ${path.relative(ROOT, output)}\n${result.stderr}`);
  }
  renameSync(temporary, output);
}

/** The sources of a folder, by names below src/native. */
function sourcesIn(folder) {
  const names = readdirSync(path.join(FOLDER, folder)).filter((name) => name.endsWith(".c"));
  return names.sort().map((name) => `${folder}/${name}`);
}

function newestIn(folder) {
  const names = readdirSync(path.join(FOLDER, folder)).filter((name) => /\.[ch]$/.test(name));
  return Math.max(...names.map((name) => modified(path.join(FOLDER, folder, name))));
}

function isStale({ file, folders }) {
  return (
    modified(path.join(OUTPUT, file)) < Math.max(modified(SELF), modified(PACKAGE), ...folders.map(newestIn))
  );
}

function versionDefinition() {
  const { version } = JSON.parse(readFileSync(PACKAGE, "utf8"));
  return `-DWVISOR_VERSION="${version}"`;
}

/** For build/wvisor, which looks for node beside it: engines call it without PATH. */
function linkNode() {
  const link = path.join(OUTPUT, "../node");
  const target = realpathSync(process.execPath);
  if (existsSync(link) && realpathSync(link) === target) return;
  const temporary = `${link}.${process.pid}.tmp`;
  symlinkSync(target, temporary);
  renameSync(temporary, link);
}

/** What the anchor has in common with the launcher. */
const ANCHOR_SHARED = ["launch/fail.c", "launch/limits.c", "launch/values.c", "shared/root_mount.c"];

/** Builds what is older than its sources. Returns the names of the files that it made. */
export function buildNative() {
  if (process.platform !== "linux")
    throw new Error(`the native helper needs Linux, this is ${process.platform}`);
  const targets = [
    {
      file: "wv.node",
      folders: ["src", "shared"],
      sources: [...sourcesIn("src"), ...sourcesIn("shared")],
      flags: () => [...ADDON_FLAGS, `-I${headers()}`],
    },
    {
      file: "wv-launch",
      folders: ["launch", "shared"],
      sources: [...sourcesIn("launch"), ...sourcesIn("shared")],
      flags: () => STATIC_FLAGS,
    },
    {
      file: "wv-anchor",
      folders: ["anchor", "launch", "shared"],
      sources: [...sourcesIn("anchor"), ...ANCHOR_SHARED],
      flags: () => STATIC_FLAGS,
    },
    {
      file: "../wvisor",
      folders: ["front"],
      sources: sourcesIn("front"),
      flags: () => [...STATIC_FLAGS, versionDefinition()],
    },
  ];
  mkdirSync(OUTPUT, { recursive: true });
  const stale = targets.filter(isStale);
  for (const { file, sources, flags } of stale) compile(path.join(OUTPUT, file), sources, flags());
  linkNode();
  return stale.map((target) => target.file);
}

if (process.argv[1] && realpathSync(process.argv[1]) === SELF) {
  try {
    for (const file of buildNative()) console.log(path.join("build/native", file));
  } catch (error) {
    console.error(`build-native: ${error.message}`);
    process.exitCode = 1;
  }
}
