// /proc/self and /proc/thread-self: links to the reader's own directory, in the /proc of its own processes (Linux: fs/proc/self.c,
// thread_self.c).

import { ENOENT } from "../../abi/errno.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";
import { KernfsSymlink } from "../kernfs/symlink.ts";
import { ProcFilesystem } from "./filesystem.ts";

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
    const pid = task === null ? 0 : changetype<ProcFilesystem>(this.fs).pids.numberOf(task);
    if (pid == 0) return -ENOENT;
    out.decimal(pid);
    if (this.ofThread) out.text("/task/").decimal(pid);
    return 0;
  }
}
