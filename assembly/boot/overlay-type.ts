// "overlay" as mount(2) knows it: the layers are paths of the task that mounts.

import { EINVAL } from "../abi/errno.ts";
import { mountByOptions, PathStart } from "../fs/overlay/options.ts";
import { Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { errorOf } from "../lib/result.ts";
import { MountOptions } from "../vfs/filesystem-type.ts";
import { PathWalk } from "../vfs/path-walk.ts";

@final
class TaskPaths extends PathStart {
  constructor(private readonly task: Task) {
    super();
  }

  begin(): PathWalk {
    const task = this.task;
    const walk = task.otherWalk;
    walk.begin(task.rootMount, task.rootDentry, task.cwdMount, task.cwdDentry, task.cred);
    return walk;
  }
}

/** Errors: EINVAL without options, or without a task whose paths they are. */
export function makeTaskOverlay(options: MountOptions): usize {
  if (!options.task) return errorOf(-EINVAL);
  const start = new TaskPaths(changetype<Task>(options.task));
  const root = mountByOptions(start, options.data, options.dataLength);
  free(start);
  return root;
}
