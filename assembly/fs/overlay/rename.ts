// rename in an overlay.
//
// Files are copied up and renamed in the upper layer; a whiteout stays where a lower layer has the old name. Directories that
// exist in the upper layer alone are renamed, and made opaque where a lower layer has the new name; others are EXDEV, as on
// Linux without redirect_dir, and mv copies them.
//
// All that can fail for want of space comes before the rename itself.

import { EINVAL, ENOENT, EPERM, EXDEV } from "../../abi/errno.ts";
import { RENAME_NOREPLACE } from "../../abi/fcntl.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { lookupLocked } from "../../vfs/lookup.ts";
import { Mount } from "../../vfs/mount.ts";
import { lockPair, unlockPair } from "../../vfs/vfs.ts";
import { copyUp, WHOLE } from "./copy-up.ts";
import { discardWorkFile, isWhiteout, isWorkName, makeWorkWhiteout, moveFile } from "./layer.ts";
import { checkEmpty } from "./listing.ts";
import { nodeOf, OverlayNode } from "./node.ts";
import { markRemoved } from "./remove.ts";
import { clearDirectory, hasLower, moveToName, placeDirectory } from "./upper-names.ts";

/** Moves `from` of `fromDirectory` to `to` of `toDirectory`, whose locks the caller holds. */
export function renameName(
  fromDirectory: OverlayNode,
  from: Dentry,
  toDirectory: OverlayNode,
  to: Dentry,
  flags: u32,
): i32 {
  if (flags & ~(<u32>RENAME_NOREPLACE)) return -EINVAL;
  if (isWorkName(to.name, to.nameLength)) return -EPERM;
  const node = nodeOf(from);
  if (node.isDirectory && node.lowerCount) return -EXDEV;
  let result = copyUp(node, WHOLE);
  if (result == 0) result = copyUp(toDirectory, WHOLE);
  if (result < 0) return result;
  const replaced = to.inode;
  if (replaced === null) return renameToFree(fromDirectory, from, toDirectory, to);
  const target = changetype<OverlayNode>(replaced);
  return target.isDirectory
    ? replaceDirectory(fromDirectory, from, toDirectory, to, target)
    : replaceTarget(fromDirectory, from, toDirectory, to, target);
}

function replaceDirectory(
  fromDirectory: OverlayNode,
  from: Dentry,
  toDirectory: OverlayNode,
  to: Dentry,
  target: OverlayNode,
): i32 {
  const locked = target.lock.acquire();
  if (locked < 0) return locked;
  let result = checkEmpty(target);
  if (result == 0) result = replaceTarget(fromDirectory, from, toDirectory, to, target);
  if (result == 0) target.dead = true;
  target.lock.release();
  return result;
}

function replaceTarget(
  fromDirectory: OverlayNode,
  from: Dentry,
  toDirectory: OverlayNode,
  to: Dentry,
  target: OverlayNode,
): i32 {
  // A copy-up of it ends first: it would make the name anew.
  const locked = target.copyUpLock.acquire();
  if (locked < 0) return locked;
  const result = renameToFree(fromDirectory, from, toDirectory, to);
  if (result == 0) markRemoved(target);
  target.copyUpLock.release();
  return result;
}

/** The rename in the upper layer, where the new name is free, a whiteout, or may be replaced. */
function renameToFree(fromDirectory: OverlayNode, from: Dentry, toDirectory: OverlayNode, to: Dentry): i32 {
  const covered = hasLower(fromDirectory, from.name, from.nameLength);
  if (covered < 0) return covered;
  const hides = hasLower(toDirectory, to.name, to.nameLength);
  if (hides < 0) return hides;
  const fromDir = fromDirectory.upper;
  const toDir = toDirectory.upper;
  if (fromDir === null || toDir === null) return -ENOENT;
  let result = lockPair(fromDir, toDir);
  if (result < 0) return result;
  const whiteout = covered ? makeWorkWhiteout(fromDir) : 0;
  if (isError(whiteout)) {
    result = <i32>whiteout;
  } else {
    result = renameUpper(fromDirectory.overlayFs.mountOf(0), fromDir, from, toDir, to, hides > 0);
    if (whiteout) {
      const work = changetype<Dentry>(whiteout);
      let placed = result;
      if (result == 0) placed = moveToName(fromDir, work, fromDir, from.name, from.nameLength);
      if (placed < 0) discardWorkFile(fromDir, work);
      else work.decRef();
    }
  }
  unlockPair(fromDir, toDir);
  return result;
}

function renameUpper(
  mount: Mount,
  fromDir: Dentry,
  from: Dentry,
  toDir: Dentry,
  to: Dentry,
  hides: bool,
): i32 {
  const foundOld = lookupLocked(fromDir, from.name, from.nameLength);
  if (isError(foundOld)) return <i32>foundOld;
  const old = changetype<Dentry>(foundOld);
  let result = old.isNegative ? -ENOENT : 0;
  let foundNew = errorOf(result);
  if (result == 0) foundNew = lookupLocked(toDir, to.name, to.nameLength);
  if (isError(foundNew)) {
    old.decRef();
    return <i32>foundNew;
  }
  const target = changetype<Dentry>(foundNew);
  const replaced = target.inode;
  const directory = old.file.isDirectory;
  if (directory && replaced !== null && isWhiteout(replaced)) {
    result = placeDirectory(fromDir, old, toDir, target);
  } else {
    if (replaced !== null && replaced.isDirectory) result = clearDirectory(mount, target);
    if (result == 0) result = moveFile(fromDir, old, toDir, target);
    if (result == 0 && directory && hides) {
      old.file.opaque = true;
      toDir.file.impure = true;
    }
  }
  if (result == 0 && (old.file.originIno || old.file.opaque)) toDir.file.impure = true;
  target.decRef();
  old.decRef();
  return result;
}
