// Work files: what is made first and put in its place afterwards, so that a failure leaves nothing.
//
// They are made in the work directory. An overlay without one makes them in the upper directory that they are for, under names
// that it neither shows nor lets guests make. A thread that is killed in between may leave one; those in a work directory go
// at the next mount.

import { EIO, ENOENT } from "../../abi/errno.ts";
import { S_IFCHR } from "../../abi/stat.ts";
import { random } from "../../host.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { lookupLocked } from "../../vfs/lookup.ts";
import { lockPair, unlockPair } from "../../vfs/rename.ts";
import { makeFile, NewFile, removeFile, replaceFile, restoreTimes } from "./layer.ts";

/** ".wvisor-" */
const PREFIX: usize = memory.data<u8>([0x2e, 0x77, 0x76, 0x69, 0x73, 0x6f, 0x72, 0x2d]);
const PREFIX_LENGTH: u32 = 8;
const WORK_NAME_LENGTH: u32 = 24;

/** Whether a name is ".wvisor-" and sixteen hexadecimal digits. */
export function isWorkName(name: usize, length: u32): bool {
  if (length != WORK_NAME_LENGTH || load<u64>(name) != load<u64>(PREFIX)) return false;
  for (let i = PREFIX_LENGTH; i < length; i++) {
    const c = load<u8>(name + i);
    if (!((c >= 0x30 && c <= 0x39) || (c >= 0x61 && c <= 0x66))) return false;
  }
  return true;
}

/** Makes a file in `dir`, whose lock the caller does not hold: its dentry with a reference, or an error. The directory keeps its times. */
export function makeWorkFile(dir: Dentry, file: NewFile): usize {
  const locked = dir.file.lock.acquire();
  if (locked < 0) return errorOf(locked);
  dir.file.getAttributes();
  const atime = dir.file.atime;
  const mtime = dir.file.mtime;
  const made = makeLocked(dir, file);
  if (!isError(made)) restoreTimes(dir.file, atime, mtime);
  dir.file.lock.release();
  return made;
}

function makeLocked(dir: Dentry, file: NewFile): usize {
  const name = heap.alloc(WORK_NAME_LENGTH);
  store<u64>(name, load<u64>(PREFIX));
  random(name + 8, 8);
  const bits = load<u64>(name, 8);
  for (let i: u32 = 0; i < 16; i++) {
    const digit = <u8>((bits >> ((<u64>i) << 2)) & 15);
    store<u8>(name + PREFIX_LENGTH + i, digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
  const found = lookupLocked(dir, name, WORK_NAME_LENGTH);
  heap.free(name);
  if (isError(found)) return found;
  const child = changetype<Dentry>(found);
  const result = child.isNegative ? makeFile(dir, child, file) : -EIO;
  if (result == 0) return found;
  child.decRef();
  return errorOf(result);
}

/** A whiteout as a work file of `dir`. */
export function makeWorkWhiteout(dir: Dentry): usize {
  const file = new NewFile(<u32>S_IFCHR, 0, 0, 0);
  const made = makeWorkFile(dir, file);
  free(file);
  return made;
}

/** Removes a work file, and takes the caller's reference. The caller does not hold its directory's lock. */
export function discardWorkFile(work: Dentry): void {
  const dir = work.parent;
  if (dir !== null && !work.isDead && dir.file.lock.acquire() == 0) {
    dir.file.getAttributes();
    const atime = dir.file.atime;
    const mtime = dir.file.mtime;
    if (removeFile(dir, work) == 0) restoreTimes(dir.file, atime, mtime);
    dir.file.lock.release();
  }
  work.decRef();
}

/** Puts a work file in its place, whatever is there (layer.ts, replaceFile()): a name of `dir`. The caller keeps its reference, and holds neither directory's lock. */
export function placeWorkFile(work: Dentry, dir: Dentry, name: usize, length: u32): i32 {
  const from = work.parent;
  if (from === null) return -ENOENT;
  const locked = lockPair(from, dir);
  if (locked < 0) return locked;
  const result = placeLocked(from, work, dir, name, length);
  unlockPair(from, dir);
  return result;
}

function placeLocked(from: Dentry, work: Dentry, dir: Dentry, name: usize, length: u32): i32 {
  const found = lookupLocked(dir, name, length);
  if (isError(found)) return <i32>found;
  const target = changetype<Dentry>(found);
  const result = replaceFile(from, work, dir, target);
  target.decRef();
  return result;
}
