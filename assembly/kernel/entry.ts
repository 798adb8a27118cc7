// In and out of the kernel: what every export does first and last.
//
//   enter()    stack probe, claim, kernel lock, is the task to end?
//   leave()    unlock, back to the guest, is the task to end?
//
// The probe comes before everything: a guest that has used up its stack dies in it, with nothing held. See sched/thread.ts
// for how a task is killed.

import { exited } from "../host.ts";
import { seenGuestMemory } from "../mm/usercopy.ts";
import { threadTime } from "../sched/cpu-time.ts";
import { lockKernel, unlockKernel } from "../sched/kernel-lock.ts";
import { claimForKernel, currentThread, markGone, releaseToGuest } from "../sched/thread.ts";
import { probe } from "./stack.ts";
import { Task } from "./task.ts";

export function enter(): Task {
  probe(0);
  const task = changetype<Task>(currentThread());
  if (!claimForKernel(task)) trap();
  lockKernel();
  if (task.isDead()) exitTask(task, task.exitCode);
  task.beginCall();
  return task;
}

export function leave(task: Task): void {
  if (task.held !== null) task.fdput();
  task.endCall();
  task.memoryBytes = seenGuestMemory();
  unlockKernel();
  releaseToGuest(task);
  if (task.isDead()) leaveDead(task);
}

/** A task that was told to end on its way out: it goes back in, unless the killer has claimed it by now. */
function leaveDead(task: Task): void {
  if (!claimForKernel(task)) trap();
  lockKernel();
  exitTask(task, task.exitCode);
}

/** The task's end, from inside a call, with the lock held. Never returns. */
export function exitTask(task: Task, code: i32): void {
  endTask(task, code);
  exited(changetype<usize>(task), task.exitCode);
  trap();
}

/**
 * The task's end after its guest returned or trapped, from its own thread. False when the killer has claimed it: the thread
 * may be terminated at any moment, so it must not enter, and what it owned is the killer's to give back.
 */
export function finishTask(task: Task, code: i32): bool {
  if (!claimForKernel(task)) return false;
  lockKernel();
  endTask(task, code);
  return true;
}

function endTask(task: Task, code: i32): void {
  // The killer's code stands: it came first.
  if (!task.isDead()) task.exitCode = code;
  task.cpuTime = threadTime();
  task.release();
  unlockKernel();
  markGone(task);
}

/** Unwinds through the guest: a trap, since guest code could catch a JavaScript exception. The host knows why. */
function trap(): void {
  unreachable();
}
