// Copy-up: a file of a lower layer gets a copy in the upper one before the first change.
//
// Directories above come first. The copy is made as a work file and renamed into place when it is whole, so that a failure
// leaves nothing. The directory keeps its times: nobody asked for a change in it.
//
// Linux: fs/overlayfs/copy_up.c. Hard links of a lower layer stay together when there is an index, and are broken apart when not.

import { EEXIST, ENOENT, ENOTDIR, EROFS } from "../../abi/errno.ts";
import { O_LARGEFILE, O_NOATIME, O_RDONLY, O_WRONLY } from "../../abi/fcntl.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { REFUSED_READONLY_FILESYSTEM } from "../../abi/refusal.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { refuse } from "../../sched/refusal.ts";
import {
  ATTR_ATIME,
  ATTR_ATIME_SET,
  ATTR_GID,
  ATTR_MODE,
  ATTR_MTIME,
  ATTR_MTIME_SET,
  ATTR_UID,
  Attributes,
} from "../../vfs/attributes.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { lookupLocked } from "../../vfs/lookup.ts";
import { lockPair, unlockPair } from "../../vfs/rename.ts";
import { copyData } from "./copy-data.ts";
import { copyAcls, copyXattrs } from "./copy-xattrs.ts";
import { addToIndex, linkName, writeNlinkDelta } from "./index-dir.ts";
import { changeFile, moveFile, NewFile, restoreTimes } from "./layer.ts";
import { nodeOf, OverlayNode } from "./node.ts";
import { setOrigin } from "./origin.ts";
import { setImpure } from "./own-xattrs.ts";
import { discardWorkFile, makeWorkFile } from "./work.ts";

/** All of a file's data. */
export const WHOLE: i64 = i64.MAX_VALUE;

/** "file": the copy's name when the overlay is over a single file. */
export const SINGLE_NAME: usize = memory.data<u8>([0x66, 0x69, 0x6c, 0x65]);
export const SINGLE_NAME_LENGTH: u32 = 4;

/**
 * Makes sure that `node` is in the upper layer; of a regular file's data the first `length` bytes suffice. The caller holds a
 * reference on its dentry. May sleep. Errors: EROFS without an upper layer, refuseNameless()'s, and what the layers give.
 */
export function copyUp(node: OverlayNode, length: i64): i32 {
  if (node.upper !== null) return 0;
  if (!node.overlayFs.hasUpper || node.overlayFs.readonly) return refuse(EROFS, REFUSED_READONLY_FILESYSTEM);
  while (node.upper === null) {
    // The topmost directory that is not in the upper layer yet.
    let at = node;
    while (true) {
      const parent = at.name.parent;
      if (parent === null || nodeOf(parent).upper !== null) break;
      at = nodeOf(parent);
    }
    const result = copyUpOne(at, at === node ? length : WHOLE);
    if (result < 0) return result;
  }
  return 0;
}

function copyUpOne(node: OverlayNode, length: i64): i32 {
  const locked = node.copyUpLock.acquire();
  if (locked < 0) return locked;
  let result = 0;
  if (node.upper === null) {
    result = node.unlinked ? refuseNameless(node) : node.lower(0).file.getAttributes();
    if (result == 0) result = copyUpLocked(node, length);
  }
  node.copyUpLock.release();
  return result;
}

/** The upper directory that a copy goes to. */
function upperParent(node: OverlayNode): Dentry {
  const parent = node.name.parent;
  if (parent !== null) {
    const upper = nodeOf(parent).upper;
    if (upper !== null) return upper;
  }
  return node.overlayFs.upperRoot;
}

/**
 * What was removed while it was in a lower layer has no copy: Linux makes it for the name, where it meets the whiteout or what is
 * there now. Errors: EEXIST; ENOTDIR for a directory; ENOENT when the directory was removed too.
 */
function refuseNameless(node: OverlayNode): i32 {
  const dir = upperParent(node).file;
  const marked = setImpure(dir);
  if (marked < 0) return marked;
  if (dir.dead) return -ENOENT;
  return node.isDirectory ? -ENOTDIR : -EEXIST;
}

function copyUpLocked(node: OverlayNode, length: i64): i32 {
  const lower = node.lower(0).file;
  const fs = node.overlayFs;
  const dir = upperParent(node);
  const made = makeCopy(fs.workFor(dir), lower);
  if (isError(made)) return <i32>made;
  const work = changetype<Dentry>(made);
  // Names of one lower file that become files of their own need numbers of their own.
  const keepsOrigin = lower.isDirectory || lower.nlink == 1 || node.isIndexed;
  let result = lower.isRegular ? copyContents(node, work, length) : 0;
  if (result == 0) result = copyXattrs(lower, work.file);
  if (result == 0 && keepsOrigin) result = setOrigin(fs, node.layerOfLower(0), lower, work.file);
  // Two names of the copy will be its entry in the index and the name that it is made for.
  const delta = <i32>lower.nlink - 2;
  if (result == 0 && node.isIndexed) result = writeNlinkDelta(node, work.file, delta);
  if (result == 0) result = copyAcls(lower, work.file);
  if (result == 0) result = copyAttributes(lower, work.file);
  if (result == 0) result = node.isIndexed ? placeIndexed(node, dir, work) : place(node, dir, work);
  if (result < 0) {
    discardWorkFile(work);
    return result;
  }
  if (node.isIndexed) node.nlinkDelta = delta;
  if (!keepsOrigin) node.ino = fs.inoOf(0, work.file.ino);
  node.setUpper(work);
  node.copyAttributes(work.file);
  const alias = node.alias;
  node.alias = null;
  if (alias !== null) alias.decRef();
  return 0;
}

/** Makes the empty copy of `lower` as a work file: its dentry with a reference, or an error. */
function makeCopy(dir: Dentry, lower: Inode): usize {
  const file = new NewFile(lower.mode, lower.rdev, lower.uid, lower.gid);
  let text: usize = 0;
  let result = 0;
  if (lower.isSymlink) {
    text = heap.alloc(PATH_MAX);
    result = lower.readlink(text);
    file.target = text;
    file.targetLength = <u32>result;
  }
  const made = result < 0 ? errorOf(result) : makeWorkFile(dir, file);
  if (text) heap.free(text);
  free(file);
  return made;
}

function copyContents(node: OverlayNode, work: Dentry, length: i64): i32 {
  const lower = node.lower(0);
  const wanted = min<i64>(length, lower.file.size);
  if (wanted <= 0) return 0;
  const fs = node.overlayFs;
  const mount = fs.mountOf(node.layerOfLower(0));
  const source = lower.file.open(
    changetype<usize>(mount),
    lower,
    <u32>O_RDONLY | <u32>O_LARGEFILE | <u32>O_NOATIME,
  );
  if (isError(source)) return <i32>source;
  const from = changetype<FileDescription>(source);
  const target = work.file.open(changetype<usize>(fs.mountOf(0)), work, <u32>O_WRONLY | <u32>O_LARGEFILE);
  let result = <i32>target;
  if (!isError(target)) {
    const to = changetype<FileDescription>(target);
    result = copyData(from, to, wanted);
    to.decRef();
  }
  from.decRef();
  return result;
}

/** Owner, mode and times. What is right already is not set, since a layer on the host may not be allowed to. */
function copyAttributes(lower: Inode, copy: Inode): i32 {
  const a = new Attributes();
  a.valid = ATTR_ATIME | ATTR_ATIME_SET | ATTR_MTIME | ATTR_MTIME_SET;
  a.atime = lower.atime;
  a.mtime = lower.mtime;
  a.uid = lower.uid;
  a.gid = lower.gid;
  a.mode = lower.mode & 0o7777;
  if (copy.uid != lower.uid) a.valid |= ATTR_UID;
  if (copy.gid != lower.gid) a.valid |= ATTR_GID;
  // Writing and a change of owner may have taken set-id bits away.
  if (!lower.isSymlink && (copy.mode != lower.mode || lower.mode & 0o6000)) a.valid |= ATTR_MODE;
  const result = changeFile(copy, a);
  free(a);
  return result;
}

/** Puts the finished copy in its place. */
function place(node: OverlayNode, dir: Dentry, work: Dentry): i32 {
  const from = work.parent;
  if (from === null) return -ENOENT;
  const locked = lockPair(from, dir);
  if (locked < 0) return locked;
  dir.file.getAttributes();
  const atime = dir.file.atime;
  const mtime = dir.file.mtime;
  const single = node.name.parent === null;
  const name = single ? SINGLE_NAME : node.name.name;
  const found = lookupLocked(dir, name, single ? SINGLE_NAME_LENGTH : node.name.nameLength);
  let result = 0;
  if (isError(found)) {
    result = <i32>found;
  } else {
    const target = changetype<Dentry>(found);
    // Only a change behind the overlay's back puts something there.
    result = target.isNegative ? setImpure(dir.file) : -EEXIST;
    if (result == 0) result = moveFile(from, work, dir, target);
    target.decRef();
  }
  if (result == 0) restoreTimes(dir.file, atime, mtime);
  unlockPair(from, dir);
  return result;
}

/** Puts the finished copy into the index, and links the name to it that it is made for. Undoes both when one fails. */
function placeIndexed(node: OverlayNode, dir: Dentry, work: Dentry): i32 {
  const fs = node.overlayFs;
  const index = fs.index;
  if (index === null) return -ENOENT;
  const result = addToIndex(fs, index, node.layerOfLower(0), node.lower(0).file, work);
  if (result < 0) return result;
  const name = node.name;
  return min(linkName(work, dir, name.name, name.nameLength), 0);
}

/** Has the copy of an indexed file made for the name `dentry`. */
function takeName(node: OverlayNode, dentry: Dentry): void {
  const alias = node.alias;
  if (alias === null || dentry.isDead) return;
  node.alias = new Dentry(node.fs, dentry.parent, dentry.name, dentry.nameLength, dentry.hash);
  alias.decRef();
}

/** copyUp() of the file that `dentry` names and `length` bytes of it, by this name: a name of an indexed file becomes a link to the copy. */
export function copyUpName(dentry: Dentry, length: i64 = WHOLE): i32 {
  const node = nodeOf(dentry);
  if (node.isIndexed && node.upper === null) takeName(node, dentry);
  let result = copyUp(node, length);
  if (result < 0 || !node.isIndexed || dentry.isDead) return result;
  const parent = dentry.parent;
  const upper = node.upper;
  if (parent === null || upper === null) return 0;
  result = copyUp(nodeOf(parent), WHOLE);
  const dir = nodeOf(parent).upper;
  if (result < 0 || dir === null) return result;
  result = linkName(upper, dir, dentry.name, dentry.nameLength);
  if (result <= 0) return result;
  node.nlinkDelta--;
  return writeNlinkDelta(node, upper.file, node.nlinkDelta);
}
