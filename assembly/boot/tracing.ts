// What a tracer on the host asks about a task, besides its refusals (sched/refusal.ts).

import { EBADF, EINVAL } from "../abi/errno.ts";
import { PATH_MAX } from "../abi/limits.ts";
import { REFUSAL_FD_PATH } from "../abi/refusal.ts";
import { showMountinfo } from "../fs/proc/task-mounts.ts";
import { Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { pathOf } from "../vfs/pathname.ts";
import { Text } from "../vfs/text.ts";

/** Puts the path of an open descriptor into the record of its task; its length. Errors: EINVAL without one, EBADF, ENAMETOOLONG. */
export function pathOfDescriptor(task: Task, fd: u32): i32 {
  if (!task.refusal) return -EINVAL;
  const entry = task.fds.peek(fd);
  if (entry === null) return -EBADF;
  const file = entry.description;
  return pathOf(
    file.mount,
    file.dentry,
    task.rootMount,
    task.rootDentry,
    task.refusal + REFUSAL_FD_PATH,
    PATH_MAX,
  );
}

/** Copies up to `capacity` bytes of the task's mountinfo; returns how many bytes it has. */
export function mountinfoOf(task: Task, buffer: usize, capacity: u32): i32 {
  const text = new Text();
  showMountinfo(task, text);
  const length = text.length;
  memory.copy(buffer, text.start, min(length, capacity));
  text.destroy();
  free(text);
  return length;
}
