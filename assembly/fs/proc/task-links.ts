// /proc/PID/cwd, root and exe: magic links, which jump to where the task is (Linux: fs/proc/base.c proc_pid_get_link()).

import { ENAMETOOLONG, ENOENT } from "../../abi/errno.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { Task } from "../../kernel/task.ts";
import { Dentry, LinkTarget } from "../../vfs/dentry.ts";
import { Mount } from "../../vfs/mount.ts";
import { pathOf } from "../../vfs/pathname.ts";
import { Text } from "../../vfs/text.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";
import { KernfsSymlink } from "../kernfs/symlink.ts";
import { mayInspect, taskOf } from "./task.ts";

export const PLACE_CWD: u32 = 0;
export const PLACE_ROOT: u32 = 1;
export const PLACE_EXE: u32 = 2;

@final
export class PlaceLink extends KernfsSymlink {
  constructor(
    fs: KernfsFilesystem,
    private readonly pid: u32,
    private readonly place: u32,
  ) {
    super(fs, 0o777);
  }

  /** Errors: ENOENT when the task has ended or has no such place, EACCES. */
  override jump(to: LinkTarget): i32 {
    const task = taskOf(this.pid);
    if (task === null) return -ENOENT;
    const allowed = mayInspect(task);
    if (allowed < 0) return allowed;
    const mount = this.mountOf(task);
    const dentry = this.dentryOf(task);
    if (mount === null || dentry === null) return -ENOENT;
    mount.incRef();
    dentry.incRef();
    to.mount = changetype<usize>(mount);
    to.dentry = dentry;
    return 1;
  }

  target(out: Text): i32 {
    const task = taskOf(this.pid);
    if (task === null) return -ENOENT;
    const allowed = mayInspect(task);
    if (allowed < 0) return allowed;
    const mount = this.mountOf(task);
    const dentry = this.dentryOf(task);
    if (mount === null || dentry === null) return -ENOENT;
    return showPlace(mount, dentry, out);
  }

  private mountOf(task: Task): Mount | null {
    if (this.place == PLACE_CWD) return task.cwdMount;
    return this.place == PLACE_ROOT ? task.rootMount : task.exeMount;
  }

  private dentryOf(task: Task): Dentry | null {
    if (this.place == PLACE_CWD) return task.cwdDentry;
    return this.place == PLACE_ROOT ? task.rootDentry : task.exeDentry;
  }
}

/** Writes the path of a place as the reader sees it. Errors: ENOENT for the control side, ENAMETOOLONG. */
export function showPlace(mount: Mount, dentry: Dentry, out: Text): i32 {
  const self = currentTask();
  if (self === null) return -ENOENT;
  const path = heap.alloc(PATH_MAX);
  const length = pathOf(mount, dentry, self.rootMount, self.rootDentry, path, PATH_MAX);
  if (length >= 0) out.bytes(path, length);
  heap.free(path);
  return length < 0 ? -ENAMETOOLONG : 0;
}
