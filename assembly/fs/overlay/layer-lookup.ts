// The search for one name, layer by layer (Linux: struct ovl_lookup_data, ovl_lookup_layer(), ovl_lookup_single()).
//
// A directory's redirect changes what is looked for in the layers below: another name in the same directory, or, beginning with
// a slash, a path from the layers' roots. Each directory on such a path may be redirected, opaque or hidden in its turn.

import { EINVAL, ENAMETOOLONG } from "../../abi/errno.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { duplicate } from "../../lib/bytes.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { findInLayer } from "./layer.ts";
import { hasOciWhiteout, isOciName, isOciOpaque } from "./oci.ts";
import {
  getOwn,
  hasOwn,
  OPAQUE,
  opaqueOf,
  whiteoutKind,
  XATTR_METACOPY,
  XATTR_METACOPY_LENGTH,
  XATTR_REDIRECT,
  XATTR_REDIRECT_LENGTH,
} from "./own-xattrs.ts";

const SLASH: u8 = 0x2f;
const DOT: u8 = 0x2e;

@final
export class LayerLookup {
  /** No layer below counts. */
  stop: bool = false;
  isDirectory: bool = false;
  /** A regular file was found that has its data in a layer below. */
  metacopy: bool = false;
  /** A redirect was met: what is looked for is no longer the name that was asked for. */
  redirected: bool = false;
  private path: usize;

  constructor(
    name: usize,
    private length: u32,
  ) {
    this.path = duplicate(name, length);
  }

  destroy(): void {
    heap.free(this.path);
    free(this);
  }

  /** The layers below are searched from their roots. */
  get isAbsolute(): bool {
    return load<u8>(this.path) == SLASH;
  }

  /**
   * What a layer has, below `base`, which is its root when the search is absolute: a positive dentry with a reference, or 0, or
   * an error. `last`: no layer follows, so that it does not matter what this one hides.
   */
  find(base: Dentry, isUpper: bool, last: bool): usize {
    if (!this.isAbsolute) return this.findOne(base, 0, this.length, isUpper, last);
    // Counted from the end, since a redirect changes what is in front.
    let left = this.length - 1;
    base.incRef();
    let at = base;
    while (true) {
      const start = this.length - left;
      let end = start;
      while (end < this.length && load<u8>(this.path + end) != SLASH) end++;
      const isEnd = end == this.length;
      const found = this.findOne(at, start, end, isUpper, last);
      at.decRef();
      if (isError(found) || !found || isEnd) return found;
      at = changetype<Dentry>(found);
      left -= end - start + 1;
    }
  }

  /** The component in [start, end) of the path. */
  private findOne(base: Dentry, start: u32, end: u32, isUpper: bool, last: bool): usize {
    const name = this.path + start;
    const length = end - start;
    if (!isUpper && isOciName(name, length)) return 0;
    const found = findInLayer(base, name, length);
    if (isError(found)) return found;
    const hides = !isUpper && !last ? hasOciWhiteout(base, this.path + start, length) : 0;
    if (!found) {
      if (hides > 0) this.stop = true;
      return hides < 0 ? errorOf(hides) : 0;
    }
    const dentry = changetype<Dentry>(found);
    let kept = hides;
    if (kept >= 0) kept = this.look(dentry, start, end, isUpper, last);
    if (kept > 0) {
      if (hides > 0) this.stop = true;
      return found;
    }
    dentry.decRef();
    return errorOf(kept);
  }

  /** What `found` means for this search and for the layers below: 1 when it counts, 0 when not, or -errno. */
  private look(found: Dentry, start: u32, end: u32, isUpper: bool, last: bool): i32 {
    const inode = found.file;
    const isEnd = end == this.length;
    const whiteout = whiteoutKind(inode);
    if (whiteout < 0) return whiteout;
    if (whiteout || (isEnd && this.metacopy && !inode.isRegular)) {
      this.stop = true;
      return 0;
    }
    if (!inode.isDirectory) {
      this.stop = true;
      if (this.isDirectory || !isEnd) return 0;
      if (!inode.isRegular || last) return 1;
      const metacopy = hasOwn(inode, XATTR_METACOPY, XATTR_METACOPY_LENGTH);
      if (metacopy < 0) return metacopy;
      this.metacopy = metacopy > 0;
      this.stop = !this.metacopy;
      return metacopy ? this.followRedirect(found, start, end) : 1;
    }
    if (isEnd) this.isDirectory = true;
    if (last) return 1;
    let opaque = opaqueOf(inode);
    if (opaque < 0) return opaque;
    if (opaque != OPAQUE && !isUpper && isOciOpaque(found) > 0) opaque = OPAQUE;
    if (opaque == OPAQUE) {
      this.stop = true;
      return 1;
    }
    return this.followRedirect(found, start, end);
  }

  /** Puts the redirect of `found`, if there is one, in the place of the component in [start, end): 1, or -errno. */
  private followRedirect(found: Dentry, start: u32, end: u32): i32 {
    const text = heap.alloc(PATH_MAX);
    const got = getOwn(found.file, XATTR_REDIRECT, XATTR_REDIRECT_LENGTH, text, PATH_MAX);
    let result = got < 0 ? got : 1;
    if (got > 0) {
      const length = <u32>got;
      const absolute = load<u8>(text) == SLASH;
      // An absolute one in an opaque directory still leads on.
      if (absolute) this.stop = false;
      const kept: u32 = absolute ? 0 : start;
      const total = kept + length + (this.length - end);
      if (!isRedirect(text, length)) result = -EINVAL;
      else if (total >= <u32>PATH_MAX) result = -ENAMETOOLONG;
      else this.replace(kept, text, length, end, total);
    }
    heap.free(text);
    return result;
  }

  /** The path's first `kept` bytes, then the text, then what is behind `end`. */
  private replace(kept: u32, text: usize, length: u32, end: u32, total: u32): void {
    const path = heap.alloc(total);
    memory.copy(path, this.path, kept);
    memory.copy(path + kept, text, length);
    memory.copy(path + kept + length, this.path + end, this.length - end);
    heap.free(this.path);
    this.path = path;
    this.length = total;
    this.redirected = true;
  }
}

/** Whether a text is one name, or a path of names each behind one slash; no name is "." or "..". */
function isRedirect(text: usize, length: u32): bool {
  const absolute = load<u8>(text) == SLASH;
  let start: u32 = absolute ? 1 : 0;
  for (let i = start; i <= length; i++) {
    if (i < length && load<u8>(text + i) != SLASH) continue;
    if (i == start || (i < length && !absolute) || isDots(text + start, i - start)) return false;
    start = i + 1;
  }
  return true;
}

function isDots(name: usize, length: u32): bool {
  return length <= 2 && load<u8>(name) == DOT && load<u8>(name + length - 1) == DOT;
}
