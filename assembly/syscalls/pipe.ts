// pipe(2), pipe2(2), eventfd(2).

import { EFAULT, EINVAL } from "../abi/errno.ts";
import { O_CLOEXEC, O_DIRECT, O_NONBLOCK } from "../abi/fcntl.ts";
import { makeEventFile } from "../kernel/eventfd.ts";
import { makePipe, openReadEnd, openWriteEnd } from "../kernel/pipe.ts";
import { Task } from "../kernel/task.ts";
import { installNew, isMemory } from "./arguments.ts";

const EFD_SEMAPHORE: u32 = 1;

/**
 * Puts both descriptors to `out`. Errors: EINVAL for flags, EMFILE, EFAULT.
 * @flags O_CLOEXEC O_DIRECT O_NONBLOCK
 */
export function pipe2(task: Task, out: usize, flags: u32): i64 {
  if (flags & ~(<u32>(O_CLOEXEC | O_NONBLOCK | O_DIRECT))) return -EINVAL;
  const kept = flags & ~(<u32>O_CLOEXEC);
  const closeOnExec = (flags & <u32>O_CLOEXEC) != 0;
  const dentry = makePipe(task.cred);
  const readEnd = openReadEnd(dentry, kept);
  const writeEnd = openWriteEnd(dentry, kept);
  dentry.decRef();
  const reader = installNew(task, readEnd, closeOnExec);
  if (reader < 0) {
    writeEnd.decRef();
    return reader;
  }
  const writer = installNew(task, writeEnd, closeOnExec);
  let result: i64 = writer < 0 ? writer : 0;
  if (result == 0 && !isMemory(out, 8)) result = -EFAULT;
  if (result < 0) {
    task.fds.close(reader);
    if (writer >= 0) task.fds.close(writer);
    return result;
  }
  store<i32>(out, reader);
  store<i32>(out, writer, 4);
  return 0;
}

/**
 * Errors: EINVAL for flags, EMFILE.
 * @flags EFD_SEMAPHORE O_CLOEXEC O_NONBLOCK
 */
export function eventfd2(task: Task, count: u32, flags: u32): i64 {
  if (flags & ~(<u32>(O_CLOEXEC | O_NONBLOCK) | EFD_SEMAPHORE)) return -EINVAL;
  const semaphore = (flags & EFD_SEMAPHORE) != 0;
  const file = makeEventFile(count, flags & <u32>O_NONBLOCK, semaphore);
  return installNew(task, file, (flags & <u32>O_CLOEXEC) != 0);
}
