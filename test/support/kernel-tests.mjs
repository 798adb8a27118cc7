// A vitest plugin: every exported function of a test/kernel/**/*.as.ts file is a test.
//
// All such files of one folder are compiled into one module, with the kernel's own targets, runtime and memory: once with
// the kernel's assertions and names, once as released, without them. A test's own assert() works in both. Each test runs in
// a fresh memory.
//
// What was compiled is kept in node_modules/.cache under a hash of all that went into it.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compileKernel, root } from "../../scripts/asc-kernel.mjs";

/** The lowest level at which the debug build is quick to compile; the release build is compiled as it ships. */
const TARGETS = [
  ["debug", ["--optimizeLevel", "1"]],
  ["release", ["--noAssert"]],
];
/** What the tests' assert() becomes, as the compiler's own goes away with those of the kernel. */
const CHECK = `
// @ts-ignore: decorator
@global function __check<T>(condition: T, message: string = ""): void {
  if (!condition) abort(message);
}
`;
const CACHE = path.join(root, "node_modules/.cache/wvisor-kernel-tests");
const CACHE_DAYS = 1;
const TEST = /^export function (\w+)\(\): void/gm;

/** The sources under a folder, by path relative to the root, in a fixed order. */
function sourcesBelow(folder) {
  return readdirSync(path.join(root, folder), { recursive: true })
    .filter((name) => name.endsWith(".ts"))
    .sort()
    .map((name) => path.join(folder, name));
}

/** "a-file" of "a-file.as.ts", as the prefix of its tests' exports. */
function prefixOf(file) {
  return path.basename(file, ".as.ts").replaceAll("-", "_");
}

/** The text of a module that exports every test of the files, as `<file>__<test>`. */
function entryFor(files) {
  const lines = [];
  for (const file of files) {
    const text = readFileSync(path.join(root, file), "utf8");
    const names = [...text.matchAll(TEST)].map(([, name]) => `${name} as ${prefixOf(file)}__${name}`);
    if (names.length > 0)
      lines.push(`export { ${names.join(", ")} } from "./${path.basename(file, ".ts")}";`);
  }
  return `${lines.join("\n")}\n${CHECK}`;
}

function checkInTests(name, text) {
  return name.startsWith("test/") ? text.replace(/\bassert\(/g, "__check(") : text;
}

/** Everything that the compiled module depends on. Folders of other tests are left out: their helpers are not shared. */
function hashOf(folder, entry) {
  const hash = createHash("sha256").update(entry);
  const shared = ["test/kernel/support", folder].flatMap(sourcesBelow);
  const settings = [
    "asconfig.json",
    "scripts/asc-kernel.mjs",
    "test/support/kernel-tests.mjs",
    "package-lock.json",
  ];
  for (const file of [...settings, ...sourcesBelow("assembly"), ...shared]) {
    hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)));
  }
  return hash.digest("hex");
}

async function compileFolder(folder, entry) {
  const modules = [];
  for (const [target, args] of TARGETS) {
    const at = `${folder}/~tests.ts`;
    const options = { target: `test-${target}`, args, sources: { [at]: entry }, transform: checkInTests };
    const files = await compileKernel(at, options);
    modules.push([target, Buffer.from(files.get("kernel.wasm")).toString("base64")]);
  }
  return modules;
}

async function cachedModules(folder, entry, hash) {
  const file = path.join(CACHE, `${hash}.json`);
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    const modules = await compileFolder(folder, entry);
    mkdirSync(CACHE, { recursive: true });
    for (const name of readdirSync(CACHE)) {
      const old = path.join(CACHE, name);
      const made = statSync(old, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (Date.now() - made > CACHE_DAYS * 86_400_000) rmSync(old, { force: true });
    }
    writeFileSync(file, JSON.stringify(modules));
    return modules;
  }
}

export function kernelTests() {
  /** Compilations of this process by hash: the files of a folder are loaded one by one, and share theirs. */
  const running = new Map();
  return {
    name: "wvisor:kernel-tests",
    enforce: "pre",
    async load(id) {
      if (!id.endsWith(".as.ts")) return undefined;
      const file = path.relative(root, id);
      const folder = path.dirname(file);
      const files = readdirSync(path.join(root, folder)).filter((name) => name.endsWith(".as.ts"));
      const entry = entryFor(files.sort().map((name) => path.join(folder, name)));
      const hash = hashOf(folder, entry);
      if (!running.has(hash)) running.set(hash, cachedModules(folder, entry, hash));
      const modules = await running.get(hash);
      return `import { test } from "vitest";
import { registerKernelTests } from ${JSON.stringify(path.join(root, "test/support/kernel-tests-runtime.mjs"))};
registerKernelTests(test, ${JSON.stringify(prefixOf(file))}, ${JSON.stringify(modules)});
`;
    },
  };
}
