// The door to the native helper, and the only importer of the .node file.

import { existsSync } from "node:fs";
import { builtFile } from "../common/build-folder.ts";
import { WvisorError } from "../common/errors.ts";
import { oneLine } from "../common/one-line.ts";
import type { Native } from "./interface.ts";

export type { Native } from "./interface.ts";

const SUPPORTED = new Set(["linux-x64", "linux-arm64"]);

let loaded: Native | undefined;
let problem: string | undefined;

/**
 * Returns the helper, or undefined when this platform has none, it is not built, or what is there is another system's: then
 * nativeProblem() says which. Safe in worker threads; each has its own registered memories.
 */
export function loadNative(): Native | undefined {
  if (loaded !== undefined || problem !== undefined) return loaded;
  const platform = `${process.platform}-${process.arch}`;
  if (!SUPPORTED.has(platform)) {
    problem = `there is none for ${platform}: it needs Linux on x64 or arm64`;
    return undefined;
  }
  const file = builtFile("native/wv.node");
  // What require() does with a .node file, without its search.
  const module = { exports: {} };
  try {
    // First of all, and by the same name: a thread of a confined process, which sees no file, gets what others have loaded.
    process.dlopen(module, file);
  } catch (error) {
    problem = existsSync(file)
      ? `it does not load on this ${platform}: ${oneLine((error as Error).message)}`
      : `${file} is missing`;
    return undefined;
  }
  loaded = module.exports as Native;
  return loaded;
}

/** Why there is no helper; "" when there is one. */
export function nativeProblem(): string {
  return loadNative() === undefined ? problem! : "";
}

/** How one gets it: a package has it for the system that it was packed on. */
export const NATIVE_REMEDY = "a package of wVisor for this system, or in its sources: npm run build:native";

/** The helper. Errors: WvisorError when there is none. */
export function requireNative(): Native {
  const native = loadNative();
  if (native !== undefined) return native;
  throw new WvisorError(
    "ERR_WVISOR_DEGRADED",
    `no native helper, without which host files cannot be confined: ${nativeProblem()}; needed: ${NATIVE_REMEDY}`,
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
