// The index: copies of lower files that have several names there, so that these names stay names of one file (Linux: index=on).
//
// The copy is made in the directory "index" of the work directory, under its origin handle in hexadecimal. A name becomes a link
// to it when the name itself is written through or removed; until then it finds the copy by the handle of its lower file. The
// copy's link count counts the entry here and lacks names that are in the lower layer alone: trusted.overlay.nlink has the
// difference, "U" and a signed number, which is right again once both it and the link are changed.

import { NAME_MAX } from "../../abi/limits.ts";
import { free } from "../../lib/ref-counted.ts";
import { isError } from "../../lib/result.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { lookupLocked } from "../../vfs/lookup.ts";
import { OverlayFilesystem } from "./filesystem.ts";
import { findInLayer, isWhiteout, makeFile, NewFile, removeFile, restoreTimes } from "./layer.ts";
import { OverlayNode } from "./node.ts";
import { HANDLE_LENGTH, HANDLE_MAX, makeHandle } from "./origin.ts";
import {
  getOwn,
  setImpure,
  XATTR_NLINK,
  XATTR_NLINK_LENGTH,
  XATTR_ORIGIN,
  XATTR_ORIGIN_LENGTH,
} from "./own-xattrs.ts";
import { placeWorkFile } from "./work.ts";

const NLINK_TEXT_MAX: u32 = 13;
const PLUS: u8 = 0x2b;
const MINUS: u8 = 0x2d;

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

/** A handle in hexadecimal, on the heap: two digits for each byte. */
function nameOf(handle: usize, length: u32): usize {
  const name = heap.alloc(length * 2);
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(handle + i);
    store<u8>(name + i * 2, hexDigit(byte >> 4));
    store<u8>(name + i * 2, hexDigit(byte & 15), 1);
  }
  return name;
}

/** The entry of that handle, with a reference; 0 when there is none; or an error. */
function findEntry(index: Dentry, handle: usize, length: u32): usize {
  const name = nameOf(handle, length);
  const found = findInLayer(index, name, length * 2);
  heap.free(name);
  if (isError(found) || !found) return found;
  const entry = changetype<Dentry>(found);
  if (!isWhiteout(entry.file)) return found;
  entry.decRef();
  return 0;
}

/** The copy of `lower`, a file of `layer`, in the index: with a reference; 0 when there is none; or an error. */
export function findCopy(fs: OverlayFilesystem, layer: u32, lower: Inode): usize {
  const index = fs.index;
  if (index === null) return 0;
  const handle = heap.alloc(HANDLE_LENGTH);
  makeHandle(fs, layer, lower, handle);
  const found = findEntry(index, handle, HANDLE_LENGTH);
  heap.free(handle);
  return found;
}

/** The index's entry for a file of the upper layer, by its origin: with a reference; 0 when it is not indexed; or an error. */
export function findOwnEntry(fs: OverlayFilesystem, copy: Inode): usize {
  const index = fs.index;
  if (index === null) return 0;
  const handle = heap.alloc(HANDLE_MAX);
  const got = getOwn(copy, XATTR_ORIGIN, XATTR_ORIGIN_LENGTH, handle, HANDLE_MAX);
  // The name must be one.
  const found = got > 0 && got * 2 <= NAME_MAX ? findEntry(index, handle, <u32>got) : <usize>0;
  heap.free(handle);
  if (isError(found) || !found) return found;
  const entry = changetype<Dentry>(found);
  if (entry.inode === copy) return found;
  entry.decRef();
  return 0;
}

/** Moves a finished copy of `lower` into the index. */
export function addToIndex(
  fs: OverlayFilesystem,
  index: Dentry,
  layer: u32,
  lower: Inode,
  work: Dentry,
): i32 {
  const handle = heap.alloc(HANDLE_LENGTH);
  makeHandle(fs, layer, lower, handle);
  const name = nameOf(handle, HANDLE_LENGTH);
  heap.free(handle);
  const result = placeWorkFile(work, index, name, HANDLE_LENGTH * 2);
  heap.free(name);
  return result;
}

/** Reads what the link count of an indexed copy lacks; 0 when it does not say. `lower` is the lower file's, for the form "L". */
export function readNlinkDelta(copy: Inode, lowerNlink: u32): i32 {
  const text = heap.alloc(NLINK_TEXT_MAX);
  const got = getOwn(copy, XATTR_NLINK, XATTR_NLINK_LENGTH, text, NLINK_TEXT_MAX);
  let delta: i32 = 0;
  if (got >= 3) {
    let number: i32 = 0;
    for (let i = 2; i < got; i++) number = number * 10 + (<i32>load<u8>(text + i) - 0x30);
    if (load<u8>(text, 1) == MINUS) number = -number;
    if (load<u8>(text) == 0x55) delta = number;
    else delta = <i32>lowerNlink + number - <i32>copy.nlink;
  }
  heap.free(text);
  return delta;
}

/** Writes the difference of an indexed node to its copy. */
export function writeNlinkDelta(node: OverlayNode, copy: Inode, delta: i32): i32 {
  const text = heap.alloc(NLINK_TEXT_MAX);
  store<u8>(text, 0x55);
  store<u8>(text, delta < 0 ? MINUS : PLUS, 1);
  let number: u32 = delta < 0 ? -delta : delta;
  let digits: u32 = 1;
  for (let rest = number / 10; rest; rest /= 10) digits++;
  for (let i = digits; i > 0; i--) {
    store<u8>(text + 1 + i, <u8>(0x30 + (number % 10)));
    number /= 10;
  }
  const result = node.overlayFs.setXattr(copy, XATTR_NLINK, XATTR_NLINK_LENGTH, text, 2 + digits);
  heap.free(text);
  return result;
}

/**
 * Makes the name in the upper directory `dir` a link to `copy`, unless the directory has it. The name is not new to anybody: the
 * directory keeps its times. Returns 1 when a link was made, 0 when the name was there, or -errno.
 */
export function linkName(copy: Dentry, dir: Dentry, name: usize, length: u32): i32 {
  const locked = dir.file.lock.acquire();
  if (locked < 0) return locked;
  const made = linkLocked(copy, dir, name, length);
  dir.file.lock.release();
  return made;
}

function linkLocked(copy: Dentry, dir: Dentry, name: usize, length: u32): i32 {
  const found = lookupLocked(dir, name, length);
  if (isError(found)) return <i32>found;
  const child = changetype<Dentry>(found);
  let result: i32 = 0;
  if (child.isNegative) {
    dir.file.getAttributes();
    const atime = dir.file.atime;
    const mtime = dir.file.mtime;
    const file = new NewFile(0, 0, 0, 0);
    file.source = copy;
    result = setImpure(dir.file);
    if (result == 0) result = makeFile(dir, child, file);
    free(file);
    if (result == 0) {
      restoreTimes(dir.file, atime, mtime);
      result = 1;
    }
  }
  child.decRef();
  return result;
}

/** Removes the entry of a file whose last name is gone. */
export function dropIndexEntry(node: OverlayNode): i32 {
  const fs = node.overlayFs;
  const index = fs.index;
  const found = findOwnEntry(fs, node.real);
  if (index === null || isError(found) || !found) return <i32>found;
  const entry = changetype<Dentry>(found);
  let result = index.file.lock.acquire();
  if (result == 0) {
    result = removeFile(index, entry);
    index.file.lock.release();
  }
  entry.decRef();
  return result;
}
