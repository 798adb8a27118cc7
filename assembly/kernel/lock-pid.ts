// Whose a file lock is, as a process sees it.

import { findTask, PidNamespace } from "./pid-namespace.ts";

/**
 * The number in `pids` of the task that set a lock as `id`; that of an open file description is nobody's, -1. 0: it is not to be seen
 * there, or has ended (Linux: locks_translate_pid()).
 */
export function lockPid(id: i32, pids: PidNamespace): i32 {
  if (id < 0) return id;
  const task = findTask(<u32>id);
  return task === null ? 0 : <i32>pids.numberOf(task);
}
