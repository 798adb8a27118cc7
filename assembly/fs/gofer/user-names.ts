// Names of an overlay's attributes on a server that may not set trusted ones, as an ordinary user's may not (Linux: overlayfs's
// userxattr): "trusted.overlay.x" is stored as "user.overlay.x", and a program's own "user.overlay.x" as "user.overlay.overlay.x",
// so that it cannot forge the overlay's. What trees hold is what Linux's overlay with userxattr writes and reads.

import { EOPNOTSUPP } from "../../abi/errno.ts";
import { XATTR_NAME_MAX } from "../../abi/xattr.ts";
import { errorOf } from "../../lib/result.ts";

/** "user.overlay.overlay." */
const USER: usize = memory.data<u8>([
  0x75, 0x73, 0x65, 0x72, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c,
  0x61, 0x79, 0x2e,
]);
/** Of it, "user.overlay." and "overlay." */
const USER_LENGTH: u32 = 13;
const MORE: u32 = 8;
/** "trusted.overlay." */
const TRUSTED: usize = memory.data<u8>([
  0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e,
]);
const TRUSTED_LENGTH: u32 = 16;

function begins(name: usize, length: u32, prefix: usize, prefixLength: u32): bool {
  return length >= prefixLength && memory.compare(name, prefix, prefixLength) == 0;
}

/** Whether it is the overlay's own; one of an overlay inside of it stays what it is, which the server refuses. */
function isOwn(name: usize, length: u32): bool {
  if (!begins(name, length, TRUSTED, TRUSTED_LENGTH)) return false;
  return !begins(name + TRUSTED_LENGTH, length - TRUSTED_LENGTH, USER + USER_LENGTH, MORE);
}

/** The length of what takeName() gives. */
export function storedLength(name: usize, length: u32): u32 {
  if (isOwn(name, length)) return length - TRUSTED_LENGTH + USER_LENGTH;
  return begins(name, length, USER, USER_LENGTH) ? length + MORE : length;
}

/** The name as the server stores it: `name` itself, or a heap copy; EOPNOTSUPP for one that gets too long. */
export function takeName(name: usize, length: u32): usize {
  const stored = storedLength(name, length);
  if (stored > <u32>XATTR_NAME_MAX) return errorOf(-EOPNOTSUPP);
  if (stored == length) return name;
  const prefix = stored > length ? USER_LENGTH + MORE : USER_LENGTH;
  const copy = heap.alloc(stored);
  memory.copy(copy, USER, prefix);
  memory.copy(copy + prefix, name + length - (stored - prefix), stored - prefix);
  return copy;
}

/** Takes the overlay's own names out of a list of names, each with its NUL, and shows a program's as it gave them; returns the length. */
export function showNames(list: usize, length: i32): i32 {
  let kept: i32 = 0;
  let at: i32 = 0;
  while (at < length) {
    let end = at;
    while (load<u8>(list + end) != 0) end++;
    const nameLength = <u32>(end - at);
    let from = list + at;
    if (begins(from, nameLength, USER, USER_LENGTH)) {
      if (begins(from, nameLength, USER, USER_LENGTH + MORE)) {
        // "user.overlay." in front of what stands behind the escape.
        from += MORE;
        memory.copy(from, USER, USER_LENGTH);
      } else {
        from = list + end + 1;
      }
    }
    const size = list + end + 1 - from;
    memory.copy(list + kept, from, size);
    kept += <i32>size;
    at = end + 1;
  }
  return kept;
}
