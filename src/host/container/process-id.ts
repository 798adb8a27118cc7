// Processes of the host that may have ended, and whose pid may be another's since.

import { readFileSync } from "node:fs";
import { ESRCH } from "../../../assembly/abi/errno.ts";
import { ErrnoError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks after the host's boot, as text: the 22nd field of /proc/PID/stat. */
  readonly startTime: string;
}

interface Stat {
  readonly state: string;
  readonly startTime: string;
}

const STATE = 0;
const START_TIME = 19;

/** Undefined when there is no such process. */
function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name before may have anything in it.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[STATE]!, startTime: fields[START_TIME]! };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

/** Undefined when it is gone already. */
export function identify(pid: number): ProcessId | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : { pid, startTime: stat.startTime };
}

/** A zombie runs no more, however long nobody looks after it. */
export function isRunning({ pid, startTime }: ProcessId): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && !"ZX".includes(stat.state);
}

/** False when it runs no more. */
export function signalProcess(native: Native, process: ProcessId, signal: number): boolean {
  const pidfd = native.pidfdOpen(process.pid);
  if (pidfd === -ESRCH) return false;
  if (pidfd < 0) throw new ErrnoError(-pidfd, "pidfd_open");
  try {
    // The descriptor stands for whoever has the pid now: is it the one that was meant?
    if (!isRunning(process)) return false;
    const result = native.pidfdSendSignal(pidfd, signal);
    if (result === -ESRCH) return false;
    if (result < 0) throw new ErrnoError(-result, "pidfd_send_signal");
    return true;
  } finally {
    native.close(pidfd);
  }
}

const POLL_MS = 5;

/** (blocks) Whether it has ended in time. */
export function awaitEnd(process: ProcessId, timeoutMs: number): boolean {
  const deadline = performance.now() + timeoutMs;
  while (isRunning(process)) {
    if (performance.now() > deadline) return false;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
  return true;
}
