// All synchronous functions of node:fs over one task.

import type { Leaf } from "../leaf/leaf.ts";
import { type SyncAttributes, syncAttributes } from "./attributes.ts";
import { type SyncContents, syncContents } from "./contents.ts";
import { type SyncDirectories, syncDirectories } from "./directories.ts";
import { type SyncFiles, syncFiles } from "./files.ts";
import { type SyncNames, syncNames } from "./names.ts";

export type SyncFs = SyncFiles & SyncContents & SyncAttributes & SyncNames & SyncDirectories;

export function syncFs(leaf: Leaf): SyncFs {
  return {
    ...syncFiles(leaf),
    ...syncContents(leaf),
    ...syncAttributes(leaf),
    ...syncNames(leaf),
    ...syncDirectories(leaf),
  };
}
