// cgroup, version 1: a hierarchy for each set of controllers (Linux: kernel/cgroup/cgroup-v1.c).
//
// Hierarchies belong to a pid namespace: a mount with the same controllers as an earlier one there shows the same groups, and one that
// shares only some of them is refused. What one container makes is nothing to others. A hierarchy ends with its last mount.

import { EBUSY, EINVAL } from "../../abi/errno.ts";
import { ROOT_CGROUPS } from "../../abi/kernel-layout.ts";
import { pidsOf } from "../../kernel/mounter.ts";
import { PidNamespace } from "../../kernel/pid-namespace.ts";
import { OptionList } from "../../lib/option-list.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf } from "../../lib/result.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FS_CGROUP, MountOptions } from "../../vfs/filesystem-type.ts";
import { Text } from "../../vfs/text.ts";
import { ConstantFile } from "../kernfs/file.ts";
import { CgroupDirectory, CgroupFilesystem, MembersFile, NumberFile } from "./cgroup.ts";

const CGROUP_SUPER_MAGIC: u64 = 0x27e0eb;

const CPU: u32 = 1;
const CPUACCT: u32 = 2;
const CPUSET: u32 = 4;
const MEMORY: u32 = 8;
const PIDS: u32 = 16;
const JOB: u32 = 32;
const ALL: u32 = 63;

const I32_MAX: i64 = i32.MAX_VALUE;
/** PAGE_COUNTER_MAX in bytes. */
const MEMORY_MAX: i64 = 9223372036854771712;

@final
class Hierarchy extends CgroupFilesystem {
  next: Hierarchy | null = null;
  /** The root dentry, borrowed: it holds this. */
  root: usize = 0;

  constructor(
    readonly controllers: u32,
    pids: PidNamespace,
  ) {
    super(pids);
    this.next = changetype<Hierarchy | null>(<usize>load<u32>(ROOT_CGROUPS));
    store<u32>(ROOT_CGROUPS, <u32>changetype<usize>(this));
  }

  override destroy(): void {
    let previous: Hierarchy | null = null;
    let at = changetype<Hierarchy | null>(<usize>load<u32>(ROOT_CGROUPS));
    while (at !== null && at !== this) {
      previous = at;
      at = at.next;
    }
    if (previous !== null) previous.next = this.next;
    else store<u32>(ROOT_CGROUPS, <u32>changetype<usize>(this.next));
    super.destroy();
  }

  typeId(): u32 {
    return FS_CGROUP;
  }
  magic(): u64 {
    return CGROUP_SUPER_MAGIC;
  }

  /** Linux: cgroup1_show_options(). */
  override showOptions(out: Text): void {
    const controllers = this.controllers;
    if (controllers & CPUSET) out.text(",cpuset");
    if (controllers & CPU) out.text(",cpu");
    if (controllers & CPUACCT) out.text(",cpuacct");
    if (controllers & MEMORY) out.text(",memory");
    if (controllers & PIDS) out.text(",pids");
    if (controllers & JOB) out.text(",job");
  }

  populate(group: CgroupDirectory, isRoot: bool): void {
    const address = changetype<usize>(group);
    group.add("cgroup.clone_children", new NumberFile(this, 0, 0, 1, false));
    group.add("cgroup.procs", new MembersFile(this, address, isRoot));
    group.add("notify_on_release", new NumberFile(this, 0, 0, 1, false));
    group.add("tasks", new MembersFile(this, address, isRoot));
    const controllers = this.controllers;
    if (controllers & CPU) {
      group.add("cpu.cfs_period_us", new NumberFile(this, 100000, 1000, 1000000, false));
      group.add("cpu.cfs_quota_us", new NumberFile(this, -1, -1, i64.MAX_VALUE, false));
      group.add("cpu.shares", new NumberFile(this, 1024, 2, 262144, false));
    }
    if (controllers & CPUACCT) {
      group.add("cpuacct.stat", new ConstantFile(this, 0o444, "user 0\nsystem 0\n"));
      group.add("cpuacct.usage", new NumberFile(this, 0, 0, 0, false));
      group.add("cpuacct.usage_sys", new ConstantFile(this, 0o444, "0\n"));
      group.add("cpuacct.usage_user", new ConstantFile(this, 0o444, "0\n"));
    }
    if (controllers & CPUSET) {
      group.add("cpuset.cpus", new ConstantFile(this, 0o644, "0\n"));
      group.add("cpuset.mems", new ConstantFile(this, 0o644, "0\n"));
    }
    if (controllers & MEMORY) {
      group.add("memory.limit_in_bytes", new NumberFile(this, MEMORY_MAX, 0, MEMORY_MAX, false));
      group.add("memory.usage_in_bytes", new ConstantFile(this, 0o444, "0\n"));
    }
    if (controllers & PIDS && !isRoot) {
      group.add("pids.current", new ConstantFile(this, 0o444, "0\n"));
      group.add("pids.max", new NumberFile(this, I32_MAX, 0, I32_MAX, true));
    }
    if (controllers & JOB) group.add("job.id", new NumberFile(this, 0, 0, i64.MAX_VALUE, false));
  }
}

function controllerOf(options: OptionList): u32 {
  if (options.is("cpu")) return CPU;
  if (options.is("cpuacct")) return CPUACCT;
  if (options.is("cpuset")) return CPUSET;
  if (options.is("memory")) return MEMORY;
  if (options.is("pids")) return PIDS;
  return options.is("job") ? JOB : 0;
}

/** The set that the options name; none or "all": every controller. 0: a name is unknown, or "all" is not alone. */
function controllersOf(data: usize, length: u32): u32 {
  const options = new OptionList(data, length);
  let named: u32 = 0;
  let all = false;
  let wrong = false;
  while (options.next()) {
    if (options.is("all")) {
      all = true;
      continue;
    }
    const controller = controllerOf(options);
    wrong = wrong || controller == 0;
    named |= controller;
  }
  free(options);
  if (wrong || (all && named)) return 0;
  return named ? named : ALL;
}

/** The root dentry of the hierarchy with these controllers, with one reference; or an error: EINVAL, EBUSY. */
export function mountCgroup(options: MountOptions): usize {
  const controllers = controllersOf(options.data, options.dataLength);
  if (controllers == 0) return errorOf(-EINVAL);
  let at = changetype<Hierarchy | null>(<usize>load<u32>(ROOT_CGROUPS));
  const pids = pidsOf(options);
  while (at !== null) {
    if (at.pids === pids && at.controllers == controllers) {
      const root = changetype<Dentry>(at.root);
      root.incRef();
      return at.root;
    }
    if (at.pids === pids && at.controllers & controllers) return errorOf(-EBUSY);
    at = at.next;
  }
  const fs = new Hierarchy(controllers, pids);
  const root = makeRootDentry(fs, new CgroupDirectory(fs, 0o755, true));
  fs.root = changetype<usize>(root);
  fs.decRef();
  return fs.root;
}
