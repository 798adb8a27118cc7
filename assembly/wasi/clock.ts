// clock_res_get, clock_time_get, random_get.

import * as abi from "../abi/wasi.ts";
import { clockResolution, clockTime, random } from "../host.ts";
import { TASK_PAGE, Task } from "../kernel/task.ts";
import { accessOk, copyOutUnchecked, putU64 } from "../mm/usercopy.ts";
import { PAUSE_BYTES, pause } from "../sched/pause.ts";
import { wasiErrno } from "./errno-map.ts";

/** WASI's four clocks have the numbers of Linux's. */
export function isClock(id: u32): bool {
  return id <= <u32>abi.CLOCK_THREAD_CPUTIME_ID;
}

export function clockResGet(task: Task, id: u32, out: u32): u32 {
  if (!isClock(id)) return abi.WASI_EINVAL;
  const result = clockResolution(id, task.page);
  return result < 0 ? wasiErrno(result) : wasiErrno(putU64(out, load<u64>(task.page)));
}

export function clockTimeGet(task: Task, id: u32, out: u32): u32 {
  if (!isClock(id)) return abi.WASI_EINVAL;
  const result = clockTime(id, task.page);
  return result < 0 ? wasiErrno(result) : wasiErrno(putU64(out, load<u64>(task.page)));
}

export function randomGet(task: Task, buffer: u32, length: u32): u32 {
  if (!accessOk(buffer, length)) return abi.WASI_EFAULT;
  let done: u32 = 0;
  while (done < length) {
    const chunk = min(length - done, TASK_PAGE);
    let result = random(task.page, chunk);
    if (result < 0) return wasiErrno(result);
    copyOutUnchecked(buffer + done, task.page, chunk);
    done += chunk;
    if (done % PAUSE_BYTES == 0) result = pause();
    if (result < 0) return wasiErrno(result);
  }
  return 0;
}
