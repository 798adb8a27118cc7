// Control groups as directories (Linux: kernel/cgroup). A hierarchy is a tree of groups; each task is in one group of each
// hierarchy, at first in the root. What is set is kept and shown: a guest's memory and time are limited by the sandbox, not by
// groups that the guest makes.

import { memoryIsShort } from "mm/page";
import { EBUSY, EINVAL, ENODEV, ENOSPC, ESRCH } from "../../abi/errno.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { findTask, PidNamespace } from "../../kernel/pid-namespace.ts";
import { RadixTree } from "../../lib/radix-tree.ts";
import { StatFs } from "../../vfs/attributes.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsDirectory } from "../kernfs/directory.ts";
import { KernfsFile } from "../kernfs/file.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";
import { parseSigned } from "../kernfs/numbers.ts";

/** Groups of one hierarchy; each takes about 8 KiB of kernel memory. */
const GROUPS_MAX: u32 = 1024;
const LINE_END: u32 = 0x0a;

/** One hierarchy, and the file system that shows it. */
export abstract class CgroupFilesystem extends KernfsFilesystem {
  /** By the kernel's number of a task: the directory of the task's group; the root's tasks are not in it. Tasks that ended are dropped when they are met. */
  readonly members: RadixTree = new RadixTree();
  groups: u32 = 1;

  /** `pids`: whose groups they are; takes a reference. */
  constructor(readonly pids: PidNamespace) {
    super();
    pids.incRef();
    this.writeError = -EINVAL;
  }

  override destroy(): void {
    this.members.destroy();
    this.pids.decRef();
    super.destroy();
  }

  /** The type's magic number, for statfs. */
  abstract magic(): u64;
  /** Fills a new group's directory with its files. */
  abstract populate(group: CgroupDirectory, isRoot: bool): void;

  statfs(out: StatFs): i32 {
    out.type = this.magic();
    return 0;
  }
}

@final
export class CgroupDirectory extends KernfsDirectory {
  constructor(fs: CgroupFilesystem, permissions: u32, isRoot: bool) {
    super(fs, permissions);
    fs.populate(this, isRoot);
  }

  get hierarchy(): CgroupFilesystem {
    return changetype<CgroupFilesystem>(this.fs);
  }

  /** Whether a task is in this group; `isRoot`: this is the group of who is in none. */
  has(id: u32, isRoot: bool): bool {
    const group = this.hierarchy.members.get(id);
    return group ? group == changetype<usize>(this) : isRoot;
  }

  /** A new group. Errors: ENOSPC; EINVAL for a name with a line end. */
  override mkdir(child: Dentry, mode: u32, uid: u32, gid: u32): i32 {
    const fs = this.hierarchy;
    if (fs.groups >= GROUPS_MAX || memoryIsShort()) return -ENOSPC;
    for (let i: u32 = 0; i < child.nameLength; i++) {
      if (load<u8>(child.name + i) == <u8>LINE_END) return -EINVAL;
    }
    const group = new CgroupDirectory(fs, mode & 0o7777, false);
    group.uid = uid;
    group.gid = gid;
    fs.groups++;
    group.incRef();
    this.addNamed(child.name, child.nameLength, group);
    child.instantiate(group);
    return 0;
  }

  /** Errors: EBUSY while the group has tasks or groups. */
  override rmdir(child: Dentry): i32 {
    const group = changetype<CgroupDirectory>(child.file);
    if (group.hasFixedDirectory() || group.isPopulated()) return -EBUSY;
    group.nlink = 0;
    group.dead = true;
    this.removeFixed(group);
    this.hierarchy.groups--;
    return 0;
  }

  private isPopulated(): bool {
    const members = this.hierarchy.members;
    let pid = members.next(0);
    while (pid != u64.MAX_VALUE) {
      if (findTask(<u32>pid) === null) members.set(pid, 0);
      else if (members.get(pid) == changetype<usize>(this)) return true;
      pid = members.next(pid + 1);
    }
    return false;
  }
}

/** cgroup.procs, tasks and cgroup.threads: who is in the group; who is written moves into it. */
@final
export class MembersFile extends KernfsFile {
  /** `group` outlives the file. */
  constructor(
    fs: CgroupFilesystem,
    private readonly group: usize,
    private readonly isRoot: bool,
  ) {
    super(fs, 0o644);
  }

  show(out: Text): i32 {
    const group = changetype<CgroupDirectory>(this.group);
    const pids = group.hierarchy.pids;
    let task = pids.next(0);
    while (task !== null) {
      const pid = pids.numberOf(task);
      if (group.has(task.id, this.isRoot)) out.decimal(pid).byte(LINE_END);
      task = pids.next(pid + 1);
    }
    return 0;
  }

  /** 0 is the writer itself. Errors: ENODEV for a group that was removed, EINVAL, ESRCH. */
  override store(text: usize, length: u32, _offset: i64): i64 {
    const group = changetype<CgroupDirectory>(this.group);
    if (group.dead) return -ENODEV;
    const value = parseSigned(text, length);
    if (value < 0 || value > <i64>i32.MAX_VALUE) return -EINVAL;
    const task = value == 0 ? currentTask() : group.hierarchy.pids.find(<u32>value);
    if (task === null) return -ESRCH;
    group.hierarchy.members.set(task.id, this.isRoot ? 0 : this.group);
    return length;
  }
}

/** A number that is kept between two bounds, or "max" for the upper one where the file knows that word. */
@final
export class NumberFile extends KernfsFile {
  constructor(
    fs: CgroupFilesystem,
    private value: i64,
    private readonly least: i64,
    private readonly most: i64,
    private readonly hasMax: bool,
  ) {
    super(fs, 0o644);
  }

  show(out: Text): i32 {
    if (this.hasMax && this.value == this.most) out.text("max\n");
    else out.signed(this.value).byte(LINE_END);
    return 0;
  }

  /** Errors: EINVAL. */
  override store(text: usize, length: u32, _offset: i64): i64 {
    const value = this.hasMax && isMax(text, length) ? this.most : parseSigned(text, length);
    if (value < this.least || value > this.most) return -EINVAL;
    this.value = value;
    return length;
  }
}

function isMax(text: usize, length: u32): bool {
  const long = length == 3 || (length == 4 && load<u8>(text, 3) == <u8>LINE_END);
  return long && load<u8>(text) == 0x6d && load<u8>(text, 1) == 0x61 && load<u8>(text, 2) == 0x78;
}
