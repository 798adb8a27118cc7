// The dentry cache: every hashed dentry of every file system, in one hash table keyed by (parent, name).
//
// A warm path walk reads this table and nothing else. Its memory is bounded per file system: when a new dentry would exceed
// Filesystem.dentryMax, the least recently used unreferenced ones of that file system are evicted first.

import { memoryIsShort } from "mm/page";
import { ROOT_MOUNTS, ROOT_VFS } from "../abi/kernel-layout.ts";
import { duplicate, equal, hashBytes } from "../lib/bytes.ts";
import { DENTRY_DEAD, DENTRY_HASHED, DENTRY_REFERENCED, Dentry, Filesystem, Inode } from "./dentry.ts";
import { moveTreeGeneration } from "./tree-generation.ts";

const BUCKETS: u32 = 65536;
/** Of the table of mounts (vfs/mount.ts). */
export const MOUNT_BUCKETS: u32 = 4096;
/** Room for "#" and twenty digits. */
const UNNAMED_MAX: usize = 24;

/** Makes the table of names, and that of mounts (one u32 per bucket). Called once. */
export function initDcache(): void {
  store<u32>(ROOT_VFS, <u32>heap.alloc((<usize>BUCKETS) << 2));
  store<u32>(ROOT_MOUNTS, <u32>heap.alloc((<usize>MOUNT_BUCKETS) << 2));
}

function bucketOf(hash: u32): usize {
  return <usize>load<u32>(ROOT_VFS) + ((<usize>(hash & (BUCKETS - 1))) << 2);
}

/** The hash of a name under `parent`. */
export function hashName(parent: Dentry, name: usize, length: u32): u32 {
  return hashBytes(name, length, <u32>(changetype<usize>(parent) >> 4));
}

/** The hashed dentry of a name, borrowed; or null when the cache does not know. */
export function findDentry(parent: Dentry, name: usize, length: u32, hash: u32): Dentry | null {
  let at = changetype<Dentry | null>(<usize>load<u32>(bucketOf(hash)));
  while (at !== null) {
    if (at.hash == hash && at.parent === parent && at.nameLength == length && equal(at.name, name, length)) {
      return at;
    }
    at = at.nextInBucket;
  }
  return null;
}

/** A new unhashed dentry with one reference. May evict others of the same file system. */
export function makeDentry(parent: Dentry, name: usize, length: u32, hash: u32): Dentry {
  const fs = parent.fs;
  if (fs.dentryCount >= fs.dentryMax) shrinkDcache(fs, (fs.dentryMax >> 4) + 1);
  else if (memoryIsShort()) shrinkDcache(fs, 2);
  return new Dentry(fs, parent, name, length, hash);
}

/** A dentry, never to be found by a name, for a file that has none; with one reference. Takes over the reference on `inode`. */
export function makeUnnamedDentry(parent: Dentry, inode: Inode): Dentry {
  // "#" and the inode number (Linux: d_mark_tmpfile()), written from the end.
  const name = heap.alloc(UNNAMED_MAX);
  let at = UNNAMED_MAX;
  let rest = inode.ino;
  do {
    store<u8>(name + --at, <u8>(0x30 + (rest % 10)));
    rest /= 10;
  } while (rest != 0);
  store<u8>(name + --at, 0x23);
  const dentry = makeDentry(parent, name + at, <u32>(UNNAMED_MAX - at), 0);
  heap.free(name);
  dentry.instantiate(inode);
  dentry.flags |= DENTRY_DEAD;
  return dentry;
}

/** The root dentry of a file system, with one reference; takes over the reference on `inode`. Never hashed. */
export function makeRootDentry(fs: Filesystem, inode: Inode): Dentry {
  const dentry = new Dentry(fs, null, 0, 0, 0);
  dentry.instantiate(inode);
  return dentry;
}

export function hashDentry(dentry: Dentry): void {
  assert(!dentry.isHashed, "the dentry is not hashed yet");
  const bucket = bucketOf(dentry.hash);
  const head = changetype<Dentry | null>(<usize>load<u32>(bucket));
  dentry.nextInBucket = head;
  if (head !== null) head.previousInBucket = dentry;
  store<u32>(bucket, <u32>changetype<usize>(dentry));
  dentry.flags |= DENTRY_HASHED;
}

/** Takes a dentry out of the table. Without references it ends here, and must not be used afterwards. */
export function unhashDentry(dentry: Dentry): void {
  if (!dentry.isHashed) return;
  if (dentry.isDirectory) moveTreeGeneration();
  unlinkFromBucket(dentry);
  if (dentry.refs == 0) dentry.end();
}

function unlinkFromBucket(dentry: Dentry): void {
  const next = dentry.nextInBucket;
  const previous = dentry.previousInBucket;
  if (previous === null) {
    assert(load<u32>(bucketOf(dentry.hash)) == <u32>changetype<usize>(dentry), "the first is in its bucket");
    store<u32>(bucketOf(dentry.hash), <u32>changetype<usize>(next));
  } else {
    previous.nextInBucket = next;
  }
  if (next !== null) next.previousInBucket = previous;
  dentry.nextInBucket = null;
  dentry.previousInBucket = null;
  dentry.flags &= ~DENTRY_HASHED;
}

/**
 * A dentry whose file was removed: out of the table for good, and with it what the cache knows of the names in a directory, which
 * would hold it. Preconditions: the caller holds a reference.
 */
export function killDentry(dentry: Dentry): void {
  dentry.flags |= DENTRY_DEAD;
  unhashDentry(dentry);
  let child = dentry.children;
  while (child !== null) {
    const next = child.nextSibling;
    if (child.refs == 0) unhashDentry(child);
    child = next;
  }
}

/**
 * Gives `dentry` the place of `to` (Linux: d_move()): its new parent and name. `to` is unhashed, and dead when it had a file, whose
 * last name stays the one that it had. Preconditions: the caller holds references on both and on the parents.
 */
export function moveDentry(dentry: Dentry, to: Dentry): void {
  if (to.isNegative) unhashDentry(to);
  else killDentry(to);
  unhashDentry(dentry);
  const from = dentry.parent;
  const parent = to.parent;
  if (from !== parent && from !== null && parent !== null) {
    dentry.leaveSiblings(from);
    dentry.parent = parent;
    parent.incRef();
    dentry.joinSiblings(parent);
    from.decRef();
  }
  heap.free(dentry.name);
  dentry.name = duplicate(to.name, to.nameLength);
  dentry.nameLength = to.nameLength;
  dentry.hash = to.hash;
  hashDentry(dentry);
}

/** Exchanges the places of two positive dentries (RENAME_EXCHANGE). */
export function exchangeDentries(a: Dentry, b: Dentry): void {
  unhashDentry(a);
  unhashDentry(b);
  swapPlaces(a, b);
  hashDentry(a);
  hashDentry(b);
}

function swapPlaces(a: Dentry, b: Dentry): void {
  const parent = a.parent;
  const other = b.parent;
  if (parent !== other && parent !== null && other !== null) {
    a.leaveSiblings(parent);
    b.leaveSiblings(other);
    a.joinSiblings(other);
    b.joinSiblings(parent);
  }
  const name = a.name;
  const nameLength = a.nameLength;
  const hash = a.hash;
  a.parent = b.parent;
  a.name = b.name;
  a.nameLength = b.nameLength;
  a.hash = b.hash;
  b.parent = parent;
  b.name = name;
  b.nameLength = nameLength;
  b.hash = hash;
}

/** Evicts up to `count` unreferenced dentries of `fs`, least recently used first. Returns how many went. */
export function shrinkDcache(fs: Filesystem, count: u32): u32 {
  let evicted: u32 = 0;
  // Each dentry is looked at twice at the most: once to lose its second chance, once to go.
  let looks = fs.dentryCount * 2 + 16;
  while (evicted < count && looks-- > 0) {
    const dentry = fs.lruTail;
    if (dentry === null) break;
    if (dentry.refs > 0) {
      dentry.unlinkLru();
    } else if (dentry.flags & DENTRY_REFERENCED) {
      dentry.unlinkLru();
      dentry.pushLru();
    } else {
      unhashDentry(dentry);
      evicted++;
    }
  }
  return evicted;
}

/** Evicts all that nobody refers to: before a file system goes. */
export function dropDentries(fs: Filesystem): void {
  while (shrinkDcache(fs, fs.dentryCount + 1) > 0) {}
}
