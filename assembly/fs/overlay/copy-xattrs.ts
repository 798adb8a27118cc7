// Copies extended attributes to the copy of a file (Linux: ovl_copy_xattr()).

import { allocDataPages, freePages } from "mm/page";
import { ENOMEM, EOPNOTSUPP } from "../../abi/errno.ts";
import { equal } from "../../lib/bytes.ts";
import { Inode } from "../../vfs/dentry.ts";
import { isAclName } from "../../vfs/xattr.ts";
import { isOwnXattr } from "./xattrs.ts";

/** 64 KiB: XATTR_LIST_MAX and XATTR_SIZE_MAX. */
const ROOM_ORDER: u32 = 4;
const ROOM: u32 = 65536;
/** "security." */
const SECURITY: usize = memory.data<u8>([0x73, 0x65, 0x63, 0x75, 0x72, 0x69, 0x74, 0x79, 0x2e]);
const SECURITY_LENGTH: u32 = 9;

/** The access control lists of a file. Its mode, which they go with, was copied. */
export function copyAcls(from: Inode, to: Inode): i32 {
  const access = from.accessAcl;
  const inherited = from.defaultAcl;
  let result = 0;
  if (access !== null) result = to.setAcl(false, access, to.mode);
  if (result == 0 && inherited !== null) result = to.setAcl(true, inherited, to.mode);
  return result;
}

/** All but the overlay's own and the access control lists. What the upper file system does not know is left out, unless it decides on permission. */
export function copyXattrs(from: Inode, to: Inode): i32 {
  const size = from.listXattrs(0, 0);
  if (size == 0 || size == -EOPNOTSUPP) return 0;
  if (size < 0) return size;
  const names = allocDataPages(ROOM_ORDER);
  const value = allocDataPages(ROOM_ORDER);
  let result = names && value ? from.listXattrs(names, ROOM) : -ENOMEM;
  const end = names + <usize>max(result, 0);
  for (let at = names; at < end && result >= 0; ) {
    let length: u32 = 0;
    while (at + length < end && load<u8>(at + length)) length++;
    if (!isOwnXattr(at, length) && !isAclName(at, length)) result = copyOne(from, to, at, length, value);
    at += length + 1;
  }
  if (names) freePages(names);
  if (value) freePages(value);
  return min(result, 0);
}

function copyOne(from: Inode, to: Inode, name: usize, length: u32, value: usize): i32 {
  const got = from.getXattr(name, length, value, ROOM);
  if (got < 0) return got;
  const result = to.setXattr(name, length, value, got, 0);
  return result == -EOPNOTSUPP && !mustCopy(name, length) ? 0 : result;
}

function mustCopy(name: usize, length: u32): bool {
  return length > SECURITY_LENGTH && equal(name, SECURITY, SECURITY_LENGTH);
}
