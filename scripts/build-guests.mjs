// Compiles the small WASI guests (AssemblyScript on raw preview1 imports) to build/guests/NAME.wasm.
//
// A guest is recompiled when its own source, a file of test/guests/lib, the WASI numbers or the compiler
// changed: the hash of all of them stands beside the module. Several processes may build at once (test
// workers do): files appear by rename.
//
//   node scripts/build-guests.mjs [NAME...]

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUT = path.join(ROOT, "build", "guests");
const SHARED = ["test/guests/lib", "test/guests/wasi/lib"];
const FLAGS = ["--runtime", "stub", "--use", "abort=", "-O2"];

/** Where programs live, and what stands before the file's name in the guest's name. */
const FOLDERS = [
  { folder: "test/guests", prefix: "" },
  { folder: "test/guests/wasi", prefix: "wasi/" },
  { folder: "bench/guests", prefix: "bench/" },
];

async function sourcesIn(folder) {
  const entries = await readdir(path.join(ROOT, folder), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => entry.name)
    .sort();
}

/** Guest names to source paths relative to the project's root. */
async function findGuests() {
  const guests = new Map();
  for (const { folder, prefix } of FOLDERS) {
    for (const file of await sourcesIn(folder)) {
      guests.set(prefix + file.slice(0, -".ts".length), `${folder}/${file}`);
    }
  }
  return guests;
}

async function hashOfShared() {
  const hash = createHash("sha256");
  const compiler = JSON.parse(
    await readFile(path.join(ROOT, "node_modules/assemblyscript/package.json"), "utf8"),
  );
  hash.update(compiler.version).update(FLAGS.join(" "));
  hash.update(await readFile(fileURLToPath(import.meta.url)));
  hash.update(await readFile(path.join(ROOT, "assembly/abi/wasi.ts")));
  for (const folder of SHARED) {
    for (const file of await sourcesIn(folder)) hash.update(await readFile(path.join(ROOT, folder, file)));
  }
  return hash.digest("hex");
}

async function compile(source) {
  const { default: asc } = await import("assemblyscript/asc");
  let wasm;
  const result = await asc.main([source, "--outFile", "guest.wasm", ...FLAGS], {
    readFile: (name, base) => {
      // asconfig.json is the kernel's: a guest has a memory of its own.
      if (path.basename(name) === "asconfig.json") return null;
      return readFile(path.resolve(ROOT, base ?? ".", name), "utf8").catch(() => null);
    },
    writeFile: (name, contents) => {
      if (name === "guest.wasm") wasm = contents;
    },
    listFiles: () => [],
  });
  if (result.error || wasm === undefined) {
    throw new Error(`compiling the guest ${source}:\n${result.stderr.toString()}`, { cause: result.error });
  }
  return wasm;
}

async function writeAtomically(file, contents) {
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(temporary, contents);
  await rename(temporary, file);
}

async function buildGuest(name, source, sharedHash) {
  const file = path.join(OUT, `${name}.wasm`);
  const text = await readFile(path.join(ROOT, source));
  const hash = createHash("sha256").update(sharedHash).update(text).digest("hex");
  const built = await readFile(`${file}.sha256`, "utf8").catch(() => "");
  if (built !== hash) {
    await writeAtomically(file, await compile(source));
    // The hash comes second: whoever sees it also sees the module that it is of, or a newer one.
    await writeAtomically(`${file}.sha256`, hash);
  }
  return new Uint8Array(await readFile(file));
}

/** The modules of the named guests, or of all. */
export async function buildGuests(names) {
  const guests = await findGuests();
  const sharedHash = await hashOfShared();
  const modules = new Map();
  for (const name of names ?? guests.keys()) {
    const source = guests.get(name);
    if (source === undefined) throw new Error(`there is no guest called ${name}`);
    modules.set(name, await buildGuest(name, source, sharedHash));
  }
  return modules;
}

/** Where the guest's module is after buildGuests. */
export function guestFile(name) {
  return path.join(OUT, `${name}.wasm`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  const modules = await buildGuests(names.length > 0 ? names : undefined);
  for (const [name, bytes] of modules) console.log(`${guestFile(name)}  ${bytes.length} bytes`);
}
