// Names in the upper layer's directories: made, also over whiteouts, and removed, also leaving whiteouts.

import { EEXIST, EIO, ENOENT, ENOTEMPTY, EOPNOTSUPP, EPERM } from "../../abi/errno.ts";
import { O_DIRECTORY, O_LARGEFILE, O_RDONLY } from "../../abi/fcntl.ts";
import { REFUSED_WHITEOUT_NAME } from "../../abi/refusal.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { refuse } from "../../sched/refusal.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { lookupLocked } from "../../vfs/lookup.ts";
import { Mount } from "../../vfs/mount.ts";
import { copyUp, WHOLE } from "./copy-up.ts";
import { EntryBuffer } from "./entry-buffer.ts";
import { findInLayer, makeFile, makeWhiteout, NewFile, removeFile } from "./layer.ts";
import { LayerLookup } from "./layer-lookup.ts";
import { OverlayNode } from "./node.ts";
import { isOciName } from "./oci.ts";
import { setOpaque, whiteoutKind } from "./own-xattrs.ts";
import { discardWorkFile, isWorkName, makeWorkFile, makeWorkWhiteout, placeWorkFile } from "./work.ts";

/** Whether the lower layers of a directory show a name: 1 or 0, or -errno. */
export function hasLower(directory: OverlayNode, name: usize, length: u32): i32 {
  const search = new LayerLookup(name, length);
  let result = 0;
  for (let i: u32 = 0; i < directory.lowerCount && !search.stop && result == 0; i++) {
    const last = i == directory.lowerCount - 1;
    const found = search.find(directory.lower(i), false, last);
    if (isError(found)) result = <i32>found;
    if (isError(found) || !found) continue;
    changetype<Dentry>(found).decRef();
    result = 1;
  }
  search.destroy();
  return result;
}

/** A directory of the upper layer alone, in which the overlay leaves nothing that it does not show. */
export function isOfUpperAlone(node: OverlayNode): bool {
  return node.upper !== null && !node.lowerCount && node.overlayFs.work !== null;
}

/** Whether a guest may give a file this name: 0 or -EPERM. */
export function checkName(directory: OverlayNode, name: usize, length: u32): i32 {
  const reserved = isOciName(name, length) || (directory.overlayFs.work === null && isWorkName(name, length));
  return reserved ? refuse(EPERM, REFUSED_WHITEOUT_NAME) : 0;
}

/**
 * Makes a file that `directory` does not show, over a whiteout perhaps: its upper dentry with a reference, or an error. The
 * caller holds the lock of `directory`. Errors: EPERM for names that are not to be made, EROFS, and what the layers give.
 */
export function makeUpper(directory: OverlayNode, name: usize, length: u32, file: NewFile): usize {
  let result = checkName(directory, name, length);
  if (result == 0) result = copyUp(directory, WHOLE);
  if (result < 0) return errorOf(result);
  const upper = directory.upper;
  if (upper === null) return errorOf(-ENOENT);
  result = upper.file.lock.acquire();
  if (result < 0) return errorOf(result);
  const found = lookupLocked(upper, name, length);
  if (isError(found)) {
    upper.file.lock.release();
    return found;
  }
  const child = changetype<Dentry>(found);
  const inode = child.inode;
  if (inode === null) result = makeFile(upper, child, file);
  upper.file.lock.release();
  if (inode === null) {
    // Nothing is below it: saying so spares later lookups the lower layers.
    const isNew = result == 0 && child.file.isDirectory && directory.isMerged;
    if (isNew && !directory.overlayFs.allowsOfflineChanges) setOpaque(child.file);
    if (result == 0) return found;
    child.decRef();
    return errorOf(result);
  }
  const whiteout = whiteoutKind(inode);
  child.decRef();
  if (whiteout <= 0) return errorOf(whiteout < 0 ? whiteout : -EEXIST);
  return makeOverWhiteout(directory, upper, name, length, file);
}

/** As makeUpper(), over a whiteout. A directory is opaque, so that what the whiteout hid stays hidden. */
function makeOverWhiteout(
  directory: OverlayNode,
  dir: Dentry,
  name: usize,
  length: u32,
  file: NewFile,
): usize {
  const made = makeWorkFile(directory.overlayFs.workFor(dir), file);
  if (isError(made)) return made;
  const work = changetype<Dentry>(made);
  let result = work.file.isDirectory ? setOpaque(work.file) : 0;
  // A name of another file keeps what that has.
  if (result == 0 && file.source === null) result = inheritFrom(dir.file, work.file);
  if (result == -EOPNOTSUPP) result = -EIO;
  if (result == 0) result = placeWorkFile(work, dir, name, length);
  if (result == 0) return made;
  discardWorkFile(work);
  return errorOf(result);
}

/** The work directory has no default list, and so gave none. */
function inheritFrom(directory: Inode, inode: Inode): i32 {
  const acl = directory.defaultAcl;
  if (acl === null || inode.isSymlink) return 0;
  const own = acl.forNewFile(inode.mode);
  const mode = (inode.mode & ~(<u32>0o777)) | own.modeBits;
  let result = inode.setAcl(false, own.isMinimal ? null : own, mode);
  own.decRef();
  if (result == 0 && inode.isDirectory) result = inode.setAcl(true, acl, mode);
  return result;
}

/**
 * Removes a name that the upper directory `dir` of `directory` may have, and leaves a whiteout if `cover`. With `clear` a directory
 * loses the whiteouts in it first.
 */
export function removeUpper(
  directory: OverlayNode,
  dir: Dentry,
  name: usize,
  length: u32,
  cover: bool,
  clear: bool,
): i32 {
  const found = findInLayer(dir, name, length);
  if (isError(found)) return <i32>found;
  const child = changetype<Dentry | null>(found);
  let result = 0;
  if (clear && child !== null && child.file.isDirectory) {
    result = clearDirectory(directory.overlayFs.mountOf(0), child);
  }
  if (result == 0) {
    if (!cover) result = child === null ? -ENOENT : removeLocking(dir, child);
    // In the work directory a whiteout gets no access list.
    else if (child === null && dir.file.defaultAcl === null) result = whiteoutLocking(dir, name, length);
    else result = coverFile(directory, dir, name, length);
  }
  if (child !== null) child.decRef();
  return result;
}

function removeLocking(dir: Dentry, child: Dentry): i32 {
  const locked = dir.file.lock.acquire();
  if (locked < 0) return locked;
  const result = removeFile(dir, child);
  dir.file.lock.release();
  return result;
}

function whiteoutLocking(dir: Dentry, name: usize, length: u32): i32 {
  const locked = dir.file.lock.acquire();
  if (locked < 0) return locked;
  const result = makeWhiteout(dir, name, length);
  dir.file.lock.release();
  return result;
}

/** Puts a whiteout in the place of a file or an empty directory. The whiteout is made first: nothing is lost if that fails. */
function coverFile(directory: OverlayNode, dir: Dentry, name: usize, length: u32): i32 {
  const made = makeWorkWhiteout(directory.overlayFs.workFor(dir));
  if (isError(made)) return <i32>made;
  const work = changetype<Dentry>(made);
  const result = placeWorkFile(work, dir, name, length);
  if (result < 0) discardWorkFile(work);
  else work.decRef();
  return result;
}

/** Removes the whiteouts, and work files that were left, from an upper directory that shows nothing. */
export function clearDirectory(mount: Mount, dir: Dentry): i32 {
  // Whatever fails from here on, what the whiteouts hid must not come back.
  let result = 0;
  const opened = dir.file.open(
    changetype<usize>(mount),
    dir,
    <u32>O_RDONLY | <u32>O_DIRECTORY | <u32>O_LARGEFILE,
  );
  if (isError(opened)) return <i32>opened;
  const description = changetype<FileDescription>(opened);
  const buffer = new EntryBuffer();
  let marked = false;
  do {
    result = buffer.fill(description, 0);
    if (result == 0 && !marked && buffer.hasNames) {
      result = setOpaque(dir.file);
      if (result == -EOPNOTSUPP) result = 0;
      marked = true;
    }
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
      const hidden = whiteoutKind(inode) > 0 || isWorkName(child.name, child.nameLength);
      result = hidden ? removeFile(dir, child) : -ENOTEMPTY;
      removed++;
    }
    child.decRef();
  }
  dir.file.lock.release();
  return result < 0 ? result : removed;
}
