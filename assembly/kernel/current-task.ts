// The task that is in the kernel now.

import { currentThread, hasCurrentThread } from "../sched/thread.ts";
import { Task } from "./task.ts";

/** Borrowed; null for the control side. */
export function currentTask(): Task | null {
  if (!hasCurrentThread()) return null;
  const thread = currentThread();
  return thread instanceof Task ? changetype<Task>(thread) : null;
}
