// createFs(): a file system of one's own, in this process.

import { readFileSync } from "node:fs";
import { O_PATH } from "../../assembly/abi/fcntl.ts";
import { builtFile } from "../common/build-folder.ts";
import type { Clock } from "../embedded/host.ts";
import { embeddedTask } from "../embedded/kernel.ts";

import { type FileSystem, faceOver } from "./face.ts";
import { Leaf } from "./leaf/leaf.ts";
import { checkInteger, checkMode, checkUint32 } from "./validators.ts";
import type { Tree } from "./volume.ts";

export interface CreateFsOptions {
  /** Where relative paths begin; made when it is missing. Default: "/". */
  readonly cwd?: string;
  /** As umask(2). Default: 0o022. */
  readonly umask?: number;
  /** Whose rights the file system's user has. Default: 0, who may do everything. */
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  /** The most bytes that all files may take together. Default: what the kernel's memory can hold, near 2 GiB. */
  readonly size?: number;
  /** The most files and directories. */
  readonly inodes?: number;
  /** What files are stamped with, in milliseconds since the epoch. Default: Date.now(). */
  readonly clock?: Clock;
}

const UMASK = 0o022;
const STANDARD_STREAMS = 3;
const DIRECTORY_MODE = 0o777;
const ALL_CAPABILITIES = (1n << 41n) - 1n;

let compiled: WebAssembly.Module | undefined;

/** Compiled once, when the first file system is made. */
function portableKernel(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(builtFile("kernel-portable.wasm")));
  return compiled;
}

/** The options of the root's tmpfs. */
function rootOptions({ uid = 0, gid = 0, size, inodes }: CreateFsOptions): string {
  const options = ["mode=755", `uid=${uid}`, `gid=${gid}`];
  if (size !== undefined) options.push(`size=${checkInteger(size, "options.size", 1)}`);
  if (inodes !== undefined) options.push(`nr_inodes=${checkInteger(inodes, "options.inodes", 1)}`);
  return options.join(",");
}

/** createFs(), with the leaf calls that the face is made of. */
export function makeFs(tree: Tree, options: CreateFsOptions): { face: FileSystem; leaf: Leaf } {
  const { cwd = "/", umask = UMASK, clock, groups = [] } = options;
  const uid = checkUint32(options.uid ?? 0, "options.uid");
  const gid = checkUint32(options.gid ?? 0, "options.gid");
  const capabilities = uid === 0 ? ALL_CAPABILITIES : 0n;
  const task = embeddedTask(portableKernel(), {
    root: rootOptions(options),
    task: { uid, gid, groups, umask: checkMode(umask, "options.umask"), capabilities },
    ...(clock === undefined ? {} : { clock }),
  });
  const leaf = new Leaf(task);
  // Where a process has its streams nothing can be read or written. Node's streams take descriptor 0 for none.
  for (let fd = 0; fd < STANDARD_STREAMS; fd++) leaf.open("/", O_PATH, 0);
  leaf.mkdirs(cwd, DIRECTORY_MODE);
  leaf.chdir(cwd);
  const face = faceOver(leaf);
  face.fromJSON(tree);
  return { face, leaf };
}

/**
 * A file system in memory with all that node:fs has, POSIX as Linux does it. `tree`: what is in it at first, as fromJSON() takes it; its
 * files belong to the user. Errors: those of validation; those of writing the tree.
 */
export function createFs(tree: Tree = {}, options: CreateFsOptions = {}): FileSystem {
  return makeFs(tree, options).face;
}
