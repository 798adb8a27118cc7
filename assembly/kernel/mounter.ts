// For whom a file system is made, that shows something of its mounter's.

import { MountOptions } from "../vfs/filesystem-type.ts";
import { firstPids, PidNamespace } from "./pid-namespace.ts";
import { Task } from "./task.ts";

/** Whose processes it shows, borrowed. */
export function pidsOf(options: MountOptions): PidNamespace {
  if (options.pids) return changetype<PidNamespace>(options.pids);
  return options.task ? changetype<Task>(options.task).pids : firstPids();
}
