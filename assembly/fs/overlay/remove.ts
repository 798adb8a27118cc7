// unlink and rmdir in an overlay: the name leaves the upper layer, and a whiteout hides it where a lower layer has it.

import { ENOENT } from "../../abi/errno.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { copyUp, copyUpName, WHOLE } from "./copy-up.ts";
import { dropIndexEntry } from "./index-dir.ts";
import { checkEmpty } from "./listing.ts";
import { nodeOf, OverlayNode } from "./node.ts";
import { hasLower, isOfUpperAlone, removeUpper } from "./upper-names.ts";

/** Removes a file that is no directory. The caller holds the lock of `directory`. */
export function removeName(directory: OverlayNode, child: Dentry): i32 {
  const covered = hasLower(directory, child.name, child.nameLength);
  return covered < 0 ? covered : removeCovered(directory, child, covered > 0);
}

/** `covered`: a lower layer has the name. */
function removeCovered(directory: OverlayNode, child: Dentry, covered: bool): i32 {
  if (covered) {
    const copied = copyUp(directory, WHOLE);
    if (copied < 0) return copied;
  }
  const node = nodeOf(child);
  const counted = prepareRemoval(child);
  if (counted < 0) return counted;
  const upper = directory.upper;
  if (upper === null) return -ENOENT;
  const clear = node.isDirectory && (covered || !isOfUpperAlone(node));
  // A copy-up in progress ends first: it would make the name anew.
  const locked = node.copyUpLock.acquire();
  if (locked < 0) return locked;
  const result = removeUpper(directory, upper, child.name, child.nameLength, covered, clear);
  if (result == 0) markRemoved(node);
  node.copyUpLock.release();
  return result;
}

/** Removes an empty directory. The caller holds the lock of `directory`. */
export function removeDirectory(directory: OverlayNode, child: Dentry): i32 {
  const node = nodeOf(child);
  // Nothing is made in it meanwhile.
  const locked = node.lock.acquire();
  if (locked < 0) return locked;
  const covered = hasLower(directory, child.name, child.nameLength);
  let result = min(covered, 0);
  // Linux leaves it to the upper layer's rmdir to find a name in a directory that is there alone.
  if (result == 0 && (covered || !isOfUpperAlone(node))) result = checkEmpty(node);
  if (result == 0) result = removeCovered(directory, child, covered > 0);
  if (result == 0) node.dead = true;
  node.lock.release();
  return result;
}

/** An indexed file's name becomes one of the copy, whose link count then tells when the last name goes (Linux: ovl_nlink_start()). */
export function prepareRemoval(child: Dentry): i32 {
  return nodeOf(child).isIndexed ? copyUpName(child) : 0;
}

/** Notes that a name of `node` is gone. The caller holds its copyUpLock. */
export function markRemoved(node: OverlayNode): void {
  if (node.upper === null) node.unlinked = true;
  node.copyAttributes(node.real);
  if (node.nameCount > 0) node.nameCount--;
  if (node.isIndexed && node.nlink == 0) dropIndexEntry(node);
}
