// rename in an overlay (Linux: ovl_rename()).
//
// What is renamed is copied up and renamed in the upper layer; a whiteout stays where a lower layer has the old name. A directory
// that has lower ones tells by a redirect where they are; one that has none is made opaque where its new parent is merged.
// Without redirects (redirect_dir=off) directories with lower ones are EXDEV, and mv(1) copies them.
//
// All that can fail for want of space comes before the rename itself.

import { EINVAL, ENOENT, EOPNOTSUPP, EXDEV } from "../../abi/errno.ts";
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from "../../abi/fcntl.ts";
import { REFUSED_NO_REDIRECT } from "../../abi/refusal.ts";
import { S_ISGID } from "../../abi/stat.ts";
import { isError } from "../../lib/result.ts";
import { refuse } from "../../sched/refusal.ts";
import { moveDentry } from "../../vfs/dcache.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { lookupLocked } from "../../vfs/lookup.ts";
import { lockPair, unlockPair } from "../../vfs/rename.ts";
import { copyUp, copyUpName, WHOLE } from "./copy-up.ts";
import { OVL_REDIRECT } from "./filesystem.ts";
import { exchangeFiles, findInLayer, isWhiteout, replaceFile } from "./layer.ts";
import { checkEmpty } from "./listing.ts";
import { nodeOf, OverlayNode } from "./node.ts";
import {
  hasOwn,
  OPAQUE,
  opaqueOf,
  setImpure,
  setOpaque,
  XATTR_ORIGIN,
  XATTR_ORIGIN_LENGTH,
} from "./own-xattrs.ts";
import { setRedirect } from "./redirect.ts";
import { markRemoved, prepareRemoval } from "./remove.ts";
import { checkName, clearDirectory, hasLower, isOfUpperAlone } from "./upper-names.ts";
import { discardWorkFile, makeWorkWhiteout, placeWorkFile } from "./work.ts";

/** Moves `from` of `fromDirectory` to `to` of `toDirectory`, whose locks the caller holds. */
export function renameName(
  fromDirectory: OverlayNode,
  from: Dentry,
  toDirectory: OverlayNode,
  to: Dentry,
  flags: u32,
): i32 {
  if (flags & ~(<u32>(RENAME_NOREPLACE | RENAME_EXCHANGE))) return -EINVAL;
  const exchange = (flags & <u32>RENAME_EXCHANGE) != 0;
  if (!canMove(from) || (exchange && !canMove(to))) return refuse(EXDEV, REFUSED_NO_REDIRECT);
  const replaced = to.inode;
  if (exchange || replaced === null || !replaced.isDirectory) {
    return renameChecked(fromDirectory, from, toDirectory, to, exchange);
  }
  const target = changetype<OverlayNode>(replaced);
  // Nothing is made in it meanwhile.
  const locked = target.lock.acquire();
  if (locked < 0) return locked;
  // Linux leaves it to the upper layer's rename to find a name in a directory that is there alone.
  let result = isOfUpperAlone(target) ? 0 : checkEmpty(target);
  if (result == 0) result = renameChecked(fromDirectory, from, toDirectory, to, false);
  if (result == 0) target.dead = true;
  target.lock.release();
  return result;
}

/** The directory of a name that is to be replaced is empty as far as the overlay has to see to it, and locked. */
function renameChecked(
  fromDirectory: OverlayNode,
  from: Dentry,
  toDirectory: OverlayNode,
  to: Dentry,
  exchange: bool,
): i32 {
  let result = exchange ? 0 : checkName(toDirectory, to.name, to.nameLength);
  if (result == 0) result = copyUpName(from);
  if (result == 0) result = copyUp(toDirectory, WHOLE);
  if (result == 0 && exchange) result = copyUpName(to);
  else if (result == 0 && !to.isNegative) result = prepareRemoval(to);
  if (result < 0) return result;
  if (exchange) return exchangeNames(fromDirectory, from, toDirectory, to);
  const replaced = to.inode;
  if (replaced === null) return moveName(fromDirectory, from, toDirectory, to);
  return replaceTarget(fromDirectory, from, toDirectory, to, changetype<OverlayNode>(replaced));
}

/** Without redirects, a directory that lower layers have stays where it is. */
function canMove(dentry: Dentry): bool {
  const node = nodeOf(dentry);
  return !node.isDirectory || !node.lowerCount || (node.overlayFs.flags & OVL_REDIRECT) != 0;
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
  const result = moveName(fromDirectory, from, toDirectory, to);
  if (result == 0) markRemoved(target);
  target.copyUpLock.release();
  return result;
}

/** Marks what `from` needs to mean the same below `toDirectory`; both are in the upper layer. */
function prepareMove(fromDirectory: OverlayNode, from: Dentry, toDirectory: OverlayNode): i32 {
  const node = nodeOf(from);
  const stays = fromDirectory === toDirectory;
  const toDir = toDirectory.upper;
  const upper = node.upper;
  if (toDir === null || upper === null) return -ENOENT;
  if (!stays) {
    const merged = node.isDirectory && node.lowerCount > 0;
    const copied = merged ? 1 : hasOwn(upper.file, XATTR_ORIGIN, XATTR_ORIGIN_LENGTH);
    const marked = copied > 0 ? setImpure(toDir.file) : copied;
    if (marked < 0) return marked;
  }
  if (!node.isDirectory) return 0;
  if (node.lowerCount) return setRedirect(from, stays);
  if (!toDirectory.lowerCount) return 0;
  const opaque = opaqueOf(upper.file);
  if (opaque < 0 || opaque == OPAQUE) return min(opaque, 0);
  const result = setOpaque(upper.file);
  return result == -EOPNOTSUPP ? -EXDEV : result;
}

function exchangeNames(fromDirectory: OverlayNode, from: Dentry, toDirectory: OverlayNode, to: Dentry): i32 {
  const fromDir = fromDirectory.upper;
  const toDir = toDirectory.upper;
  if (fromDir === null || toDir === null) return -ENOENT;
  let result = prepareMove(fromDirectory, from, toDirectory);
  if (result == 0) result = prepareMove(toDirectory, to, fromDirectory);
  if (result == 0) result = lockPair(fromDir, toDir);
  if (result < 0) return result;
  const foundOld = lookupLocked(fromDir, from.name, from.nameLength);
  const foundNew = lookupLocked(toDir, to.name, to.nameLength);
  if (isError(foundOld)) result = <i32>foundOld;
  else if (isError(foundNew)) result = <i32>foundNew;
  else {
    const old = changetype<Dentry>(foundOld);
    const other = changetype<Dentry>(foundNew);
    if (old.isNegative || other.isNegative) result = -ENOENT;
    else result = exchangeFiles(fromDir, old, toDir, other);
  }
  if (!isError(foundOld)) changetype<Dentry>(foundOld).decRef();
  if (!isError(foundNew)) changetype<Dentry>(foundNew).decRef();
  unlockPair(fromDir, toDir);
  return result;
}

/** The rename in the upper layer, where the new name is free, a whiteout, or may be replaced. */
function moveName(fromDirectory: OverlayNode, from: Dentry, toDirectory: OverlayNode, to: Dentry): i32 {
  const covered = hasLower(fromDirectory, from.name, from.nameLength);
  if (covered < 0) return covered;
  const fromDir = fromDirectory.upper;
  const toDir = toDirectory.upper;
  if (fromDir === null || toDir === null) return -ENOENT;
  let result = prepareMove(fromDirectory, from, toDirectory);
  if (result == 0) result = clearTarget(toDirectory, toDir, to);
  if (result < 0) return result;
  if (!covered) return moveUpper(fromDir, from, toDir, to, MOVE);
  result = moveUpper(fromDir, from, toDir, to, MOVE_WHITEOUT);
  if (result != -EINVAL && result != -EOPNOTSUPP) return result;
  return moveLeavingWhiteout(fromDirectory, fromDir, from, toDir, to);
}

/** A directory to be replaced loses the whiteouts in it. */
function clearTarget(toDirectory: OverlayNode, toDir: Dentry, to: Dentry): i32 {
  if (to.isNegative || !to.file.isDirectory || isOfUpperAlone(nodeOf(to))) return 0;
  const found = findInLayer(toDir, to.name, to.nameLength);
  if (isError(found) || !found) return <i32>found;
  const target = changetype<Dentry>(found);
  const result = target.file.isDirectory ? clearDirectory(toDirectory.overlayFs.mountOf(0), target) : 0;
  target.decRef();
  return result;
}

/** On a file system whose rename cannot leave one: the whiteout is made first, and put in its place last. */
function moveLeavingWhiteout(
  fromDirectory: OverlayNode,
  fromDir: Dentry,
  from: Dentry,
  toDir: Dentry,
  to: Dentry,
): i32 {
  const made = makeWorkWhiteout(fromDirectory.overlayFs.workFor(fromDir));
  if (isError(made)) return <i32>made;
  const work = changetype<Dentry>(made);
  const result = moveUpper(fromDir, from, toDir, to, MOVE);
  let placed = result;
  if (result == 0) placed = placeWorkFile(work, fromDir, from.name, from.nameLength);
  if (placed < 0) discardWorkFile(work);
  else work.decRef();
  return result;
}

const MOVE: u32 = 0;
/** A whiteout is left in the old place. */
const MOVE_WHITEOUT: u32 = 1;

function moveUpper(fromDir: Dentry, from: Dentry, toDir: Dentry, to: Dentry, how: u32): i32 {
  let result = lockPair(fromDir, toDir);
  if (result < 0) return result;
  const foundOld = lookupLocked(fromDir, from.name, from.nameLength);
  const foundNew = lookupLocked(toDir, to.name, to.nameLength);
  if (isError(foundOld)) result = <i32>foundOld;
  else if (isError(foundNew)) result = <i32>foundNew;
  else {
    const old = changetype<Dentry>(foundOld);
    const target = changetype<Dentry>(foundNew);
    if (old.isNegative) result = -ENOENT;
    else if (how == MOVE) result = replaceFile(fromDir, old, toDir, target);
    else result = moveWithWhiteout(fromDir, old, toDir, target);
  }
  if (!isError(foundOld)) changetype<Dentry>(foundOld).decRef();
  if (!isError(foundNew)) changetype<Dentry>(foundNew).decRef();
  unlockPair(fromDir, toDir);
  return result;
}

/** A whiteout in the new place goes to the old one. Errors: EINVAL when the file system can do no such thing. */
function moveWithWhiteout(fromDir: Dentry, old: Dentry, toDir: Dentry, target: Dentry): i32 {
  const replaced = target.inode;
  if (replaced !== null && isWhiteout(replaced)) return exchangeFiles(fromDir, old, toDir, target);
  // Only what can fail in the same way without the flag may fail with it.
  if (replaced !== null && replaced.isDirectory != old.file.isDirectory) return -EINVAL;
  // It is the mounter's, as any file that he would make there.
  const group = fromDir.file.mode & <u32>S_ISGID ? fromDir.file.gid : 0;
  const result = fromDir.file.rename(old, toDir.file, target, <u32>RENAME_WHITEOUT, 0, group);
  if (result < 0) return result;
  if (replaced !== null && replaced.isDirectory) replaced.dead = true;
  moveDentry(old, target);
  return 0;
}
