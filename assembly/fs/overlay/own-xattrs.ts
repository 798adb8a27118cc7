// The overlay's own extended attributes on files of its layers (Linux: fs/overlayfs/xattrs.c, namei.c, and "overlay file
// handles" in overlayfs.h). Their form is the kernel's, so that trees may be exchanged with it.
//
//   opaque     "y": hides what lower layers have in this directory; "x": files with the whiteout attribute count in it
//   redirect   the directory's name, or path from the layers' root, in the layers below
//   origin     a file handle of the lower file that this one is a copy of
//   impure     "y": entries may have an origin, or be merged directories
//   nlink      of an indexed file: what its link count lacks to that of the overlay, "U+1" or "L-1"
//   whiteout   an empty regular file with it is a whiteout
//   metacopy   the file has no data of its own; such layers are refused
//
// They are set without the file's lock: only the overlay looks at them, under its own locks.

import { ENODATA, EOPNOTSUPP, ERANGE } from "../../abi/errno.ts";
import { S_IFCHR } from "../../abi/stat.ts";
import { Inode } from "../../vfs/dentry.ts";

/** trusted.overlay.opaque */
export const XATTR_OPAQUE: usize = memory.data<u8>([
  0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e, 0x6f, 0x70,
  0x61, 0x71, 0x75, 0x65,
]);
export const XATTR_OPAQUE_LENGTH: u32 = 22;
/** trusted.overlay.redirect */
export const XATTR_REDIRECT: usize = memory.data<u8>([
  0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e, 0x72, 0x65,
  0x64, 0x69, 0x72, 0x65, 0x63, 0x74,
]);
export const XATTR_REDIRECT_LENGTH: u32 = 24;
/** trusted.overlay.origin */
export const XATTR_ORIGIN: usize = memory.data<u8>([
  0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e, 0x6f, 0x72,
  0x69, 0x67, 0x69, 0x6e,
]);
export const XATTR_ORIGIN_LENGTH: u32 = 22;
/** trusted.overlay.impure */
export const XATTR_IMPURE: usize = memory.data<u8>([
  0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e, 0x69, 0x6d,
  0x70, 0x75, 0x72, 0x65,
]);
export const XATTR_IMPURE_LENGTH: u32 = 22;
/** trusted.overlay.nlink */
export const XATTR_NLINK: usize = memory.data<u8>([
  0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e, 0x6e, 0x6c,
  0x69, 0x6e, 0x6b,
]);
export const XATTR_NLINK_LENGTH: u32 = 21;
/** trusted.overlay.whiteout */
export const XATTR_WHITEOUT: usize = memory.data<u8>([
  0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e, 0x77, 0x68,
  0x69, 0x74, 0x65, 0x6f, 0x75, 0x74,
]);
export const XATTR_WHITEOUT_LENGTH: u32 = 24;
/** trusted.overlay.metacopy */
export const XATTR_METACOPY: usize = memory.data<u8>([
  0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e, 0x6d, 0x65,
  0x74, 0x61, 0x63, 0x6f, 0x70, 0x79,
]);
export const XATTR_METACOPY_LENGTH: u32 = 24;

export const OPAQUE: i32 = 0x79;
export const OPAQUE_XWHITEOUTS: i32 = 0x78;

const YES: usize = memory.data<u8>([0x79]);

/** The value's length, or 0 when there is none, or the file cannot have one; or another -errno. */
export function getOwn(inode: Inode, name: usize, length: u32, out: usize, capacity: u32): i32 {
  const got = inode.getXattr(name, length, out, capacity);
  return got == -ENODATA || got == -EOPNOTSUPP ? 0 : got;
}

/** Whether the attribute is there, whatever its value: 1 or 0, or -errno. */
export function hasOwn(inode: Inode, name: usize, length: u32): i32 {
  const got = inode.getXattr(name, length, 0, 0);
  if (got >= 0) return 1;
  return got == -ENODATA || got == -EOPNOTSUPP ? 0 : got;
}

function getFlag(inode: Inode, name: usize, length: u32): i32 {
  const byte = heap.alloc(8);
  const got = getOwn(inode, name, length, byte, 1);
  const value: i32 = load<u8>(byte);
  heap.free(byte);
  if (got == 1) return value;
  // A longer value is none of ours.
  return got == -ERANGE ? 0 : got;
}

/** OPAQUE, OPAQUE_XWHITEOUTS, 0, or -errno. */
export function opaqueOf(inode: Inode): i32 {
  const value = getFlag(inode, XATTR_OPAQUE, XATTR_OPAQUE_LENGTH);
  return value == OPAQUE || value == OPAQUE_XWHITEOUTS || value < 0 ? value : 0;
}

export function setOpaque(inode: Inode): i32 {
  return inode.setXattr(XATTR_OPAQUE, XATTR_OPAQUE_LENGTH, YES, 1, 0);
}

/** 1, 0, or -errno. */
export function isImpure(inode: Inode): i32 {
  const value = getFlag(inode, XATTR_IMPURE, XATTR_IMPURE_LENGTH);
  return value < 0 ? value : value == OPAQUE ? 1 : 0;
}

/** 0 too when the file system has no attributes. */
export function setImpure(inode: Inode): i32 {
  if (isImpure(inode) == 1) return 0;
  const result = inode.setXattr(XATTR_IMPURE, XATTR_IMPURE_LENGTH, YES, 1, 0);
  return result == -EOPNOTSUPP ? 0 : result;
}

/** A character device 0:0, or an empty regular file with the attribute: 1, 0, or -errno. It hides the name in all layers below. */
export function whiteoutKind(inode: Inode): i32 {
  if (inode.type == <u32>S_IFCHR) return inode.rdev == 0 ? 1 : 0;
  if (!inode.isRegular || inode.size != 0) return 0;
  return hasOwn(inode, XATTR_WHITEOUT, XATTR_WHITEOUT_LENGTH);
}
