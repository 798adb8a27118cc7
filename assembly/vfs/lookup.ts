// One name in one directory: from the dentry cache, else from the file system.

import { memoryIsCritical } from "mm/page";
import { EAGAIN, ENAMETOOLONG, ENOENT, ENOMEM } from "../abi/errno.ts";
import { NAME_MAX } from "../abi/limits.ts";
import { errorOf } from "../lib/result.ts";
import { currentThread } from "../sched/thread.ts";
import { findDentry, hashDentry, hashName, makeDentry, shrinkDcache, unhashDentry } from "./dcache.ts";
import { Dentry, Inode } from "./dentry.ts";

/** How many dentries a lookup gives back that finds the kernel's memory nearly gone. */
const EVICTED_AT_ONCE: u32 = 256;

/**
 * The dentry of a name, positive or negative, with a reference; or an error. Permission to search was checked.
 * May sleep, unless the cache knows.
 */
export function lookupOne(directory: Dentry, name: usize, length: u32): usize {
  const hash = hashName(directory, name, length);
  const cached = findDentry(directory, name, length, hash);
  if (cached !== null && (!directory.fs.revalidates || isKnown(cached))) {
    cached.incRef();
    return changetype<usize>(cached);
  }
  const lock = directory.file.lock;
  const locked = lock.acquire();
  if (locked < 0) return errorOf(locked);
  const result = lookupLocked(directory, name, length);
  lock.release();
  return result;
}

/** The dentry of a name that the cache knows and nobody needs to be asked about, borrowed; or null. */
export function findKnown(directory: Dentry, name: usize, length: u32): Dentry | null {
  if (directory.fs.revalidates) return null;
  return findDentry(directory, name, length, hashName(directory, name, length));
}

/** lookupOne() that asks no file system: EAGAIN when the cache does not know. Never sleeps. */
export function lookupCached(directory: Dentry, name: usize, length: u32): usize {
  const cached = findDentry(directory, name, length, hashName(directory, name, length));
  if (cached === null || (directory.fs.revalidates && !isKnown(cached))) return errorOf(-EAGAIN);
  cached.incRef();
  return changetype<usize>(cached);
}

/** Whether a name that is to be revalidated was, in this system call. */
function isKnown(dentry: Dentry): bool {
  return dentry.trueIn != 0 && dentry.trueIn == currentThread().callNumber();
}

/** Whether a lookup of this name in a file system that prepares walks would have to ask. */
export function needsAsking(directory: Dentry, name: usize, length: u32): bool {
  const cached = findDentry(directory, name, length, hashName(directory, name, length));
  return cached === null || (directory.fs.revalidates && !cached.mounts && !isKnown(cached));
}

/** lookupOne() for a caller that holds the directory's lock. */
export function lookupLocked(directory: Dentry, name: usize, length: u32): usize {
  const inode = directory.file;
  if (inode.dead) return errorOf(-ENOENT);
  // It is the file system that refuses: whoever got no further sees other errors first.
  if (length > <u32>NAME_MAX) return errorOf(-ENAMETOOLONG);
  const hash = hashName(directory, name, length);
  const cached = findDentry(directory, name, length, hash);
  if (cached !== null) {
    cached.incRef();
    // What a mount covers is not asked for: a change of the server's must not take the mount out of the tree.
    if (!directory.fs.revalidates || cached.mounts || isForeign(inode, cached))
      return changetype<usize>(cached);
    const valid = inode.revalidate(cached);
    if (valid > 0) return changetype<usize>(cached);
    if (valid < 0) {
      cached.decRef();
      return errorOf(valid);
    }
    unhashDentry(cached);
    cached.decRef();
  }
  // Dentries that are held, by open files and by the names below them, cannot be evicted, and a guest holds as many as its
  // trees have names.
  if (memoryIsCritical()) {
    shrinkDcache(directory.fs, EVICTED_AT_ONCE);
    if (memoryIsCritical()) return errorOf(-ENOMEM);
  }
  const child = makeDentry(directory, name, length, hash);
  const result = inode.lookup(child);
  if (result < 0) {
    child.decRef();
    return errorOf(result);
  }
  hashDentry(child);
  return changetype<usize>(child);
}

/**
 * Whether a name of `directory` is no file of its file system: a mount point that the kernel keeps in a tree of the host
 * (boot/mount-point.ts). It cannot be removed, moved or linked, nor does the file system know it.
 */
export function isForeign(directory: Inode, child: Dentry): bool {
  const inode = child.inode;
  return inode !== null && inode.fs !== directory.fs;
}
