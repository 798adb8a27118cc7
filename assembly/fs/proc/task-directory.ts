// /proc/PID and /proc/PID/task/TID (Linux: fs/proc/base.c tgid_base_stuff[], tid_base_stuff[]). A task is one thread.

import { EINVAL, ENOENT, ESRCH } from "../../abi/errno.ts";
import { Task } from "../../kernel/task.ts";
import { writeDecimal } from "../../lib/decimal.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { DirectorySink } from "../../vfs/directory-sink.ts";
import { Text } from "../../vfs/text.ts";
import { DYNAMIC_COOKIE, KernfsDirectory } from "../kernfs/directory.ts";
import { KernfsFile } from "../kernfs/file.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";
import { parseNumber } from "../kernfs/numbers.ts";
import { HIDEPID_INVISIBLE, ProcFilesystem } from "./filesystem.ts";
import { makeNetDirectory } from "./net.ts";
import { mayInspect, ownedBy, taskOf } from "./task.ts";
import { FdDirectory } from "./task-fd.ts";
import {
  showCgroup,
  showCmdline,
  showCoredumpFilter,
  showEnviron,
  showIdMap,
  showIo,
  showLimits,
  showNothing,
  showOomScore,
  showPersonality,
  showSetgroups,
  showStat,
  showStatus,
  showWchan,
} from "./task-files.ts";
import { PLACE_CWD, PLACE_EXE, PLACE_ROOT, PlaceLink } from "./task-links.ts";
import { showAuxv, showMaps, showSmaps, showSmapsRollup, showStatm } from "./task-memory.ts";
import { showMountinfo, showMounts, showMountstats } from "./task-mounts.ts";
import { makeNamespaceDirectory } from "./task-namespaces.ts";
import { CommFile, MemFile, OomScoreAdjFile } from "./task-settings.ts";

@final
export class TaskDirectory extends KernfsDirectory {
  /** The kernel's own number of the task: its name is that in the file system's pid namespace. */
  readonly pid: u32;

  /** The directory of a thread has no `task` of its own. */
  constructor(fs: ProcFilesystem, task: Task, ofThread: bool) {
    super(fs, 0o555);
    this.pid = task.id;
    const pid = task.id;
    ownedBy(this, task);
    if (!ofThread) this.add("task", new ThreadsDirectory(fs, pid));
    this.add("fd", new FdDirectory(fs, pid, false));
    this.add("fdinfo", new FdDirectory(fs, pid, true));
    this.add("ns", makeNamespaceDirectory(fs, task));
    this.add("net", makeNetDirectory(fs));
    this.addShown("environ", 0o400, true, showEnviron);
    this.addShown("auxv", 0o400, true, showAuxv);
    this.addShown("status", 0o444, false, showStatus);
    this.addShown("limits", 0o444, false, showLimits);
    this.add("comm", new CommFile(fs, pid));
    this.addShown("cmdline", 0o444, false, showCmdline);
    this.addShown("stat", 0o444, false, showStat);
    this.addShown("statm", 0o444, false, showStatm);
    this.addShown("maps", 0o444, true, showMaps);
    this.addShown("smaps", 0o444, true, showSmaps);
    this.addShown("smaps_rollup", 0o444, true, showSmapsRollup);
    this.add("mem", new MemFile(fs, pid));
    this.addShown("wchan", 0o444, false, showWchan);
    this.addShown("personality", 0o400, true, showPersonality);
    if (ofThread) this.addShown("children", 0o444, false, showNothing);
    this.add("cwd", new PlaceLink(fs, pid, PLACE_CWD));
    this.add("root", new PlaceLink(fs, pid, PLACE_ROOT));
    this.add("exe", new PlaceLink(fs, pid, PLACE_EXE));
    this.addShown("mounts", 0o444, false, showMounts);
    this.addShown("mountinfo", 0o444, false, showMountinfo);
    if (!ofThread) this.addShown("mountstats", 0o400, false, showMountstats);
    this.addShown("cgroup", 0o444, false, showCgroup);
    this.addShown("oom_score", 0o444, false, showOomScore);
    this.add("oom_score_adj", new OomScoreAdjFile(fs, pid));
    if (!ofThread) this.addShown("coredump_filter", 0o644, false, showCoredumpFilter);
    this.addShown("io", 0o400, true, showIo);
    this.addShown("uid_map", 0o644, false, showIdMap);
    this.addShown("gid_map", 0o644, false, showIdMap);
    this.addShown("setgroups", 0o644, false, showSetgroups);
  }

  private addShown(name: string, mode: u32, guarded: bool, shows: (task: Task, out: Text) => void): void {
    this.add(name, new TaskFile(this.kernfs, this.pid, mode, guarded, shows));
  }

  /** Whether the task still lives; if so, it owns the directory. 1 or 0, as revalidate(). */
  refresh(): i32 {
    const task = taskOf(this.pid);
    if (task === null) return 0;
    ownedBy(this, task);
    return 1;
  }

  /** Errors: ESRCH in the directory of a task that ended (Linux: proc_pid_permission()), EPERM and ENOENT in one that is hidden. */
  override lookup(child: Dentry): i32 {
    const task = taskOf(this.pid);
    if (task === null) return -ESRCH;
    const hidden = changetype<ProcFilesystem>(this.fs).mayEnter(task);
    if (hidden < 0) return hidden;
    const result = super.lookup(child);
    if (result == 0) this.revalidate(child);
    return result;
  }

  /** A file belongs to its task; a directory that all may read, too. */
  override revalidate(child: Dentry): i32 {
    const task = taskOf(this.pid);
    if (task === null) return 0;
    const hidden = changetype<ProcFilesystem>(this.fs).mayEnter(task);
    if (hidden < 0) return hidden;
    const inode = child.inode;
    if (inode !== null) ownedBy(inode, task);
    return 1;
  }

  /** Errors: ESRCH, ENOENT for what is hidden (Linux: pid_getattr()). */
  override getAttributes(): i32 {
    const task = taskOf(this.pid);
    if (task === null) return -ESRCH;
    ownedBy(this, task);
    return changetype<ProcFilesystem>(this.fs).showsTask(task, HIDEPID_INVISIBLE) ? 0 : -ENOENT;
  }
}

/** /proc/PID/task. */
@final
class ThreadsDirectory extends KernfsDirectory {
  constructor(
    fs: KernfsFilesystem,
    private readonly pid: u32,
  ) {
    super(fs, 0o555);
    this.nlink = 3;
  }

  private numberOf(task: Task): u32 {
    return changetype<ProcFilesystem>(this.fs).pids.numberOf(task);
  }

  override find(name: usize, length: u32): Inode | null {
    const task = taskOf(this.pid);
    if (task === null || parseNumber(name, length) != <i64>this.numberOf(task)) return null;
    return new TaskDirectory(changetype<ProcFilesystem>(this.fs), task, true);
  }

  override revalidate(child: Dentry): i32 {
    const inode = child.inode;
    return inode === null ? 0 : changetype<TaskDirectory>(inode).refresh();
  }

  override iterateMore(sink: DirectorySink, cookie: u64): bool {
    const task = taskOf(this.pid);
    if (cookie > DYNAMIC_COOKIE || task === null) return true;
    const name = heap.alloc(16);
    const length = writeDecimal(name, this.numberOf(task));
    const taken = sink.emit(name, length, this.ino, 4, DYNAMIC_COOKIE + 1);
    heap.free(name);
    return taken;
  }
}

/** A file of a task that is one function. */
@final
class TaskFile extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    private readonly pid: u32,
    permissions: u32,
    /** Only who may look into the task opens it. */
    private readonly guarded: bool,
    private readonly shows: (task: Task, out: Text) => void,
  ) {
    super(fs, permissions);
  }

  override mayOpen(_flags: u32): i32 {
    const task = taskOf(this.pid);
    if (task === null) return -ESRCH;
    return this.guarded ? mayInspect(task) : 0;
  }

  override store(_text: usize, _length: u32, _offset: i64): i64 {
    return -EINVAL;
  }

  show(out: Text): i32 {
    const task = taskOf(this.pid);
    if (task === null) return -ESRCH;
    this.shows(task, out);
    return 0;
  }
}
