// Where a refusal was: the path in the record of a traced task (sched/refusal.ts).

import { PATH_MAX } from "../abi/limits.ts";
import { REFUSAL_MOUNT, REFUSAL_PATH, REFUSAL_PATH_LENGTH, REFUSAL_REASON } from "../abi/refusal.ts";
import { refusalRecord } from "../sched/refusal.ts";
import { Dentry } from "./dentry.ts";
import { Mount } from "./mount.ts";
import { pathOf } from "./pathname.ts";

/** Adds to the refusal that was noted through which mount it was, unless that was told before. Returns `error`. */
export function refusedThrough(mount: Mount, error: i64): i64 {
  const record = refusalRecord();
  if (record && !load<u32>(record, REFUSAL_MOUNT)) store<u32>(record, mount.id, REFUSAL_MOUNT);
  return error;
}

/**
 * Adds to the refusal that was noted that it was at (mount, dentry), borrowed, unless it was told before. Returns `error`, so that it
 * stands where that is given on.
 */
export function refusedAt(mount: Mount, dentry: Dentry, error: i32): i32 {
  const record = refusalRecord();
  if (!record || !load<u32>(record, REFUSAL_REASON)) return error;
  if (!load<u32>(record, REFUSAL_MOUNT)) store<u32>(record, mount.id, REFUSAL_MOUNT);
  if (load<u32>(record, REFUSAL_PATH_LENGTH)) return error;
  let top = mount;
  while (top.parent !== null) top = changetype<Mount>(changetype<usize>(top.parent));
  const length = pathOf(mount, dentry, top, top.root, record + REFUSAL_PATH, PATH_MAX);
  store<u32>(record, max(length, 0), REFUSAL_PATH_LENGTH);
  return error;
}
