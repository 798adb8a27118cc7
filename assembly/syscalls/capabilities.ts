// capget(2) and capset(2).
//
//   struct __user_cap_header_struct   u32 version, i32 pid
//   struct __user_cap_data_struct     u32 effective, permitted, inheritable; two of them, the low words first, but for version 1

import {
  _LINUX_CAPABILITY_VERSION_1,
  _LINUX_CAPABILITY_VERSION_2,
  _LINUX_CAPABILITY_VERSION_3,
  CAP_SETPCAP,
} from "../abi/capability.ts";
import { EFAULT, EINVAL, EPERM, ESRCH } from "../abi/errno.ts";
import { CAP_FULL_SET, Credentials } from "../auth/credentials.ts";
import { Task } from "../kernel/task.ts";
import { isMemory } from "./arguments.ts";

const DATA: usize = 12;

/** How many data structures the version speaks of. Errors: EFAULT; EINVAL, with the version we prefer written to the header. */
function structuresOf(header: usize): i32 {
  if (!isMemory(header, 8)) return -EFAULT;
  const version = load<u32>(header);
  if (version == <u32>_LINUX_CAPABILITY_VERSION_1) return 1;
  if (version == <u32>_LINUX_CAPABILITY_VERSION_2 || version == <u32>_LINUX_CAPABILITY_VERSION_3) return 2;
  store<u32>(header, <u32>_LINUX_CAPABILITY_VERSION_3);
  return -EINVAL;
}

/** Errors: EFAULT; EINVAL for an unknown version, unless that is all that was asked (no data), and a negative pid; ESRCH; EFAULT. */
export function capget(task: Task, header: usize, data: usize): i64 {
  const count = structuresOf(header);
  if (data == 0 && (count >= 0 || count == -EINVAL)) return 0;
  if (count < 0) return count;
  const pid = load<i32>(header, 4);
  if (pid < 0) return -EINVAL;
  const found = pid == 0 ? task : changetype<Task | null>(changetype<usize>(task.pids.find(<u32>pid)));
  if (found === null) return -ESRCH;
  if (!isMemory(data, <u64>count * DATA)) return -EFAULT;
  const cred = found.cred;
  for (let i = 0; i < count; i++) {
    const at = data + <usize>i * DATA;
    const shift = (<u64>i) << 5;
    store<u32>(at, <u32>(cred.effective >> shift));
    store<u32>(at, <u32>(cred.permitted >> shift), 4);
    store<u32>(at, <u32>(cred.inheritable >> shift), 8);
  }
  return 0;
}

/** Errors: EFAULT, EINVAL as capget(); EPERM for another task; EFAULT; EPERM as cap_capset() says. */
export function capset(task: Task, header: usize, data: usize): i64 {
  const count = structuresOf(header);
  if (count < 0) return count;
  const pid = load<i32>(header, 4);
  if (pid != 0 && pid != <i32>task.pid) return -EPERM;
  if (!isMemory(data, <u64>count * DATA)) return -EFAULT;
  const made = task.cred.copy();
  made.effective = 0;
  made.permitted = 0;
  made.inheritable = 0;
  for (let i = 0; i < count; i++) {
    const at = data + <usize>i * DATA;
    const shift = (<u64>i) << 5;
    made.effective |= ((<u64>load<u32>(at)) << shift) & CAP_FULL_SET;
    made.permitted |= ((<u64>load<u32>(at, 4)) << shift) & CAP_FULL_SET;
    made.inheritable |= ((<u64>load<u32>(at, 8)) << shift) & CAP_FULL_SET;
  }
  if (!mayBecome(task.cred, made)) {
    made.decRef();
    return -EPERM;
  }
  task.setCredentials(made);
  return 0;
}

/** Linux: cap_capset(). Nothing is gained but inheritable capabilities, and these only from the permitted and bounding sets. */
function mayBecome(old: Credentials, made: Credentials): bool {
  const capped = !old.hasCapability(CAP_SETPCAP);
  if (capped && made.inheritable & ~(old.inheritable | old.permitted)) return false;
  if (made.inheritable & ~(old.inheritable | old.bounding)) return false;
  if (made.permitted & ~old.permitted) return false;
  return (made.effective & ~made.permitted) == 0;
}
