// Names of extended attributes, as a server lists them.

import { XATTR_NAME_MAX } from "../../abi/xattr.ts";
import { isText } from "../../p9/messages.ts";

const ACCESS_LIST = "system.posix_acl_access";
const DEFAULT_LIST = "system.posix_acl_default";

/**
 * Takes the access control lists' names out of a list of names, each with its NUL; returns the length of what is left, or -1
 * when it is no such list.
 */
export function keepStoredNames(list: usize, length: i32): i32 {
  let kept: i32 = 0;
  let at: i32 = 0;
  while (at < length) {
    let end = at;
    while (end < length && load<u8>(list + end) != 0) end++;
    const nameLength = end - at;
    if (end == length || nameLength == 0 || nameLength > XATTR_NAME_MAX) return -1;
    const name = list + at;
    if (!isText(name, nameLength, ACCESS_LIST) && !isText(name, nameLength, DEFAULT_LIST)) {
      memory.copy(list + kept, name, nameLength + 1);
      kept += nameLength + 1;
    }
    at = end + 1;
  }
  return kept;
}
