// What workers run, read once: a process that confines itself opens no file afterwards, and starts its workers from memory.

import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { builtFile } from "../../common/build-folder.ts";

const sources = new Map<string, string>();

/** The text of a bundle in the build folder, for a Worker with `eval`. */
export function workerSource(name: string): string {
  const known = sources.get(name);
  if (known !== undefined) return known;
  const file = builtFile(name);
  // As a module of this file's name would be run: the text names its own place.
  const place = `${JSON.stringify(file)}, ${JSON.stringify(dirname(file))}`;
  const source = `(function (__filename, __dirname) {${readFileSync(file, "utf8")}\n})(${place});`;
  sources.set(name, source);
  return source;
}
