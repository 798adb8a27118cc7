// wvisor/fs: the package's node:fs in memory.

export { type CreateFsOptions, createFs } from "./create.ts";
export type { FileSystem } from "./face.ts";
export type { FlatTree, Tree, TreePath, TreeValue, Volume } from "./volume.ts";
