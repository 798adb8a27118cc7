// What the files of /proc/PID know of their task: its number. A task that ended is not found again, and its files are gone.

import { CAP_SYS_PTRACE } from "../../abi/capability.ts";
import { EACCES } from "../../abi/errno.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { findTask } from "../../kernel/pid-namespace.ts";
import { Task } from "../../kernel/task.ts";
import { Inode } from "../../vfs/dentry.ts";

/** The task of that number, borrowed, or null when it has ended. */
export function taskOf(pid: u32): Task | null {
  return changetype<Task | null>(changetype<usize>(findTask(pid)));
}

/** Whether the current task may look into `task` (Linux: ptrace_may_access(PTRACE_MODE_READ_FSCREDS)): 0 or -EACCES. */
export function mayInspect(task: Task): i32 {
  const self = currentTask();
  if (self === null || self === task) return 0;
  const cred = self.cred;
  if (cred.hasCapability(CAP_SYS_PTRACE)) return 0;
  const other = task.cred;
  const uid = cred.fsuid;
  const gid = cred.fsgid;
  const sameUser = uid == other.euid && uid == other.suid && uid == other.uid;
  const sameGroup = gid == other.egid && gid == other.sgid && gid == other.gid;
  return sameUser && sameGroup && (other.permitted & ~cred.permitted) == 0 ? 0 : -EACCES;
}

/** Gives a file of /proc/PID its owner. */
export function ownedBy(inode: Inode, task: Task): void {
  inode.uid = task.cred.euid;
  inode.gid = task.cred.egid;
}
