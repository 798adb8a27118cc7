// File locks as /proc shows them: all of them in /proc/locks, and those of one descriptor in its fdinfo (Linux: fs/locks.c
// lock_get_status(), show_fd_locks()). Those who wait for a lock are not listed.

import { F_RDLCK, F_WRLCK } from "../../abi/fcntl.ts";
import { currentTask } from "../../kernel/current-task.ts";
import { lockPid } from "../../kernel/lock-pid.ts";
import { firstPids } from "../../kernel/pid-namespace.ts";
import { Inode } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { FileLock, FileLocks, nextFileLocks, OFFSET_MAX } from "../../vfs/file-locks.ts";
import { Text } from "../../vfs/text.ts";

/** Of who set it, as the reader sees it. */
function pidOf(lock: FileLock): i32 {
  const self = currentTask();
  return lockPid(lock.pid, self === null ? firstPids() : self.pids);
}

/** The number, the kind, the type, the process, the file and the range. */
function showLock(number: u32, lock: FileLock, inode: Inode, isWhole: bool, out: Text): void {
  const pid = pidOf(lock);
  out.decimal(number).text(": ");
  if (isWhole) out.text("FLOCK  ADVISORY  ");
  else out.text(lock.pid < 0 ? "OFDLCK ADVISORY  " : "POSIX  ADVISORY  ");
  out.text(lock.type == F_WRLCK ? "WRITE " : lock.type == F_RDLCK ? "READ " : "UNLCK ");
  out.signed(pid).text(" 00:").hex(inode.fs.device, 2).byte(0x3a).decimal(inode.ino);
  out.byte(0x20).signed(lock.start).byte(0x20);
  if (lock.end == OFFSET_MAX) out.text("EOF\n");
  else out.signed(lock.end).byte(0x0a);
}

/** Those of a list that `owner` or the description itself has, set by that description; returns the last number. */
function showOwn(
  first: FileLock | null,
  inode: Inode,
  isWhole: bool,
  owner: usize,
  description: usize,
  before: u32,
  out: Text,
): u32 {
  let number = before;
  let at = first;
  while (at !== null) {
    if (at.through == description && (at.owner == owner || at.owner == description)) {
      out.text("lock:\t");
      showLock(++number, at, inode, isWhole, out);
    }
    at = at.next;
  }
  return number;
}

/** The locks that were set by `file`, for the process whose descriptors are `table`. */
export function showDescriptionLocks(file: FileDescription, table: usize, out: Text): void {
  const inode = file.inode;
  if (!inode.locks) return;
  const locks = changetype<FileLocks>(inode.locks);
  const description = changetype<usize>(file);
  const count = showOwn(locks.whole, inode, true, table, description, 0, out);
  showOwn(locks.records, inode, false, table, description, count, out);
}

function showAll(first: FileLock | null, inode: Inode, isWhole: bool, before: u32, out: Text): u32 {
  let number = before;
  let at = first;
  while (at !== null) {
    number++;
    // Others' are counted, and not shown (Linux: locks_show()).
    if (pidOf(at) != 0) showLock(number, at, inode, isWhole, out);
    at = at.next;
  }
  return number;
}

/** /proc/locks. */
export function showLocks(out: Text): i32 {
  let number: u32 = 0;
  let at = nextFileLocks(null);
  while (at !== null) {
    number = showAll(at.whole, at.inode, true, number, out);
    number = showAll(at.records, at.inode, false, number, out);
    at = at.next;
  }
  return 0;
}
