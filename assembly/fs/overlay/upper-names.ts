// Names in the upper layer's directories: made, also over whiteouts, and removed, also leaving whiteouts.

import { EEXIST, ENOENT, ENOTEMPTY, EPERM } from "../../abi/errno.ts";
import { O_DIRECTORY, O_LARGEFILE, O_RDONLY } from "../../abi/fcntl.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { lookupLocked } from "../../vfs/lookup.ts";
import { Mount } from "../../vfs/mount.ts";
import { copyUp, WHOLE } from "./copy-up.ts";
import { EntryBuffer } from "./entry-buffer.ts";
import {
  discardWorkFile,
  findInLayer,
  isWhiteout,
  isWorkName,
  makeFile,
  makeWhiteout,
  makeWorkFile,
  makeWorkWhiteout,
  moveFile,
  NewFile,
  removeFile,
} from "./layer.ts";
import { OverlayNode } from "./node.ts";

/** Whether the lower layers of a directory show a name: 1 or 0, or -errno. */
export function hasLower(directory: OverlayNode, name: usize, length: u32): i32 {
  for (let i: u32 = 0; i < directory.lowerCount; i++) {
    const found = findInLayer(directory.lower(i), name, length);
    if (isError(found)) return <i32>found;
    if (!found) continue;
    const dentry = changetype<Dentry>(found);
    const shown = !isWhiteout(dentry.file);
    dentry.decRef();
    return shown ? 1 : 0;
  }
  return 0;
}

/**
 * Makes a file that `directory` does not show, over a whiteout perhaps: its upper dentry with a reference, or an error. The
 * caller holds the lock of `directory`. Errors: EPERM for work names, EROFS, and what the layers give.
 */
export function makeUpper(directory: OverlayNode, name: usize, length: u32, file: NewFile): usize {
  if (isWorkName(name, length)) return errorOf(-EPERM);
  const copied = copyUp(directory, WHOLE);
  if (copied < 0) return errorOf(copied);
  const upper = directory.upper;
  if (upper === null) return errorOf(-ENOENT);
  const locked = upper.file.lock.acquire();
  if (locked < 0) return errorOf(locked);
  let made = lookupLocked(upper, name, length);
  if (!isError(made)) {
    const child = changetype<Dentry>(made);
    const inode = child.inode;
    let result = 0;
    if (inode === null) result = makeFile(upper, child, file);
    else if (!isWhiteout(inode)) result = -EEXIST;
    else {
      made = makeOverWhiteout(upper, child, file);
      child.decRef();
    }
    if (result < 0) {
      child.decRef();
      made = errorOf(result);
    }
  }
  upper.file.lock.release();
  return made;
}

/** As makeUpper(), for `whiteout` in `dir`, whose lock the caller holds. */
function makeOverWhiteout(dir: Dentry, whiteout: Dentry, file: NewFile): usize {
  const made = makeWorkFile(dir, file);
  if (isError(made)) return made;
  const work = changetype<Dentry>(made);
  const result = work.file.isDirectory
    ? placeDirectory(dir, work, dir, whiteout)
    : moveFile(dir, work, dir, whiteout);
  if (result == 0) return made;
  discardWorkFile(dir, work);
  return errorOf(result);
}

/**
 * Puts a directory in the place of a whiteout, which no rename can replace by it: opaque, so that what the whiteout hid stays
 * hidden. The caller holds both directories' locks.
 */
export function placeDirectory(fromDir: Dentry, from: Dentry, toDir: Dentry, whiteout: Dentry): i32 {
  const name = whiteout.name;
  const length = whiteout.nameLength;
  let result = removeFile(toDir, whiteout);
  if (result < 0) return result;
  const found = lookupLocked(toDir, name, length);
  if (isError(found)) return <i32>found;
  const target = changetype<Dentry>(found);
  result = moveFile(fromDir, from, toDir, target);
  if (result == 0) {
    from.file.opaque = true;
    toDir.file.impure = true;
  } else {
    makeWhiteout(toDir, target);
  }
  target.decRef();
  return result;
}

/**
 * Removes a name from `dir`, which may lack it, and leaves a whiteout if `cover`. A directory there holds whiteouts at the most.
 */
export function removeUpper(mount: Mount, dir: Dentry, name: usize, length: u32, cover: bool): i32 {
  const locked = dir.file.lock.acquire();
  if (locked < 0) return locked;
  const result = removeUpperLocked(mount, dir, name, length, cover);
  dir.file.lock.release();
  return result;
}

function removeUpperLocked(mount: Mount, dir: Dentry, name: usize, length: u32, cover: bool): i32 {
  const found = lookupLocked(dir, name, length);
  if (isError(found)) return <i32>found;
  const child = changetype<Dentry>(found);
  let result = 0;
  if (child.isNegative) {
    result = cover ? makeWhiteout(dir, child) : -ENOENT;
  } else {
    if (child.file.isDirectory) result = clearDirectory(mount, child);
    if (result == 0) result = cover ? coverFile(dir, child) : removeFile(dir, child);
  }
  child.decRef();
  return result;
}

/** Puts a whiteout in the place of a file or an empty directory. The whiteout is made first: nothing is lost if that fails. */
function coverFile(dir: Dentry, child: Dentry): i32 {
  const made = makeWorkWhiteout(dir);
  if (isError(made)) return <i32>made;
  const work = changetype<Dentry>(made);
  let result = 0;
  if (!child.file.isDirectory) {
    result = moveFile(dir, work, dir, child);
  } else {
    result = removeFile(dir, child);
    if (result == 0) result = moveToName(dir, work, dir, child.name, child.nameLength);
  }
  if (result < 0) discardWorkFile(dir, work);
  else work.decRef();
  return result;
}

/** Moves `from` to a name that is free. The caller holds both directories' locks. */
export function moveToName(fromDir: Dentry, from: Dentry, toDir: Dentry, name: usize, length: u32): i32 {
  const found = lookupLocked(toDir, name, length);
  if (isError(found)) return <i32>found;
  const target = changetype<Dentry>(found);
  const result = moveFile(fromDir, from, toDir, target);
  target.decRef();
  return result;
}

/** Removes the whiteouts, and work files that were left, from an upper directory that shows nothing. */
export function clearDirectory(mount: Mount, dir: Dentry): i32 {
  // Whatever fails from here on, what the whiteouts hid must not come back.
  dir.file.opaque = true;
  const opened = dir.file.open(
    changetype<usize>(mount),
    dir,
    <u32>O_RDONLY | <u32>O_DIRECTORY | <u32>O_LARGEFILE,
  );
  if (isError(opened)) return <i32>opened;
  const description = changetype<FileDescription>(opened);
  const buffer = new EntryBuffer();
  let result: i32;
  do {
    result = buffer.fill(description, 0);
    if (result == 0) result = removeListed(dir, buffer);
  } while (result > 0);
  buffer.destroy();
  description.decRef();
  return result;
}

/** Removes what `buffer` lists; returns how many there were, or -errno. */
function removeListed(dir: Dentry, buffer: EntryBuffer): i32 {
  const locked = dir.file.lock.acquire();
  if (locked < 0) return locked;
  let removed = 0;
  let result = 0;
  while (result == 0 && buffer.next()) {
    if (buffer.isDots) continue;
    const found = lookupLocked(dir, buffer.name, buffer.nameLength);
    if (isError(found)) {
      result = <i32>found;
      break;
    }
    const child = changetype<Dentry>(found);
    const inode = child.inode;
    if (inode !== null) {
      const hidden = isWhiteout(inode) || isWorkName(child.name, child.nameLength);
      result = hidden ? removeFile(dir, child) : -ENOTEMPTY;
      removed++;
    }
    child.decRef();
  }
  dir.file.lock.release();
  return result < 0 ? result : removed;
}
