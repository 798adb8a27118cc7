// fstflags: which times a set_times call sets, and to what.

import { EINVAL } from "../abi/errno.ts";
import * as abi from "../abi/wasi.ts";
import { ATTR_ATIME, ATTR_ATIME_SET, ATTR_MTIME, ATTR_MTIME_SET, Attributes } from "../vfs/attributes.ts";

/** Fills `a`; -EINVAL for unknown flags, or for a time that is to be both given and now. */
export function fillTimes(a: Attributes, atime: i64, mtime: i64, flags: u32): i32 {
  if (flags & ~(<u32>abi.FSTFLAGS_ALL)) return -EINVAL;
  const bothA = <u32>abi.FSTFLAGS_ATIM | <u32>abi.FSTFLAGS_ATIM_NOW;
  const bothM = <u32>abi.FSTFLAGS_MTIM | <u32>abi.FSTFLAGS_MTIM_NOW;
  if ((flags & bothA) == bothA || (flags & bothM) == bothM) return -EINVAL;
  if (flags & bothA) a.valid |= ATTR_ATIME;
  if (flags & bothM) a.valid |= ATTR_MTIME;
  if (flags & <u32>abi.FSTFLAGS_ATIM) {
    a.valid |= ATTR_ATIME_SET;
    a.atime = atime;
  }
  if (flags & <u32>abi.FSTFLAGS_MTIM) {
    a.valid |= ATTR_MTIME_SET;
    a.mtime = mtime;
  }
  return 0;
}
