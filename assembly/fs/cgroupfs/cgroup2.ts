// cgroup2: the one hierarchy of version 2 (Linux: kernel/cgroup/cgroup.c). Every mount is a tree of its own here, as each
// sandbox's is.

import { makeRootDentry } from "../../vfs/dcache.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FS_CGROUP2 } from "../../vfs/filesystem-type.ts";
import { ConstantFile } from "../kernfs/file.ts";
import { CgroupDirectory, CgroupFilesystem, MembersFile, NumberFile } from "./cgroup.ts";

const CGROUP2_SUPER_MAGIC: u64 = 0x63677270;
const I32_MAX: i64 = i32.MAX_VALUE;

@final
class Cgroup2Filesystem extends CgroupFilesystem {
  typeId(): u32 {
    return FS_CGROUP2;
  }
  magic(): u64 {
    return CGROUP2_SUPER_MAGIC;
  }

  populate(group: CgroupDirectory, isRoot: bool): void {
    const address = changetype<usize>(group);
    group.add("cgroup.controllers", new ConstantFile(this, 0o444, "cpuset cpu memory pids\n"));
    if (!isRoot) group.add("cgroup.events", new ConstantFile(this, 0o444, "populated 0\nfrozen 0\n"));
    if (!isRoot) group.add("cgroup.freeze", new NumberFile(this, 0, 0, 1, false));
    group.add("cgroup.max.depth", new NumberFile(this, I32_MAX, 0, I32_MAX, true));
    group.add("cgroup.max.descendants", new NumberFile(this, I32_MAX, 0, I32_MAX, true));
    group.add("cgroup.procs", new MembersFile(this, address, isRoot));
    group.add("cgroup.stat", new ConstantFile(this, 0o444, "nr_descendants 0\nnr_dying_descendants 0\n"));
    group.add("cgroup.subtree_control", new ConstantFile(this, 0o644, ""));
    group.add("cgroup.threads", new MembersFile(this, address, isRoot));
    if (!isRoot) group.add("cgroup.type", new ConstantFile(this, 0o644, "domain\n"));
    group.add("cpu.stat", new ConstantFile(this, 0o444, "usage_usec 0\nuser_usec 0\nsystem_usec 0\n"));
  }
}

/** A new instance: its root dentry with one reference. */
export function mountCgroup2(): Dentry {
  const fs = new Cgroup2Filesystem();
  const root = makeRootDentry(fs, new CgroupDirectory(fs, 0o755, true));
  fs.decRef();
  return root;
}
