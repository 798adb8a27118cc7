// /proc/self and /proc/thread-self: links to the reader's own directory (Linux: fs/proc/self.c, thread_self.c).

import { ENOENT } from "../../abi/errno.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";
import { KernfsSymlink } from "../kernfs/symlink.ts";

@final
export class SelfLink extends KernfsSymlink {
  constructor(
    fs: KernfsFilesystem,
    private readonly ofThread: bool,
  ) {
    super(fs, 0o777);
  }

  target(out: Text): i32 {
    const task = currentTask();
    if (task === null) return -ENOENT;
    out.decimal(task.id);
    if (this.ofThread) out.text("/task/").decimal(task.id);
    return 0;
  }
}
