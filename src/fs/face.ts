// A node:fs over one task of some kernel: an in-process one (create.ts), or a live sandbox's.

import type * as NodeFs from "node:fs";
import type { RunningTask } from "../embedded/kernel.ts";
import { type AsyncFs, asyncFs } from "./async/async.ts";
import { constants, F_OK, R_OK, W_OK, X_OK } from "./constants.ts";
import { Dirent } from "./dirent.ts";
import { Leaf } from "./leaf/leaf.ts";
import { Stats } from "./stats.ts";
import { type SyncFs, syncFs } from "./sync/sync.ts";
import { type Volume, volume } from "./volume.ts";

export type FileSystem = typeof NodeFs & Volume;

/** The object is the caller's to change and to extend, as node:fs is. */
export function makeFace(task: RunningTask): FileSystem {
  return faceOver(new Leaf(task));
}

/** The same, of leaf calls that somebody has used before. */
export function faceOver(leaf: Leaf): FileSystem {
  const sync: SyncFs = syncFs(leaf);
  const later: AsyncFs = asyncFs(leaf, sync);
  const face = {
    ...sync,
    ...later,
    ...volume(leaf, sync),
    Stats,
    // Node's types say nothing of a Dirent's arguments, and have constants of other systems.
    Dirent: Dirent as unknown as typeof NodeFs.Dirent,
    constants: constants as unknown as typeof NodeFs.constants,
  } satisfies typeof NodeFs;
  for (const [name, value] of Object.entries({ F_OK, R_OK, W_OK, X_OK, constants }))
    Object.defineProperty(face, name, { value, enumerable: true, writable: false, configurable: false });
  return face as unknown as FileSystem;
}
