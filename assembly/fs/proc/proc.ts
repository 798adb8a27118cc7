// procfs: the kernel's tasks and tables as files (Linux: fs/proc).
//
// Every name is asked for again at each walk, since tasks and descriptors come and go: a dentry of an ended task is dropped by
// revalidate(), and one of a living task gets its owner of now.

import { EIO, ENOENT, EPERM } from "../../abi/errno.ts";
import { StatFs } from "../../vfs/attributes.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FS_PROC } from "../../vfs/filesystem-type.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";
import { makeProcRoot } from "./root.ts";

const PROC_SUPER_MAGIC: u64 = 0x9fa0;

@final
export class ProcFilesystem extends KernfsFilesystem {
  constructor() {
    super();
    this.revalidates = true;
    this.missing = -ENOENT;
    this.writeError = -EIO;
    this.attributeError = -EPERM;
  }

  typeId(): u32 {
    return FS_PROC;
  }

  statfs(out: StatFs): i32 {
    out.type = PROC_SUPER_MAGIC;
    return 0;
  }
}

/** A new instance; returns its root dentry with one reference. All instances show the same kernel. */
export function mountProc(): Dentry {
  const fs = new ProcFilesystem();
  const root = makeRootDentry(fs, makeProcRoot(fs));
  fs.decRef();
  return root;
}
