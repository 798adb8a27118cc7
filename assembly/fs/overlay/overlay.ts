// overlay: one tree out of several, of which only the upper one is ever written (Linux: fs/overlayfs).
//
//   filesystem.ts      the layers                       node.ts          an inode: which layers' files it stands for
//   inode.ts           the operations                   layer.ts         work on a layer, whiteouts, work names
//   copy-up.ts         from a lower layer to the upper  upper-names.ts   names made and removed in the upper layer
//   listing.ts         merged directories               remove.ts, rename.ts
//
// Layers belong to the overlay while it is mounted: as on Linux, what shows when somebody else changes them is not defined.

import { EINVAL } from "../../abi/errno.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { SINGLE_NAME, SINGLE_NAME_LENGTH } from "./copy-up.ts";
import { LOWERS_MAX, OverlayFilesystem } from "./filesystem.ts";
import { OverlayInode } from "./inode.ts";
import { findInLayer } from "./layer.ts";

/**
 * A new overlay of directories; returns its root dentry with one reference, or an error. `upper` null makes it read-only.
 * `lowers` is the address of `count` u32 addresses of dentries, topmost first. Takes references of its own on all of them.
 * Errors: EINVAL for no layers, too many, or one that is no directory.
 */
export function mountOverlay(upper: Dentry | null, lowers: usize, count: u32): usize {
  if (count > LOWERS_MAX || (upper === null && count == 0)) return errorOf(-EINVAL);
  if (upper !== null && !upper.file.isDirectory) return errorOf(-EINVAL);
  for (let i: u32 = 0; i < count; i++) {
    if (!changetype<Dentry>(<usize>load<u32>(lowers + ((<usize>i) << 2))).file.isDirectory)
      return errorOf(-EINVAL);
  }
  return mountLayers(upper, upper, lowers, count);
}

/**
 * A new overlay of one regular file, `lower`: a bind mount that can be written. Its copy will be "file" in the directory
 * `upper`, which is for this mount alone. As mountOverlay() otherwise.
 */
export function mountOverlayFile(upper: Dentry, lower: Dentry): usize {
  if (!upper.file.isDirectory || !lower.file.isRegular) return errorOf(-EINVAL);
  const found = findInLayer(upper, SINGLE_NAME, SINGLE_NAME_LENGTH);
  if (isError(found)) return found;
  const lowers = heap.alloc(4);
  store<u32>(lowers, <u32>changetype<usize>(lower));
  const copy = changetype<Dentry | null>(found);
  const root = mountLayers(upper, copy, lowers, 1);
  if (copy !== null) copy.decRef();
  heap.free(lowers);
  return root;
}

/** Makes the file system and its root: `top`, which is `upper` or lies in it, over the lower layers' roots. */
function mountLayers(upper: Dentry | null, top: Dentry | null, lowers: usize, count: u32): usize {
  const fs = new OverlayFilesystem(upper, lowers, count);
  const stack = count ? heap.alloc((<usize>count) << 3) : 0;
  for (let i: u32 = 0; i < count; i++) {
    const lower = changetype<Dentry>(<usize>load<u32>(lowers + ((<usize>i) << 2)));
    lower.incRef();
    store<u32>(stack + ((<usize>i) << 3), <u32>changetype<usize>(lower));
    store<u32>(stack + ((<usize>i) << 3), i + 1, 4);
  }
  if (top !== null) top.incRef();
  const inode = new OverlayInode(fs, top, stack, count);
  const root = makeRootDentry(fs, inode);
  inode.self = changetype<usize>(root);
  fs.decRef();
  return changetype<usize>(root);
}
