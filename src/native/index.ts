// The door to the native helper, and the only importer of the .node file.

import { existsSync } from "node:fs";
import { builtFile } from "../common/build-folder.ts";
import { WvisorError } from "../common/errors.ts";
import type { Native } from "./interface.ts";

export type { Native } from "./interface.ts";

const SUPPORTED = new Set(["linux-x64", "linux-arm64"]);

let loaded: Native | undefined;

/**
 * Returns the helper, or undefined when this platform has none or it is not built. Safe in worker threads; each has its
 * own registered memories. Throws when the file is there and cannot be loaded.
 */
export function loadNative(): Native | undefined {
  if (loaded !== undefined) return loaded;
  const file = builtFile("native/wv.node");
  if (!SUPPORTED.has(`${process.platform}-${process.arch}`)) return undefined;
  // What require() does with a .node file, without its search.
  const module = { exports: {} };
  try {
    // First of all, and by the same name: a thread of a confined process, which sees no file, gets what others have loaded.
    process.dlopen(module, file);
  } catch (error) {
    if (!existsSync(file)) return undefined;
    throw error;
  }
  loaded = module.exports as Native;
  return loaded;
}

/** The helper. Errors: WvisorError when there is none. */
export function requireNative(): Native {
  const native = loadNative();
  if (native !== undefined) return native;
  throw new WvisorError(
    "ERR_WVISOR_DEGRADED",
    "the native helper is missing, and without it host files cannot be confined; build it by: npm run build:native",
  );
}

/** The runtime as engines get it, built or not: what it does for state, kill and other calls that need no Node. */
export function frontPath(): string {
  return builtFile("wvisor");
}

/** Where wv-launch is, built or not. */
export function launcherPath(): string {
  return builtFile("native/wv-launch");
}

/** Where wv-anchor is, built or not. */
export function anchorPath(): string {
  return builtFile("native/wv-anchor");
}
