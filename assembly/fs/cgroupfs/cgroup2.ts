// cgroup2: the one hierarchy of version 2 (Linux: kernel/cgroup/cgroup.c). Every mount is a tree of its own here, as each
// sandbox's is.

import { EINVAL } from "../../abi/errno.ts";
import { pidsOf } from "../../kernel/mounter.ts";
import { OptionList } from "../../lib/option-list.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf } from "../../lib/result.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { FS_CGROUP2, MountOptions } from "../../vfs/filesystem-type.ts";
import { Text } from "../../vfs/text.ts";
import { ConstantFile } from "../kernfs/file.ts";
import { CgroupDirectory, CgroupFilesystem, MembersFile, NumberFile } from "./cgroup.ts";

const CGROUP2_SUPER_MAGIC: u64 = 0x63677270;
const I32_MAX: i64 = i32.MAX_VALUE;

// Mount options, which are remembered and shown: nothing here is delegated or protected.
const NSDELEGATE: u32 = 1;
const FAVORDYNMODS: u32 = 2;
const MEMORY_LOCALEVENTS: u32 = 4;
const MEMORY_RECURSIVEPROT: u32 = 8;
const MEMORY_HUGETLB_ACCOUNTING: u32 = 16;
const PIDS_LOCALEVENTS: u32 = 32;

/** The flag that an option stands for, or 0. */
function flagOf(options: OptionList): u32 {
  if (options.is("nsdelegate")) return NSDELEGATE;
  if (options.is("favordynmods")) return FAVORDYNMODS;
  if (options.is("memory_localevents")) return MEMORY_LOCALEVENTS;
  if (options.is("memory_recursiveprot")) return MEMORY_RECURSIVEPROT;
  if (options.is("memory_hugetlb_accounting")) return MEMORY_HUGETLB_ACCOUNTING;
  return options.is("pids_localevents") ? PIDS_LOCALEVENTS : 0;
}

@final
class Cgroup2Filesystem extends CgroupFilesystem {
  options: u32 = 0;

  typeId(): u32 {
    return FS_CGROUP2;
  }
  magic(): u64 {
    return CGROUP2_SUPER_MAGIC;
  }

  /** Linux: cgroup_show_options(). */
  override showOptions(out: Text): void {
    const options = this.options;
    if (options & NSDELEGATE) out.text(",nsdelegate");
    if (options & FAVORDYNMODS) out.text(",favordynmods");
    if (options & MEMORY_LOCALEVENTS) out.text(",memory_localevents");
    if (options & MEMORY_RECURSIVEPROT) out.text(",memory_recursiveprot");
    if (options & MEMORY_HUGETLB_ACCOUNTING) out.text(",memory_hugetlb_accounting");
    if (options & PIDS_LOCALEVENTS) out.text(",pids_localevents");
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

/** A new instance: its root dentry with one reference, or an error: EINVAL for an option. */
export function mountCgroup2(asked: MountOptions): usize {
  const options = new OptionList(asked.data, asked.dataLength);
  let flags: u32 = 0;
  let known = true;
  while (options.next()) {
    const flag = flagOf(options);
    known = known && flag != 0 && !options.hasValue;
    flags |= flag;
  }
  free(options);
  if (!known) return errorOf(-EINVAL);
  const fs = new Cgroup2Filesystem(pidsOf(asked));
  fs.options = flags;
  const root = makeRootDentry(fs, new CgroupDirectory(fs, 0o755, true));
  fs.decRef();
  return changetype<usize>(root);
}
