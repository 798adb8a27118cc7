// procfs: the kernel's tasks and tables as files (Linux: fs/proc).
//
// Every name is asked for again at each walk, since tasks and descriptors come and go: a dentry of an ended task is dropped by
// revalidate(), and one of a living task gets its owner of now.

import { pidsOf } from "../../kernel/mounter.ts";
import { errorOf } from "../../lib/result.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { MountOptions } from "../../vfs/filesystem-type.ts";
import { ProcFilesystem } from "./filesystem.ts";
import { makeProcRoot } from "./root.ts";

/** A new instance: its root dentry with one reference, or an error: EINVAL for an option. Instances differ in whose processes they show. */
export function mountProc(options: MountOptions): usize {
  const fs = new ProcFilesystem(pidsOf(options));
  const wrong = fs.takeOptions(options.data, options.dataLength);
  const root = wrong < 0 ? errorOf(wrong) : changetype<usize>(makeRootDentry(fs, makeProcRoot(fs)));
  fs.decRef();
  return root;
}
