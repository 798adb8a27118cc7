// Process numbers (Linux: kernel/pid.c, kernel/pid_namespace.c): every task that has not ended, by its number.
//
// The first namespace has all tasks, by the number that the kernel itself knows them by (Thread.id). A task that is made in another
// one has a second number there (Thread.pid), which is what it and its neighbours see. Numbers are not used again, so that who
// remembers one finds the same task or none. The first task of a namespace is 1.
//
// Every entry is a Task; this file knows it as a Thread, since Task knows this file. A table holds no references: a task enters it when
// it is made and leaves it as the first thing in its release().

import { ROOT_PIDS } from "../abi/kernel-layout.ts";
import { RadixTree } from "../lib/radix-tree.ts";
import { RefCounted } from "../lib/ref-counted.ts";
import { Thread } from "../sched/thread.ts";
import { nextNamespaceNumber } from "./namespace-number.ts";

/** The first one's number (Linux: PROC_PID_INIT_INO). */
const FIRST_NUMBER: u64 = 0xeffffffc;

@final
export class PidNamespace extends RefCounted {
  private readonly tasks: RadixTree = new RadixTree();
  /** The number that the newest task got. */
  last: u32 = 0;

  /** `number` is the namespace's own, in /proc/PID/ns. */
  constructor(readonly number: u64) {
    super();
  }

  destroy(): void {
    this.tasks.destroy();
  }

  /** Gives the task a number, and returns it. */
  add(task: Thread): u32 {
    const pid = ++this.last;
    this.tasks.set(pid, changetype<usize>(task));
    return pid;
  }

  remove(pid: u32): void {
    this.tasks.set(pid, 0);
  }

  /** The living task of that number, borrowed, or null. */
  find(pid: u32): Thread | null {
    return changetype<Thread | null>(this.tasks.get(pid));
  }

  /** The living task with the smallest number that is not below `pid`, borrowed, or null. */
  next(pid: u32): Thread | null {
    const found = this.tasks.next(pid);
    return found == u64.MAX_VALUE ? null : this.find(<u32>found);
  }

  /** The number of a living task as this namespace has it; 0 for one that it does not see (Linux: pid_nr_ns()). */
  numberOf(task: Thread): u32 {
    if (this === firstPids()) return task.id;
    return this.find(task.pid) === task ? task.pid : 0;
  }

  /** How many live. */
  count(): u32 {
    let count: u32 = 0;
    let task = this.next(0);
    while (task !== null) {
      count++;
      task = this.next(this.numberOf(task) + 1);
    }
    return count;
  }
}

/** Called once, at boot. */
export function initPids(): void {
  store<u32>(ROOT_PIDS, <u32>changetype<usize>(new PidNamespace(FIRST_NUMBER)));
}

/** Borrowed. */
export function firstPids(): PidNamespace {
  return changetype<PidNamespace>(<usize>load<u32>(ROOT_PIDS));
}

/** A namespace without tasks. */
export function makePids(): PidNamespace {
  return new PidNamespace(nextNamespaceNumber());
}

/** Gives a new task its numbers. */
export function addTask(task: Thread, pids: PidNamespace): void {
  const first = firstPids();
  task.id = first.add(task);
  task.pid = pids === first ? task.id : pids.add(task);
}

/** Preconditions: the task was added to `pids`. */
export function removeTask(task: Thread, pids: PidNamespace): void {
  const first = firstPids();
  first.remove(task.id);
  if (pids !== first) pids.remove(task.pid);
}

/** The living task that the kernel knows by `id`, borrowed, or null. */
export function findTask(id: u32): Thread | null {
  return firstPids().find(id);
}

/** The living task with the smallest id that is not below `id`, borrowed, or null. */
export function nextTask(id: u32): Thread | null {
  return firstPids().next(id);
}
