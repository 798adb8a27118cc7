// What a task may take of each resource (Linux: struct signal_struct's rlim). Who enforces what
//   RLIMIT_NOFILE   FdTable.limit, which is a copy
//   RLIMIT_FSIZE    file-size-limit.ts
//   the others      nobody in here: a guest has no way to take more of it, or the host sees to it

import { EINVAL } from "../abi/errno.ts";
import { FD_MAX } from "../abi/limits.ts";
import {
  RLIM_NLIMITS,
  RLIMIT_CORE,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RTPRIO,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
} from "../abi/resource.ts";

export const RLIM_INFINITY: u64 = u64.MAX_VALUE;
/** Linux: MAX_THREADS and the like are limits of the machine; these are a guest's. */
const TASKS_MAX: u64 = 32768;
const STACK: u64 = 8 << 20;
const LOCKED: u64 = 65536;
const QUEUED: u64 = 819200;
/** Two u64. */
const PAIR: u32 = 4;

@final
export class ResourceLimits {
  private readonly values: usize = heap.alloc((<usize>RLIM_NLIMITS) << PAIR);

  constructor() {
    for (let resource: u32 = 0; resource < <u32>RLIM_NLIMITS; resource++) {
      this.store(resource, RLIM_INFINITY, RLIM_INFINITY);
    }
    this.store(RLIMIT_STACK, STACK, RLIM_INFINITY);
    this.store(RLIMIT_CORE, 0, RLIM_INFINITY);
    this.store(RLIMIT_NPROC, TASKS_MAX, TASKS_MAX);
    this.store(RLIMIT_NOFILE, FD_MAX, FD_MAX);
    this.store(RLIMIT_MEMLOCK, LOCKED, LOCKED);
    this.store(RLIMIT_SIGPENDING, 0, 0);
    this.store(RLIMIT_MSGQUEUE, QUEUED, QUEUED);
    this.store(RLIMIT_NICE, 0, 0);
    this.store(RLIMIT_RTPRIO, 0, 0);
  }

  private store(resource: u32, soft: u64, hard: u64): void {
    store<u64>(this.values + ((<usize>resource) << PAIR), soft);
    store<u64>(this.values + ((<usize>resource) << PAIR), hard, 8);
  }

  soft(resource: u32): u64 {
    return load<u64>(this.values + ((<usize>resource) << PAIR));
  }

  hard(resource: u32): u64 {
    return load<u64>(this.values + ((<usize>resource) << PAIR), 8);
  }

  /** Errors: EINVAL for an unknown resource, and for a soft limit above the hard one (prlimit(2)). */
  set(resource: u32, soft: u64, hard: u64): i32 {
    if (resource >= <u32>RLIM_NLIMITS || soft > hard) return -EINVAL;
    this.store(resource, soft, hard);
    return 0;
  }

  destroy(): void {
    heap.free(this.values);
  }
}
