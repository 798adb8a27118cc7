// Why the last call of a traced task was refused (abi/refusal.ts has the record).
//
// Called where an errno is made, never on the way of a success; without a tracer it costs two loads there. What is noted last counts. It
// is noted together with its errno, so that the host can see whether that is what the call gave.

import { ENOENT } from "../abi/errno.ts";
import * as abi from "../abi/refusal.ts";
import { currentThread, hasCurrentThread } from "./thread.ts";

/** An empty record, for the caller to free. */
export function makeRefusalRecord(): usize {
  const record = heap.alloc(abi.SIZEOF_REFUSAL);
  memory.fill(record, 0, abi.SIZEOF_REFUSAL);
  return record;
}

/** The record of the thread that is in the kernel, or 0 when nobody traces it. */
export function refusalRecord(): usize {
  return hasCurrentThread() ? currentThread().refusal : 0;
}

function note(record: usize, errno: i32, reason: u32, value: u64): void {
  store<u32>(record, reason, abi.REFUSAL_REASON);
  store<i32>(record, errno, abi.REFUSAL_ERRNO);
  store<u32>(record, 0, abi.REFUSAL_MOUNT);
  store<u64>(record, value, abi.REFUSAL_VALUE);
  store<u32>(record, 0, abi.REFUSAL_PATH_LENGTH);
}

/** Notes why, and returns -errno. */
export function refuse(errno: i32, reason: u32, value: u64 = 0): i32 {
  const record = refusalRecord();
  if (record) note(record, errno, reason, value);
  return -errno;
}

/**
 * The same for what a server said first. Names are looked up between the check that refuses and the error that tells of it, and
 * requests that build on one that was refused fail, too: so this stands behind what was noted before, and that there is no such file
 * is no refusal.
 */
export function refuseByServer(errno: i32, reason: u32): i32 {
  const record = refusalRecord();
  if (!record || errno == ENOENT) return -errno;
  if (load<u32>(record, abi.REFUSAL_REASON) == 0) note(record, errno, reason, 0);
  return -errno;
}

/** The same for what a mount says. */
export function refuseAtMount(errno: i32, reason: u32, mountId: u32): i32 {
  const record = refusalRecord();
  if (!record) return -errno;
  note(record, errno, reason, 0);
  store<u32>(record, mountId, abi.REFUSAL_MOUNT);
  return -errno;
}

/** The same for what a file's mode and owner say to somebody. */
export function refuseByOwner(
  errno: i32,
  reason: u32,
  value: u64,
  mode: u32,
  uid: u32,
  gid: u32,
  fsuid: u32,
  fsgid: u32,
): i32 {
  const record = refusalRecord();
  if (!record) return -errno;
  note(record, errno, reason, value);
  store<u32>(record, mode, abi.REFUSAL_MODE);
  store<u32>(record, uid, abi.REFUSAL_UID);
  store<u32>(record, gid, abi.REFUSAL_GID);
  store<u32>(record, fsuid, abi.REFUSAL_FSUID);
  store<u32>(record, fsgid, abi.REFUSAL_FSGID);
  return -errno;
}
