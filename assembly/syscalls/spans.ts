// Buffers of reads and writes: what of them is memory, and the cursor over it.
//
// Linux finds a bad address when it copies: what lies before it is moved, and a read at the end of a file, which copies nothing,
// does not find it at all. So a cursor covers the buffers up to the first bad address, and only what has nothing in front of that
// is a fault. Addresses that no program can have are EFAULT at once.

import { EFAULT, EINVAL } from "../abi/errno.ts";
import { IOV_MAX, MAX_RW_COUNT } from "../abi/limits.ts";
import { Task } from "../kernel/task.ts";
import { FIRST_ADDRESS } from "../mm/kernel-memory.ts";
import { isMemory } from "./arguments.ts";

/** sizeof(struct iovec). */
const IOVEC: usize = 16;
/** The end of what a program on x86-64 can address (Linux: TASK_SIZE_MAX). */
const ADDRESS_MAX: u64 = 0x7ffffffff000;

/** All of the bytes are at bad addresses: an error only when one of them is to be moved. */
export const ALL_BAD: i64 = i64.MIN_VALUE;

/** How many bytes from `address` on are memory, at most `length`. */
function memoryFrom(address: u64, length: u64): u64 {
  const end = (<u64>memory.size()) << 16;
  return address < <u64>FIRST_ADDRESS || address >= end ? 0 : min(length, end - address);
}

function isAddressable(address: u64, length: u64): bool {
  return length <= ADDRESS_MAX && address <= ADDRESS_MAX - length;
}

/** Points the task's cursor at one buffer. Returns its bytes, at most MAX_RW_COUNT; ALL_BAD; or -EFAULT. */
export function takeBuffer(task: Task, buffer: u64, count: u64): i64 {
  if (!isAddressable(buffer, count)) return -EFAULT;
  const length = <u32>min<u64>(memoryFrom(buffer, count), <u64>MAX_RW_COUNT);
  store<u32>(task.vector, <u32>buffer);
  store<u32>(task.vector, length, 4);
  task.iov.init(task.vector, 1, length, true);
  return length == 0 && count > 0 ? ALL_BAD : <i64>length;
}

/**
 * Points the task's cursor at the buffers of an array of struct iovec. As takeBuffer(); errors: EINVAL for too many, or one whose
 * length is negative; EFAULT (Linux: import_iovec()).
 */
export function takeVector(task: Task, vector: usize, count: u64): i64 {
  if (count > <u64>IOV_MAX) return -EINVAL;
  if (count > 0 && !isMemory(vector, count * <u64>IOVEC)) return -EFAULT;
  const end = vector + <usize>count * IOVEC;
  for (let at = vector; at < end; at += IOVEC) if (load<i64>(at, 8) < 0) return -EINVAL;
  for (let at = vector; at < end; at += IOVEC) {
    if (!isAddressable(load<u64>(at), load<u64>(at, 8))) return -EFAULT;
  }
  let used: u32 = 0;
  let total: u64 = 0;
  for (let at = vector; at < end && total < <u64>MAX_RW_COUNT; at += IOVEC) {
    const asked = min<u64>(load<u64>(at, 8), <u64>MAX_RW_COUNT - total);
    const length = memoryFrom(load<u64>(at), asked);
    if (asked > 0 && length == 0 && total == 0) return ALL_BAD;
    store<u32>(task.vector + ((<usize>used) << 3), <u32>load<u64>(at));
    store<u32>(task.vector + ((<usize>used) << 3), <u32>length, 4);
    used++;
    total += length;
    if (length < asked) break;
  }
  task.iov.init(task.vector, used, <u32>total, true);
  return <i64>total;
}
