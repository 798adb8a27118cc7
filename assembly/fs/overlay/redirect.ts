// trusted.overlay.redirect: what a renamed directory is called in the layers below (Linux: ovl_set_redirect()).

import { ENAMETOOLONG, EXDEV } from "../../abi/errno.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { nodeOf } from "./node.ts";
import { getOwn, XATTR_REDIRECT, XATTR_REDIRECT_LENGTH } from "./own-xattrs.ts";

const SLASH: u8 = 0x2f;

/**
 * Notes on the upper directory of `dentry`, which is about to be renamed, where its lower directories are: by its name when it
 * stays in its directory, else by a path from the layers' roots. Errors: EXDEV when that cannot be said, as where no directory
 * of a lower layer may be renamed: mv(1) then copies it.
 */
export function setRedirect(dentry: Dentry, stays: bool): i32 {
  const upper = nodeOf(dentry).upper;
  if (upper === null) return -EXDEV;
  const text = heap.alloc(PATH_MAX);
  let result = getOwn(upper.file, XATTR_REDIRECT, XATTR_REDIRECT_LENGTH, text, PATH_MAX);
  const known = result > 0 && (stays || load<u8>(text) == SLASH);
  if (result >= 0 && !known) {
    const length: i32 = stays ? <i32>dentry.nameLength : pathOf(dentry, text);
    if (stays) memory.copy(text, dentry.name, dentry.nameLength);
    const at = stays ? text : text + (PATH_MAX - max(length, 0));
    result =
      length < 0 ? length : upper.file.setXattr(XATTR_REDIRECT, XATTR_REDIRECT_LENGTH, at, <u32>length, 0);
  }
  heap.free(text);
  return result < 0 ? -EXDEV : 0;
}

/** Puts the path of a directory in the lower layers to the end of `buffer`, PATH_MAX bytes; returns its length or -errno. */
function pathOf(dentry: Dentry, buffer: usize): i32 {
  const name = heap.alloc(PATH_MAX);
  let used: u32 = 0;
  let result = 0;
  let at: Dentry | null = dentry;
  while (at !== null && at.parent !== null) {
    const upper = nodeOf(at).upper;
    result = upper === null ? 0 : getOwn(upper.file, XATTR_REDIRECT, XATTR_REDIRECT_LENGTH, name, PATH_MAX);
    if (result < 0) break;
    const from = result > 0 ? name : at.name;
    const length = result > 0 ? <u32>result : at.nameLength;
    const absolute = load<u8>(from) == SLASH;
    const size = absolute ? length : length + 1;
    if (used + size >= <u32>PATH_MAX) {
      result = -ENAMETOOLONG;
      break;
    }
    used += size;
    const to = buffer + (PATH_MAX - used);
    if (!absolute) store<u8>(to, SLASH);
    memory.copy(absolute ? to : to + 1, from, length);
    result = 0;
    if (absolute) break;
    at = at.parent;
  }
  heap.free(name);
  return result < 0 ? result : <i32>used;
}
