// RLIMIT_FSIZE: how large a task may make a file. A guest has no signals: it gets the error, and no SIGXFSZ.

import { EFBIG } from "../abi/errno.ts";
import { REFUSED_FILE_SIZE } from "../abi/refusal.ts";
import { RLIMIT_FSIZE } from "../abi/resource.ts";
import { refuse } from "../sched/refusal.ts";
import { Inode } from "../vfs/dentry.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { RLIM_INFINITY } from "./resource-limits.ts";
import { Task } from "./task.ts";

/**
 * How many of `count` bytes the task may write to a file at `position`, or at its end when that is -1. Errors: EFBIG when there are
 * none (Linux: generic_write_check_limits()).
 */
export function writableBytes(task: Task, file: FileDescription, position: i64, count: i64): i64 {
  const limit = task.limits.soft(RLIMIT_FSIZE);
  if (limit == RLIM_INFINITY || count <= 0 || !file.inode.isRegular) return count;
  let at = position;
  if (at < 0) {
    const known = file.inode.getAttributes();
    if (known < 0) return known;
    at = file.inode.size;
  }
  if (<u64>at >= limit) return refuse(EFBIG, REFUSED_FILE_SIZE, limit);
  return <i64>min<u64>(<u64>count, limit - <u64>at);
}

/** Whether the task may give a file that size: 0 or an errno. Errors: EFBIG for one that grows (Linux: inode_newsize_ok()). */
export function checkNewSize(task: Task, inode: Inode, size: i64): i32 {
  const limit = task.limits.soft(RLIMIT_FSIZE);
  if (limit == RLIM_INFINITY || <u64>size <= limit) return 0;
  const known = inode.getAttributes();
  if (known < 0) return known;
  return size > inode.size ? refuse(EFBIG, REFUSED_FILE_SIZE, limit) : 0;
}
