// /proc/PID/ns: which namespaces a task is in (Linux: fs/nsfs.c). There is one of each kind but of mounts, pids and names.

import { EACCES, ENOENT } from "../../abi/errno.ts";
import { Task } from "../../kernel/task.ts";
import { LinkTarget } from "../../vfs/dentry.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsDirectory } from "../kernfs/directory.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";
import { KernfsSymlink } from "../kernfs/symlink.ts";
import { mayInspect, taskOf } from "./task.ts";

/** The numbers of the first namespaces of each kind (Linux: include/linux/proc_ns.h). */
const IPC: u64 = 0xefffffff;
const USER: u64 = 0xeffffffd;
const CGROUP: u64 = 0xeffffffb;
const MNT: u64 = 0xeffffff8;
const NET: u64 = 0xeffffff9;

@final
class NamespaceLink extends KernfsSymlink {
  constructor(
    fs: KernfsFilesystem,
    private readonly pid: u32,
    private readonly kind: string,
    private readonly number: u64,
  ) {
    super(fs, 0o777);
  }

  target(out: Text): i32 {
    const task = taskOf(this.pid);
    if (task === null) return -ENOENT;
    const allowed = mayInspect(task);
    if (allowed < 0) return allowed;
    out.text(this.kind).text(":[").decimal(this.number).byte(0x5d);
    return 0;
  }

  /** A namespace is no file here that could be opened. */
  override jump(_to: LinkTarget): i32 {
    return -EACCES;
  }
}

export function makeNamespaceDirectory(fs: KernfsFilesystem, task: Task): KernfsDirectory {
  const directory = new KernfsDirectory(fs, 0o511);
  const pid = task.id;
  directory.add("net", new NamespaceLink(fs, pid, "net", NET));
  directory.add("uts", new NamespaceLink(fs, pid, "uts", task.uts.number));
  directory.add("ipc", new NamespaceLink(fs, pid, "ipc", IPC));
  directory.add("pid", new NamespaceLink(fs, pid, "pid", task.pids.number));
  directory.add("user", new NamespaceLink(fs, pid, "user", USER));
  directory.add("mnt", new NamespaceLink(fs, pid, "mnt", MNT));
  directory.add("cgroup", new NamespaceLink(fs, pid, "cgroup", CGROUP));
  return directory;
}
