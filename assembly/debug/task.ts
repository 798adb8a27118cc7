// What the debug kernel looks at after every call: what the task holds, and the objects that it led to.

import { Task } from "../kernel/task.ts";
import { Dentry } from "../vfs/dentry.ts";
import { Mount } from "../vfs/mount.ts";
import { isAlive } from "./tree.ts";

/** As many descriptors are looked at, from the lowest. */
const DESCRIPTORS: u32 = 32;

function checkPlace(mount: Mount, dentry: Dentry): void {
  assert(isAlive<Mount>(changetype<usize>(mount)) && mount.refs > 0, "a mount that is held is alive");
  assert(isAlive<Dentry>(changetype<usize>(dentry)) && dentry.refs > 0, "a dentry that is held is alive");
  const inode = dentry.inode;
  assert(inode !== null && inode.refs > 0, "a file that is held is alive");
}

/** A failed assertion is a kernel panic. */
export function checkAfterCall(task: Task): void {
  assert(task.walk.dentry === null && task.otherWalk.dentry === null, "a call has given back its walks");
  checkPlace(task.rootMount, task.rootDentry);
  checkPlace(task.cwdMount, task.cwdDentry);
  for (let fd: u32 = 0; fd < DESCRIPTORS; fd++) {
    const entry = task.fds.peek(fd);
    if (entry === null) continue;
    assert(entry.description.refs > 0, "an open description is alive");
    checkPlace(entry.description.mount, entry.description.dentry);
  }
}
