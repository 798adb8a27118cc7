// Extended attributes of an overlay's files (Linux: fs/overlayfs/xattrs.c).
//
// The overlay's own attributes are not shown. A guest's attribute "trusted.overlay.x", which an overlay inside of this one may
// set, is "trusted.overlay.overlay.x" in the layer, and so out of the way.

import { allocDataPages, freePages } from "mm/page";
import { EINVAL, ENOMEM, EOPNOTSUPP, ERANGE } from "../../abi/errno.ts";
import { XATTR_LIST_MAX, XATTR_NAME_MAX } from "../../abi/xattr.ts";
import { equal } from "../../lib/bytes.ts";
import { errorOf } from "../../lib/result.ts";
import { Inode } from "../../vfs/dentry.ts";

/** "trusted.overlay.overlay." */
const ESCAPE: usize = memory.data<u8>([
  0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e, 0x6f, 0x76,
  0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e,
]);
const ESCAPE_LENGTH: u32 = 24;
/** Of it, what the overlay's own names begin with: "trusted.overlay." */
const PREFIX_LENGTH: u32 = 16;
/** What an escaped name has more: "overlay." */
const ESCAPE_MORE: u32 = 8;
const LIST_ORDER: u32 = 4;

function hasPrefix(name: usize, length: u32): bool {
  return length >= PREFIX_LENGTH && equal(name, ESCAPE, PREFIX_LENGTH);
}

function isEscaped(name: usize, length: u32): bool {
  return length >= ESCAPE_LENGTH && equal(name, ESCAPE, ESCAPE_LENGTH);
}

/** Whether an attribute of a layer's file is the overlay's. */
export function isOwnXattr(name: usize, length: u32): bool {
  return hasPrefix(name, length) && !isEscaped(name, length);
}

/** What is wrong with a guest's attribute name whatever the layers say: EINVAL for the bare prefix, EOPNOTSUPP for one too long to escape. */
export function checkName(name: usize, length: u32): i32 {
  if (!hasPrefix(name, length)) return 0;
  if (length == PREFIX_LENGTH) return -EINVAL;
  return length + ESCAPE_MORE > <u32>XATTR_NAME_MAX ? -EOPNOTSUPP : 0;
}

/** A guest's attribute name as the layers have it: `name` itself, or a heap copy that giveName() takes; or an error. */
export function takeName(name: usize, length: u32): usize {
  return hasPrefix(name, length) ? escapeName(name, length) : name;
}

function escapeName(name: usize, length: u32): usize {
  if (length + ESCAPE_MORE > <u32>XATTR_NAME_MAX) return errorOf(-EOPNOTSUPP);
  const escaped = heap.alloc(length + ESCAPE_MORE);
  memory.copy(escaped, ESCAPE, ESCAPE_LENGTH);
  memory.copy(escaped + ESCAPE_LENGTH, name + PREFIX_LENGTH, length - PREFIX_LENGTH);
  return escaped;
}

/** The length of a name that takeName() gave for `name`. */
export function takenLength(name: usize, taken: usize, length: u32): u32 {
  return taken == name ? length : length + ESCAPE_MORE;
}

export function giveName(name: usize, taken: usize): void {
  if (taken != name) heap.free(taken);
}

/** listXattrs() of `real` as a guest sees it. */
export function listFiltered(real: Inode, out: usize, capacity: u32): i32 {
  const size = real.listXattrs(0, 0);
  if (size <= 0) return size;
  const names = allocDataPages(LIST_ORDER);
  if (!names) return -ENOMEM;
  const got = real.listXattrs(names, <u32>XATTR_LIST_MAX);
  const result = got > 0 ? filter(names, <u32>got, out, capacity) : got;
  freePages(names);
  return result;
}

function filter(names: usize, size: u32, out: usize, capacity: u32): i32 {
  let used: u32 = 0;
  for (let at = names, end = names + size; at < end; ) {
    let length: u32 = 0;
    while (at + length < end && load<u8>(at + length)) length++;
    if (!isOwnXattr(at, length)) {
      const shown = isEscaped(at, length) ? length - ESCAPE_MORE : length;
      if (capacity) {
        if (used + shown + 1 > capacity) return -ERANGE;
        const kept = shown == length ? 0 : PREFIX_LENGTH;
        memory.copy(out + used, at, kept);
        memory.copy(out + used + kept, at + length - (shown - kept), shown - kept);
        store<u8>(out + used + shown, 0);
      }
      used += shown + 1;
    }
    at += length + 1;
  }
  return used;
}
