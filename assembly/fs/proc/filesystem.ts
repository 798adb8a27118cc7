// One mount's instance of procfs: its options (Linux: fs/proc/root.c), and what they let a process see.

import { EINVAL, EIO, ENOENT, EPERM } from "../../abi/errno.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { PidNamespace } from "../../kernel/pid-namespace.ts";
import { Task } from "../../kernel/task.ts";
import { OptionList } from "../../lib/option-list.ts";
import { free } from "../../lib/ref-counted.ts";
import { StatFs } from "../../vfs/attributes.ts";
import { FS_PROC } from "../../vfs/filesystem-type.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";
import { mayInspect } from "./task.ts";

const PROC_SUPER_MAGIC: u64 = 0x9fa0;

// Values of hidepid=: what others' processes are to who may not look into them.
const HIDEPID_OFF: u32 = 0;
/** Their directories cannot be entered. */
export const HIDEPID_NO_ACCESS: u32 = 1;
/** Nor seen. */
export const HIDEPID_INVISIBLE: u32 = 2;
/** The same, and the group of gid= is no exception. */
const HIDEPID_NOT_PTRACEABLE: u32 = 4;

@final
export class ProcFilesystem extends KernfsFilesystem {
  hidePid: u32 = HIDEPID_OFF;
  /** To whom nothing is hidden. */
  gid: u32 = 0;
  /** Processes only: subset=pid. */
  pidsOnly: bool = false;

  /** `pids`: whose processes it shows; takes a reference. */
  constructor(readonly pids: PidNamespace) {
    super();
    pids.incRef();
    this.revalidates = true;
    this.missing = -ENOENT;
    this.writeError = -EIO;
    this.attributeError = -EPERM;
  }

  override destroy(): void {
    this.pids.decRef();
    super.destroy();
  }

  typeId(): u32 {
    return FS_PROC;
  }

  statfs(out: StatFs): i32 {
    out.type = PROC_SUPER_MAGIC;
    return 0;
  }

  /** Linux: proc_show_options(). */
  override showOptions(out: Text): void {
    if (this.gid) out.text(",gid=").decimal(this.gid);
    if (this.hidePid == HIDEPID_NO_ACCESS) out.text(",hidepid=noaccess");
    if (this.hidePid == HIDEPID_INVISIBLE) out.text(",hidepid=invisible");
    if (this.hidePid == HIDEPID_NOT_PTRACEABLE) out.text(",hidepid=ptraceable");
    if (this.pidsOnly) out.text(",subset=pid");
  }

  /** Errors: EINVAL. Linux: proc_parse_param(). */
  takeOptions(data: usize, length: u32): i32 {
    const options = new OptionList(data, length);
    let result = 0;
    while (result == 0 && options.next()) result = this.takeOption(options);
    free(options);
    return result;
  }

  /** A remount changes what is named, and keeps the subset. */
  override reconfigure(data: usize, length: u32): i32 {
    return this.takeOptions(data, length);
  }

  private takeOption(options: OptionList): i32 {
    if (options.is("subset") && options.hasText("pid")) this.pidsOnly = true;
    else if (options.is("hidepid")) {
      const value = hidePidOf(options);
      if (value < 0) return value;
      this.hidePid = <u32>value;
    } else if (options.is("gid") && options.number(10) >= 0) this.gid = <u32>options.number(10);
    else return -EINVAL;
    return 0;
  }

  /** Whether the current task may see of `task` what hidepid= hides from `least` on (Linux: has_pid_permissions()). */
  showsTask(task: Task, least: u32): bool {
    if (this.hidePid == HIDEPID_NOT_PTRACEABLE) return mayInspect(task) == 0;
    if (this.hidePid < least) return true;
    const self = currentTask();
    return self === null || self.cred.inGroup(this.gid) || mayInspect(task) == 0;
  }

  /** Whether the current task may look up the name of `task` (Linux: proc_pid_lookup()). */
  findsTask(task: Task): bool {
    return this.hidePid != HIDEPID_NOT_PTRACEABLE || mayInspect(task) == 0;
  }

  /** Whether the current task may enter the directory of `task`: 0, EPERM or ENOENT (Linux: proc_pid_permission()). */
  mayEnter(task: Task): i32 {
    if (this.hidePid == HIDEPID_OFF || this.showsTask(task, HIDEPID_NO_ACCESS)) return 0;
    return this.hidePid == HIDEPID_INVISIBLE ? -ENOENT : -EPERM;
  }
}

function hidePidOf(options: OptionList): i32 {
  const number = options.number(10);
  if (number == 3 || number > <i64>HIDEPID_NOT_PTRACEABLE) return -EINVAL;
  if (number >= 0) return <i32>number;
  if (options.hasText("off")) return HIDEPID_OFF;
  if (options.hasText("noaccess")) return HIDEPID_NO_ACCESS;
  if (options.hasText("invisible")) return HIDEPID_INVISIBLE;
  return options.hasText("ptraceable") ? <i32>HIDEPID_NOT_PTRACEABLE : -EINVAL;
}
