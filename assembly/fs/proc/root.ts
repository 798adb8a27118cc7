// The top of /proc: the kernel's tables, and a directory for each task (Linux: fs/proc/root.c, base.c proc_pid_readdir()).

import { Task } from "../../kernel/task.ts";
import { writeDecimal } from "../../lib/decimal.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { DirectorySink } from "../../vfs/directory-sink.ts";
import { DYNAMIC_COOKIE, KernfsDirectory } from "../kernfs/directory.ts";
import { ConstantFile, ShowFile } from "../kernfs/file.ts";
import { parseNumber } from "../kernfs/numbers.ts";
import { ConstantSymlink } from "../kernfs/symlink.ts";
import { HIDEPID_INVISIBLE, ProcFilesystem } from "./filesystem.ts";
import { showLocks } from "./locks.ts";
import { SelfLink } from "./self.ts";
import { makeSysDirectory } from "./sys.ts";
import { SysrqTrigger } from "./sysrq.ts";
import {
  showCgroups,
  showCmdline,
  showCpuinfo,
  showDevices,
  showFilesystems,
  showLoadavg,
  showMeminfo,
  showPartitions,
  showStat,
  showSwaps,
  showUptime,
  showVersion,
  showVmstat,
} from "./system.ts";
import { TaskDirectory } from "./task-directory.ts";

/** Linux: PROC_ROOT_INO. */
const ROOT_INO: u64 = 1;

@final
class ProcRoot extends KernfsDirectory {
  private get proc(): ProcFilesystem {
    return changetype<ProcFilesystem>(this.fs);
  }

  override find(name: usize, length: u32): Inode | null {
    const pid = parseNumber(name, length);
    const task = pid > 0 ? changetype<Task | null>(changetype<usize>(this.proc.pids.find(<u32>pid))) : null;
    if (task === null || !this.proc.findsTask(task)) return null;
    return new TaskDirectory(this.proc, task, false);
  }

  override revalidate(child: Dentry): i32 {
    const inode = child.inode;
    if (inode === null) return 0;
    return inode instanceof TaskDirectory ? changetype<TaskDirectory>(inode).refresh() : 1;
  }

  override iterateMore(sink: DirectorySink, cookie: u64): bool {
    const name = heap.alloc(16);
    let full = false;
    const pids = this.proc.pids;
    let task = pids.next(<u32>(cookie - DYNAMIC_COOKIE));
    while (task !== null && !full) {
      const pid = pids.numberOf(task);
      if (this.proc.showsTask(changetype<Task>(task), HIDEPID_INVISIBLE)) {
        full = !sink.emit(name, writeDecimal(name, pid), taskIno(pid), 4, DYNAMIC_COOKIE + pid + 1);
      }
      task = pids.next(pid + 1);
    }
    heap.free(name);
    return !full;
  }

  override getAttributes(): i32 {
    // Its subdirectories of tasks count as links, as far as they are easily known.
    this.nlink = max(this.nlink, 2 + min(this.proc.pids.last, 64));
    return 0;
  }
}

/** Numbers of task directories; those of other files stay far below. */
function taskIno(pid: u32): u64 {
  return 0x1_0000_0000 + <u64>pid;
}

/** The top directory, with one reference. */
export function makeProcRoot(fs: ProcFilesystem): Inode {
  const root = new ProcRoot(fs, 0o555);
  root.ino = ROOT_INO;
  root.add("self", new SelfLink(fs, false));
  root.add("thread-self", new SelfLink(fs, true));
  if (fs.pidsOnly) {
    root.hasDots = false;
    return root;
  }
  root.add("bus", new KernfsDirectory(fs, 0o555));
  root.add("cgroups", new ShowFile(fs, 0o444, showCgroups));
  root.add("cmdline", new ShowFile(fs, 0o444, showCmdline));
  root.add("consoles", new ConstantFile(fs, 0o444, ""));
  root.add("cpuinfo", new ShowFile(fs, 0o444, showCpuinfo));
  root.add("devices", new ShowFile(fs, 0o444, showDevices));
  root.add("execdomains", new ConstantFile(fs, 0o444, "0-0\tLinux           \t[kernel]\n"));
  root.add("filesystems", new ShowFile(fs, 0o444, showFilesystems));
  root.add("fs", new KernfsDirectory(fs, 0o555));
  root.add("interrupts", new ConstantFile(fs, 0o444, "           CPU0       \n"));
  root.add("irq", new KernfsDirectory(fs, 0o555));
  root.add("loadavg", new ShowFile(fs, 0o444, showLoadavg));
  root.add("locks", new ShowFile(fs, 0o444, showLocks));
  root.add("meminfo", new ShowFile(fs, 0o444, showMeminfo));
  root.add("modules", new ConstantFile(fs, 0o444, ""));
  root.add("mounts", new ConstantSymlink(fs, "self/mounts"));
  root.add("net", new ConstantSymlink(fs, "self/net"));
  root.add("partitions", new ShowFile(fs, 0o444, showPartitions));
  root.add("softirqs", new ConstantFile(fs, 0o444, "                    CPU0       \n"));
  root.add("stat", new ShowFile(fs, 0o444, showStat));
  root.add("swaps", new ShowFile(fs, 0o444, showSwaps));
  root.add("sys", makeSysDirectory(fs));
  root.add("sysrq-trigger", new SysrqTrigger(fs));
  root.add("uptime", new ShowFile(fs, 0o444, showUptime));
  root.add("vmstat", new ShowFile(fs, 0o444, showVmstat));
  root.add("version", new ShowFile(fs, 0o444, showVersion));
  return root;
}
