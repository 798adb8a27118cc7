// overlay: one tree out of several, of which only the upper one is ever written (Linux: fs/overlayfs).
//
//   filesystem.ts      the layers, the options            node.ts          an inode: which layers' files it stands for
//   inode.ts           the operations                     layer.ts         work on a layer
//   layer-lookup.ts    a name, layer by layer             own-xattrs.ts, origin.ts, redirect.ts   what the upper layer notes
//   copy-up.ts         from a lower layer to the upper    index-dir.ts     hard links across copy-up
//   work.ts            files made before their place      oci.ts           whiteouts of image layers
//   listing.ts         merged directories                 upper-names.ts, remove.ts, rename.ts
//
// Layers belong to the overlay while it is mounted: as on Linux, what shows when somebody else changes them is not defined.

import { EINVAL } from "../../abi/errno.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { makeRootDentry } from "../../vfs/dcache.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { SINGLE_NAME, SINGLE_NAME_LENGTH } from "./copy-up.ts";
import { LOWERS_MAX, OVL_INDEX, OVL_REDIRECT, OverlayFilesystem } from "./filesystem.ts";
import { OverlayInode } from "./inode.ts";
import { findInLayer } from "./layer.ts";
import { makeDirectory, prepareWork } from "./work-directory.ts";

/** "upper", "work" */
const UPPER: usize = memory.data<u8>([0x75, 0x70, 0x70, 0x65, 0x72]);
const UPPER_LENGTH: u32 = 5;
const WORKDIR: usize = memory.data<u8>([0x77, 0x6f, 0x72, 0x6b]);
const WORKDIR_LENGTH: u32 = 4;

/** Overlays on each other, each of which asks the next (Linux: FILESYSTEM_MAX_STACK_DEPTH). */
const STACK_MAX: u32 = 2;

/** The options of an overlay that nobody gave any: as a container's root is best served. */
export const OVL_DEFAULT: u32 = OVL_REDIRECT | OVL_INDEX;

/**
 * A new overlay of directories; returns its root dentry with one reference, or an error. `upper` null makes it read-only.
 * `workdir` is an empty directory of the upper's file system, for this overlay alone; null: work files are made beside their
 * places, and there is no index. `lowers` is the address of `count` u32 addresses of dentries, topmost first. Takes references
 * of its own on all of them. `flags` are OVL_*.
 * Errors: EINVAL for no layers, too many, one that is no directory, overlays of overlays of overlays, or a workdir elsewhere than the upper layer, in it or above it;
 * and what making the work directories gives.
 */
export function mountOverlay(
  upper: Dentry | null,
  workdir: Dentry | null,
  lowers: usize,
  count: u32,
  flags: u32,
): usize {
  if (count > LOWERS_MAX || (upper === null && count == 0)) return errorOf(-EINVAL);
  if (upper !== null && !upper.file.isDirectory) return errorOf(-EINVAL);
  for (let i: u32 = 0; i < count; i++) {
    if (!changetype<Dentry>(<usize>load<u32>(lowers + ((<usize>i) << 2))).file.isDirectory)
      return errorOf(-EINVAL);
  }
  const fs = new OverlayFilesystem(upper, lowers, count, flags);
  if (fs.stackDepth > STACK_MAX) {
    fs.decRef();
    return errorOf(-EINVAL);
  }
  if (upper !== null && workdir !== null && !fs.readonly) {
    const prepared = prepareWork(fs, upper, workdir);
    if (prepared < 0) {
      fs.decRef();
      return errorOf(prepared);
    }
  }
  return makeRoot(fs, upper, lowers, count);
}

/**
 * mountOverlay() whose upper layer and work directory are made in `store`, an empty directory: the upper layer's has the owner and mode
 * of the topmost lower one, which it covers.
 */
export function mountOverlayInMemory(store: Dentry, lowers: usize, count: u32, flags: u32): usize {
  const top = changetype<Dentry>(<usize>load<u32>(lowers)).file;
  const upper = makeDirectory(store, UPPER, UPPER_LENGTH, top.mode & 0o7777, top.uid, top.gid);
  if (isError(upper)) return upper;
  const workdir = makeDirectory(store, WORKDIR, WORKDIR_LENGTH, 0o700, 0, 0);
  const result = isError(workdir)
    ? workdir
    : mountOverlay(changetype<Dentry>(upper), changetype<Dentry>(workdir), lowers, count, flags);
  changetype<Dentry>(upper).decRef();
  if (!isError(workdir)) changetype<Dentry>(workdir).decRef();
  return result;
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
  const root = makeRoot(new OverlayFilesystem(upper, lowers, 1, 0), copy, lowers, 1);
  if (copy !== null) copy.decRef();
  heap.free(lowers);
  return root;
}

/** The root dentry of `fs`: `top`, which is the upper layer's root or lies in it, over the lower layers' roots. */
function makeRoot(fs: OverlayFilesystem, top: Dentry | null, lowers: usize, count: u32): usize {
  const stack = count ? heap.alloc((<usize>count) << 3) : 0;
  for (let i: u32 = 0; i < count; i++) {
    const lower = changetype<Dentry>(<usize>load<u32>(lowers + ((<usize>i) << 2)));
    lower.incRef();
    store<u32>(stack + ((<usize>i) << 3), <u32>changetype<usize>(lower));
    store<u32>(stack + ((<usize>i) << 3), i + 1, 4);
  }
  if (top !== null) top.incRef();
  const inode = new OverlayInode(fs, top, stack, count, false);
  const root = makeRootDentry(fs, inode);
  inode.self = changetype<usize>(root);
  fs.decRef();
  return changetype<usize>(root);
}
