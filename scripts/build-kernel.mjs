// Builds the kernel:
//   build/kernel.wasm            guest memory is reached through imported functions (Node 20, browsers)
//   build/kernel-merged.wasm     guest memory is the module's second memory (Node 22 and later)
//   build/kernel-debug.wasm      as the first, with assertions and names
//   build/guest-peek.wasm        the imported functions, for Node 20
//   build/kernel-portable.wasm   as the first, for one thread over a memory that is not shared (wvisor/fs, browsers)
// Nothing is done when the outputs are newer than all sources.

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const outputs = [
  "kernel.wasm",
  "kernel-merged.wasm",
  "kernel-debug.wasm",
  "guest-peek.wasm",
  "kernel-portable.wasm",
];

/**
 * Eight-byte values that the stack probe's frame holds (assembly/kernel/stack.ts). V8 takes half a millisecond to compile it at
 * the first call; four times as many would take ten.
 */
const PROBE_WORDS = 1024;
/** Any addresses inside the memory will do. */
const PROBE_ADDRESS = 1024;

const FEATURES = [
  "--enable-threads",
  "--enable-bulk-memory",
  "--enable-bulk-memory-opt",
  "--enable-multimemory",
  "--enable-mutable-globals",
  "--enable-sign-ext",
  "--enable-nontrapping-float-to-int",
];

function newest(folder) {
  let time = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    time = Math.max(time, entry.isDirectory() ? newest(file) : statSync(file).mtimeMs);
  }
  return time;
}

function upToDate() {
  const sources = Math.max(
    newest(path.join(root, "assembly")),
    ...["scripts/build-kernel.mjs", "scripts/asc-kernel.mjs", "asconfig.json"].map(
      (f) => statSync(path.join(root, f)).mtimeMs,
    ),
  );
  return outputs.every((name) => {
    const made = statSync(path.join(root, "build", name), { throwIfNoEntry: false });
    return made !== undefined && made.mtimeMs > sources;
  });
}

/**
 * The stack probe of assembly/kernel/stack.ts. In the branch that is never taken PROBE_WORDS values are loaded, kept across
 * a call and stored, so that every compiler must give the function a frame that holds them all. Each has an address of its
 * own: an optimizer keeps one value for what it knows to be equal. And no optimizer of ours sees it: it is merged last.
 */
function probeSource(memory = "64 32768 shared") {
  const names = Array.from({ length: PROBE_WORDS }, (_, i) => `$v${i}`);
  const locals = names.map((name) => `(local ${name} i64)`).join(" ");
  const address = (i) => `(i32.const ${PROBE_ADDRESS + i * 8})`;
  const loads = names.map((name, i) => `(local.set ${name} (i64.load ${address(i)}))`).join("\n");
  const stores = names.map((name, i) => `(i64.store ${address(i)} (local.get ${name}))`).join("\n");
  return `(module
    (import "kernel" "memory" (memory ${memory}))
    (func $probe (export "probe") (param $never i32) ${locals}
      (if (local.get $never) (then
        ${loads}
        (call $probe (i32.const 0))
        ${stores}))))`;
}

function tool(name, args) {
  execFileSync(path.join(root, "node_modules/.bin", name), args, { stdio: ["ignore", "inherit", "inherit"] });
}

/**
 * In one step: whoever reads meanwhile sees the old file or the new one. Its time is that of the build's start: a source that
 * was changed meanwhile is newer.
 */
function publish(file, name, started) {
  const target = path.join(root, "build", name);
  copyFileSync(file, `${target}.${process.pid}`);
  utimesSync(`${target}.${process.pid}`, started, started);
  renameSync(`${target}.${process.pid}`, target);
}

export async function buildKernel() {
  if (upToDate()) return false;
  const started = new Date();
  const { compileKernel } = await import("./asc-kernel.mjs");
  const work = mkdtempSync(path.join(tmpdir(), "wvisor-kernel-"));
  const at = (name) => path.join(work, name);
  mkdirSync(path.join(root, "build"), { recursive: true });
  try {
    writeFileSync(at("probe.wat"), probeSource());
    tool("wasm-as", [...FEATURES, at("probe.wat"), "-o", at("probe.wasm")]);
    tool("wasm-as", [
      ...FEATURES,
      path.join(root, "assembly/providers/guest-merged.wat"),
      "-o",
      at("gate.wasm"),
    ]);
    tool("wasm-as", [path.join(root, "assembly/providers/guest-peek.wat"), "-o", at("guest-peek.wasm")]);
    writeFileSync(at("probe-portable.wat"), probeSource("64 32768"));
    tool("wasm-as", [...FEATURES, at("probe-portable.wat"), "-o", at("probe-portable.wasm")]);
    for (const target of ["release", "debug", "portable"]) {
      const files = await compileKernel("assembly/index.ts", { target });
      writeFileSync(at(`${target}.wasm`), files.get("kernel.wasm"));
    }
    const merge = (into, module, name, result, ...more) =>
      tool("wasm-merge", [...FEATURES, ...more, at(into), "kernel", at(module), name, "-o", at(result)]);
    // What asc leaves is optimized once more, as a whole: functions with one caller go into that.
    tool("wasm-opt", [...FEATURES, "-O3", at("release.wasm"), "-o", at("optimized.wasm")]);
    merge("optimized.wasm", "probe.wasm", "stack", "kernel.wasm");
    merge("debug.wasm", "probe.wasm", "stack", "kernel-debug.wasm", "-g");
    merge("release.wasm", "gate.wasm", "guest", "gated.wasm");
    tool("wasm-opt", [...FEATURES, "-O3", at("gated.wasm"), "-o", at("optimized-gated.wasm")]);
    merge("optimized-gated.wasm", "probe.wasm", "stack", "kernel-merged.wasm");
    tool("wasm-opt", [...FEATURES, "-O3", at("portable.wasm"), "-o", at("optimized-portable.wasm")]);
    merge("optimized-portable.wasm", "probe-portable.wasm", "stack", "kernel-portable.wasm");
    for (const name of outputs) publish(at(name), name, started);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildKernel();
