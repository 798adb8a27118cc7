// Process numbers (Linux: kernel/pid.c): every task that has not ended, by its number. The first task of a sandbox is 1.
//
// Every entry is a Task; this file knows it as a Thread, since Task knows this file. The table holds no references: a task enters it when it is made and leaves it as the first thing in its release(). Numbers are
// not used again, so that who remembers one finds the same task or none.

import { ROOT_LAST_TASK_ID, ROOT_PIDS } from "../abi/kernel-layout.ts";
import { RadixTree } from "../lib/radix-tree.ts";
import { Thread } from "../sched/thread.ts";

/** Called once, at boot. */
export function initPids(): void {
  store<u32>(ROOT_PIDS, <u32>changetype<usize>(new RadixTree()));
}

function table(): RadixTree {
  return changetype<RadixTree>(<usize>load<u32>(ROOT_PIDS));
}

/** Gives the task its number. */
export function addTask(task: Thread): void {
  const id = load<u32>(ROOT_LAST_TASK_ID) + 1;
  store<u32>(ROOT_LAST_TASK_ID, id);
  task.id = id;
  table().set(id, changetype<usize>(task));
}

/** Preconditions: the task was added. */
export function removeTask(task: Thread): void {
  table().set(task.id, 0);
}

/** The living task of that number, borrowed, or null. */
export function findTask(pid: u32): Thread | null {
  return changetype<Thread | null>(table().get(pid));
}

/** The living task with the smallest number that is not below `pid`, borrowed, or null. */
export function nextTask(pid: u32): Thread | null {
  const id = table().next(pid);
  return id == u64.MAX_VALUE ? null : findTask(<u32>id);
}

/** How many live. */
export function taskCount(): u32 {
  let count: u32 = 0;
  let task = nextTask(0);
  while (task !== null) {
    count++;
    task = nextTask(task.id + 1);
  }
  return count;
}

/** The number that the newest task got. */
export function lastPid(): u32 {
  return load<u32>(ROOT_LAST_TASK_ID);
}
