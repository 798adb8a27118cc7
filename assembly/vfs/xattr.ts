// Extended attributes: who may see and change which, and what the kernel itself understands of them (Linux: fs/xattr.c,
// security/commoncap.c, fs/posix_acl.c).
//
//   user.      on regular files and directories, by the file's permissions
//   trusted.   needs CAP_SYS_ADMIN, and is hidden without it
//   security.  CAP_SYS_ADMIN to change; security.capability is CAP_SETFCAP's, and checked
//   system.    posix_acl_access and posix_acl_default: the inode's access control lists
//
// Names are whole, 1 to XATTR_NAME_MAX bytes, and values have at most XATTR_SIZE_MAX, both in kernel memory. Whether the mount may
// be written is the caller's to ask. All may sleep.

import { memoryIsShort } from "mm/page";
import { CAP_FSETID, CAP_SETFCAP, CAP_SYS_ADMIN } from "../abi/capability.ts";
import { EACCES, EINVAL, ENODATA, ENOSPC, EOPNOTSUPP, EPERM, ERANGE } from "../abi/errno.ts";
import { S_ISGID, S_ISVTX } from "../abi/stat.ts";
import {
  VFS_CAP_REVISION_2,
  VFS_CAP_REVISION_3,
  VFS_CAP_REVISION_MASK,
  XATTR_CAPS_SZ_2,
  XATTR_CAPS_SZ_3,
  XATTR_LIST_MAX,
} from "../abi/xattr.ts";
import { Credentials } from "../auth/credentials.ts";
import { equal } from "../lib/bytes.ts";
import { isError } from "../lib/result.ts";
import { Acl, checkAcl, decodeAcl } from "./acl.ts";
import { Dentry, Inode } from "./dentry.ts";
import { checkPermission, isOwnerOrCapable, MAY_READ, MAY_WRITE } from "./permission.ts";
import { moveTreeGeneration } from "./tree-generation.ts";

// Names as bytes. The first four are prefixes.
const USER: usize = memory.data<u8>([0x75, 0x73, 0x65, 0x72, 0x2e]);
const TRUSTED: usize = memory.data<u8>([0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e]);
const SYSTEM: usize = memory.data<u8>([0x73, 0x79, 0x73, 0x74, 0x65, 0x6d, 0x2e]);
/** "security.capability" */
const CAPABILITY: usize = memory.data<u8>([
  0x73, 0x65, 0x63, 0x75, 0x72, 0x69, 0x74, 0x79, 0x2e, 0x63, 0x61, 0x70, 0x61, 0x62, 0x69, 0x6c, 0x69, 0x74,
  0x79,
]);
/** "system.posix_acl_access" and its NUL. */
const ACL_ACCESS: usize = memory.data<u8>([
  0x73, 0x79, 0x73, 0x74, 0x65, 0x6d, 0x2e, 0x70, 0x6f, 0x73, 0x69, 0x78, 0x5f, 0x61, 0x63, 0x6c, 0x5f, 0x61,
  0x63, 0x63, 0x65, 0x73, 0x73, 0,
]);
/** "system.posix_acl_default" and its NUL. */
const ACL_DEFAULT: usize = memory.data<u8>([
  0x73, 0x79, 0x73, 0x74, 0x65, 0x6d, 0x2e, 0x70, 0x6f, 0x73, 0x69, 0x78, 0x5f, 0x61, 0x63, 0x6c, 0x5f, 0x64,
  0x65, 0x66, 0x61, 0x75, 0x6c, 0x74, 0,
]);
const USER_LENGTH: u32 = 5;
const TRUSTED_LENGTH: u32 = 8;
const SYSTEM_LENGTH: u32 = 7;
const SECURITY_LENGTH: u32 = 9;
const CAPABILITY_LENGTH: u32 = 19;
const ACL_ACCESS_LENGTH: u32 = 23;
const ACL_DEFAULT_LENGTH: u32 = 24;

function startsWith(name: usize, nameLength: u32, prefix: usize, prefixLength: u32): bool {
  return nameLength >= prefixLength && equal(name, prefix, prefixLength);
}

function isUser(name: usize, nameLength: u32): bool {
  return startsWith(name, nameLength, USER, USER_LENGTH);
}
export function isTrusted(name: usize, nameLength: u32): bool {
  return startsWith(name, nameLength, TRUSTED, TRUSTED_LENGTH);
}
function isSecurity(name: usize, nameLength: u32): bool {
  return startsWith(name, nameLength, CAPABILITY, SECURITY_LENGTH);
}
export function isFileCapability(name: usize, nameLength: u32): bool {
  return nameLength == CAPABILITY_LENGTH && equal(name, CAPABILITY, CAPABILITY_LENGTH);
}
export function isAccessAcl(name: usize, nameLength: u32): bool {
  return nameLength == ACL_ACCESS_LENGTH && equal(name, ACL_ACCESS, ACL_ACCESS_LENGTH);
}
export function isDefaultAcl(name: usize, nameLength: u32): bool {
  return nameLength == ACL_DEFAULT_LENGTH && equal(name, ACL_DEFAULT, ACL_DEFAULT_LENGTH);
}
/** The name of an access control list, whose length is aclNameLength(). */
export function aclName(isDefault: bool): usize {
  return isDefault ? ACL_DEFAULT : ACL_ACCESS;
}
export function aclNameLength(isDefault: bool): u32 {
  return isDefault ? ACL_DEFAULT_LENGTH : ACL_ACCESS_LENGTH;
}
/** Whether the name is that of a POSIX access control list. */
export function isAclName(name: usize, nameLength: u32): bool {
  return isAccessAcl(name, nameLength) || isDefaultAcl(name, nameLength);
}

/** Linux: xattr_permission(). `mask` is MAY_READ or MAY_WRITE. Errors: EPERM, ENODATA, EACCES. */
function checkXattr(inode: Inode, cred: Credentials, name: usize, nameLength: u32, mask: u32): i32 {
  const writes = mask == MAY_WRITE;
  if (isSecurity(name, nameLength) || startsWith(name, nameLength, SYSTEM, SYSTEM_LENGTH)) return 0;
  if (isTrusted(name, nameLength)) {
    if (cred.hasCapability(CAP_SYS_ADMIN)) return 0;
    return writes ? -EPERM : -ENODATA;
  }
  if (isUser(name, nameLength)) {
    if (!inode.isRegular && !inode.isDirectory) return writes ? -EPERM : -ENODATA;
    const sticky = inode.isDirectory && (inode.mode & <u32>S_ISVTX) != 0;
    if (sticky && writes && !isOwnerOrCapable(inode, cred)) return -EPERM;
  }
  return checkPermission(inode, cred, mask);
}

/** Who may change a security attribute (Linux: cap_inode_setxattr(), cap_inode_removexattr()). Nobody asks for what has no type (S_PRIVATE). */
function checkSecurity(inode: Inode, cred: Credentials, name: usize, nameLength: u32): i32 {
  if (inode.type == 0 || !isSecurity(name, nameLength) || isFileCapability(name, nameLength)) return 0;
  return cred.hasCapability(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/** EOPNOTSUPP for a namespace that there is not, EINVAL for the bare name of one (Linux: xattr_resolve_name()). */
function checkNamespace(name: usize, nameLength: u32): i32 {
  let prefix: u32 = 0;
  if (isUser(name, nameLength)) prefix = USER_LENGTH;
  else if (isTrusted(name, nameLength)) prefix = TRUSTED_LENGTH;
  else if (isSecurity(name, nameLength)) prefix = SECURITY_LENGTH;
  else return -EOPNOTSUPP;
  return nameLength == prefix ? -EINVAL : 0;
}

/** getxattr(2): the value's length. Errors: ENODATA, EACCES, EOPNOTSUPP, EINVAL, ERANGE. */
export function getXattr(
  inode: Inode,
  cred: Credentials,
  name: usize,
  nameLength: u32,
  out: usize,
  capacity: u32,
): i32 {
  if (isAclName(name, nameLength)) return getAcl(inode, isDefaultAcl(name, nameLength), out, capacity);
  let result = checkXattr(inode, cred, name, nameLength, MAY_READ);
  if (result == 0) result = checkNamespace(name, nameLength);
  if (result < 0) return result;
  if (isFileCapability(name, nameLength)) return getFileCapability(inode, out, capacity);
  return inode.getXattr(name, nameLength, out, capacity);
}

/** setxattr(2). `dentry` is the name by which it is made. Errors: EINVAL, EPERM, EACCES, EOPNOTSUPP, EEXIST, ENODATA, ENOSPC. */
export function setXattr(
  dentry: Dentry,
  cred: Credentials,
  name: usize,
  nameLength: u32,
  value: usize,
  length: u32,
  flags: u32,
): i32 {
  const inode = dentry.file;
  if (isAclName(name, nameLength)) {
    return setAcl(dentry, cred, isDefaultAcl(name, nameLength), value, length);
  }
  if (length && isFileCapability(name, nameLength)) {
    if (!isCapabilityValue(value, length)) return -EINVAL;
    if (!cred.hasCapability(CAP_SETFCAP)) return -EPERM;
  }
  const locked = inode.lock.acquire();
  if (locked < 0) return locked;
  let result = checkXattr(inode, cred, name, nameLength, MAY_WRITE);
  if (result == 0) result = checkSecurity(inode, cred, name, nameLength);
  if (result == 0) result = inode.prepareXattr(dentry, name, nameLength, false);
  if (result == 0) result = checkNamespace(name, nameLength);
  if (result == 0) result = inode.setXattr(name, nameLength, value, length, flags);
  inode.lock.release();
  return result;
}

/** removexattr(2). Errors: EPERM, EACCES, EOPNOTSUPP, EINVAL, ENODATA. */
export function removeXattr(dentry: Dentry, cred: Credentials, name: usize, nameLength: u32): i32 {
  const inode = dentry.file;
  if (isAclName(name, nameLength)) return setAcl(dentry, cred, isDefaultAcl(name, nameLength), 0, 0);
  const locked = inode.lock.acquire();
  if (locked < 0) return locked;
  let result = checkXattr(inode, cred, name, nameLength, MAY_WRITE);
  if (result == 0) result = checkSecurity(inode, cred, name, nameLength);
  const isCapability = inode.type != 0 && isFileCapability(name, nameLength);
  if (result == 0 && isCapability && !cred.hasCapability(CAP_SETFCAP)) result = -EPERM;
  if (result == 0) result = checkNamespace(name, nameLength);
  if (result == 0) result = inode.prepareXattr(dentry, name, nameLength, true);
  if (result == 0) result = inode.removeXattr(name, nameLength);
  inode.lock.release();
  return result;
}

/** listxattr(2): the length of the names, each with its NUL; with a `capacity` of 0 only that. Errors: ERANGE. */
export function listXattrs(inode: Inode, cred: Credentials, out: usize, capacity: u32): i32 {
  const told = inode.xattrListRoom();
  if (told != -EOPNOTSUPP && (told < 0 || !capacity)) return told;
  if (told > <i32>capacity) return -ERANGE;
  const room = <u32>XATTR_LIST_MAX + ACL_ACCESS_LENGTH + 1 + ACL_DEFAULT_LENGTH + 1;
  const names = heap.alloc(room);
  let length: u32 = 0;
  if (inode.accessAcl !== null) length = append(names, length, ACL_ACCESS, ACL_ACCESS_LENGTH + 1);
  if (inode.defaultAcl !== null) length = append(names, length, ACL_DEFAULT, ACL_DEFAULT_LENGTH + 1);
  const more = inode.listXattrs(names + length, <u32>XATTR_LIST_MAX);
  let result = more;
  if (more >= 0) {
    const seesTrusted = cred.hasCapability(CAP_SYS_ADMIN);
    length += seesTrusted ? <u32>more : dropTrusted(names + length, <u32>more);
    result = <i32>length;
    if (capacity && capacity < length) result = -ERANGE;
    else if (capacity) memory.copy(out, names, length);
  }
  heap.free(names);
  return result;
}

/** The length of all names, those of access control lists and those that only the privileged see among them; or -errno. */
export function roomForXattrs(inode: Inode): i32 {
  const told = inode.xattrListRoom();
  const length = told == -EOPNOTSUPP ? inode.listXattrs(0, 0) : told;
  if (length < 0 || told >= 0) return length;
  return (
    length +
    (inode.accessAcl !== null ? <i32>ACL_ACCESS_LENGTH + 1 : 0) +
    (inode.defaultAcl !== null ? <i32>ACL_DEFAULT_LENGTH + 1 : 0)
  );
}

function append(names: usize, length: u32, name: usize, nameLength: u32): u32 {
  memory.copy(names + length, name, nameLength);
  return length + nameLength;
}

/** Closes the gaps that names of trusted attributes leave; the length of what stays. */
function dropTrusted(names: usize, length: u32): u32 {
  let kept: u32 = 0;
  let at: u32 = 0;
  while (at < length) {
    let end = at;
    while (end < length && load<u8>(names + end) != 0) end++;
    end++;
    if (!isTrusted(names + at, end - at)) {
      memory.copy(names + kept, names + at, end - at);
      kept += end - at;
    }
    at = end;
  }
  return kept;
}

// ---- security.capability

/** Whether a value is one of the two forms that are written today (Linux: validheader()). */
function isCapabilityValue(value: usize, length: u32): bool {
  if (length < 4) return false;
  const revision = load<u32>(value) & <u32>VFS_CAP_REVISION_MASK;
  if (length == <u32>XATTR_CAPS_SZ_2) return revision == <u32>VFS_CAP_REVISION_2;
  return length == <u32>XATTR_CAPS_SZ_3 && revision == <u32>VFS_CAP_REVISION_3;
}

/**
 * The value as the initial user namespace sees it (Linux: cap_inode_getsecurity()): one whose root is ours has the second form.
 * Errors: ENODATA, EINVAL for what is no such value, ERANGE.
 */
function getFileCapability(inode: Inode, out: usize, capacity: u32): i32 {
  const value = heap.alloc(XATTR_CAPS_SZ_3);
  let result = inode.getXattr(CAPABILITY, CAPABILITY_LENGTH, value, XATTR_CAPS_SZ_3);
  if (result >= 0) {
    if (!isCapabilityValue(value, <u32>result)) {
      result = -EINVAL;
    } else if (result == XATTR_CAPS_SZ_3 && load<u32>(value, XATTR_CAPS_SZ_2) == 0) {
      store<u32>(value, (load<u32>(value) & ~(<u32>VFS_CAP_REVISION_MASK)) | <u32>VFS_CAP_REVISION_2);
      result = XATTR_CAPS_SZ_2;
    }
  }
  if (result > 0 && capacity) {
    if (capacity < <u32>result) result = -ERANGE;
    else memory.copy(out, value, result);
  }
  heap.free(value);
  return result;
}

/** Takes security.capability from a file whose contents or owner change (Linux: cap_inode_killpriv()). */
export function dropFileCapability(inode: Inode): i32 {
  const result = inode.removeXattr(CAPABILITY, CAPABILITY_LENGTH);
  return result == -ENODATA || result == -EOPNOTSUPP ? 0 : result;
}

// ---- Access control lists

/** Where others change the lists too they come with the attributes. */
function followAcls(inode: Inode): i32 {
  return inode.fs.revalidates ? inode.getAttributes() : 0;
}

/** Linux: vfs_get_acl(). Errors: EOPNOTSUPP, ENODATA, ERANGE. */
function getAcl(inode: Inode, isDefault: bool, out: usize, capacity: u32): i32 {
  if (!inode.fs.hasAcls || inode.isSymlink) return -EOPNOTSUPP;
  const known = followAcls(inode);
  if (known < 0) return known;
  const acl = isDefault ? inode.defaultAcl : inode.accessAcl;
  if (acl === null) return -ENODATA;
  if (capacity == 0) return <i32>acl.size;
  if (capacity < acl.size) return -ERANGE;
  acl.encode(out);
  return <i32>acl.size;
}

/** Sets the list that a value says, or removes it for an empty value (Linux: do_set_acl()). Errors: ENOSPC, EINVAL, EOPNOTSUPP; setLocked()'s. */
function setAcl(dentry: Dentry, cred: Credentials, isDefault: bool, value: usize, length: u32): i32 {
  let decoded: usize = 0;
  // Its file system has no bound for lists.
  if (length && memoryIsShort()) return -ENOSPC;
  if (length) {
    decoded = decodeAcl(value, length);
    if (isError(decoded)) return <i32>decoded;
  }
  const acl = changetype<Acl | null>(decoded);
  const inode = dentry.file;
  let result = inode.lock.acquire();
  if (result == 0) {
    result = setLocked(dentry, inode, cred, isDefault, acl);
    inode.lock.release();
  }
  if (acl !== null) acl.decRef();
  return result;
}

/** Linux: set_posix_acl(). Errors: EOPNOTSUPP, EACCES for the default list of what is no directory, EPERM, EINVAL. */
function setLocked(dentry: Dentry, inode: Inode, cred: Credentials, isDefault: bool, acl: Acl | null): i32 {
  if (!inode.fs.hasAcls || inode.isSymlink) return -EOPNOTSUPP;
  if (isDefault && !inode.isDirectory) return acl === null ? 0 : -EACCES;
  if (!isOwnerOrCapable(inode, cred)) return -EPERM;
  if (acl !== null) {
    const valid = checkAcl(acl);
    if (valid < 0) return valid;
  }
  // Of an overlay: what takes a bit from the mode is a change like any other, whatever comes of the list.
  const dropsSetGid =
    !isDefault &&
    (inode.mode & <u32>S_ISGID) != 0 &&
    !cred.inGroup(inode.gid) &&
    !cred.hasCapability(CAP_FSETID);
  let prepared = dropsSetGid ? inode.prepareChange(dentry) : 0;
  const name = isDefault ? ACL_DEFAULT : ACL_ACCESS;
  const nameLength = isDefault ? ACL_DEFAULT_LENGTH : ACL_ACCESS_LENGTH;
  if (prepared == 0) prepared = inode.prepareXattr(dentry, name, nameLength, acl === null && !dropsSetGid);
  if (prepared < 0) return prepared;
  if (isDefault) return inode.setAcl(true, acl, inode.mode);
  // The mode shows the list; a list that says no more than the mode is none.
  let mode = inode.mode;
  if (acl !== null) mode = (mode & ~(<u32>0o777)) | acl.modeBits;
  if (dropsSetGid) mode &= ~(<u32>S_ISGID);
  const result = inode.setAcl(false, acl !== null && acl.isMinimal ? null : acl, mode);
  if (result == 0 && inode.isDirectory) moveTreeGeneration();
  return result;
}

/** After a chmod: the access list says what the mode now does (Linux: posix_acl_chmod()). */
export function fitAclToMode(inode: Inode): void {
  const acl = inode.accessAcl;
  if (acl === null) return;
  const fitted = acl.withMode(inode.mode);
  inode.holdAcl(false, fitted);
  fitted.decRef();
}

/**
 * Gives a new inode the default list of its directory (Linux: posix_acl_create()): its mode, to which no umask was applied, keeps
 * what both say. Of symbolic links there are none.
 */
export function inheritAcls(directory: Inode, inode: Inode): void {
  const acl = directory.defaultAcl;
  if (acl === null || inode.isSymlink) return;
  const own = acl.forNewFile(inode.mode);
  inode.mode = (inode.mode & ~(<u32>0o777)) | own.modeBits;
  if (!own.isMinimal) inode.holdAcl(false, own);
  own.decRef();
  if (inode.isDirectory) inode.holdAcl(true, acl);
}
