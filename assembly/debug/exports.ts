// Exports that only the debug kernel has.

import { Task } from "../kernel/task.ts";
import { free } from "../lib/ref-counted.ts";
import { lockKernel, unlockKernel } from "../sched/kernel-lock.ts";
import { checkMemory } from "./memory.ts";
import { TreeCheck } from "./tree.ts";
import { Violation } from "./violation.ts";

/** Has a task that does not run yet share the descriptors of another. */
export function share_files(task: usize, other: usize): void {
  lockKernel();
  changetype<Task>(task).shareFiles(changetype<Task>(other));
  unlockKernel();
}

/**
 * Looks at the whole heap. 0: all is well; else the number of the first rule that does not hold (debug/violation.ts), times 2^32, plus the
 * address of the object that breaks it. No other thread may be inside a call.
 */
export function check_invariants(): f64 {
  lockKernel();
  const violation = new Violation();
  if (checkMemory(violation)) {
    const tree = new TreeCheck(violation);
    tree.run();
    tree.destroy();
    free(tree.counts);
    free(tree);
  }
  const result = <f64>violation.code * 4294967296 + <f64>violation.object;
  free(violation);
  unlockKernel();
  return result;
}
