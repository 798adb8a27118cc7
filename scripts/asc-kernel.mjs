// How the kernel's sources are compiled: the options that every target shares, and the replacement of the compiler's
// runtime by the kernel's own (assembly/mm/runtime.ts). Used by the build and by the kernel's unit tests.

import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import asc, { libraryFiles } from "assemblyscript/asc";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** Library name -> source: files that the replaced runtime needs, and that the kernel therefore imports by these names. */
const LIBRARY = {
  "rt/stub": "assembly/mm/runtime.ts",
  "mm/page": "assembly/mm/page.ts",
  "mm/slab": "assembly/mm/slab.ts",
  "abi/kernel-layout": "assembly/abi/kernel-layout.ts",
};

/**
 * Compiles `entry` (relative to the root) by a target of asconfig.json. Returns the files that asc wrote, by name.
 * `sources` are files that exist only for this compilation: text by path relative to the root. `transform` may change what
 * is compiled of a file.
 */
export async function compileKernel(entry, options = {}) {
  const { target = "release", args = [], sources = {}, transform = (_name, text) => text } = options;
  for (const [name, file] of Object.entries(LIBRARY)) {
    libraryFiles[name] = readFileSync(path.join(root, file), "utf8");
  }
  const files = new Map();
  // The debug kernel has exports of its own.
  const entries = target === "debug" ? [entry, "assembly/debug/exports.ts"] : [entry];
  const { error, stderr } = await asc.main(
    [...entries, "--config", "asconfig.json", "--target", target, "--outFile", "kernel.wasm", ...args],
    {
      readFile(name, base) {
        if (Object.hasOwn(sources, name)) return sources[name];
        let text;
        try {
          text = readFileSync(path.resolve(root, base, name), "utf8");
        } catch {
          return null;
        }
        return transform(name, text);
      },
      writeFile(name, contents) {
        files.set(name, contents);
      },
      listFiles: () => [],
    },
  );
  const messages = stderr.toString();
  if (error) throw new Error(messages || error.message);
  if (messages.trim()) process.stderr.write(messages);
  return files;
}
