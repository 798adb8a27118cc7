// The door to the native helper, and the only importer of the .node file.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Native } from "./interface.ts";

export type { Native } from "./interface.ts";

const SUPPORTED = new Set(["linux-x64", "linux-arm64"]);

let loaded: Native | undefined;

/** build/native, seen from the sources (src/native/index.ts) or from a bundle in build/. */
function binaries(): string {
  const self = fileURLToPath(import.meta.url);
  const folder = path.dirname(self);
  const fromSources = self.endsWith(path.join("src", "native", "index.ts"));
  return fromSources ? path.resolve(folder, "../../build/native") : path.join(folder, "native");
}

/**
 * Returns the helper, or undefined when this platform has none or it is not built. Safe in worker threads; each has its
 * own registered memories. Throws when the file is there and cannot be loaded.
 */
export function loadNative(): Native | undefined {
  if (loaded !== undefined) return loaded;
  const file = path.join(binaries(), "wv.node");
  if (!SUPPORTED.has(`${process.platform}-${process.arch}`) || !existsSync(file)) return undefined;
  loaded = createRequire(import.meta.url)(file) as Native;
  return loaded;
}

/** Where wv-launch is, built or not. */
export function launcherPath(): string {
  return path.join(binaries(), "wv-launch");
}
